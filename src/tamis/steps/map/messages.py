"""map.messages"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class Messages(RowStep):
    """Read conversations in OpenAI's shape: `[{"role": "user", "content": "…"}, …]`.

    ## What it does
    Sets `messages` from a column of JSON lists. Content is a text or a list of parts, whose texts are joined;
    `name`, `tool_calls`, `tool_call_id` and `weight` (or `loss_weight`) are kept; `developer` becomes `system`,
    a `function_call` becomes a tool call. What a row cannot hold (pictures, reasoning, unknown keys) is named in
    the evidence `lost`; rows that are no such list are dropped, and `problem` says what is wrong where.

    ## Why
    Chat logs and most published sets come like this, and loaders fill in or skip odd rows without a word.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"source.messages": f'[{{"role": "{role}", "content": "Hi"}}]'} for role in ("user", "boss")]
    >>> result = run_step(Messages(), rows)
    >>> result.evidence[1]["problem"].split(";")[0]
    "messages[0]: unknown role 'boss'"
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of this shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "tools")

    messages: str = Field("messages", description="Column of the messages, as a JSON list.")
    tools: str | None = Field(None, description="Column of the tool definitions, as JSON.")
    system: str | None = Field(None, description="Column of a system message to put first.")

    def reads(self) -> tuple[str, ...]:
        return tuple(name for name in (self.messages, self.tools, self.system) if name)

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import verdict

        fields = {"messages": self.messages, "tools": self.tools, "system": self.system}
        return verdict("openai", rows, {field: name for field, name in fields.items() if name})
