"""Which of a row's columns are delivered, and under which names."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import polars as pl

from tamis.core.errors import UsageError
from tamis.core.row import LINEAGE, MESSAGES, RESERVED, VECTOR
from tamis.engine.frame import find_column

#: Columns that map steps make of the source's column of the same name, which they replace.
MAPPED = ("messages", "rejected", "tools", "text")

#: What a recipe says under `columns:`: names, or delivered name → column.
Choice = tuple[str, ...] | dict[str, str] | None

Schema = Mapping[str, pl.DataType]

CHOICE_TEXT = "Columns to deliver, or delivered name: column. Default: all."
WITHOUT_TEXT = "Columns to leave out."
ROW_ID_TEXT = "Name of a column that holds each row's id, 32 hexadecimal digits."


def plain_name(full: str) -> str:
    """A column's name without `source.` or its step's id."""
    if full in RESERVED or full == "id":
        return full
    return full.removeprefix("source.") if full.startswith("source.") else full.rsplit(".", 1)[-1]


def delivered_names(
    sink: str, names: Sequence[str], choice: Choice, without: Sequence[str] = (), row_id: str | None = None
) -> dict[str, str]:
    """Delivered name → column, in order. Raises UsageError where two columns would get one name.

    `source.messages` and its like are left out where a map step made the row's own of them.

    >>> delivered_names("jsonl", ["messages", "source.topic", "filter.length.length", "id.high"], None)
    {'messages': 'messages', 'topic': 'source.topic', 'length': 'filter.length.length'}
    """
    names = [name for name in names if name not in LINEAGE and not name.endswith(f".{VECTOR}")]
    left_out = {find_column(name, names) for name in without}
    if isinstance(choice, dict):
        wanted = [(shown, find_column(name, names)) for shown, name in choice.items()]
    elif choice is not None:
        wanted = [(plain_name(full), full) for full in (find_column(name, names) for name in choice)]
    else:
        mapped = {f"source.{name}" for name in MAPPED if name in names}
        kept = [name for name in names if name != "id" and not name.startswith(("id.", "at.")) and name not in mapped]
        wanted = [(plain_name(name), name) for name in kept]
    if row_id is not None:
        wanted.insert(0, (row_id, "id"))
    found: dict[str, str] = {}
    for shown, full in wanted:
        if full in left_out:
            continue
        other = found.setdefault(shown, full)
        if other != full:
            raise UsageError(
                f"{sink}: the columns {other!r} and {full!r} would both be delivered as {shown!r}",
                hint=f"leave one out with `without: [{full}]`, or name them with `columns: {{{shown}: {other}, …}}`",
            )
    if not found:
        raise UsageError(f"{sink}: no column is left to deliver", hint="name some with `columns:`")
    return found


def pick(rows: pl.DataFrame, names: Mapping[str, str]) -> dict[str, pl.Series]:
    """The delivered columns of a chunk by delivered name."""
    return {shown: rows[full].alias(shown) for shown, full in names.items()}


def renamed(names: Mapping[str, str], full_names: Collection[str]) -> list[str]:
    """Delivered names of the columns in `full_names`; `tools` is JSON always."""
    return [shown for shown, full in names.items() if full in full_names or full == "tools"]


def described(
    names: Mapping[str, str], schema: Mapping[str, pl.DataType], json_columns: Collection[str]
) -> list[dict[str, str]]:
    """Name, type and origin of each delivered column."""
    return [
        {
            "name": shown,
            "type": _type(schema.get(full, pl.String()), full in json_columns or full == "tools"),
            "from": full,
        }
        for shown, full in names.items()
    ]


def _type(dtype: pl.DataType, is_json: bool) -> str:
    if is_json:
        return "json"
    if dtype == MESSAGES:
        return "messages"
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "number"
    return "json" if dtype.is_nested() else "text"


def features_file(columns: Sequence[Mapping[str, str]]) -> bytes:
    """`features.json`: what the columns are, for readers of JSON Lines that would else guess."""
    record = {"columns": [{"name": column["name"], "type": column["type"]} for column in columns]}
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def count_lines(path: str) -> int:
    """Lines of a file that end in b'\\n'; a last line without an end counts as none."""
    lines = 0
    with open(path, "rb") as file:
        while block := file.read(1 << 22):
            lines += int(np.count_nonzero(np.frombuffer(block, np.uint8) == 0x0A))
    return lines
