"""What the cleaning steps share: which texts they rewrite."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import RowStep
from tamis.engine.rewrite import Rewriter, rewrite


class Cleaning(RowStep):
    """A step that rewrites texts. Rows in which nothing is to be done stay as they are, byte for byte."""

    sets: ClassVar[tuple[str, ...]] = ("messages", "rejected", "text")
    #: names of the figures that the rewriter tells of each string
    figures: ClassVar[tuple[str, ...]] = ()

    texts: View | tuple[View, ...] = Field(
        ("all", "rejected", "text"),
        alias="in",
        description="Which texts are cleaned: one view or several; `rejected` is the whole rejected conversation.",
    )

    @model_validator(mode="after")
    def _some_text_is_named(self) -> Self:
        if not self.texts:
            raise ValueError("nothing would be cleaned: `in` names no view")
        return self

    def rewriter(self) -> Rewriter:
        """What is done to strings."""
        raise NotImplementedError

    def evidence(self, figures: dict[str, pl.Series]) -> dict[str, pl.Series]:
        """What is remembered of each row, from its figures."""
        return figures

    def judge(self, rows: Columns) -> Verdict:
        done = rewrite(rows, self.views(), self.rewriter(), len(self.figures))
        columns: dict[str, Any] = dict(done.changes)
        figures = {name: pl.Series(name, done.figures[:, k], dtype=pl.Int32) for k, name in enumerate(self.figures)}
        return change(**columns).note(**self.evidence(figures)).only(pl.Series(done.changed))
