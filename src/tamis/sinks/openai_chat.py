"""openai_chat"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.errors import UsageError
from tamis.core.origin import Sink

from ._columns import Schema, count_lines, described


class OpenaiChat(Sink):
    """Chat JSON Lines, as OpenAI, Azure, Together, Fireworks and most open trainers read it.

    ## What it does
    Writes one file per split (`train.jsonl`, …; `data.jsonl` where rows have no split), one conversation a
    line: `{"messages": [{"role": …, "content": …}, …]}`, and `tools` where the row has some. The bytes are the
    ones Python's `json.dumps(row, ensure_ascii=False)` makes. Every row is checked against the rules of the
    target first: last message from the assistant, known roles, no empty content, weights, tool calls
    that are answered.

    ## Why
    A service refuses a whole file for one bad row, and trainers silently train on nothing.

    ## Example
    >>> from tamis.testing import rows_frame
    >>> rows = rows_frame([{"prompt": "Hi", "response": "Hello!"}])
    >>> print(bytes(OpenaiChat(path="out").encode(rows)).decode(), end="")
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]}
    """

    suffix: ClassVar[str] = ".jsonl"

    ascii: bool = Field(False, description="Write characters beyond ASCII as \\u escapes.")

    def columns(self, names: Sequence[str]) -> list[str]:
        if "messages" not in names:
            raise UsageError(
                "openai_chat: rows have no `messages`", hint="make them with `use: map.template` or `use: map.auto`"
            )
        return [name for name in ("messages", "tools") if name in names]

    def check(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> list[tuple[int, str]]:
        from ._chat_rows import refused_rows

        return refused_rows(rows, "openai_chat")

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> memoryview:
        from tamis.engine.encode import encode_chats

        return encode_chats(rows["messages"], rows["tools"] if "tools" in rows.columns else None, ascii=self.ascii)

    def count(self, path: Path) -> int:
        return count_lines(str(path))

    def described(self, schema: Schema, *, json_columns: Collection[str] = ()) -> list[dict[str, str]]:
        return described({name: name for name in self.columns(list(schema))}, schema, json_columns)

    def settings_note(self) -> dict[str, Any]:
        return {"loader": "json", "about": "Chat JSON Lines: `messages` with roles system, user, assistant and tool."}
