"""select.top"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons

from ._draw import NO_VALUE, REJECTED, Drawing


class Top(Drawing):
    """Keep the best rows by a score, of all rows or of each group.

    ## What it does
    Keeps the `n` rows of each group of `by` with the best `score`; chance decides among equal ones, after `prefer`. Rows
    without a score stand behind all others and stay only where there are too few.

    ## Why
    `filter.quantile` keeps a share; a set of a fixed size needs a number.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "score": score} for score in (0.2, 0.9, 0.4, 0.7)]
    >>> result = run_step(Top(score="score", n=2), rows)
    >>> [row["source.score"] for row in result.kept]
    [0.9, 0.7]
    >>> print(result.line)
    4 in = 2 kept + 2 dropped (not_drawn 2)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "not_drawn": "the row is not among the best of its group",
        "rejected": REJECTED,
    }

    score: str = Field(description="The number rows are ranked by.")
    n: int = Field(ge=1, description="Rows of each group that stay.")
    by: str | tuple[str, ...] = Field((), description="Column or columns whose values make the groups.")
    best: Literal["highest", "lowest"] = Field("highest", description="Which end of the numbers is best.")

    def groups_by(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.score, *super().reads()]))

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        score = rows[self.score]
        if not (score.dtype.is_numeric() or score.dtype in (pl.Boolean, pl.Null)):
            raise UsageError(f"step {self.name!r}: column {rows.find(self.score)!r} holds {score.dtype}, not numbers")
        value = score.cast(pl.Float64).fill_nan(None)
        return {**super().gather(rows), "score": value if self.best == "lowest" else -value}

    def keys(self, table: Table) -> list[tuple[pl.Series, bool]]:
        return [(table["score"], False), *super().keys(table)]

    def decide(self, table: Table) -> Verdict:
        cell, values, _ = self.cells(table)
        names = [" | ".join(NO_VALUE if v is None else v for v in value) for value in values]
        return self.draw(table, cell, np.full(len(values), self.n, np.int64), names)
