"""What repeated passages are looked for in: rules of words, and the messages of some rows as bytes."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns
from tamis.core.row import view_column

from .frame import select_messages
from .text import to_text

if TYPE_CHECKING:
    from .kernels.passages import Rules

_CODES = 0x20000
#: scripts written without spaces: each character is a word
_UNSPACED = [(0x0E00, 0x0F00), (0x1000, 0x10A0), (0x1780, 0x1800), (0x3040, 0x3100), (0x3400, 0x4DC0)]
_UNSPACED += [(0x4E00, 0xA000), (0xF900, 0xFB00)]

Ints = NDArray[np.int64]


class Messages(NamedTuple):
    """The texts looked at of some rows.

    data, offsets: their bytes, (m + 1,) int64; starts: (n + 1,) int64, each row's texts; numbers: (n,) int32, the
    rows; place: (m,) int64, each one's place in its conversation; flat: (m,) int64, among all messages of the rows.
    """

    data: NDArray[np.uint8]
    offsets: Ints
    starts: Ints
    numbers: NDArray[np.int32]
    place: Ints
    flat: Ints


@lru_cache(maxsize=2)
def _characters(ignore_case: bool) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Each code point's class (0 parts words, 1 in a word, 2 a word of its own), and what is compared of it."""
    classes, lower = np.zeros(_CODES, np.uint8), np.arange(_CODES, dtype=np.int32)
    for point in range(min(_CODES, sys.maxunicode)):
        character = chr(point)
        if character.isalnum() or unicodedata.category(character)[0] == "M":
            classes[point] = 1
        if ignore_case and character.isupper() and len(character.lower()) == 1:
            lower[point] = ord(character.lower())
    for start, stop in _UNSPACED:
        classes[start:stop][classes[start:stop] == 1] = 2
    return classes, lower


def rules_for(length: int, *, letters: bool, code: bool, ignore_case: bool) -> Rules:
    """The rules of windows of `length` words (letters and digits where `letters`)."""
    from .kernels.passages import Rules

    classes, lower = _characters(ignore_case)
    return Rules(classes, lower, letters, code, length, -(-length // 2), np.uint64(0xFFFFFFFFFFFFFFFF))


def messages_of(rows: Columns, views: Sequence[str], numbers: NDArray[Any]) -> Messages:
    """The messages that `views` (of one column) name; a `text` is a message."""
    column = view_column(views[0])
    n = rows.height
    if column not in rows.names:
        nothing = np.empty(0, np.int64)
        empty = np.empty(0, np.uint8)
        return Messages(empty, np.zeros(1, np.int64), np.zeros(n + 1, np.int64), numbers, nothing, nothing)
    if column == "text":
        text = to_text(rows[column])
        places = np.arange(n, dtype=np.int64)
        return Messages(text.data, text.offsets, np.arange(n + 1), numbers, np.zeros(n, np.int64), places)
    chat = rows.chat(column)
    chosen = np.zeros(chat.messages.height, np.bool_)
    for view in views:
        chosen |= select_messages(view, chat)
    flat = np.flatnonzero(chosen)
    text = to_text(chat.messages["content"].filter(pl.Series(chosen)))
    before = np.concatenate([[0], np.cumsum(chosen)])
    owner = np.searchsorted(chat.starts, flat, side="right") - 1
    return Messages(text.data, text.offsets, before[chat.starts], numbers, flat - chat.starts[owner], flat)


def anchors_of(texts: Messages, rules: Rules) -> tuple[pl.Series, pl.Series]:
    """(anchors of each row's windows, how many words it has), as `passages.find_passages` wants them gathered."""
    import nanoarrow as na

    from .kernels.passages import row_anchors

    n = len(texts.starts) - 1
    counts, lengths = np.empty(n, np.int64), np.empty(n, np.int64)
    if n == 0:
        return pl.Series("anchors", [], dtype=pl.List(pl.UInt32)), pl.Series("words", [], dtype=pl.UInt32)
    found = row_anchors(texts.data, texts.offsets, texts.starts, rules, counts, lengths)
    bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    values = na.c_array_from_buffers(na.uint32(), len(found), [None, np.ascontiguousarray(found)])
    array = na.c_array_from_buffers(na.large_list(na.uint32()), n, [None, bounds], children=[values])
    anchors = pl.Series("anchors", na.Array(array), dtype=pl.List(pl.UInt32))
    return anchors.alias("anchors"), pl.Series("words", lengths, dtype=pl.UInt32)
