"""dedup.substring"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, TableStep
from tamis.engine.passage_cut import Passages

VIEWS = ("response", "prompt", "system", "all", "text")


class Substring(TableStep):
    """Cut passages that stand in several rows, or drop the rows made of them.

    ## What it does
    A passage is repeated when `min_length` words in a row, or more, stand in at least `min_count` rows; every such
    passage is found, and its words are compared, letter for letter, before anything is done. Between words nothing
    counts but where a message, or fenced code, begins and ends; code itself is left alone unless `code` is set.
    `cut` takes the passage out of every row but the first that has it (`keep: none`: out of that too), shrunk to
    whole sentences or lines (`snap`); a row in which a message would be left empty is dropped. `drop` leaves texts
    as they are, and drops rows of which at least `share` of the words are repeated.
    By default answers are looked at; prompts hold templates that are meant to be there, so name them if you mean it.
    The evidence names the spans (message, first character, character after the last) and the row with the first copy.

    ## Why
    Signatures, disclaimers and stock phrases are learnt by heart: a model trained on enough of them adds them to
    everything. Rows that share them are no copies of each other, so no other step sees them.

    ## Example
    >>> from tamis.testing import run_step
    >>> close = "Please do not reply to this message, since nobody reads what is sent to this address."
    >>> rows = [{"response": f"{text} {close}"} for text in ("We shipped it.", "Try again.", "Two days.")]
    >>> result = run_step(Substring(min_length=10, min_count=3), rows)
    >>> [row["messages"][0]["content"][:20] for row in result.rows]
    ['We shipped it. Pleas', 'Try again.', 'Two days.']
    >>> print(result.line)
    3 in = 3 kept
    """

    version: ClassVar[int] = 1
    sets: ClassVar[tuple[str, ...]] = ("messages", "text")
    rewrites: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {
        "nothing_left": "a message is nothing but passages that other rows have too",
        "repeated": "at least `share` of its words stand in passages that other rows have too",
    }

    texts: View | tuple[View, ...] = Field(
        "response",
        alias="in",
        description="Texts looked at: `response`, `prompt`, `system`, `all` (or some), or `text`.",
    )
    action: Literal["cut", "drop"] = Field("cut", description="Whether passages are cut, or rows made of them dropped.")
    min_length: int = Field(30, ge=3, le=10_000, description="Shortest passage, in `unit`s.")
    unit: Literal["words", "characters"] = Field("words", description="Words, or letters and digits.")
    min_count: int = Field(10, ge=2, le=255, description="Rows that must have a passage for it to count as repeated.")
    keep: Literal["first", "none"] = Field("first", description="Whether the first row keeps its passage.")
    snap: Literal["sentence", "line", "none"] = Field(
        "sentence", description="What cuts shrink to: whole sentences (or lines), whole lines, or nothing but words."
    )
    share: float = Field(
        0.5, gt=0, le=1, description="For `drop`: share of words repeated from which a row goes, 0..1."
    )
    ignore_case: bool = Field(True, description="Whether upper and lower case make no difference.")
    code: bool = Field(False, description="Whether fenced code is looked at, and cut, too.")

    @model_validator(mode="after")
    def _one_column(self) -> Self:
        views = self.views()
        wrong = [view for view in views if view not in VIEWS]
        if not views or wrong or ("text" in views and len(views) > 1):
            raise ValueError(f"`in` must be one of {', '.join(VIEWS)}, or several of the first four")
        if self.action == "cut" and "share" in self.model_fields_set:
            raise ValueError("`share` has no effect with `action: cut`")
        return self

    def gathers_by(self) -> tuple[str, ...]:
        return ("texts", "min_length", "unit", "ignore_case", "code")

    def _passages(self) -> Passages:
        return Passages(self.views(), self.min_length, self.unit == "characters", self.code, self.ignore_case)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return self._passages().gather(rows)

    def decide(self, table: Table) -> Verdict:
        passages = self._passages()
        found = passages.find(table, self.min_count, first_stays=self.keep == "first")
        told = passages.tell(table, found, "none" if self.action == "drop" else self.snap)
        if self.action == "drop":
            return drop("repeated", when=told.share >= self.share, **told.figures)
        verdict = drop("nothing_left", when=told.emptied, **told.figures)
        return verdict.change_by(passages.changer(table, told))
