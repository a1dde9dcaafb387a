"""map.text"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class Text(RowStep):
    """Read plain documents.

    ## What it does
    Sets `text` from a column. Rows where it is null are dropped, with `problem`.

    ## Why
    Documents are cleaned, filtered and deduplicated like conversations, on the view `text`.

    ## Example
    >>> from tamis.testing import run_step
    >>> print(run_step(Text(column="body"), [{"body": "Once upon a time"}, {"body": None}]).line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of this shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("text",)

    column: str = Field("text", description="Column of the document.")

    def reads(self) -> tuple[str, ...]:
        return (self.column,)

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import verdict

        return verdict("text", rows, {"text": self.column})
