"""What the journal takes in and gives out."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """A reply as it came, with what its request was.

    usd: what it cost, None where that is unknown; held_usd: what a budget counts for it then, its worst case.
    """

    key: bytes
    kind: str
    place: str
    model: str
    prompt: bytes
    recipe: str
    request: bytes
    reply: bytes
    status: int
    seconds: float | None = None
    attempts: int | None = None
    answered: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None
    held_usd: float | None = None


class Stored(NamedTuple):
    """A reply found in the journal."""

    reply: bytes
    status: int
    answered: str | None
    tokens_in: int | None
    tokens_out: int | None
    usd: float | None


class Spent(NamedTuple):
    """What was spent. `usd` is the known part; `unknown`: calls whose cost is not known; `held_usd` counts them in
    at their worst case."""

    calls: int
    usd: float
    unknown: int
    held_usd: float


class Quantiles(NamedTuple):
    """Tokens of the replies to one prompt: how many were measured, their means, and the 95th percentiles."""

    replies: int
    in_mean: float
    out_mean: float
    in_p95: int
    out_p95: int
