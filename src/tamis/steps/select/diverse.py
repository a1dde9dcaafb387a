"""select.diverse"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons, TableStep
from tamis.engine.diverse import gathered, place_of


class Diverse(TableStep):
    """Keep `count` rows that cover what all rows are about.

    ## What it does
    Chooses by the vectors of an `embed` step. `facility`: always the row that makes rows nearest to a chosen one (facility
    location; judged by at most `ground` rows, evenly spaced). `k_centre`: always the row that is farthest from those chosen;
    it takes outliers first. `mmr`: always the row with the best `balance` of its `score` against its likeness to those
    chosen. Ties go by row order; chance has no part. The evidence holds the order in which rows were chosen, and of each row
    the most similar chosen one. Rows without a vector (or a score) are dropped, or kept beside with `nulls: keep`.

    ## Why
    Rows drawn by chance are the common cases many times over. Chosen to cover, the same number holds the rare ones too.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "vector": v} for v in ([1, 0], [1, 0.1], [0.9, 0], [0, 1])]
    >>> print(run_step(Diverse(count=2, vectors="column:vector"), rows).line)
    4 in = 2 kept + 2 dropped (not_chosen 2)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "not_chosen": "the rows that were chosen cover it",
        "no_value": "the row has no vector or no score",
    }

    vectors: str = Field(
        "embed.text", description="The id of the step that embedded the rows, or `column:NAME` for a column of vectors."
    )
    count: int = Field(ge=1, description="Rows that stay.")
    method: Literal["facility", "k_centre", "mmr"] = Field("facility", description="How rows are chosen.")
    score: str | None = Field(None, description="For `mmr`: the column of numbers that says what a row is worth.")
    balance: float = Field(
        0.5, ge=0, le=1, description="For `mmr`: 1 looks at the score alone (brought to 0..1), 0 at likeness alone."
    )
    ground: int = Field(2000, ge=1, le=20_000, description="For `facility`: rows by which a choice is judged, at most.")
    nulls: Literal["keep", "drop"] = Field("drop", description="What becomes of rows without a vector or a score.")

    @model_validator(mode="after")
    def _score_for_mmr(self) -> Self:
        if (self.method == "mmr") != (self.score is not None):
            raise ValueError("`score` is needed with `method: mmr`, and has no effect with another")
        return self

    def place(self) -> str:
        """The column with the vectors or their keys, as a recipe names it."""
        return place_of(self.vectors)

    def reads(self) -> tuple[str, ...]:
        return (self.place(), *([self.score] if self.score else []))

    def gathers_by(self) -> tuple[str, ...]:
        return ("vectors", "score")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:

        found = {"vector": gathered(rows, self.vectors)}
        if self.score:
            score = rows[self.score]
            if rows.height and not (score.dtype.is_numeric() or score.dtype in (pl.Boolean, pl.Null)):
                raise UsageError(
                    f"step {self.name!r}: column {rows.find(self.score)!r} holds {score.dtype}, not numbers"
                )
            found["score"] = score.cast(pl.Float64, strict=False).fill_nan(None)
        return found

    def decide(self, table: Table) -> Verdict:
        from tamis.engine.quantised import distance, quantise
        from tamis.engine.spread import best_servers, farthest_first, strided, worth_against_likeness

        whole, known = quantise(table.vectors("vector"))
        if self.score:
            known &= table["score"].is_finite().fill_null(False).to_numpy()
        rows = np.flatnonzero(known)
        rank, like = np.zeros(table.height, np.uint32), np.full(table.height, np.nan)
        count = min(self.count, len(rows))
        if count:
            some = whole[rows]
            if self.method == "k_centre":
                found = farthest_first(some, count)
            elif self.method == "facility":
                found = best_servers(some, count, np.fromiter(strided(len(rows), self.ground), np.int64))
            else:
                worth = table["score"].to_numpy()[rows]
                span = float(worth.max() - worth.min())
                found = worth_against_likeness(some, (worth - worth.min()) / (span or 1.0), count, self.balance)
            rank[rows[found.order]] = np.arange(1, count + 1)
            like[rows] = 1 - distance(found.product)
        out = pl.Series(known & (rank == 0))
        verdict = drop(
            "not_chosen", when=out, rank=pl.Series(rank).replace(0, None), similarity=pl.Series(like, nan_to_null=True)
        )
        if self.nulls == "drop":
            verdict = verdict.drop("no_value", when=pl.Series(~known))
        if count < self.count:
            verdict = verdict.warn(
                f"there are {len(rows):,} rows to choose from, {self.count - count:,} fewer than `count`"
            )
        return verdict
