"""select.best_of"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict
from tamis.core.row import View, view_column
from tamis.core.step import Reasons, TableStep
from tamis.engine.hashing import keys


class BestOf(TableStep):
    """Keep the best of the answers to each prompt.

    ## What it does
    Rows whose `on` (a view, `column:NAME`, or a list of them) is the same to the byte are answers to one prompt. Of each
    such group the `count` rows with the highest `score` stay, ties by row order; the others are merged into the best
    one, or dropped (`others: drop`). Rows without a score come last, after every row that has one. Rows with nothing in
    `on` are nobody's rivals and stay. The evidence holds each row's rank and the size of its group.

    ## Why
    Several answers are asked for so that one can be chosen: rejection sampling, best of n. Duplicates that merely share
    a prompt would train the model on its own second choices.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "1+1?", "response": r, "judge.score": s} for r, s in (("3", 0), ("2", 4), ("two", 3))]
    >>> result = run_step(BestOf(score="score"), rows)
    >>> print(result.line)
    3 in = 1 kept + 2 merged (not_best 2)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_best": "another answer to the same prompt has a better score"}

    on: View | tuple[View, ...] = Field("prompt", description="What rows must share to be compared.")
    score: str = Field(description="Column of the score, a number.")
    order: Literal["highest", "lowest"] = Field("highest", description="Which score is best.")
    count: int = Field(1, ge=1, description="Rows that stay of each group.")
    others: Literal["merge", "drop"] = Field(
        "merge", description="What becomes of the others: merged into the best of their group, or dropped."
    )

    @model_validator(mode="after")
    def _there_is_a_key(self) -> BestOf:
        if not self.on:
            raise ValueError("`on` is empty; name at least one view or column")
        return self

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*map(view_column, self.views()), self.score]))

    def gathers_by(self) -> tuple[str, ...]:
        return ("on", "score")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        value = rows[self.score]
        if not (value.dtype.is_numeric() or value.dtype in (pl.Boolean, pl.Null)):
            raise UsageError(
                f"step {self.name!r}: column {rows.find(self.score)!r} holds {value.dtype}, not numbers",
                hint="choose by a column of numbers",
            )
        found = keys([rows.buffers(view) for view in self.views()], (), "xxh3")
        gathered = {"high": pl.Series(found.high), "low": pl.Series(found.low), "valid": pl.Series(found.valid)}
        return {**gathered, "score": value.cast(pl.Float64).fill_nan(None)}

    def decide(self, table: Table) -> Verdict:
        columns = {name: table[name] for name in ("high", "low", "score")}
        rows = pl.DataFrame(columns).with_row_index("row").filter(table["valid"])
        best_first = rows.sort("score", descending=self.order == "highest", nulls_last=True, maintain_order=True)
        group = ["high", "low"]
        ranked = best_first.select(
            "row",
            rank=pl.int_range(1, pl.len() + 1, dtype=pl.UInt32).over(group),
            answers=pl.len().cast(pl.UInt32).over(group),
            best=pl.col("row").first().over(group),
        )
        all_rows = pl.DataFrame({"row": pl.int_range(table.height, dtype=pl.UInt32, eager=True)})
        placed = all_rows.join(ranked, on="row", how="left", maintain_order="left")
        left = (placed["rank"] > self.count).fill_null(False)
        verdict = Verdict().note(rank=placed["rank"], answers=placed["answers"])
        if self.others == "drop":
            return verdict.drop("not_best", when=left)
        into = np.where(left.to_numpy(), placed["best"].fill_null(0).to_numpy().astype(np.int64), -1)
        known = pl.Series("into", into)
        return verdict.merge("not_best", into=known.set(known < 0, None))
