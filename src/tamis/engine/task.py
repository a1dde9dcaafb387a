"""What a stage works on: steps as the engine calls them, partitions on their way, what was done to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tamis.core.step import Step

from .layers import Layer, LayeredReader, Mask
from .rescue import Rescued
from .store import Stored


@dataclass(frozen=True)
class Call:
    """A step as a stage runs it.

    identity: hash of the step, its files and library versions; sets: the columns it is known to set;
    gather_identity: for table steps, hash of what `gather` alone depends on.
    """

    step: Step
    identity: str
    seed: int
    only_source: str | None = None
    rescued: Rescued = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    gather_identity: str = ""


@dataclass(frozen=True)
class PartState:
    """A partition on its way through the recipe.

    content: hash of the base's content; versions: what each set column depends on; live: (rows,) bool;
    absent: columns of other sources, null here.
    """

    base: Stored
    rows: int
    source: str
    content: str
    columns: tuple[str, ...]
    layers: tuple[Layer, ...]
    versions: dict[str, str]
    live: Mask
    absent: Mapping[str, pl.DataType] = field(default_factory=dict)

    def reader(self, layers: Sequence[Layer] | None = None) -> LayeredReader:
        """Reads the partition's columns, with its layers or with those given."""
        return LayeredReader(self.base, self.columns, self.rows, self.layers if layers is None else layers, self.absent)

    @property
    def names(self) -> list[str]:
        return self.reader().names


@dataclass(frozen=True)
class Task:
    """One partition's work in a stage.

    ahead: table steps that follow at once; what they gather is gathered now, while the text is in memory.
    dry: only look what is cached, judge nothing.
    """

    state: PartState
    calls: tuple[Call, ...]
    cache: Path
    gather: Call | None = None
    ahead: tuple[Call, ...] = ()
    dry: bool = False


@dataclass
class Applied:
    """What one step did to one partition.

    outcomes: rows per index of judge.CODES, of the rows that were live (kept: of all of them, seen or not);
    reasons: rows per slug; part: fingerprint of the ledger part, None where there is nothing to say.
    """

    rows_in: int
    outcomes: list[int]
    reasons: dict[str, int]
    part: str | None
    not_applicable: int
    changed: int
    rescued: int
    stale: int
    judged_rows: int
    seconds: float


@dataclass
class Result:
    """A partition after a stage. `gathered`: the fingerprint of what the table step gathered."""

    state: PartState
    applied: list[Applied]
    gathered: str | None = None
    gathered_seen: Mask | None = None
    gathered_rows: int = 0
