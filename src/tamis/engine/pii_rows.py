"""Personal data in the texts of rows: which view, which message, from which character to which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Text
from tamis.core.row import CHAT_VIEWS, view_column

from .frame import Frame, select_messages
from .pii import Found, find
from .pii_kinds import KINDS
from .text import to_text

#: What a span is told as.
SPAN = pl.Struct(
    {"view": pl.String, "message": pl.Int32, "start": pl.Int32, "end": pl.Int32, "kind": pl.String, "certain": pl.UInt8}
)
TOOL_CALLS = "tool_calls"  # the view of spans in the calls of a message, which are JSON


class RowsFound(NamedTuple):
    """Per find, by row, then view in the order asked, then message, then place; start, end: code points.

    view: index into `views`, which ends with `tool_calls`.
    """

    row: NDArray[np.int64]
    view: NDArray[np.int64]
    message: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    kind: NDArray[np.uint8]
    certain: NDArray[np.uint8]
    views: tuple[str, ...]


def code_points(text: Text, found: Found) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where finds begin and end, in code points of their strings."""
    from .kernels.pii_points import to_points

    start, end = np.empty(len(found.row), np.int64), np.empty(len(found.row), np.int64)
    to_points(text.data, text.offsets, found.row, found.start, found.end, start, end)
    return start, end


def find_in_rows(
    rows: Columns,
    views: Sequence[str],
    kinds: Sequence[str],
    *,
    region: str | None,
    known: Sequence[str] = (),
    tool_calls: bool = True,
    ner: str | None = None,
    least: int,
) -> RowsFound:
    """What stands in some views of the rows, each message by itself; calls of messages in those views too.

    known: columns whose values are looked for.
    """
    told = (*views, TOOL_CALLS)
    values = [rows[name].cast(pl.String) for name in known]
    parts: list[tuple[NDArray[Any], ...]] = []
    for number, text, row_of, message_of in _texts(rows, views, tool_calls):
        index = pl.Series(row_of, dtype=pl.UInt32)
        columns = [to_text(value.gather(index)) for value in values]
        found = find(text, kinds, region=region, known=columns, ner=ner, least=least)
        start, end = code_points(text, found)
        view = np.full(len(start), number, np.int64)
        parts.append((row_of[found.row], view, message_of[found.row], start, end, found.kind, found.certain))
    if not parts:
        empty = np.empty(0, np.int64)
        return RowsFound(empty, empty, empty, empty, empty, empty.astype(np.uint8), empty.astype(np.uint8), told)
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((joined[3], joined[2], joined[1], joined[0]))
    row, view, message, start, end, kind, certain = (column[order] for column in joined)
    return RowsFound(row, view, message, start, end, kind.astype(np.uint8), certain.astype(np.uint8), told)


def _texts(
    rows: Columns, views: Sequence[str], tool_calls: bool
) -> Iterator[tuple[int, Text, NDArray[np.int64], NDArray[np.int64]]]:
    """(number of the view, strings, the row of each, the message of each, 0 where there is but one)."""
    seen: dict[str, NDArray[np.bool_]] = {}
    for number, view in enumerate(views):
        column = view_column(view)
        if view not in CHAT_VIEWS:
            if view == "text" and column not in rows.names:
                continue
            every = np.arange(rows.height, dtype=np.int64)
            yield number, rows.buffers(view), every, np.zeros(rows.height, np.int64)
            continue
        if column not in rows.names:
            continue
        chat = rows.chat(column)
        row_of = np.repeat(np.arange(rows.height, dtype=np.int64), np.diff(chat.starts))
        message_of = np.arange(len(row_of), dtype=np.int64) - chat.starts[row_of]
        chosen = np.ones(len(row_of), np.bool_) if view == "rejected" else select_messages(view, chat)
        fresh = chosen & ~seen.get(column, np.zeros(len(row_of), np.bool_))
        seen[column] = fresh | seen.get(column, fresh)
        contents = rows.contents(column) if isinstance(rows, Frame) else to_text(chat.messages["content"])
        if fresh.all():
            yield number, contents, row_of, message_of
        elif fresh.any():
            index = pl.Series(np.flatnonzero(fresh), dtype=pl.UInt32)
            yield number, to_text(chat.messages["content"].gather(index)), row_of[fresh], message_of[fresh]
        calls = chat.messages["tool_calls"]
        if tool_calls and calls.null_count() < len(calls):
            some = fresh & calls.is_not_null().to_numpy()
            index = pl.Series(np.flatnonzero(some), dtype=pl.UInt32)
            yield len(views), to_text(calls.gather(index)), row_of[some], message_of[some]


def evidence(found: RowsFound, height: int) -> dict[str, pl.Series]:
    """Per row: how many finds, how many of which kind (words), and the spans. Null where there are none; no values."""
    count = np.bincount(found.row, minlength=height)
    some = pl.Series(count > 0)
    frame = pl.DataFrame(
        {
            "row": found.row,
            "view": pl.Series(found.views, dtype=pl.String).gather(pl.Series(found.view, dtype=pl.UInt32)),
            "message": pl.Series(found.message, dtype=pl.Int32),
            "start": pl.Series(found.start, dtype=pl.Int32),
            "end": pl.Series(found.end, dtype=pl.Int32),
            "kind": pl.Series(KINDS, dtype=pl.String).gather(pl.Series(found.kind, dtype=pl.UInt32)),
            "certain": found.certain,
        }
    )
    spans = frame.group_by("row", maintain_order=True).agg(
        pl.struct(field.name for field in SPAN.fields).alias("spans")
    )
    counts = np.zeros((height, len(KINDS)), np.int64)
    np.add.at(counts, (found.row, found.kind), 1)
    words = [
        ", ".join(f"{kind} {number}" for kind, number in zip(KINDS, counts[row].tolist(), strict=True) if number)
        for row in spans["row"].to_list()
    ]
    rows = spans["row"].cast(pl.UInt32)

    def placed(values: pl.Series, dtype: pl.DataType) -> pl.Series:
        position = pl.Series([None], dtype=pl.UInt32).new_from_index(0, height)
        position = position.scatter(rows, pl.Series(range(len(rows)), dtype=pl.UInt32)) if len(rows) else position
        return values.cast(dtype).gather(position)

    return {
        "found": pl.select(pl.when(some).then(pl.Series(count, dtype=pl.UInt32))).to_series(),
        "kinds": placed(pl.Series(words, dtype=pl.String), pl.String()),
        "spans": placed(spans["spans"], pl.List(SPAN)),
    }
