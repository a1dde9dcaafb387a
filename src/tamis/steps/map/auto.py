"""map.auto"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, keep
from tamis.core.step import Reasons, RowStep


class Auto(RowStep):
    """Recognise the shape of the data by its columns, and make messages of it.

    ## What it does
    Looks at the names of the source's columns, never at values, so that every row of a source is read alike. It knows
    OpenAI messages, ShareGPT, Alpaca, prompt and completion, pairs of chosen and rejected, KTO and plain text, and
    reads each as the step of that name does. Rows that do not fit are dropped, with `problem`; what a row cannot
    hold is named in `lost`. Rows that have messages already are left alone.

    ## Why
    Nobody should have to know what their file's shape is called.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"instruction": "Say hi.", "output": "Hi."}, {"instruction": "Say hi.", "output": None}]
    >>> print(run_step(Auto(), rows).line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of the shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "rejected", "tools", "text")

    shape: Literal["auto", "openai", "sharegpt", "alpaca", "prompt_completion", "preference", "kto", "text"] = Field(
        "auto", description="The shape, where the columns' names do not tell it."
    )
    columns: dict[str, str] = Field(
        {}, description="Columns by the shape's fields, where they have other names, like `messages: dialog`."
    )
    join: str = Field("\n", description="What stands between Alpaca's instruction and input.")

    @model_validator(mode="after")
    def _fields_are_the_shapes(self) -> Self:
        from tamis.engine.shapes import check_fields

        check_fields(self.shape, self.columns)
        return self

    def reads(self) -> None:
        return None

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import choose, verdict

        chosen = choose(rows, self.shape, self.columns)
        return keep() if chosen is None else verdict(chosen[0], rows, chosen[1], join=self.join)
