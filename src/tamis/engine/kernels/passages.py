"""Repeated passages: words with their places, anchors of windows, and the table of windows seen in several rows.

A window is `length` words of one message that stand together. Its anchor is the smallest hash of the `size` words
long pieces in it, so that equal windows have equal anchors; neighbouring windows mostly share theirs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .bloom import mixed
from .jit import njit
from .words import Word

_SEPARATOR, _WORD, _SINGLE = np.uint8(0), np.uint8(1), np.uint8(2)
_1, _32 = np.uint64(1), np.uint64(32)
_SEED, _STEP = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_BASE, _WIDE = np.uint64(0x9FB21C651E98DF25), np.uint64(0xD1342543DE82EF95)
_ANCHOR = np.uint64(0xA0761D6478BD642F)
_NEWLINE, _BACKTICK, _TILDE, _BLANK = np.uint8(0x0A), np.uint8(0x60), np.uint8(0x7E), np.uint8(0x20)
_LAST = np.uint64(0xFFFFFFFFFFFFFFFF)


class Rules(NamedTuple):
    """What words and windows are.

    classes: (n_codes,) uint8, 0 parts words, 1 is in a word, 2 is a word of its own; lower: (n_codes,) int32, the code
    point compared; letters: whether each letter is a word of its own; code: whether fenced code is looked at;
    length, size: words in a window, and in the pieces that anchor it; kept: bits of a window's hash that count.
    """

    classes: np.ndarray
    lower: np.ndarray
    letters: bool
    code: bool
    length: int
    size: int
    kept: Word


class Words(NamedTuple):
    """Room for the words of one row: hashes; first byte, byte after the last; stretch (see `row_words`); message."""

    hashes: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    stretch: np.ndarray
    message: np.ndarray


class Table(NamedTuple):
    """Windows by hash (open addressing): keys, 0 where free; first row and word with it; last row; how many rows."""

    keys: np.ndarray
    row: np.ndarray
    word: np.ndarray
    last: np.ndarray
    rows: np.ndarray


@njit(nogil=True, cache=True)
def room_for(offsets: np.ndarray, starts: np.ndarray) -> Words:
    """Room for the words of the longest row."""
    most = 1
    for i in range(starts.shape[0] - 1):
        most = max(most, offsets[starts[i + 1]] - offsets[starts[i]])
    return Words(
        np.empty(most, np.uint64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.int64),
    )


@njit(nogil=True, cache=True)
def code_point(data: np.ndarray, k: int) -> tuple[int, int]:
    """(code point, bytes) of the character that begins at `k`."""
    b = int(data[k])
    if b < 0x80:
        return b, 1
    if b < 0xE0:
        return ((b & 0x1F) << 6) | int(data[k + 1] & 0x3F), 2
    if b < 0xF0:
        return ((b & 0x0F) << 12) | (int(data[k + 1] & 0x3F) << 6) | int(data[k + 2] & 0x3F), 3
    high = ((b & 0x07) << 18) | (int(data[k + 1] & 0x3F) << 12)
    return high | (int(data[k + 2] & 0x3F) << 6) | int(data[k + 3] & 0x3F), 4


@njit(nogil=True, cache=True)
def class_of(point: int, classes: np.ndarray) -> int:
    """The class of a code point; beyond the table only ideographs are words."""
    if point < classes.shape[0]:
        return int(classes[point])
    return int(_SINGLE) if 0x20000 <= point < 0x40000 else int(_SEPARATOR)


@njit(nogil=True, cache=True)
def _fence(data: np.ndarray, k: int, end: int) -> int:
    """The mark of a code fence that stands at the line's first byte `k`, after at most three blanks; 0 for none."""
    stop = min(end, k + 3)
    while k < stop and data[k] == _BLANK:
        k += 1
    if k + 3 <= end and (data[k] == _BACKTICK or data[k] == _TILDE) and data[k] == data[k + 1] == data[k + 2]:
        return int(data[k])
    return 0


@njit(nogil=True, cache=True)
def row_words(data: np.ndarray, offsets: np.ndarray, first: int, last: int, rules: Rules, words: Words) -> int:
    """The words of messages first … last - 1; returns how many.

    A stretch is what windows do not reach over: a message, or what is left of one between blocks of code.
    """
    classes, lower = rules.classes, rules.lower
    n, stretch = 0, 0
    for m in range(first, last):
        stretch += 1
        k, end = offsets[m], offsets[m + 1]
        fence, line = 0, True
        while k < end:
            if line and not rules.code:
                mark = _fence(data, k, end)
                if mark and (fence == 0 or fence == mark):
                    fence = 0 if fence else mark
                    stretch += 1
                    while k < end and data[k] != _NEWLINE:
                        k += 1
                    continue
            line = False
            if fence:
                while k < end and data[k] != _NEWLINE:
                    k += 1
                line = True
                k += 1
                continue
            b = data[k]
            if b < 0x80:
                kind, point, size = classes[b], int(b), 1
            else:
                point, size = code_point(data, k)
                kind = np.uint8(class_of(point, classes))
            if kind == _SEPARATOR:
                line = b == _NEWLINE
                k += size
                continue
            begin = k
            h = _SEED
            while True:
                folded = lower[point] if point < lower.shape[0] else point
                h = (h ^ np.uint64(folded)) * _STEP
                k += size
                if kind == _SINGLE or rules.letters or k >= end:
                    break
                b = data[k]
                if b < 0x80:
                    kind, point, size = classes[b], int(b), 1
                else:
                    point, size = code_point(data, k)
                    kind = np.uint8(class_of(point, classes))
                if kind != _WORD:
                    break
            words.hashes[n] = mixed(h)
            words.begin[n], words.end[n] = begin, k
            words.stretch[n], words.message[n] = stretch, m
            n += 1
    return n


@njit(nogil=True, cache=True)
def _power(base: Word, n: int) -> Word:
    result = _1
    for _ in range(n):
        result *= base
    return result


@njit(nogil=True, cache=True)
def stretch_anchors(
    hashes: np.ndarray, start: int, stop: int, rules: Rules, pieces: np.ndarray, anchors: np.ndarray
) -> None:
    """anchors: (stop - start - length + 1,) uint64, of each window of words start … stop - 1. pieces: room."""
    size, length = rules.size, rules.length
    top = _power(_BASE, size)
    rolling = np.uint64(0)
    for j in range(stop - start):
        rolling = rolling * _BASE + hashes[start + j]
        if j >= size:
            rolling -= top * hashes[start + j - size]
        if j >= size - 1:
            pieces[j - size + 1] = mixed(rolling)
    wide = length - size + 1
    least, place = _LAST, -1
    for s in range(stop - start - length + 1):
        if place < s:
            least = pieces[s]
            place = s
            for j in range(s + 1, s + wide):
                if pieces[j] <= least:
                    least, place = pieces[j], j
        elif pieces[s + wide - 1] <= least:
            least, place = pieces[s + wide - 1], s + wide - 1
        anchors[s] = least


@njit(nogil=True, cache=True)
def short(anchor: Word) -> Word:
    """An anchor in 32 evenly spread bits."""
    return mixed(anchor ^ _ANCHOR) >> _32


@njit(nogil=True, cache=True)
def stretch_windows(hashes: np.ndarray, start: int, stop: int, rules: Rules, windows: np.ndarray) -> None:
    """windows: (stop - start - length + 1,) uint64, the hash of each window, never 0."""
    top = _power(_WIDE, rules.length)
    rolling = np.uint64(0)
    for j in range(stop - start):
        rolling = rolling * _WIDE + hashes[start + j]
        if j >= rules.length:
            rolling -= top * hashes[start + j - rules.length]
        if j >= rules.length - 1:
            windows[j - rules.length + 1] = (mixed(rolling) & rules.kept) | _1


@njit(nogil=True, cache=True)
def stretch_end(words: Words, start: int, n: int) -> int:
    """Where the stretch that begins at word `start` ends."""
    stop = start
    while stop < n and words.stretch[stop] == words.stretch[start]:
        stop += 1
    return stop


@njit(nogil=True, cache=True)
def row_anchors(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    rules: Rules,
    counts: np.ndarray,
    lengths: np.ndarray,
) -> np.ndarray:
    """The distinct anchors of each row, ascending, one row's after the other's, as uint32.

    starts: (n + 1,) int64 into the messages; counts: (n,) int64, anchors of each row; lengths: (n,) its words.
    """
    words = room_for(offsets, starts)
    most = words.hashes.shape[0]
    pieces, anchors = np.empty(most, np.uint64), np.empty(most, np.uint64)
    own = np.empty(most, np.uint32)
    out = np.empty(1024, np.uint32)
    at = 0
    for i in range(starts.shape[0] - 1):
        n = row_words(data, offsets, starts[i], starts[i + 1], rules, words)
        lengths[i] = n
        found = 0
        start = 0
        while start < n:
            stop = stretch_end(words, start, n)
            if stop - start >= rules.length:
                stretch_anchors(words.hashes, start, stop, rules, pieces, anchors)
                last = ~anchors[0]
                for s in range(stop - start - rules.length + 1):
                    if anchors[s] != last:
                        last = anchors[s]
                        own[found] = np.uint32(short(last))
                        found += 1
            start = stop
        own[:found].sort()
        while at + found > out.shape[0]:
            wider = np.empty(2 * out.shape[0], np.uint32)
            wider[:at] = out[:at]
            out = wider
        before = at
        for j in range(found):
            if j == 0 or own[j] != own[j - 1]:
                out[at] = own[j]
                at += 1
        counts[i] = at - before
    return out[:at]


@njit(nogil=True, cache=True)
def count_anchors(anchors: np.ndarray, shift: int, counters: np.ndarray, most: int) -> None:
    """Add one to the counter of each anchor, up to `most`. counters: (2 ** (32 - shift),) uint8."""
    for anchor in anchors:
        place = anchor >> np.uint32(shift)
        if counters[place] < most:
            counters[place] += np.uint8(1)


@njit(nogil=True, cache=True)
def hot_rows(
    anchors: np.ndarray, counts: np.ndarray, shift: int, counters: np.ndarray, least: int, hot: np.ndarray
) -> None:
    """hot: (n,) bool, whether some anchor of the row stands in at least `least` rows, as far as counters tell."""
    at = 0
    for i in range(counts.shape[0]):
        hot[i] = False
        for j in range(at, at + counts[i]):
            if counters[anchors[j] >> np.uint32(shift)] >= least:
                hot[i] = True
                break
        at += counts[i]


@njit(nogil=True, cache=True)
def find(table: Table, key: Word) -> int:
    """The slot of a key, or the free slot where it belongs."""
    wrap = np.uint64(table.keys.shape[0] - 1)
    slot = (key >> _1) & wrap
    while table.keys[slot] != 0 and table.keys[slot] != key:
        slot = (slot + _1) & wrap
    return int(slot)


@njit(nogil=True, cache=True)
def moved(old: Table, new: Table) -> None:
    """Put everything of one table into a larger, empty one."""
    for k in range(old.keys.shape[0]):
        if old.keys[k] != 0:
            slot = find(new, old.keys[k])
            new.keys[slot], new.row[slot], new.word[slot] = old.keys[k], old.row[k], old.word[k]
            new.last[slot], new.rows[slot] = old.last[k], old.rows[k]
