"""trl_preference"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.origin import Sink

from ._columns import Choice, Schema, count_lines, described, features_file, pick, renamed
from ._pairs import KEPT_TEXT, further_names, pair_columns, pairs, pairs_to_look_at, refused, unweighted

_OWN = ("prompt", "chosen", "rejected", "tools", "margin")


class TrlPreference(Sink):
    """Pairs of answers as TRL's trainers read them (DPO, CPO, ORPO, reward models), with the prompt apart.

    ## What it does
    Writes one file per split, one pair a line: `prompt`, `chosen` and `rejected`, lists of messages; `tools` (as text)
    where rows have some, `margin` where `margin:` names a column, and the `columns:` asked for. Where `rejected` is a
    whole conversation, the prompt is what both begin with. Rows are refused, with the reason, that TRL accepts and
    learns nothing or the wrong thing from: no rejected answer, two answers that say the same, empty messages, answers
    that part on another's words than the assistant's, an answer whose weight is 0 (TRL knows no weights).

    ## Why
    The trainer cuts the prompt out by itself where it is not given, at the first message that differs, and renders
    an answer that is null as an empty one. Neither is told.

    ## Example
    >>> from tamis.testing import rows_frame
    >>> worse = [{"role": "assistant", "content": "3"}]
    >>> rows = rows_frame([{"prompt": "1+1?", "response": "2", "rejected": worse, "source.margin": 0.5}])
    >>> import json
    >>> pair = json.loads(bytes(TrlPreference(path="out", margin="margin").encode(rows)))
    >>> list(pair), pair["chosen"]
    (['prompt', 'chosen', 'rejected', 'margin'], [{'role': 'assistant', 'content': '2'}])
    """

    suffix: ClassVar[str] = ".jsonl"

    margin: str | None = Field(
        None, description="Column of how much better the chosen answer is, a number; delivered as `margin`."
    )
    choice: Choice = Field((), alias="columns", description=KEPT_TEXT)
    ascii: bool = Field(False, description="Write characters beyond ASCII as \\u escapes.")

    def _further(self, names: Sequence[str]) -> dict[str, str]:
        return further_names("trl_preference", names, self.choice, self.margin, _OWN)

    def columns(self, names: Sequence[str]) -> list[str]:
        return [*pair_columns("trl_preference", names), *self._further(names).values()]

    def check(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> list[tuple[int, str]]:
        from tamis.engine.encode import bad_values

        parts = pairs(rows["messages"], rows["rejected"])
        tools = rows["tools"] if "tools" in rows.columns else None
        found = dict(refused(pairs_to_look_at(parts, tools), parts, tools, dict, "trl_preference"))
        further = self._further(rows.columns)
        if "margin" in further:
            for k in _no_number(rows[further["margin"]]).arg_true().to_list():
                found.setdefault(k, "margin_not_number: margin: must be a number")
        for bad in bad_values(pick(rows, further), renamed(further, json_columns)):
            found.setdefault(bad.row, bad.message)
        return sorted(found.items())

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> memoryview:
        from tamis.engine.encode import encode_rows

        parts = {name: unweighted(part) for name, part in pairs(rows["messages"], rows["rejected"]).items()}
        further = self._further(rows.columns)
        tools = {"tools": rows["tools"]} if "tools" in rows.columns else {}
        columns = {**parts, **tools, **pick(rows, further)}
        return encode_rows(columns, json_columns=renamed(further, json_columns), optional=["tools"], ascii=self.ascii)

    def count(self, path: Path) -> int:
        return count_lines(str(path))

    def described(self, schema: Schema, *, json_columns: Collection[str] = ()) -> list[dict[str, str]]:
        made = {"prompt": "messages", "chosen": "messages", "rejected": "rejected"}
        own = [{"name": name, "type": "messages", "from": origin} for name, origin in made.items()]
        if "tools" in schema:
            own.append({"name": "tools", "type": "text", "from": "tools"})
        return own + described(self._further(list(schema)), schema, json_columns)

    def sidecars(self, schema: Schema, *, json_columns: Collection[str] = ()) -> dict[str, bytes]:
        return {"features.json": features_file(self.described(schema, json_columns=json_columns))}

    def settings_note(self) -> dict[str, Any]:
        return {"loader": "json", "about": "Pairs for TRL: `prompt`, `chosen` and `rejected`, lists of messages."}


def _no_number(values: pl.Series) -> pl.Series:
    if not values.dtype.is_numeric():
        return values.is_not_null() if values.dtype != pl.Null else values.is_null()
    return values.is_null() | ~values.cast(pl.Float64).is_finite()
