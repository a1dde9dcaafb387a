"""split.time"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons
from tamis.engine.splits import cut_by_time, instants

from ._keys import Flags, Ints
from ._shared import LEAK, SplitStep


class Time(SplitStep):
    """Train on the past, test on what came after.

    ## What it does
    Orders rows by the column `by` and cuts: the oldest go to the first split, the newest to the last. Rows of the
    same time share a split, so each cut stands at the border between two times that is nearest to its share.
    Numbers are ordered as numbers; dates are read as ISO 8601 (a time without an offset is UTC), or by `format`.
    Copies of a prompt cannot stay together across time: `leaks` tells them, `on_leak: drop` takes the older ones.

    ## Why
    A model will meet tomorrow's requests. Tested on a random sample of the past it has seen their like.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": f"question {n}", "response": "yes", "day": f"2024-03-0{n}"} for n in (5, 1, 4, 2, 3)]
    >>> result = run_step(Time(by="day"), rows)
    >>> result.column("split")
    ['validation', 'train', 'train', 'train', 'train']
    >>> print(result.line)
    5 in = 5 kept
    """

    version: ClassVar[int] = 1
    seeded: ClassVar[bool] = False
    reasons: ClassVar[Reasons] = {"leak": LEAK, "undated": "there is no time in `by`, or it cannot be read"}

    by: str = Field(description="Column with the time: a date, an ISO 8601 text, or a number.")
    format: str | None = Field(None, description="How the texts are written, as strftime says it, such as `%d.%m.%Y`.")
    undated: Literal["first", "drop"] = Field(
        "first", description="Rows without a time: to the first split, or dropped."
    )

    def _by(self) -> tuple[str, ...]:
        return (self.by,)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return {**super().gather(rows), "time": instants(rows[self.by], self.format)}

    def decide(self, table: Table) -> Verdict:
        verdict = super().decide(table)
        missing = table["time"].is_null()
        return verdict.drop("undated", when=missing) if self.undated == "drop" else verdict

    def _place(self, table: Table, settled: Ints, joins: Flags) -> Ints:
        split = settled.copy()
        targets = self._targets(settled)
        inside = settled[(settled >= 0) & (settled < len(targets))]
        wanted = np.maximum(targets - np.bincount(inside, minlength=len(targets)), 0)
        times = table["time"].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        free = settled < 0
        split[free] = cut_by_time(times[free], wanted)
        return split
