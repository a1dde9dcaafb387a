"""Rows whose answer says something that its source may not: a cheap look before the exact one.

A token is a run of letters and digits (of any script), with `.`, `,`, `:` or `/` between two digits inside it. The tokens
of the source go into a small hash table; a token of the answer that has a digit or begins with a capital must be in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .jit import njit
from .spelling import _level, _packed

NUMBERS, NAMES, ADDRESSES, DATES = 1, 2, 4, 8
_BITS = 12
_SLOTS = 1 << _BITS
MOST = _SLOTS // 2  # tokens of a source; longer ones are always marked
_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)


@njit(nogil=True, cache=True)
def _word_byte(b: int) -> bool:
    return bool(0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A or 0x61 <= b <= 0x7A or b >= 0x80)


@njit(nogil=True, cache=True)
def _token(data: np.ndarray, k: int, end: int) -> tuple[int, np.uint64, bool]:
    """(end, hash in small letters, whether it has a digit) of the token that begins at `k`."""
    h = _BASIS
    digit = False
    while k < end:
        b = data[k]
        if not _word_byte(b):
            joins = b == 0x2E or b == 0x2C or b == 0x3A or b == 0x2F
            if not (joins and k + 1 < end and 0x30 <= data[k - 1] <= 0x39 and 0x30 <= data[k + 1] <= 0x39):
                break
        digit |= 0x30 <= b <= 0x39
        if 0x41 <= b <= 0x5A:
            b += 0x20
        h = (h ^ np.uint64(b)) * _PRIME
        k += 1
    return k, h | np.uint64(1), digit


@njit(nogil=True, cache=True)
def hash_tokens(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """out (n,) uint64: the hash of strings that are one token each."""
    for i in range(offsets.shape[0] - 1):
        _, out[i], _ = _token(data, offsets[i], offsets[i + 1])


@njit(nogil=True, cache=True)
def _holds(keys: np.ndarray, stamps: np.ndarray, stamp: int, h: np.uint64) -> bool:
    slot = np.int64((h ^ (h >> np.uint64(32))) & np.uint64(_SLOTS - 1))
    while stamps[slot] == stamp:
        if keys[slot] == h:
            return True
        slot = (slot + 1) & (_SLOTS - 1)
    return False


@njit(nogil=True, cache=True)
def _gather(data: np.ndarray, start: int, end: int, keys: np.ndarray, stamps: np.ndarray, stamp: int) -> bool:
    """Put the source's tokens into the table; False where there are too many."""
    count = 0
    k = start
    while k < end:
        if not _word_byte(data[k]):
            k += 1
            continue
        k, h, _ = _token(data, k, end)
        slot = np.int64((h ^ (h >> np.uint64(32))) & np.uint64(_SLOTS - 1))
        while stamps[slot] == stamp and keys[slot] != h:
            slot = (slot + 1) & (_SLOTS - 1)
        if stamps[slot] != stamp:
            keys[slot], stamps[slot] = h, stamp
            count += 1
            if count > MOST:
                return False
    return True


@njit(nogil=True, cache=True)
def _common(data: np.ndarray, a: int, b: int, prints: np.ndarray, levels: np.ndarray) -> int:
    """How frequent a capitalised word is in small letters, 1..4; 0 where it is no English word."""
    if b - a > 16:
        return 0
    for k in range(a, b):
        if not (0x61 <= (data[k] | 0x20) <= 0x7A) or (k > a and data[k] < 0x61):
            return 0
    low, high = _packed(data, a, b)
    return _level(low | np.uint64(0x20), high, prints, levels)


@njit(nogil=True, cache=True)
def _begins(data: np.ndarray, start: int, k: int) -> bool:
    """Whether a sentence or a line begins at `k`."""
    while k > start and (data[k - 1] == 0x20 or data[k - 1] == 0x22 or data[k - 1] == 0x2A or data[k - 1] == 0x28 or data[k - 1] == 0x2D):  # fmt: skip
        k -= 1
    if k == start:
        return True
    b = data[k - 1]
    return bool(b <= 0x1F or b == 0x2E or b == 0x21 or b == 0x3F or b == 0x3A or b == 0x23)


@njit(nogil=True, cache=True)
def mark_ungrounded(
    data: np.ndarray, offsets: np.ndarray, source: np.ndarray, bounds: np.ndarray, kinds: int, days: np.ndarray,
    prints: np.ndarray, levels: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """days: hashes of the names of months and weekdays. out (n,) bool: the answers (data, offsets) in which something may not stand in its source (source, bounds)."""
    keys = np.zeros(_SLOTS, np.uint64)
    stamps = np.full(_SLOTS, -1, np.int64)
    for i in range(offsets.shape[0] - 1):
        start, end = offsets[i], offsets[i + 1]
        out[i] = False
        known = False  # whether the source is in the table
        k = start
        while k < end:
            b = data[k]
            if kinds & 4 and (b == 0x40 or (b == 0x2F and k + 1 < end and data[k + 1] == 0x2F)):
                out[i] = True
                break
            if not _word_byte(b):
                k += 1
                continue
            a = k
            k, h, digit = _token(data, k, end)
            capital = 0x41 <= b <= 0x5A
            if kinds & 4 and k - a == 3 and b | 0x20 == 0x77 and k < end and data[k] == 0x2E:
                out[i] = True  # www.
                break
            day = False
            if kinds & 8 and not digit and 3 <= k - a <= 9:
                for name in days:
                    day |= name == h
            if not (day or (digit and kinds & 9) or (capital and kinds & 2 and k - a > 1)):
                continue
            if not known:
                known = True
                if not _gather(source, bounds[i], bounds[i + 1], keys, stamps, i):
                    out[i] = True
                    break
            if _holds(keys, stamps, i, h):
                continue
            if (
                not day
                and capital
                and not digit
                and _begins(data, start, a)
                and _common(data, a, k, prints, levels) > 0
            ):
                continue
            out[i] = True
            break


def hashed(words: Sequence[str]) -> np.ndarray:
    """(n,) uint64: hashes of words, as the kernel has them."""
    raw = [word.encode() for word in words]
    out = np.empty(len(raw), np.uint64)
    hash_tokens(np.frombuffer(b"".join(raw), np.uint8), np.cumsum([0, *map(len, raw)], dtype=np.int64), out)
    return out
