"""Which function answers which route of the contract, by the route's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .asked import Asked
from .rooms import delivery, overview, rows, session

HANDLERS: Mapping[str, Callable[[Asked], Any]] = {
    "session": session.session,
    "say_name": session.say_name,
    "overview": overview.overview,
    "rows": rows.rows,
    "facets": rows.facets,
    "delivery": delivery.delivery,
}
