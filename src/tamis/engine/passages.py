"""Passages that stand in several rows, found exactly and in bounded memory.

A window of `length` words is repeated when it stands in at least `least` rows; a row's repeated words are those in
some repeated window. 1. Of each row a few anchors were gathered; a repeated window has an anchor that is frequent.
2. Only windows with a frequent anchor are counted, in a table, in turns by anchor where the table would outgrow its
bounds. 3. Every window found is compared, letter for letter, with the row in which it stood first; where a hash lied,
nothing is said of that hash. Text is read a batch of rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Table
from tamis.core.row import view_column

from .frame import Frame
from .passage_text import Ints, Messages, messages_of
from .pieces import pieces

if TYPE_CHECKING:
    from .kernels.passages import Rules
    from .kernels.passages import Table as Windows

#: rows read at a time; bytes of text kept in memory between passes; slots of the table of windows (24 bytes each)
BATCH, KEPT_BYTES, SLOTS, FIRST_SLOTS = 25_000, 200 << 20, 1 << 24, 1 << 16
#: words of the rows that others are compared with at a time
COMPARED_WORDS = 20_000_000

#: row, first word, words, row in which they stood first, their first word there, rows that have them
_ROW, _WORD, _COUNT, _FIRST_ROW, _FIRST_WORD, _ROWS = range(6)


class Repeated(NamedTuple):
    """Repeated words, ascending and apart: (k,) each.

    row, word, length: which words of which row; first: the row in which the longest part of them stood first;
    rows: how many rows have that part.
    """

    row: Ints
    word: Ints
    length: Ints
    first: Ints
    rows: Ints


class Reader:
    """The texts of a table's rows, a batch at a time; small ones are kept."""

    def __init__(self, table: Table, views: Sequence[str]) -> None:
        self._table, self._views = table, tuple(views)
        self._column = view_column(self._views[0])
        self._kept: dict[int, Messages] = {}
        self._room = KEPT_BYTES

    def read(self, numbers: NDArray[np.int32]) -> Messages:
        """The texts of some rows, ascending."""
        frame = Frame.of(self._table.fetch(numbers.astype(np.int64), [self._column]))
        return messages_of(frame, self._views, numbers)

    def batch(self, key: int, numbers: NDArray[np.int32]) -> Messages:
        """The texts of a batch that is asked for again."""
        if key in self._kept:
            return self._kept[key]
        texts = self.read(numbers)
        if texts.data.size <= self._room:
            self._room -= texts.data.size
            self._kept[key] = texts
        return texts


def find_passages(table: Table, reader: Reader, rules: Rules, least: int, *, first_stays: bool) -> Repeated:
    """The repeated words of all rows, for `least` up to 255. `first_stays`: not those of the row in which a window stood first."""
    counters, shift = _count_anchors(table, least)
    batches = list(_hot_batches(table, counters, shift, least))
    lengths = lengths_of(table)
    turns = 1
    while True:
        finder = _Finder(reader, batches, rules, counters, shift, least, lengths)
        found = [finder.turn(turn, turns) for turn in range(turns)]
        if all(one is not None for one in found):
            break
        turns *= 2
    segments = np.concatenate([one for one in found if one is not None] or [np.empty((0, 6), np.int32)])
    if first_stays:
        segments = segments[segments[:, _ROW] != segments[:, _FIRST_ROW]]
    return _merged(segments)


def lengths_of(table: Table) -> NDArray[np.uint32]:
    """How many words each row has."""
    parts = [piece["words"].to_numpy() for _, piece in pieces(table, ["words"])]
    return np.concatenate([np.empty(0, np.uint32), *parts])


def _flat(piece: pl.DataFrame) -> tuple[NDArray[np.uint32], Ints]:
    """(all anchors, how many each row has)."""
    anchors = piece["anchors"]
    counts = anchors.list.len().to_numpy().astype(np.int64)
    return anchors.filter(anchors.list.len() > 0).explode().to_numpy().astype(np.uint32, copy=False), counts


def _count_anchors(table: Table, least: int) -> tuple[NDArray[np.uint8], int]:
    """In how many rows anchors stand, up to `least`; different ones may share a counter."""
    from .kernels.passages import count_anchors

    total = sum(int(piece["anchors"].list.len().sum()) for _, piece in pieces(table, ["anchors"]))
    bits = min(28, max(16, (8 * total).bit_length()))
    counters = np.zeros(1 << bits, np.uint8)
    for _, piece in pieces(table, ["anchors"]):
        count_anchors(_flat(piece)[0], 32 - bits, counters, least)
    return counters, 32 - bits


def _hot_batches(table: Table, counters: NDArray[np.uint8], shift: int, least: int) -> Iterator[NDArray[np.int32]]:
    """Batches of the rows in which something may be repeated."""
    from .kernels.passages import hot_rows

    for start, piece in pieces(table, ["anchors"]):
        anchors, counts = _flat(piece)
        hot = np.empty(len(counts), np.bool_)
        hot_rows(anchors, counts, shift, counters, least, hot)
        rows = (start + np.flatnonzero(hot)).astype(np.int32)
        for at in range(0, len(rows), BATCH):
            yield rows[at : at + BATCH]


class _Finder:
    """One division of the windows into turns."""

    def __init__(
        self,
        reader: Reader,
        batches: list[NDArray[np.int32]],
        rules: Rules,
        counters: NDArray[np.uint8],
        shift: int,
        least: int,
        lengths: NDArray[np.uint32],
    ) -> None:
        self.reader, self.batches, self.rules, self.lengths = reader, batches, rules, lengths
        self.counters, self.shift, self.least = counters, shift, least

    def turn(self, turn: int, turns: int) -> NDArray[np.int32] | None:
        """The segments of one turn's windows; None where the table would outgrow its bounds."""
        table = self._count(turn, turns)
        if table is None:
            return None
        found = self._segments(table, turn, turns)
        bad = self._differing(found)
        if len(bad):
            self._forget(bad, table)
            found = self._segments(table, turn, turns)
        return found

    def _anchored(self, turn: int, turns: int) -> tuple[NDArray[np.uint8], int, int, np.uint64, np.uint64]:
        return self.counters, self.shift, self.least, np.uint64(turn), np.uint64(turns - 1)

    def _count(self, turn: int, turns: int) -> Windows | None:
        from .kernels.passage_rows import count_windows
        from .kernels.passages import moved

        table, used = _empty_table(FIRST_SLOTS), 0
        for key, numbers in enumerate(self.batches):
            texts = self.reader.batch(key, numbers)
            begin = 0
            while begin < len(numbers):
                used, begin = count_windows(
                    texts.data, texts.offsets, texts.starts, numbers, self.rules, *self._anchored(turn, turns),
                    table, used, begin,
                )  # fmt: skip
                if begin < len(numbers):
                    if len(table.keys) >= SLOTS and used:
                        return None
                    wider = _empty_table(2 * len(table.keys))
                    moved(table, wider)
                    table = wider
        return table

    def _segments(self, table: Windows, turn: int, turns: int) -> NDArray[np.int32]:
        from .kernels.passage_rows import segments

        found = [np.empty((0, 6), np.int32)]
        for key, numbers in enumerate(self.batches):
            texts = self.reader.batch(key, numbers)
            anchored = self._anchored(turn, turns)
            args = (texts.data, texts.offsets, texts.starts, numbers, self.rules)
            found.append(segments(*args, *anchored, table).copy())
        return np.concatenate(found)

    def _differing(self, found: NDArray[np.int32]) -> NDArray[np.int32]:
        """The segments whose words are not those of the row that their hashes name."""
        from .kernels.passage_rows import compare

        others = found[found[:, _ROW] != found[:, _FIRST_ROW]]
        bad = []
        for some in self._rounds(others):
            firsts = np.unique(some[:, _FIRST_ROW])
            theirs = self.reader.read(firsts)
            for key, numbers in enumerate(self.batches):
                mine = some[
                    np.searchsorted(some[:, _ROW], numbers[0]) : np.searchsorted(some[:, _ROW], numbers[-1], "right")
                ]
                if not len(mine):
                    continue
                texts = self.reader.batch(key, numbers)
                same = np.empty(len(mine), np.bool_)
                compare(
                    texts.data, texts.offsets, texts.starts, np.searchsorted(numbers, mine[:, _ROW]),
                    mine[:, _WORD].astype(np.int64), mine[:, _COUNT].astype(np.int64),
                    theirs.data, theirs.offsets, theirs.starts, np.searchsorted(firsts, mine[:, _FIRST_ROW]),
                    mine[:, _FIRST_WORD].astype(np.int64), self.rules, same,
                )  # fmt: skip
                bad.append(mine[~same])
        return np.concatenate([*bad, np.empty((0, 6), np.int32)])

    def _rounds(self, found: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
        """The segments in rounds, in each of which few rows are named as the first."""
        firsts = np.unique(found[:, _FIRST_ROW])
        round_of = np.cumsum(self.lengths[firsts].astype(np.int64)) // COMPARED_WORDS
        mine = round_of[np.searchsorted(firsts, found[:, _FIRST_ROW])]
        for number in np.unique(mine):
            some = found[mine == number]
            yield some[np.argsort(some[:, _ROW], kind="stable")]

    def _forget(self, bad: NDArray[np.int32], table: Windows) -> None:
        from .kernels.passage_rows import forget

        for key, numbers in enumerate(self.batches):
            mine = bad[(bad[:, _ROW] >= numbers[0]) & (bad[:, _ROW] <= numbers[-1])]
            texts = self.reader.batch(key, numbers) if len(mine) else None
            for line in mine.tolist():
                assert texts is not None
                place = int(np.searchsorted(numbers, line[_ROW]))
                forget(texts.data, texts.offsets, texts.starts, place, line[_WORD], line[_COUNT], self.rules, table)


def _empty_table(slots: int) -> Windows:
    from .kernels.passages import Table as Windows

    return Windows(np.zeros(slots, np.uint64), *(np.zeros(slots, np.int32) for _ in range(4)))


def _merged(segments: NDArray[np.int32]) -> Repeated:
    """Segments that overlap or touch as one."""
    some = segments[np.lexsort((segments[:, _WORD], segments[:, _ROW]))].astype(np.int64)
    if not len(some):
        return Repeated(*(np.empty(0, np.int64) for _ in range(5)))
    row, word, end = some[:, _ROW], some[:, _WORD], some[:, _WORD] + some[:, _COUNT]
    far = 1 << 32
    reach = np.maximum.accumulate(row * far + end) - row * far  # the furthest end so far in the row
    fresh = np.r_[True, (row[1:] != row[:-1]) | (word[1:] > reach[:-1])]
    begins = np.flatnonzero(fresh)
    group = np.cumsum(fresh) - 1
    ends = np.r_[begins[1:], len(some)] - 1
    longest = np.lexsort((np.arange(len(some)), -some[:, _COUNT], group))[begins]
    return Repeated(
        row[begins], word[begins], reach[ends] - word[begins], some[longest, _FIRST_ROW], some[longest, _ROWS]
    )
