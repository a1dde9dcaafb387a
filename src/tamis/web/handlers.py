"""Which function answers which route of the contract, by the route's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .asked import Asked
from .rooms import (
    clusters,
    copies,
    decide,
    delivery,
    leaks,
    life,
    overview,
    privacy,
    prompts,
    queues,
    rows,
    session,
    similar,
    views,
)  # fmt: skip

HANDLERS: Mapping[str, Callable[[Asked], Any]] = {
    "session": session.session,
    "say_name": session.say_name,
    "overview": overview.overview,
    "rows": rows.rows,
    "facets": rows.facets,
    "row": life.row,
    "views": views.views,
    "save_view": views.save_view,
    "forget_view": views.forget_view,
    "queue": queues.queue,
    "progress": queues.progress,
    "agreement": queues.agreement,
    "disagreements": queues.disagreements,
    "similar": similar.similar,
    "decide": decide.decide,
    "undo": decide.undo,
    "history": decide.history,
    "clusterings": clusters.clusterings,
    "clustering": clusters.clustering,
    "cluster_flow": clusters.flow,
    "blind_test": clusters.blind_test,
    "blind_results": clusters.blind_results,
    "map": clusters.points,
    "map_texts": clusters.map_texts,
    "prompts": prompts.prompts,
    "pilot": prompts.pilot,
    "copies": copies.copies,
    "leaks": leaks.leaks,
    "privacy": privacy.privacy,
    "privacy_sample": privacy.sample,
    "check_privacy": privacy.check_privacy,
    "delivery": delivery.delivery,
}
