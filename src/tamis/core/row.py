"""The row: its reserved columns, their types, and the views that steps read."""

from __future__ import annotations

import re
from typing import Annotated, Final

import polars as pl
from pydantic import AfterValidator, WithJsonSchema

ROLES: Final = ("system", "user", "assistant", "tool")

#: One message. `tool_calls` and the arguments in it are JSON text; `weight` is 0 or 1 or null.
MESSAGE: Final = pl.Struct(
    {
        "role": pl.String,
        "content": pl.String,
        "name": pl.String,
        "tool_calls": pl.String,
        "tool_call_id": pl.String,
        "weight": pl.Int8,
    }
)
MESSAGES: Final = pl.List(MESSAGE)

#: Reserved columns and their types. Everything else is `source.<name>` or `<step id>.<name>`.
RESERVED: Final[dict[str, pl.DataType]] = {
    "messages": MESSAGES,
    "rejected": MESSAGES,
    "tools": pl.String(),
    "text": pl.String(),
    "producer": pl.String(),
    "split": pl.String(),
}

#: Where a row comes from; they stand in every base partition and are never delivered as data.
LINEAGE: Final[dict[str, pl.DataType]] = {
    "id.high": pl.UInt64(),
    "id.low": pl.UInt64(),
    "at.file": pl.UInt32(),
    "at.line": pl.UInt64(),
}

#: Ends the name of a column of keys of recorded vectors (`embed.text.~vector`); never delivered.
VECTOR: Final = "~vector"

#: The views over chat messages; `text` and `column:NAME` complete the list.
CHAT_VIEWS: Final = ("response", "prompt", "system", "all", "rejected")
VIEWS: Final = (*CHAT_VIEWS, "text")

#: What joins the messages of a view.
SEPARATOR: Final = "\x1e"

_COLUMN = re.compile(r"column:(?P<name>.+)", re.DOTALL)


def check_view(name: str) -> str:
    """The view's name, or ValueError saying what is possible."""
    if name in VIEWS or _COLUMN.fullmatch(name):
        return name
    raise ValueError(f"unknown view {name!r}; possible: {', '.join(VIEWS)}, column:NAME")


View = Annotated[
    str,
    AfterValidator(check_view),
    WithJsonSchema({"anyOf": [{"enum": list(VIEWS)}, {"type": "string", "pattern": "^column:.+"}]}),
]


def view_column(view: str) -> str:
    """The column a view is made from: 'messages', 'rejected', 'text', or a column's own name."""
    match = _COLUMN.fullmatch(view)
    if match:
        return match["name"]
    return view if view in ("rejected", "text") else "messages"


def id_text(high: int, low: int) -> str:
    """The row's id as people see it: 32 hexadecimal digits."""
    return f"{high:016x}{low:016x}"


def id_pair(text: str) -> tuple[int, int]:
    """The two halves of an id of 32 hexadecimal digits."""
    return int(text[:16], 16), int(text[16:], 16)
