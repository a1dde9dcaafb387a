"""openai_dpo"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.origin import Sink

from ._columns import Schema, count_lines
from ._pairs import pair_columns, pairs, pairs_to_look_at, refused, unweighted


class OpenaiDpo(Sink):
    """Pairs of answers as OpenAI, Azure, Together and Fireworks read them for preference tuning.

    ## What it does
    Writes one file per split, one pair a line: `input` (the messages up to the last of the user, and `tools` where the
    row has some), `preferred_output` and `non_preferred_output`, one assistant message each. `messages` ends on the
    better answer, `rejected` holds the worse one. Rows that this shape cannot hold are refused, with the reason: no
    rejected answer, an answer of several messages or with tool calls, two answers that say the same, an answer whose
    weight is 0. Other weights are left out; they have no meaning here.

    ## Why
    A service refuses a whole file for one bad row, and two equal answers teach nothing at full price.

    ## Example
    >>> from tamis.testing import rows_frame
    >>> rows = rows_frame([{"prompt": "1+1?", "response": "2", "rejected": [{"role": "assistant", "content": "3"}]}])
    >>> import json
    >>> pair = json.loads(bytes(OpenaiDpo(path="out").encode(rows)))
    >>> pair["input"], pair["non_preferred_output"]
    ({'messages': [{'role': 'user', 'content': '1+1?'}]}, [{'role': 'assistant', 'content': '3'}])
    """

    suffix: ClassVar[str] = ".jsonl"

    ascii: bool = Field(False, description="Write characters beyond ASCII as \\u escapes.")
    parallel_tool_calls: bool | None = Field(
        None, description="Says of rows with tools whether the model may call several at once; by default nothing."
    )

    def columns(self, names: Sequence[str]) -> list[str]:
        return pair_columns("openai_dpo", names)

    def check(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> list[tuple[int, str]]:
        parts = pairs(rows["messages"], rows["rejected"])
        tools = rows["tools"] if "tools" in rows.columns else None
        return refused(pairs_to_look_at(parts, tools), parts, tools, self._record, "openai_dpo")

    def _record(self, sent: dict[str, Any]) -> dict[str, Any]:
        """What stands in the file."""
        given = {"messages": sent["prompt"]}
        if "tools" in sent:
            given["tools"] = sent["tools"]
            given |= {} if self.parallel_tool_calls is None else {"parallel_tool_calls": self.parallel_tool_calls}
        return {"input": given, "preferred_output": sent["chosen"], "non_preferred_output": sent["rejected"]}

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> memoryview:
        from tamis.engine.encode import encode_rows, messages_text

        parts = {name: unweighted(part) for name, part in pairs(rows["messages"], rows["rejected"]).items()}
        given: list[Any] = [pl.lit('{"messages": '), pl.Series("m", messages_text(parts["prompt"], ascii=self.ascii))]
        if "tools" in rows.columns and rows["tools"].null_count() < rows.height:
            more = "" if self.parallel_tool_calls is None else _parallel(self.parallel_tool_calls)
            text = pl.concat_str(pl.lit(', "tools": '), rows["tools"], pl.lit(more))
            given.append(pl.select(text.fill_null("").alias("t")).to_series())
        whole = pl.select(pl.concat_str(*given, pl.lit("}")).alias("input")).to_series()
        columns = {
            "input": whole if len(whole) == rows.height else whole.new_from_index(0, rows.height),
            "preferred_output": parts["chosen"],
            "non_preferred_output": parts["rejected"],
        }
        return encode_rows(columns, json_columns=["input"], ascii=self.ascii)

    def count(self, path: Path) -> int:
        return count_lines(str(path))

    def described(self, schema: Schema, *, json_columns: Collection[str] = ()) -> list[dict[str, str]]:
        made = {"input": "json", "preferred_output": "messages", "non_preferred_output": "messages"}
        origins = {"non_preferred_output": "rejected"}
        return [{"name": n, "type": t, "from": origins.get(n, "messages")} for n, t in made.items()]

    def settings_note(self) -> dict[str, Any]:
        return {"loader": "json", "about": "Pairs in JSON Lines: `input`, `preferred_output`, `non_preferred_output`."}


def _parallel(value: bool) -> str:
    return f', "parallel_tool_calls": {"true" if value else "false"}'
