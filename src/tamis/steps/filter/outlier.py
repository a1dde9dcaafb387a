"""filter.outlier"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons, TableStep


class Outlier(TableStep):
    """Drop rows that are far from every cluster.

    ## What it does
    Reads the distance that a clustering step gave each row: to the nearest centre, 1 - cosine. Rows farther than `farther`
    leave; or the farthest `share` of all rows, rounded down, or of each group of `by`, so that wide clusters lose no more of
    theirs than narrow ones. Of equal distances the earlier row stays. The evidence holds the distance and its rank, 1 for the
    farthest, also of rows that stay. Rows without a distance are kept, or dropped with `nulls: drop`.

    ## Why
    What fits nowhere is often noise: a stray language, a pasted log, a test. It is as often the rare case that a model
    must see, so look at what leaves before it is trusted.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "cluster.kmeans.distance": far} for far in (0.2, 0.1, 0.9, 0.3)]
    >>> print(run_step(Outlier(share=0.25), rows).line)
    4 in = 3 kept + 1 dropped (far_from_clusters 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "far_from_clusters": "the row is too far from the centre of its cluster",
        "no_distance": "the row has no distance to a cluster",
    }

    distance: str = Field(
        "cluster.kmeans.distance", description="Column of distances, `<id of the clustering>.distance`."
    )
    farther: float | None = Field(None, gt=0, le=2, description="Greatest distance at which a row stays, 0..2.")
    share: float | None = Field(None, gt=0, lt=1, description="Instead: share of the rows that leaves, 0..1.")
    by: str | None = Field(
        None, description="With `share`: column of groups, such as `<id of the clustering>.cluster`."
    )
    nulls: Literal["keep", "drop"] = Field("keep", description="What becomes of rows without a distance.")

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.farther is None) == (self.share is None):
            raise ValueError("give either `farther` (a distance, 0..2) or `share` (0..1 of the rows)")
        if self.by is not None and self.share is None:
            raise ValueError(f"`by: {self.by}` has no effect with `farther`; set `share`")
        return self

    def reads(self) -> tuple[str, ...]:
        return (self.distance, *([self.by] if self.by else []))

    def gathers_by(self) -> tuple[str, ...]:
        return ("distance", "by")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        value = rows[self.distance]
        if rows.height and not (value.dtype.is_numeric() or value.dtype == pl.Null):  # a rehearsal knows no types
            raise UsageError(
                f"step {self.name!r}: column {rows.find(self.distance)!r} holds {value.dtype}, not distances",
                hint="name the column `<id of the clustering>.distance`",
            )
        far = value.cast(pl.Float64, strict=False).fill_nan(None)
        return {"far": far} if self.by is None else {"far": far, "group": rows[self.by]}

    def decide(self, table: Table) -> Verdict:
        far = table["far"]
        known = np.flatnonzero(far.is_not_null().to_numpy())
        group = np.zeros(table.height, np.int64)
        if self.by is not None:
            group = table["group"].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        order = known[
            np.lexsort((-known, -far.to_numpy()[known], group[known]))
        ]  # the farthest first, the last of equals
        _, begin, size = np.unique(group[order], return_index=True, return_counts=True)
        rank = np.zeros(table.height, np.uint32)
        rank[order] = np.arange(len(order)) - np.repeat(begin, size) + 1
        if self.share is None:
            beyond = far > self.farther
        else:
            share = Fraction(Decimal(str(self.share)))  # 0.1 of 30 is 3, not 2.9999999999999996
            leaves = np.zeros(table.height, np.int64)
            leaves[order] = np.repeat([int(share * int(n)) for n in size], size)
            beyond = pl.Series((rank > 0) & (rank <= leaves))
        verdict = drop("far_from_clusters", when=beyond, distance=far, rank=pl.Series(rank).replace(0, None))
        return verdict.drop("no_distance", when=far.is_null()) if self.nulls == "drop" else verdict
