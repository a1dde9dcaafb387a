"""Rewrite the texts of rows: message contents, `text`, columns of the source.

A `Rewriter` is given strings and which of them to look at; it answers with those that it changed.
What it left alone is never copied: whole columns are put together again from the old strings' places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Chat, Columns, Text
from tamis.core.errors import UsageError
from tamis.core.row import CHAT_VIEWS, MESSAGE, MESSAGES, view_column

from .frame import select_messages
from .text import to_messages, to_text

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Rewritten(NamedTuple):
    """What became of some strings.

    at: (k,) int64 positions, ascending; values: their new values, k strings; figures: (k, n_figures) int64.
    A string may stand here only for its figures, with its old value.
    """

    at: Positions
    values: pl.Series
    figures: NDArray[np.int64]


Rewriter = Callable[[pl.Series, Mask], Rewritten]


class Rewrite(NamedTuple):
    """What became of some rows.

    changes: whole new columns by name; a column in which nothing changed is the old one itself, not a copy.
    figures: (n_rows, n_figures) int64, summed over the row's strings; changed: (n_rows,) bool.
    """

    changes: dict[str, pl.Series]
    figures: NDArray[np.int64]
    changed: Mask


def rewrite(rows: Columns, views: Sequence[str], rewriter: Rewriter, figures: int) -> Rewrite:
    """Rewrite the texts that `views` name. `figures`: how many a string has.

    `rejected` is here every message of the rejected conversation. Columns that are not there, or hold no
    strings, are passed over; UsageError for a `column:NAME` that is none of the source's.
    """
    totals = np.zeros((rows.height, figures), np.int64)
    changed = np.zeros(rows.height, np.bool_)
    changes: dict[str, pl.Series] = {}
    for name, chosen in _columns(rows, views).items():
        column = rows[name]
        if column.dtype == MESSAGES:
            chat = rows.chat(name)
            owner = np.repeat(np.arange(rows.height), np.diff(chat.starts))
            old = chat.messages["content"]
            done = rewriter(old, _selected(chat, name, chosen))
        elif column.dtype == pl.String:
            chat, owner, old = None, np.arange(rows.height), column
            done = rewriter(old, np.ones(len(old), np.bool_))
        else:
            continue
        np.add.at(totals, owner[done.at], done.figures)
        differs = done.values.ne_missing(old.gather(pl.Series(done.at, dtype=pl.UInt32))).to_numpy()
        if not differs.any():
            changes[name] = column
            continue
        changed[owner[done.at[differs]]] = True
        new = patched(old, done.at, done.values)
        changes[name] = (new if chat is None else with_contents(column, chat, new)).alias(name)
    return Rewrite(changes, totals, changed)


def _columns(rows: Columns, views: Sequence[str]) -> dict[str, list[str]]:
    """The columns to rewrite, and which views of each."""
    found: dict[str, list[str]] = {}
    for view in views:
        name = view_column(view)
        if view not in CHAT_VIEWS and view != "text":
            name = rows.find(name)
            if not name.startswith("source."):
                raise UsageError(
                    f"cannot rewrite column {name!r}: it is no column of the source",
                    hint="name messages (all, prompt, response, system, rejected), text, or a column of the source",
                )
        if name in rows.names:
            found.setdefault(name, []).append(view)
    return found


def _selected(chat: Chat, column: str, views: Iterable[str]) -> Mask:
    """(m,) bool: which messages the views of one column name."""
    chosen = np.zeros(chat.messages.height, np.bool_)
    for view in views:
        chosen |= True if column == "rejected" else select_messages(view, chat)
    return chosen


def patched(column: pl.Series, at: Positions, values: pl.Series) -> pl.Series:
    """A string column with `values` at the positions `at`. Copies the strings' places, not their bytes."""
    n = len(column)
    index = np.arange(n, dtype=np.uint32)
    index[at] = np.arange(n, n + len(at), dtype=np.uint32)
    return pl.concat([column, values.alias(column.name)], rechunk=True).gather(pl.Series(index))


def with_contents(column: pl.Series, chat: Chat, contents: pl.Series) -> pl.Series:
    """A `List(MESSAGE)` column whose messages have other contents; all else of them stays."""
    messages = chat.messages.with_columns(contents.alias("content"))
    inner = messages.select([field.name for field in MESSAGE.fields]).to_struct("")
    aligned = True

    def swap(flat: pl.Series) -> pl.Series:
        nonlocal aligned
        aligned &= len(flat) == len(inner)
        return inner if len(flat) == len(inner) else flat

    # `list.eval` hands over all messages at once, flat, and keeps the lists' bounds
    swapped = pl.element().map_batches(swap, return_dtype=MESSAGE, is_elementwise=True)
    whole = pl.select(pl.lit(column.rechunk()).list.eval(swapped)).to_series()
    if aligned and whole.dtype == MESSAGES:
        return whole.alias(column.name)
    valid = column.is_not_null().to_numpy()
    return to_messages(column.name, Chat(chat.starts, messages), valid).alias(column.name)


class _Views(NamedTuple):
    """The strings of a series where they stand (see kernels.clean). `owner` keeps their memory alive."""

    views: NDArray[np.uint32]
    inline: NDArray[np.uint8]
    addresses: NDArray[np.int64]
    sizes: NDArray[np.int64]
    selected: Mask
    owner: Any


def string_views(series: pl.Series, selected: Mask) -> _Views:
    """A string series as kernels read it without a copy; nulls are not selected."""
    import nanoarrow as na

    n = len(series)
    array = next(iter(na.c_array_stream(series.rechunk())))
    view = array.view()
    inline = np.frombuffer(view.buffer(1), np.uint8)[array.offset * 16 : (array.offset + n) * 16].reshape(n, 16)
    blocks = [np.frombuffer(view.buffer(k), np.uint8) for k in range(2, view.n_buffers - 1)]
    addresses = np.array([block.ctypes.data for block in blocks] or [0], np.int64)
    sizes = np.array([block.size for block in blocks] or [0], np.int64)
    if series.null_count():
        selected = selected & series.is_not_null().to_numpy()
    return _Views(
        inline.view(np.uint32), inline, addresses, sizes, np.ascontiguousarray(selected), (series, array, view, blocks)
    )


def chosen_text(series: pl.Series, at: Positions) -> Text:
    """The bytes of a few strings."""
    return to_text(series.gather(pl.Series(at, dtype=pl.UInt32)))


def nothing(figures: int) -> Rewritten:
    """No string changed."""
    return Rewritten(np.empty(0, np.int64), pl.Series([], dtype=pl.String), np.empty((0, figures), np.int64))


def rewritten_one_by_one(
    series: pl.Series, at: Positions, one: Callable[[str], tuple[str, Sequence[int]]], figures: int
) -> Rewritten:
    """Rewrite the strings at `at` in Python; those that stay and have no figures are left out."""
    found: list[tuple[int, str, Sequence[int]]] = []
    for position, old in zip(at.tolist(), some_strings(series, at), strict=True):
        new, numbers = one(old)
        if new != old or any(numbers):
            found.append((position, new, numbers))
    if not found:
        return nothing(figures)
    return Rewritten(
        np.array([position for position, _, _ in found], np.int64),
        pl.Series([new for _, new, _ in found], dtype=pl.String),
        np.array([list(numbers) for _, _, numbers in found], np.int64).reshape(len(found), figures),
    )


def some_strings(series: pl.Series, at: Positions) -> Iterator[str]:
    """A few strings, a thousand at a time."""
    for k in range(0, len(at), 1000):
        yield from series.gather(pl.Series(at[k : k + 1000], dtype=pl.UInt32)).to_list()


_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_CLOSING = re.compile(r" {0,3}(`{3,}|~{3,})\s*$")


def fenced(lines: Sequence[str]) -> list[bool]:
    """Which lines are fenced code (Markdown's ``` and ~~~), fences included; unclosed code ends with the text."""
    found = []
    fence = ""
    for line in lines:
        if fence:
            found.append(True)
            closing = _CLOSING.match(line)
            if closing and closing[1].startswith(fence):
                fence = ""
        else:
            opening = _FENCE.match(line)
            found.append(opening is not None)
            fence = opening[1] if opening else ""
    return found


def outside_code(text: str, mend: Callable[[str], str]) -> str:
    """`text` with `mend` applied to what stands outside fenced code."""
    if "```" not in text and "~~~" not in text:
        return mend(text)
    lines = text.split("\n")
    parts = groupby(zip(fenced(lines), lines, strict=True), key=itemgetter(0))
    whole = [(code, "\n".join(line for _, line in group)) for code, group in parts]
    return "\n".join(part if code else mend(part) for code, part in whole)


def with_markup(strings: pl.Series, selected: Mask) -> Positions:
    """Positions of the selected strings that may hold HTML."""
    from .kernels.marks import mark_markup

    found = np.zeros(len(strings), np.bool_)
    if len(strings):
        standing = string_views(strings, selected)
        mark_markup(*standing[:5], found)
    return np.flatnonzero(found)


def with_any(strings: pl.Series, selected: Mask, needles: tuple[str, ...]) -> Positions:
    """Positions of the selected strings in which one of the needles stands, ASCII letters compared without case."""
    from .kernels.marks import mark_any, packed

    found = np.zeros(len(strings), np.bool_)
    if len(strings):
        standing = string_views(strings, selected)
        mark_any(*standing[:5], *packed(needles), found)
    return np.flatnonzero(found)
