"""dedup.semantic"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, TableStep
from tamis.engine.diverse import gathered, place_of

from ._keep import KeepFields


class Semantic(KeepFields):
    """Merge rows that mean nearly the same, whatever their words.

    ## What it does
    Compares the vectors of all rows that an `embed` step made. A row goes into the most similar row that stays when their
    cosine is at least `threshold`, never over a third one, and the evidence holds the cosine. Every such pair is found: no
    index guesses. Texts that mean the same but for a number or a denial are no copies: `guard` keeps rows apart whose numbers
    or whose count of denying words (`not`, `never`, `without` …; English, German, French and Spanish) differ. What else
    contradicts (`opens`, `closes`) it cannot tell. Rows without a vector match nothing.

    ## Why
    People ask the same in many words, and what is asked most then weighs most. Vectors find what shares no n-grams; they also
    find what says the opposite, for which a threshold is no help. The right threshold hangs on the embedder: look at what
    leaves (`tamis dropped`) before it is trusted.

    ## Example
    >>> from tamis.testing import run_step
    >>> said = {"Cancel my order": (1, 0.1), "Please call off my order": (1, 0.2), "Do not cancel my order": (1, 0.1)}
    >>> rows = [{"prompt": p, "vector": list(v)} for p, v in said.items()]
    >>> result = run_step(Semantic(vectors="column:vector"), rows)
    >>> round(result.evidence[1]["similarity"], 3)
    0.995
    >>> print(result.line)
    3 in = 2 kept + 1 merged (same_meaning 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"same_meaning": "a row that stays means nearly the same"}

    vectors: str = Field(
        "embed.text", description="The id of the step that embedded the rows, or `column:NAME` for a column of vectors."
    )
    view: View = Field(
        "prompt", alias="in", description="The text that was embedded: `guard` reads it, `keep: longest` measures it."
    )
    threshold: float = Field(0.9, gt=0, le=1, description="Cosine similarity from which on rows mean the same, 0..1.")
    floor: float = Field(
        0.85, gt=0, le=1, description="Similarities from here up are told in the evidence, of rows that stay too."
    )
    guard: tuple[Literal["numbers", "negation"], ...] = Field(
        ("numbers", "negation"), description="Rows whose texts differ in these are kept apart; empty: none are."
    )

    def place(self) -> str:
        """The column with the vectors or their keys, as a recipe names it."""
        return place_of(self.vectors)

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([self.place(), *TableStep.reads(self), *([self.by] if self.by else [])]))  # type: ignore[misc]

    def gathers_by(self) -> tuple[str, ...]:
        return ("vectors", "view", "guard", "keep", "by")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        from tamis.engine.contrary import kinds

        vector, text = gathered(rows, self.vectors), rows.text(self.view)
        kind = pl.select(pl.when(pl.lit(text).is_not_null()).then(pl.lit(kinds(text, self.guard)))).to_series()
        return {"vector": vector, "kind": kind, **self._gather_worth(rows)}

    def decide(self, table: Table) -> Verdict:
        from tamis.engine.neardup import ranked
        from tamis.engine.quantised import quantise
        from tamis.engine.semantic import Points, around_kept

        whole, points_somewhere = quantise(table.vectors("vector"))
        kind = table["kind"]
        known = points_somewhere & kind.is_not_null().to_numpy()
        number = kind.rank("dense").fill_null(0).to_numpy().astype(np.int64)
        order = ranked(self._worth(table), table.height)
        floor = min(self.floor, self.threshold)
        found = around_kept(Points(whole, number), order[known[order]], self.threshold, floor)
        into = pl.Series("into", np.where(found.stays, -1, found.nearest))
        similarity = pl.Series(found.similarity, nan_to_null=True)
        return Verdict().merge("same_meaning", into=into.set(into < 0, None), similarity=similarity)
