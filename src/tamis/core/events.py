"""What happens during a run, as typed events. The runner emits; displays and logs listen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Anything that happens."""

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
