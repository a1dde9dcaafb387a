"""map.preference"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class Preference(RowStep):
    r"""Read pairs of a chosen and a rejected answer.

    ## What it does
    Sets `messages` (the prompt and the chosen answer) and `rejected`. Answers are texts, JSON lists of messages, one
    JSON message, or transcripts (`\n\nHuman: …\n\nAssistant: …`); whole conversations bring their prompt with them.
    `rejected` holds what stands in place of everything after the last user message; it holds the whole other
    conversation, beginning with a system or user message, where the two part earlier. Rows without a prompt or an
    answer are dropped, with `problem`.

    ## Why
    Pairs come in five dresses, and trainers accept pairs whose two answers or whose prompts do not fit.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"source.prompt": "1+1?", "chosen": "2", "source.rejected": worse} for worse in ("3", None)]
    >>> result = run_step(Preference(), rows)
    >>> result.kept[0]["rejected"][0]["content"]
    '3'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of this shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "rejected", "tools")

    prompt: str | None = Field(
        "prompt", description="Column of the prompt; null where the answers are whole conversations."
    )
    chosen: str = Field("chosen", description="Column of the better answer.")
    rejected: str = Field("rejected", description="Column of the worse answer.")
    system: str | None = Field(None, description="Column of a system message to put first.")
    tools: str | None = Field(None, description="Column of the tool definitions, as JSON.")

    def _fields(self) -> dict[str, str]:
        fields = {
            "prompt": self.prompt,
            "chosen": self.chosen,
            "rejected": self.rejected,
            "system": self.system,
            "tools": self.tools,
        }
        return {field: name for field, name in fields.items() if name}

    def reads(self) -> tuple[str, ...]:
        return tuple(self._fields().values())

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import verdict

        return verdict("preference", rows, self._fields())
