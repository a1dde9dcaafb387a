"""map.sharegpt"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons, RowStep


class Sharegpt(RowStep):
    """Read conversations in ShareGPT's shape: `[{"from": "human", "value": "…"}, …]`.

    ## What it does
    Sets `messages`: human, gpt, system and observation become user, assistant, system and tool. A `function_call`
    turn, whose value is the JSON of a call, becomes an assistant message with tool calls; its arguments keep their
    own bytes, and calls get the ids call_1, call_2 … that the observations after them answer. Order is kept as it
    is: a conversation that begins with gpt stays so. Rows that are no such list are dropped, with `problem`.

    ## Why
    Trainers skip conversations whose roles they don't expect, and write only a log line.

    ## Example
    >>> from tamis.testing import run_step
    >>> talk = '[{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]'
    >>> rows = [{"conversations": talk}, {"conversations": "[]"}]
    >>> result = run_step(Sharegpt(), rows)
    >>> [message["role"] for message in result.kept[0]["messages"]]
    ['user', 'assistant']
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (not_this_shape 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_this_shape": "the row's values are not of this shape; `problem` says why"}
    sets: ClassVar[tuple[str, ...]] = ("messages", "tools")

    conversations: str = Field("conversations", description="Column of the turns, as a JSON list.")
    tools: str | None = Field(None, description="Column of the tool definitions, as JSON.")
    system: str | None = Field(None, description="Column of a system message to put first.")

    def reads(self) -> tuple[str, ...]:
        return tuple(name for name in (self.conversations, self.tools, self.system) if name)

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.shapes import verdict

        fields = {"messages": self.conversations, "tools": self.tools, "system": self.system}
        return verdict("sharegpt", rows, {field: name for field, name in fields.items() if name})
