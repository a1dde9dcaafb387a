"""filter.quantile"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons, TableStep


class Quantile(TableStep):
    """Keep the best share of the rows by a number, overall or within groups.

    ## What it does
    Ranks the rows by `column` within each group of `by` and keeps the first `share` of them, rounded up, so that no
    group is emptied; or the first `count`. Equal values rank in row order. Rows without a number are not ranked and
    not counted; `nulls` says what becomes of them. The evidence holds each row's rank and the size of its group.

    ## Why
    A score's scale rarely means anything, its order does: "the best half of every category" can be defended.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "score": score} for score in (0.2, 0.9, 0.4, 0.7)]
    >>> print(run_step(Quantile(column="score", share=0.5), rows).line)
    4 in = 2 kept + 2 dropped (below_quantile 2)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "below_quantile": "the row is not among the best of its group",
        "no_value": "the row has no number to rank it by",
    }

    column: str = Field(description="The number the rows are ranked by.")
    share: float | None = Field(None, gt=0, le=1, description="Share of each group that stays, 0..1, rounded up.")
    count: int | None = Field(None, ge=1, description="Instead of `share`: rows of each group that stay.")
    by: tuple[str, ...] = Field((), description="Columns that make the groups; without them all rows are one group.")
    order: Literal["highest", "lowest"] = Field("highest", description="Which end of the numbers is best.")
    nulls: Literal["keep", "drop"] = Field("keep", description="What becomes of rows without a number.")

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if (self.share is None) == (self.count is None):
            raise ValueError("give either `share` (0..1 of each group) or `count` (rows of each group)")
        return self

    def reads(self) -> tuple[str, ...]:
        return (self.column, *self.by)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        value = rows[self.column]
        if not (value.dtype.is_numeric() or value.dtype in (pl.Boolean, pl.Null)):
            raise UsageError(
                f"step {self.name!r}: column {rows.find(self.column)!r} holds {value.dtype}, not numbers",
                hint="rank by a column of numbers",
            )
        groups = {f"group{k}": rows[name] for k, name in enumerate(self.by)}
        return {"value": value.cast(pl.Float64).fill_nan(None), **groups}

    def decide(self, table: Table) -> Verdict:
        keys = [f"group{k}" for k in range(len(self.by))]
        gathered = pl.DataFrame([table["value"].alias("value"), *(table[key].alias(key) for key in keys)])
        best_first = gathered.with_row_index("row").filter(pl.col("value").is_not_null())
        best_first = best_first.sort("value", descending=self.order == "highest", maintain_order=True)
        one = pl.int_range(1, pl.len() + 1, dtype=pl.UInt32)
        size = pl.len().cast(pl.UInt32)
        ranked = best_first.select(
            "row",
            rank=one.over(keys) if keys else one,
            group_rows=size.over(keys) if keys else size,
        )
        placed = pl.DataFrame({"row": pl.int_range(table.height, dtype=pl.UInt32, eager=True)}).join(
            ranked, on="row", how="left", maintain_order="left"
        )
        sizes = placed["group_rows"].unique().drop_nulls()
        kept = {size: self._kept_of(size) for size in sizes.to_list()}
        limit = placed["group_rows"].replace_strict(kept, default=None, return_dtype=pl.UInt32)
        verdict = drop(
            "below_quantile", when=placed["rank"] > limit, rank=placed["rank"], group_rows=placed["group_rows"]
        )
        if self.nulls == "drop":
            verdict = verdict.drop("no_value", when=table["value"].is_null())
        return verdict

    def _kept_of(self, size: int) -> int:
        """How many of a group stay: in exact arithmetic, as 0.1 × 30 is 3, not 3.0000000000000004."""
        if self.count is not None:
            return min(self.count, size)
        return ceil(Fraction(Decimal(str(self.share))) * size)
