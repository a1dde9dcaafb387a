"""Repeated passages: in how many rows each window stands, where it stood first, and whether words are truly equal.

Rows come in batches: strings `data` and `offsets`, `starts` (n + 1,) of each row's, `numbers` (n,) of the rows.
"""

from __future__ import annotations

import numpy as np

from .jit import njit
from .passages import (
    Rules,
    Table,
    Words,
    code_point,
    find,
    room_for,
    row_words,
    short,
    stretch_anchors,
    stretch_end,
    stretch_windows,
)
from .words import Word


@njit(nogil=True, cache=True)
def _chosen(anchors: np.ndarray, n: int, shift: int, counters: np.ndarray, least: int, turn: Word, turns: Word) -> bool:
    """Mark, by anchors[s] = 1 or 0, the windows to look at: whose anchor stands in `least` rows and has its turn."""
    last, chosen, some = ~anchors[0], False, False
    for s in range(n):
        if anchors[s] != last:
            last = anchors[s]
            anchor = short(last)
            chosen = counters[anchor >> np.uint64(shift)] >= least and (anchor & turns) == turn
            some |= chosen
        anchors[s] = np.uint64(1) if chosen else np.uint64(0)
    return some


@njit(nogil=True, cache=True)
def count_windows(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    numbers: np.ndarray,
    rules: Rules,
    counters: np.ndarray,
    shift: int,
    least: int,
    turn: Word,
    turns: Word,
    table: Table,
    used: int,
    begin: int,
) -> tuple[int, int]:
    """Enter the windows of rows begin … into the table; (slots used, the row before which it was too full)."""
    words = room_for(offsets, starts)
    most = words.hashes.shape[0]
    pieces, anchors, windows = np.empty(most, np.uint64), np.empty(most, np.uint64), np.empty(most, np.uint64)
    n_rows = starts.shape[0] - 1
    for i in range(begin, n_rows):
        n = row_words(data, offsets, starts[i], starts[i + 1], rules, words)
        if 10 * (used + n) > 6 * table.keys.shape[0]:
            return used, i
        start = 0
        while start < n:
            stop = stretch_end(words, start, n)
            there = stop - start - rules.length + 1
            if there > 0:
                stretch_anchors(words.hashes, start, stop, rules, pieces, anchors)
                if _chosen(anchors, there, shift, counters, least, turn, turns):
                    stretch_windows(words.hashes, start, stop, rules, windows)
                    for s in range(there):
                        if anchors[s] == 0:
                            continue
                        slot = find(table, windows[s])
                        if table.keys[slot] == 0:
                            table.keys[slot] = windows[s]
                            table.row[slot], table.word[slot] = numbers[i], start + s
                            table.last[slot], table.rows[slot] = numbers[i], 1
                            used += 1
                        elif table.last[slot] != numbers[i]:
                            table.last[slot] = numbers[i]
                            table.rows[slot] += 1
            start = stop
    return used, n_rows


@njit(nogil=True, cache=True)
def segments(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    numbers: np.ndarray,
    rules: Rules,
    counters: np.ndarray,
    shift: int,
    least: int,
    turn: Word,
    turns: Word,
    table: Table,
) -> np.ndarray:
    """(k, 6) int32: row, first word, words, the row where they stood first, their first word there, rows with them.

    Neighbouring windows that stood first in one place are one segment; the last figure is the least of its windows.
    """
    words = room_for(offsets, starts)
    most = words.hashes.shape[0]
    pieces, anchors, windows = np.empty(most, np.uint64), np.empty(most, np.uint64), np.empty(most, np.uint64)
    out = np.empty((256, 6), np.int32)
    k = 0
    for i in range(starts.shape[0] - 1):
        n = row_words(data, offsets, starts[i], starts[i + 1], rules, words)
        start = 0
        while start < n:
            stop = stretch_end(words, start, n)
            there = stop - start - rules.length + 1
            open_since = -1
            if there > 0:
                stretch_anchors(words.hashes, start, stop, rules, pieces, anchors)
                if _chosen(anchors, there, shift, counters, least, turn, turns):
                    stretch_windows(words.hashes, start, stop, rules, windows)
                    for s in range(there):
                        if anchors[s] == 0:
                            open_since = -1
                            continue
                        slot = find(table, windows[s])
                        if table.keys[slot] == 0 or table.rows[slot] < least:
                            open_since = -1
                            continue
                        row, word = table.row[slot], table.word[slot]
                        if open_since >= 0 and out[k - 1, 3] == row and word - out[k - 1, 4] == s - open_since:
                            out[k - 1, 2] = s - open_since + rules.length
                            out[k - 1, 5] = min(out[k - 1, 5], table.rows[slot])
                            continue
                        if k == out.shape[0]:
                            wider = np.empty((2 * k, 6), np.int32)
                            wider[:k] = out
                            out = wider
                        open_since = s
                        out[k, 0], out[k, 1], out[k, 2] = numbers[i], start + s, rules.length
                        out[k, 3], out[k, 4], out[k, 5] = row, word, table.rows[slot]
                        k += 1
            start = stop
    return out[:k]


@njit(nogil=True, cache=True)
def forget(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    row: int,
    first: int,
    count: int,
    rules: Rules,
    table: Table,
) -> None:
    """Nothing is said any more of the windows in words first … first + count - 1 of a row of the batch."""
    words = room_for(offsets, starts)
    windows = np.empty(words.hashes.shape[0], np.uint64)
    row_words(data, offsets, starts[row], starts[row + 1], rules, words)
    stretch_windows(words.hashes, first, first + count, rules, windows)
    for s in range(count - rules.length + 1):
        slot = find(table, windows[s])
        if table.keys[slot] != 0:
            table.rows[slot] = -(1 << 30)


@njit(nogil=True, cache=True)
def _same_word(a: np.ndarray, i: int, i_end: int, b: np.ndarray, j: int, j_end: int, lower: np.ndarray) -> bool:
    """Whether two words are the same, letter for letter, once in lower case."""
    while i < i_end and j < j_end:
        p, size = code_point(a, i)
        i += size
        q, size = code_point(b, j)
        j += size
        if p != q:
            p = lower[p] if p < lower.shape[0] else p
            q = lower[q] if q < lower.shape[0] else q
            if p != q:
                return False
    return i == i_end and j == j_end


@njit(nogil=True, cache=True)
def compare(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    row: np.ndarray,
    word: np.ndarray,
    count: np.ndarray,
    other_data: np.ndarray,
    other_offsets: np.ndarray,
    other_starts: np.ndarray,
    other_row: np.ndarray,
    other_word: np.ndarray,
    rules: Rules,
    same: np.ndarray,
) -> None:
    """same: (k,) bool, whether `count` words from `word` of a row are those from `other_word` of another.

    Rows are places in their batches, ascending in `row`.
    """
    mine, theirs = room_for(offsets, starts), room_for(other_offsets, other_starts)
    at, other_at = np.int64(-1), np.int64(-1)
    for k in range(row.shape[0]):
        if row[k] != at:
            at = row[k]
            row_words(data, offsets, starts[at], starts[at + 1], rules, mine)
        if other_row[k] != other_at:
            other_at = other_row[k]
            row_words(other_data, other_offsets, other_starts[other_at], other_starts[other_at + 1], rules, theirs)
        same[k] = True
        for w in range(count[k]):
            i, j = word[k] + w, other_word[k] + w
            if not _same_word(
                data, mine.begin[i], mine.end[i], other_data, theirs.begin[j], theirs.end[j], rules.lower
            ):
                same[k] = False
                break


__all__ = ["Words", "compare", "count_windows", "forget", "segments"]
