"""Normalise strings byte by byte, hash them, and find equal keys.

What a character becomes is looked up: `Folds` (see `engine/hashing.py`, which fills it and says what
the rules mean). A row holding a character whose fate depends on its neighbours in a way no table can
tell (an uncomposed accent) is marked slow and left to the caller.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import njit, plain
from .words import Word, load64, store64, trailing_zeros
from .xxh3 import xxh3_128

#: in `Folds.plain`: this byte needs a closer look
SPECIAL = 255
#: in `Folds.code`: the row is slow; the character stays as it is
SLOW, SAME = -1, -2
#: in `Folds.mark`: a mark that becomes a blank, one that vanishes; both stay before a digit
BLANKED, VANISHING = 1, 2

_BLANK = np.uint8(0x20)
_SPECIAL = np.uint8(SPECIAL)


def _every(byte: int) -> Word:
    """A word of eight equal bytes."""
    return np.uint64(byte * 0x0101010101010101)


_TOP, _BLANKS, _ALL_BUT_TOP, _BIT6 = _every(0x80), _every(0x20), _every(0x7F), _every(0x40)
_TO_A, _PAST_Z, _TO_0, _PAST_9 = _every(0x80 - 0x41), _every(0x80 - 0x5B), _every(0x80 - 0x30), _every(0x80 - 0x3A)
_1, _2, _8, _56, _0 = np.uint64(1), np.uint64(2), np.uint64(8), np.uint64(56), np.uint64(0)


class Folds(NamedTuple):
    """What characters become.

    plain: (256,) uint8, the byte an ASCII byte becomes, or SPECIAL; mark: (128,) uint8;
    runs: (256,) bool, bytes of which a run becomes one; code: (n_codes,) int32 per code point, the
    place in `pool` << 6 | length, or SLOW or SAME; lead, trail: (n_codes,) uint8, the combining class
    of the first and last character it becomes; pool: uint8, UTF-8;
    beyond: SLOW or SAME, for code points that the table does not reach;
    by_words: whether letters, digits, signs from `@` on and single blanks stay as they are, but for
    their case, so that eight bytes can be looked at together; lower: the bits at which the case of a
    letter may change, 0x80 in each byte or none.
    """

    plain: np.ndarray
    mark: np.ndarray
    runs: np.ndarray
    code: np.ndarray
    lead: np.ndarray
    trail: np.ndarray
    pool: np.ndarray
    beyond: int
    by_words: bool
    lower: Word


@plain
def _decode(data: np.ndarray, k: int) -> tuple[int, int]:
    """(code point, bytes) of the character beyond ASCII that begins at `k`."""
    b = int(data[k])
    if b < 0xE0:
        return ((b & 0x1F) << 6) | int(data[k + 1] & 0x3F), 2
    if b < 0xF0:
        return ((b & 0x0F) << 12) | (int(data[k + 1] & 0x3F) << 6) | int(data[k + 2] & 0x3F), 3
    high = ((b & 0x07) << 18) | (int(data[k + 1] & 0x3F) << 12)
    return high | (int(data[k + 2] & 0x3F) << 6) | int(data[k + 3] & 0x3F), 4


@plain
def _fold(code: np.ndarray, point: int, beyond: int) -> int:
    """The entry of a code point. Beyond the table ideographs stay as they are; for the rest `beyond` stands."""
    if point < code.shape[0]:
        return int(code[point])
    return SAME if point < 0x2F800 or 0x30000 <= point < 0x40000 else beyond


@plain
def _before_digit(data: np.ndarray, k: int, end: int, code: np.ndarray, pool: np.ndarray, beyond: int) -> bool:
    """Whether what stands from `k` on begins with an ASCII digit once it is folded."""
    while k < end:
        b = data[k]
        if b < 0x80:
            return bool(0x30 <= b <= 0x39)
        point, size = _decode(data, k)
        entry = _fold(code, point, beyond)
        if entry < 0:
            return False
        if entry & 63:
            return bool(0x30 <= pool[entry >> 6] <= 0x39)
        k += size
    return False


@plain
def _word(w: Word, after_blank: bool, lower: Word) -> tuple[Word, int]:
    """Eight bytes with their letters in lower case, and how many of them, from the first, need no closer look.

    One byte's carry reaches later bytes only, and those after the first that needs a closer look are not used.
    """
    upper = ((w + _TO_A) ^ (w + _PAST_Z)) & lower
    blank = ~((w ^ _BLANKS) + _ALL_BUT_TOP)
    plain = ((w & _BIT6) << _1) | ((w + _TO_0) & ~(w + _PAST_9)) | blank
    blank &= _TOP
    doubled = blank & ((blank << _8) | (np.uint64(0x80) if after_blank else _0))
    return w | (upper >> _2), trailing_zeros((~plain & _TOP) | doubled | (w & _TOP)) >> 3


@plain
def normalise_row(data: np.ndarray, start: int, end: int, folds: Folds, out: np.ndarray) -> int:
    """Normalise data[start : end] into `out`; the bytes written, -1 for a slow row, -2 where `out` is too small."""
    plain, mark, runs, code, lead, trail, pool, beyond, by_words, lower = folds
    if out.shape[0] < end - start + 8:
        return -2
    at = 0
    last = _BLANK if runs[32] else np.uint8(0)
    combining, combining_end = 0, -1
    k = start
    while k < end:
        if by_words and k + 8 <= end:
            word, good = _word(load64(data, k), last == _BLANK, lower)
            if good == 8:  # by a fixed step, so that the next word need not wait for this one
                store64(out, at, word)
                at += 8
                last = np.uint8(word >> _56)
                k += 8
                continue
            if good:
                store64(out, at, word)
                at += good
                last = out[at - 1]
                k += good
        b = data[k]
        m = plain[b]
        if m != _SPECIAL:
            out[at] = m
            at += 1 - int((m == last) & runs[m])
            last = m
            k += 1
            continue
        if b < 0x80:
            k += 1
            digit = k < end and 0x30 <= data[k] <= 0x39
            if k < end and data[k] >= 0x80:
                digit = _before_digit(data, k, end, code, pool, beyond)
            emit = digit | (mark[b] != VANISHING)
            m = b if digit else _BLANK
            out[at] = m
            at += int(emit & ((m != last) | ~runs[m]))
            last = m if emit else last
            while k < end and data[k] == _BLANK and last == _BLANK:
                k += 1
            continue
        point, size = _decode(data, k)
        entry = _fold(code, point, beyond)
        if entry == SLOW:
            return -1
        if point < code.shape[0]:
            if lead[point] and combining_end == k and lead[point] < combining:
                return -1
            combining, combining_end = int(trail[point]), k + size
        if entry == SAME:
            for j in range(size):
                out[at + j] = data[k + j]
            at += size
            last = _SPECIAL
            k += size
            continue
        k += size
        first, stop = entry >> 6, (entry >> 6) + (entry & 63)
        if at + (stop - first) + (end - k) + 8 > out.shape[0]:
            return -2
        for j in range(first, stop):
            b = pool[j]
            m = plain[b] if b < 0x80 else b
            if m == _SPECIAL:
                inside = j + 1 < stop
                digit = 0x30 <= pool[j + 1] <= 0x39 if inside else _before_digit(data, k, end, code, pool, beyond)
                if digit:
                    m = b
                elif mark[b] == VANISHING:
                    continue
                else:
                    m = _BLANK
            out[at] = m
            at += 1 - int((m == last) & runs[m])
            last = m
    if runs[32] and at > 0 and out[at - 1] == _BLANK:
        at -= 1
    return at


@njit(nogil=True, cache=True)
def normalise_rows(
    data: np.ndarray, offsets: np.ndarray, folds: Folds, out_offsets: np.ndarray, slow: np.ndarray
) -> np.ndarray:
    """Every string normalised, one after another; fills out_offsets (n + 1,), slow (n,) bool. Slow rows are empty."""
    n = offsets.shape[0] - 1
    room = np.empty(data.shape[0] + 64, np.uint8)
    at = 0
    for i in range(n):
        out_offsets[i] = at
        size = normalise_row(data, offsets[i], offsets[i + 1], folds, room[at:])
        while size == -2:
            wider = np.empty(2 * room.shape[0] + 16 * (offsets[i + 1] - offsets[i]), np.uint8)
            wider[:at] = room[:at]
            room = wider
            size = normalise_row(data, offsets[i], offsets[i + 1], folds, room[at:])
        slow[i] = size < 0
        at += max(size, 0)
    out_offsets[n] = at
    return room[:at]


@plain
def _says_something(text: np.ndarray, start: int, end: int) -> bool:
    """Whether there is more than blanks and message separators."""
    for k in range(start, end):  # noqa: SIM110  (no generators in kernels)
        if text[k] != 0x20 and text[k] != 0x1E:
            return True
    return False


@njit(nogil=True, cache=True)
def hash_normalised(
    data: np.ndarray,
    offsets: np.ndarray,
    folds: Folds,
    high: np.ndarray,
    low: np.ndarray,
    full: np.ndarray,
    slow: np.ndarray,
) -> None:
    """XXH3-128 of each string once normalised; full: (n,) bool, False where nothing is left; slow: (n,) bool."""
    acc = np.empty(8, np.uint64)
    room = np.empty(4096, np.uint8)
    i = 0
    while i < offsets.shape[0] - 1:
        i = _hash_while_room(data, offsets, folds, i, room, acc, high, low, full, slow)
        if i < offsets.shape[0] - 1:
            room = np.empty(2 * room.shape[0] + 2 * (offsets[i + 1] - offsets[i]), np.uint8)


@plain
def _hash_while_room(
    data: np.ndarray, offsets: np.ndarray, folds: Folds, first: int, room: np.ndarray, acc: np.ndarray,
    high: np.ndarray, low: np.ndarray, full: np.ndarray, slow: np.ndarray,
) -> int:  # fmt: skip
    """`hash_normalised` from row `first` on; the row that `room` is too small for, or how many there are."""
    for i in range(first, offsets.shape[0] - 1):
        size = normalise_row(data, offsets[i], offsets[i + 1], folds, room)
        if size == -2:
            return int(i)
        slow[i] = size < 0
        size = max(size, 0)
        full[i] = _says_something(room, 0, size)
        low[i], high[i] = xxh3_128(room, 0, size, acc)
    return int(offsets.shape[0]) - 1


@njit(nogil=True, cache=True)
def hash_rows(data: np.ndarray, offsets: np.ndarray, high: np.ndarray, low: np.ndarray, full: np.ndarray) -> None:
    """XXH3-128 of each string as it is; full: (n,) bool, False where it says nothing."""
    acc = np.empty(8, np.uint64)
    for i in range(offsets.shape[0] - 1):
        full[i] = _says_something(data, offsets[i], offsets[i + 1])
        low[i], high[i] = xxh3_128(data, offsets[i], offsets[i + 1] - offsets[i], acc)


@njit(nogil=True, cache=True)
def first_equal(high: np.ndarray, low: np.ndarray, valid: np.ndarray, first: np.ndarray) -> None:
    """first: (n,) int64, the first row with the same key; itself where the key is not valid. n < 2**31."""
    n = high.shape[0]
    size = 16
    while size < 2 * n:
        size *= 2
    wrap = np.uint64(size - 1)
    slots = np.full(size, np.int32(-1), np.int32)
    for i in range(n):
        first[i] = i
        if not valid[i]:
            continue
        slot = low[i] & wrap
        while True:
            other = slots[slot]
            if other < 0:
                slots[slot] = i
                break
            if low[other] == low[i] and high[other] == high[i]:
                first[i] = other
                break
            slot = (slot + np.uint64(1)) & wrap
