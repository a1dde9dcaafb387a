"""Row ids: what a row is, as 128 bits.

The id of a row is blake2b (digest of 16 bytes) over the UTF-8 of

    json.dumps([label, [[name, value], …]], ensure_ascii=False, separators=(",", ":"))

where `label` is the source's name and the pairs are its key columns (without keys: the columns pinned at the first
run), sorted by name, null values left out; so a column that is new and null changes no id. Numbers without a
fraction below 2^63 are written as integers, so a column that widens from integer to number changes no id; other
numbers as Python writes them. JSON values enter as their text, in a string. Without keys, the n-th repeat (n ≥ 1)
of a row has the id blake2b-128 of `f"{id of the first:032x}#{n}"`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .views import views_of

Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]


def row_ids(label: str, columns: Sequence[pl.Series], height: int) -> Halves:
    """The ids of rows from some of their columns (strings, 64-bit integers, doubles, booleans)."""
    from .kernels.canonical import row_ids as kernel

    columns = sorted(columns, key=lambda series: series.name)
    high, low = np.empty(height, np.uint64), np.empty(height, np.uint64)
    texts = [views_of(series if series.dtype == pl.String else number_text(series)) for series in columns]
    names = [f"[{_json(series.name)},".encode() for series in columns]
    offsets = np.zeros(len(columns) + 1, np.int64)
    np.cumsum([len(name) for name in names], out=offsets[1:])
    firsts = np.zeros(len(columns), np.int64)
    firsts[1:] = np.cumsum([len(text.addresses) for text in texts])[:-1] if texts else 0
    empty = np.zeros(1, np.int64)
    kernel(
        height,
        np.frombuffer(f"[{_json(label)},[".encode(), np.uint8),
        np.frombuffer(b"".join(names), np.uint8),
        offsets,
        np.array([series.dtype == pl.String for series in columns], np.bool_),
        np.array([text.views.ctypes.data for text in texts], np.int64),
        np.array([text.valid.ctypes.data for text in texts], np.int64),
        firsts,
        np.concatenate([text.addresses for text in texts] or [empty]),
        np.concatenate([text.sizes for text in texts] or [empty]),
        high,
        low,
    )
    return high, low


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def number_text(series: pl.Series) -> pl.Series:
    """Integers, doubles and booleans as canonical JSON."""
    if not series.dtype.is_float():
        return series.cast(pl.String)
    whole = ((series == series.floor()) & (series.abs() < 2.0**63)).fill_null(False)
    text = series.set(~whole, None).cast(pl.Int64).cast(pl.String)
    rest = (~whole & series.is_not_null()).to_numpy()
    if rest.any():
        words = [repr(value) for value in series.to_numpy()[rest].tolist()]
        text = text.scatter(np.flatnonzero(rest), words)
    return text


class Repeats(NamedTuple):
    """occurrence: (n,) uint32, how many rows before each row have its id; first: (n,) int32, the first that has it."""

    occurrence: NDArray[np.uint32]
    first: NDArray[np.int32]


#: rows with a doubtful id up to which no kernel is loaded for them: that takes as long as reading a million rows' ids
FEW = 1 << 16


def occurrences(ids: Halves) -> Repeats | None:
    """Which ids repeat, of rows in global order; None where none does."""
    high, _ = ids
    ordered = np.sort(high)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return None
    place = np.searchsorted(twice, high)
    place[place == len(twice)] = 0
    doubtful = np.flatnonzero(twice[place] == high)
    return _few_repeats(ids, doubtful) if len(doubtful) <= FEW else _many_repeats(ids)


def _few_repeats(ids: Halves, doubtful: NDArray[np.int64]) -> Repeats | None:
    """doubtful: the rows whose first half another row has, too, ascending."""
    high, low = ids[0][doubtful], ids[1][doubtful]
    order = np.lexsort((low, high))  # stable: rows of one id stay in their order
    high, low, rows = high[order], low[order], doubtful[order]
    begins = np.concatenate([[True], (high[1:] != high[:-1]) | (low[1:] != low[:-1])])
    if begins.all():
        return None
    start = np.flatnonzero(begins)[np.cumsum(begins) - 1]
    occurrence, first = np.zeros(len(ids[0]), np.uint32), np.arange(len(ids[0]), dtype=np.int32)
    occurrence[rows] = np.arange(len(rows)) - start
    first[rows] = rows[start]
    return Repeats(occurrence, first)


def _many_repeats(ids: Halves) -> Repeats | None:
    from .kernels.blake2 import count_repeats

    high, low = ids
    n = len(high)
    size = 1 << max(4, (2 * n - 1).bit_length() if n else 0)
    occurrence, first = np.empty(n, np.uint32), np.empty(n, np.int32)
    repeats = count_repeats(high, low, np.full(size, -1, np.int32), np.zeros(n, np.uint32), occurrence, first)
    return Repeats(occurrence, first) if repeats else None


def repeated(ids: Halves, occurrence: NDArray[np.uint32]) -> Halves:
    """The ids of repeats (occurrence ≥ 1), from the first's; the others stay."""
    from .kernels.blake2 import repeat_ids

    high, low = ids[0].copy(), ids[1].copy()
    repeat_ids(high, low, occurrence)
    return high, low
