"""map.prompt_completion"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class PromptCompletion(RowStep):
    """Read a prompt and its completion, as texts or as lists of messages.

    ## What it does
    Sets `messages`: a text becomes the user's or the assistant's message; a JSON list of messages is taken as it
    is. Without a `completion` rows end on the prompt. Rows where one of them is null are dropped, with `problem`.

    ## Why
    TRL's prompt-completion sets, question-answer tables and response logs are all this.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"question": "1+1?", "answer": "2"}, {"question": "1+2?", "answer": None}]
    >>> print(run_step(PromptCompletion(prompt="question", completion="answer"), rows).line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of this shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "tools")

    prompt: str = Field("prompt", description="Column of the prompt: a text or a JSON list of messages.")
    completion: str | None = Field(
        "completion", description="Column of the answer, likewise; null where there is none."
    )
    system: str | None = Field(None, description="Column of a system message to put first.")
    tools: str | None = Field(None, description="Column of the tool definitions, as JSON.")

    def _fields(self) -> dict[str, str]:
        fields = {"prompt": self.prompt, "completion": self.completion, "system": self.system, "tools": self.tools}
        return {field: name for field, name in fields.items() if name}

    def reads(self) -> tuple[str, ...]:
        return tuple(self._fields().values())

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import verdict

        return verdict("prompt_completion", rows, self._fields())
