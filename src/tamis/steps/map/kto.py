"""map.kto"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class Kto(RowStep):
    """Read answers that people marked as good or bad: prompt, completion and a label.

    ## What it does
    Sets `messages` from prompt and completion (texts or JSON lists of messages), or from a column of whole
    conversations. The label stays in its column; it must be true or false, so rows where it is null, a number or a
    text are dropped, with `problem`.

    ## Why
    A label written as the text "true" turns KTO into plain fine-tuning in a well-known trainer, without a word.

    ## Example
    >>> from tamis.testing import run_step
    >>> answers = [("2", True), ("3", None)]
    >>> rows = [{"source.prompt": "1+1?", "completion": answer, "label": label} for answer, label in answers]
    >>> print(run_step(Kto(), rows).line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of this shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "tools")

    prompt: str = Field("prompt", description="Column of the prompt: a text or a JSON list of messages.")
    completion: str = Field("completion", description="Column of the answer, likewise.")
    messages: str | None = Field(
        None, description="Column of whole conversations; prompt and completion are not read then."
    )
    label: str = Field("label", description="Column of the label, true or false.")
    system: str | None = Field(None, description="Column of a system message to put first.")
    tools: str | None = Field(None, description="Column of the tool definitions, as JSON.")

    def _fields(self) -> dict[str, str]:
        fields = {"label": self.label, "system": self.system, "tools": self.tools}
        talk = {"messages": self.messages} if self.messages else {"prompt": self.prompt, "completion": self.completion}
        return {field: name for field, name in {**talk, **fields}.items() if name}

    def reads(self) -> tuple[str, ...]:
        return tuple(self._fields().values())

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import verdict

        return verdict("kto", rows, self._fields())
