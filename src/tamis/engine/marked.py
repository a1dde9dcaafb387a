"""Exact but slow looks, in Python, at the few rows that a kernel marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Text
from tamis.core.row import CHAT_VIEWS, view_column

from .frame import select_messages
from .kernels.phrases import Phrases, mark_phrases


class Message(NamedTuple):
    """One text of a view: its row (a position), which message of the row it is, its role, and what it says."""

    row: int
    number: int
    role: str
    text: str


def marked_rows(text: Text, table: Phrases) -> NDArray[np.int64]:
    """Positions of the strings in which one of the phrases stands."""
    found = np.empty(len(text.offsets) - 1, np.int32)
    mark_phrases(text.data, text.offsets, table, found)
    return np.flatnonzero(found >= 0)


def messages_of(rows: Columns, view: str, at: NDArray[np.int64]) -> Iterator[Message]:
    """The texts that make up a view, for some rows. What is no chat is one text with the role `document`."""
    if view not in CHAT_VIEWS:
        texts = rows.text(view).gather(pl.Series(at, dtype=pl.UInt32)).to_list()
        yield from (Message(row, 0, "document", text or "") for row, text in zip(at.tolist(), texts, strict=True))
        return
    column = view_column(view)
    if column not in rows.names or not len(at):
        return
    chat = rows.chat(column)
    chosen = select_messages(view, chat)
    lengths = chat.starts[at + 1] - chat.starts[at]
    owners = np.repeat(at, lengths)
    numbers = np.arange(len(owners)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    places = chat.starts[owners] + numbers
    kept = chosen[places]
    index = pl.Series(places[kept], dtype=pl.UInt32)
    told = chat.messages.select("role", "content")[index]
    each = zip(owners[kept].tolist(), numbers[kept].tolist(), *map(pl.Series.to_list, told.get_columns()), strict=True)
    for row, number, role, content in each:
        if content is not None:
            yield Message(row, number, role or "", content)


def spread(values: Sequence[Any], at: Sequence[int], n: int, dtype: Any, empty: Any = None) -> pl.Series:
    """A series of n values: `values` at the positions `at`, `empty` elsewhere."""
    out = pl.Series([empty], dtype=dtype).new_from_index(0, n)
    return out.scatter(list(at), pl.Series(values, dtype=dtype)) if len(values) else out
