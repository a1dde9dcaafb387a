"""select.deita"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, TableStep


class Deita(TableStep):
    """Keep the best rows that are unlike each other: DEITA's choice, by score first and then by diversity.

    ## What it does
    Goes through the rows from the highest score down and keeps each whose vector is similar (cosine) to no row kept so
    far by more than `threshold`, until `count` rows are kept. `score` is a column of numbers, or of lists with one
    number per turn; several columns are multiplied, turn by turn. Lists are summed, as DEITA has it, or averaged
    (`turns: mean`), because sums favour long conversations. The best row always stays; equal scores go by row order.
    The evidence names each row's rank, its similarity to the nearest row kept before it, and which that is.

    ## Why
    A few thousand rows that are hard, good and unlike each other train better than the many they were taken from.
    The rule is easily turned around: a distance is not a similarity, and a row that was itself left out must keep
    nobody else out.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [
    ...     {"prompt": "?", "judge.score": score, "embed.vector": vector}
    ...     for score, vector in [(3.0, [1.0, 0.0]), (5.0, [1.0, 0.1]), (2.0, [0.0, 1.0])]
    ... ]
    >>> print(run_step(Deita(score="score", vectors="vector"), rows).line)
    3 in = 2 kept + 1 dropped (too_similar 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "too_similar": "a row with a higher score that stays is too similar",
        "not_among_best": "enough rows with higher scores stay",
        "no_value": "the row has no score or no vector",
    }

    score: str | tuple[str, ...] = Field(
        description="Column of the score, a number or a list of one number per turn; several columns are multiplied."
    )
    vectors: str = Field(description="Column of vectors (lists of numbers), one for each row, made by one embedder.")
    threshold: float = Field(
        0.9, ge=-1, le=1, description="Highest cosine similarity to a kept row at which a row stays, -1..1."
    )
    count: int | None = Field(None, ge=1, description="Rows that stay; without it only similarity keeps rows out.")
    turns: Literal["sum", "mean"] = Field("sum", description="What a list of one number per turn comes to.")
    nulls: Literal["keep", "drop"] = Field("drop", description="What becomes of rows without a score or a vector.")

    def _scores(self) -> tuple[str, ...]:
        return (self.score,) if isinstance(self.score, str) else self.score

    def reads(self) -> tuple[str, ...]:
        return (*self._scores(), self.vectors)

    def gathers_by(self) -> tuple[str, ...]:
        return ("score", "vectors", "turns")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        from tamis.engine.diverse import vectors_of
        from tamis.engine.turns import product

        columns = []
        for name in self._scores():
            try:
                columns.append((name, rows[name]))
                score = product([column for _, column in columns], self.turns)
            except TypeError as error:
                raise self._refusal(rows, name, str(error), "numbers, or lists of numbers") from None
        try:
            vectors = vectors_of(rows[self.vectors])
        except TypeError as error:
            raise self._refusal(rows, self.vectors, str(error), "lists of numbers") from None
        return {"score": score, "vector": vectors}

    def _refusal(self, rows: Columns, name: str, found: str, wanted: str) -> UsageError:
        return UsageError(f"step {self.name!r}: column {rows.find(name)!r} holds {found}, not {wanted}")

    def decide(self, table: Table) -> Verdict:
        from tamis.engine.diverse import choose, matrix

        score, vectors = table["score"], table["vector"]
        known = (score.is_not_null() & vectors.is_not_null()).to_numpy()
        rows = np.flatnonzero(known)
        values = score.to_numpy()[rows]
        order = np.lexsort((np.arange(len(rows)), -values))
        found = choose(matrix(vectors.filter(pl.Series(known))), order.astype(np.int64), self.threshold, self.count)
        near, beyond = np.zeros((2, table.height), np.bool_)
        near[rows] = found.near
        beyond[rows] = ~found.chosen & ~found.near
        rank = np.zeros(table.height, np.uint32)
        rank[rows[order]] = np.arange(1, len(rows) + 1)
        similarity = np.full(table.height, np.nan)
        similarity[rows] = found.similarity
        into = np.full(table.height, -1, np.int64)
        into[rows] = np.where(found.nearest < 0, -1, rows[found.nearest])
        ids = _ids(table, into)
        verdict = Verdict()
        if self.nulls == "drop":
            verdict = verdict.drop("no_value", when=pl.Series(~known))
        return (
            verdict.drop("too_similar", when=pl.Series(near))
            .drop("not_among_best", when=pl.Series(beyond))
            .note(
                rank=pl.Series(rank).replace(0, None),
                score=score,
                similarity=pl.Series(similarity).fill_nan(None),
                nearest=ids,
            )
        )


def _ids(table: Table, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pl.Series:
    """The ids of rows, null where there is none."""
    from tamis.engine.ids import hex_ids

    high, low = table.ids()
    at = np.maximum(rows, 0)
    ids = hex_ids(high[at], low[at]) if table.height else pl.Series([], dtype=pl.String)
    return ids.set(pl.Series(rows < 0), None)
