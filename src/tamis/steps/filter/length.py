"""filter.length"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep
from tamis.engine.measure import count


class Length(RowStep):
    """Drop rows whose text is too short or too long.

    ## What it does
    Counts the words, characters or tokens of one view and drops rows outside `min` … `max`.
    Words are runs between white space; a Han or kana character counts as one word.

    ## Why
    One-word questions teach nothing, and rows longer than the trainer's context are cut silently.

    ## Example
    >>> from tamis.testing import run_step
    >>> print(run_step(Length(min=2), [{"response": "Yes"}, {"response": "Yes, at once."}]).line)
    2 in = 1 kept + 1 dropped (too_short 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "too_short": "the text is shorter than `min`",
        "too_long": "the text is longer than `max`",
    }

    view: View = Field("response", alias="in", description="Which text of the row is measured.")
    unit: Literal["words", "characters", "tokens"] = Field("words", description="What is counted.")
    min: int = Field(1, ge=0, description="Shortest length kept, in `unit`s.")
    max: int | None = Field(None, ge=1, description="Longest length kept, in `unit`s.")
    tokenizer: str = Field("o200k", description="For tokens: `o200k`, `cl100k` or the path of a `tokenizer.json`.")

    @model_validator(mode="after")
    def _some_length_is_possible(self) -> Self:
        if self.max is not None and self.max < self.min:
            raise ValueError(f"every row would be dropped: max {self.max} is below min {self.min}")
        return self

    def judge(self, rows: Columns) -> Verdict:
        length = count(rows.buffers(self.view), self.unit, tokenizer=self.tokenizer)
        verdict = drop("too_short", when=length < self.min, length=length)
        return verdict if self.max is None else verdict.drop("too_long", when=length > self.max)
