"""What happens during a run, as typed events. The runner emits; displays and logs listen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Anything that happens."""

    @property
    def passing(self) -> bool:
        """Whether it is for displays alone: another of its kind follows at once, and no log keeps it."""
        return False

    def record(self) -> dict[str, Any]:
        """The event as one JSON object."""
        return {"event": type(self).__name__, **asdict(self)}


@dataclass(frozen=True)
class RunStarted(Event):
    run: str
    recipe: str
    steps: list[str]
    resumed: bool


@dataclass(frozen=True)
class StageStarted(Event):
    """A pass over the partitions begins. `rows` is the total it will see."""

    name: str
    steps: list[str]
    partitions: int
    rows: int
    unit: str = "rows"


@dataclass(frozen=True)
class PartitionDone(Event):
    """One partition of the present stage is through. `cached`: nothing had to be computed."""

    stage: str
    rows: int
    cached: bool


@dataclass(frozen=True)
class StageDone(Event):
    name: str
    seconds: float


@dataclass(frozen=True)
class StepDone(Event):
    """A step's account over all rows."""

    step: str
    counts: dict[str, int]
    reasons: dict[str, int] = field(default_factory=dict)
    cached_rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class CallsProgress(Event):
    """How far a step is with asking its models. Rows: `known` from earlier runs, `ok` and `failed` in this one.

    requests, cached and tokens are the step's; usd is what the run spent so far, None where a price is unknown.
    """

    step: str
    rows: int
    known: int
    ok: int
    failed: int
    requests: int
    cached: int
    tokens_in: int
    tokens_out: int
    usd: float | None
    usd_to_come: float | None
    window: int
    in_flight: int
    seconds: float
    reasons: dict[str, int] = field(default_factory=dict)
    last: bool = False

    @property
    def passing(self) -> bool:
        return not self.last


@dataclass(frozen=True)
class Warned(Event):
    message: str


@dataclass(frozen=True)
class RunDone(Event):
    run: str
    status: str
    seconds: float


Listener = Callable[[Event], None]


def quiet(event: Event) -> None:
    """A listener that does nothing."""
