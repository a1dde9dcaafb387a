"""filter.empty"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Empty(RowStep):
    """Drop rows whose text is empty, or looks empty, or only holds the place of a text.

    ## What it does
    Drops rows in which one view has no visible character: nothing at all, white space, control and zero-width
    characters. With `placeholders`, also rows whose whole text is a well-known stand-in (`n/a`, `null`, `TODO`, `-`,
    `...`, `test test`) or dummy text that begins with "lorem ipsum".

    ## Why
    Exports write a missing value in many ways; a model that sees them learns to answer with nothing.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "Yes."}, {"response": " \\u200b\\n"}, {"response": "N/A"}]
    >>> print(run_step(Empty(placeholders=True), rows).line)
    3 in = 1 kept + 2 dropped (empty 1, placeholder 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "empty": "the text has no visible character",
        "placeholder": "the whole text only holds the place of one",
    }

    view: View = Field("response", alias="in", description="Which text of the row is looked at.")
    placeholders: bool = Field(False, description="Whether stand-ins such as `n/a` and `lorem ipsum` count as empty.")

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.patterns import blank, placeholder

        text = rows.buffers(self.view)
        verdict = drop("empty", when=blank(text))
        if not self.placeholders:
            return verdict
        found = placeholder(text)
        return verdict.drop("placeholder", when=found.is_not_null(), placeholder=found)
