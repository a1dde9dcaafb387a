"""filter.outlier"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import ClassVar, Self

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
    Looks at the distance (1 - cosine) of each row from the centre of its cluster, which is the nearest there is, and drops
    rows beyond `max`, or the farthest `share` of the rows; of equally far ones, all stay. Rows without a distance, as they
    belong to no cluster or have no vector, stay.

    ## Why
    Requests that fit no topic are stray messages, other languages, tests and pranks more often than other rows are; but
    rare topics are among them too, so look at what is dropped. The distance itself tells out-of-scope requests apart better
    than its ratio to what is usual in the cluster does, which was measured.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "distance": far} for far in (0.2, 0.3, 0.9, None)]
    >>> print(run_step(Outlier(distance="distance", max=0.8), rows).line)
    4 in = 3 kept + 1 dropped (far 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"far": "the row is far from every cluster"}

    distance: str = Field("cluster.kmeans.distance", description="The column of distances that a clustering step set.")
    max: float | None = Field(None, ge=0, le=2, description="The largest distance kept, 0..2.")
    share: float | None = Field(None, ge=0, lt=1, description="Instead of `max`: the share of rows dropped at most.")

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.max is None) == (self.share is None):
            raise ValueError("give either `max` (a distance, 0..2) or `share` (of the rows, 0..1)")
        return self

    def reads(self) -> tuple[str, ...]:
        return (self.distance,)

    def gathers_by(self) -> tuple[str, ...]:
        return ("distance",)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        value = rows[self.distance]
        if not (value.dtype.is_numeric() or value.dtype == pl.Null or not rows.height):
            raise UsageError(f"step {self.name!r}: column {self.distance!r} holds {value.dtype}, not distances")
        return {"distance": value.cast(pl.Float64, strict=False).fill_nan(None)}

    def decide(self, table: Table) -> Verdict:
        far = table["distance"]
        limit = self.max
        if limit is None:
            known = np.sort(far.drop_nulls().to_numpy())
            dropped = floor(Fraction(str(self.share)) * len(known))
            limit = float(known[len(known) - dropped - 1]) if len(known) else 2.0
        return drop("far", when=far > limit, distance=far)
