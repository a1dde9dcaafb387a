"""Bloom filters over 128-bit keys and over n-grams, judged and filled row by row.

A key sets `hashes` bits, at places made from its two halves by enhanced double hashing. An n-gram's bits all lie in
one block of 512, the cache line that its hash names: one look at memory instead of many.
"""

from __future__ import annotations

import numpy as np

from .jit import njit
from .words import Word, high64, load64, ones_in

_1, _3, _6, _9, _63, _511 = (np.uint64(k) for k in (1, 3, 6, 9, 63, 511))
_29, _32 = np.uint64(29), np.uint64(32)
_MIX1, _MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_BLANK, _BREAK = np.uint8(0x20), np.uint8(0x1E)


@njit(nogil=True, cache=True)
def mixed(h: Word) -> Word:
    """The word with every bit depending on every other."""
    h = (h ^ (h >> _32)) * _MIX2
    h = (h ^ (h >> _29)) * _MIX1
    return h ^ (h >> _32)


@njit(nogil=True, cache=True)
def holds(words: np.ndarray, bits: Word, hashes: int, high: Word, low: Word) -> bool:
    """Whether every bit of the key is set. words: (bits / 64,) uint64."""
    place, step = low, high | _1
    for i in range(hashes):
        bit = high64(place, bits)
        if not (words[bit >> _6] >> (bit & _63)) & _1:
            return False
        place += step
        step += np.uint64(i)
    return True


@njit(nogil=True, cache=True)
def add(words: np.ndarray, bits: Word, hashes: int, high: Word, low: Word) -> int:
    """Set every bit of the key; returns how many were not set before."""
    place, step = low, high | _1
    fresh = 0
    for i in range(hashes):
        bit = high64(place, bits)
        word = words[bit >> _6]
        fresh += int(((word >> (bit & _63)) & _1) ^ _1)
        words[bit >> _6] = word | (_1 << (bit & _63))
        place += step
        step += np.uint64(i)
    return fresh


@njit(nogil=True, cache=True)
def judge_keys(
    words: np.ndarray,
    bits: Word,
    hashes: int,
    ones: int,
    high: np.ndarray,
    low: np.ndarray,
    valid: np.ndarray,
    seen: np.ndarray,
    filled: np.ndarray,
) -> int:
    """Look each key up, then add it. Keys that are not valid are passed over.

    ones: bits set so far; seen: (n,) bool; filled: (n,) int64, the bits set when the row was judged.
    Returns the bits set at the end.
    """
    for i in range(high.shape[0]):
        filled[i] = ones
        seen[i] = valid[i] and holds(words, bits, hashes, high[i], low[i])
        if valid[i] and not seen[i]:
            ones += add(words, bits, hashes, high[i], low[i])
    return ones


@njit(nogil=True, cache=True)
def _hash(data: np.ndarray, start: int, end: int) -> Word:
    """A 64-bit hash of data[start : end]; eight bytes beyond `end` must be readable."""
    h = np.uint64(end - start) * _MIX1
    k = start
    while k + 8 <= end:
        h = mixed(h ^ load64(data, k))
        k += 8
    if k < end:
        keep = (_1 << np.uint64(8 * (end - k))) - _1
        h = mixed(h ^ (load64(data, k) & keep))
    return h


@njit(nogil=True, cache=True)
def grams(data: np.ndarray, offsets: np.ndarray, size: int, by_words: bool, starts: np.ndarray, out: np.ndarray) -> int:
    """Hashes of the n-grams of normalised strings, one row's after the other's; returns how many there are.

    Messages (parted by U+001E) are cut into words at blanks, or into characters; an n-gram is `size` of them and
    never reaches into the next message; a message with fewer is one n-gram. starts: (n + 1,) int64, filled;
    out: uint64, or empty to count only. The last eight bytes of `data` are room and belong to no string.
    """
    n = offsets.shape[0] - 1
    at = 0
    begins = np.empty(size, np.int64)  # where the last `size` units begin
    values = np.empty(size, np.uint64)  # … and their hashes
    for i in range(n):
        starts[i] = at
        k, end = offsets[i], offsets[i + 1]
        while k < end:
            units = 0
            first, last = k, k
            while k < end and data[k] != _BREAK:
                if data[k] == _BLANK and (by_words or units == 0):
                    k += 1
                    continue
                unit = k
                k += 1
                if by_words:
                    while k < end and data[k] != _BLANK and data[k] != _BREAK:
                        k += 1
                else:
                    while k < end and (data[k] & 0xC0) == 0x80:
                        k += 1
                    if data[unit] == _BLANK and (k == end or data[k] == _BREAK):
                        continue
                if units == 0:
                    first = unit
                last = k
                place = units % size
                begins[place] = unit
                units += 1
                if out.shape[0]:
                    if by_words:
                        values[place] = _hash(data, unit, k)
                    if units >= size:
                        oldest = units % size
                        if by_words:
                            h = np.uint64(size)
                            for j in range(size):
                                h = mixed(h ^ values[(oldest + j) % size])
                            out[at] = h
                        else:
                            out[at] = _hash(data, begins[oldest], k)
                if units >= size:
                    at += 1
            if 0 < units < size:
                if out.shape[0]:
                    out[at] = ~_hash(data, first, last)
                at += 1
            k += 1
    starts[n] = at
    return at


@njit(nogil=True, cache=True)
def block_holds(words: np.ndarray, blocks: Word, hashes: int, h: Word) -> bool:
    """Whether every bit of an n-gram is set in its block. words: (8 * blocks,) uint64."""
    first = high64(h, blocks) << _3
    places = mixed(h + _MIX2)
    for i in range(hashes):
        if i and i % 7 == 0:
            places = mixed(places + h)
        bit = places & _511
        places >>= _9
        if not (words[first + (bit >> _6)] >> (bit & _63)) & _1:
            return False
    return True


@njit(nogil=True, cache=True)
def block_add(words: np.ndarray, blocks: Word, hashes: int, h: Word, worth: np.ndarray) -> int:
    """Set every bit of an n-gram; returns by how much the worth of its block rises. worth: (513,) int64 by bits set."""
    first = high64(h, blocks) << _3
    before = 0
    for j in range(8):
        before += ones_in(words[first + np.uint64(j)])
    after = before
    places = mixed(h + _MIX2)
    for i in range(hashes):
        if i and i % 7 == 0:
            places = mixed(places + h)
        bit = places & _511
        places >>= _9
        word = words[first + (bit >> _6)]
        after += int(((word >> (bit & _63)) & _1) ^ _1)
        words[first + (bit >> _6)] = word | (_1 << (bit & _63))
    return int(worth[after] - worth[before])


@njit(nogil=True, cache=True)
def judge_grams(
    words: np.ndarray,
    blocks: Word,
    hashes: int,
    worth: np.ndarray,
    state: int,
    hashed: np.ndarray,
    starts: np.ndarray,
    millionths: int,
    distinct: np.ndarray,
    known: np.ndarray,
    seen: np.ndarray,
    filled: np.ndarray,
) -> int:
    """Look each row's distinct n-grams up; a row too few of which are known stays, and its n-grams are added.

    millionths: the least share known at which a row is seen; distinct, known: (n,) int64, n-grams of the row and
    those found; seen: (n,) bool; filled: (n,) int64, the worth of all blocks (`state` so far) when the row was judged.
    A row without n-grams is never seen. Returns the worth at the end.
    """
    n = starts.shape[0] - 1
    most = 0
    for i in range(n):
        most = max(most, starts[i + 1] - starts[i])
    size = 16
    while size < 2 * most:
        size *= 2
    slots, stamps = np.empty(size, np.uint64), np.full(size, np.int64(-1), np.int64)
    own, near = np.empty(max(most, 1), np.uint64), np.zeros(1, np.uint64)
    wrap = np.uint64(size - 1)
    for i in range(n):
        count, found = 0, 0
        for j in range(starts[i], starts[i + 1]):
            h = hashed[j]
            slot = h & wrap
            while stamps[slot] == i and slots[slot] != h:
                slot = (slot + _1) & wrap
            if stamps[slot] == i:
                continue
            stamps[slot], slots[slot] = i, h
            own[count] = h
            count += 1
        near[0] = 0
        for j in range(count):  # one load each and no branch: memory answers many at once
            near[0] ^= words[high64(own[j], blocks) << _3]
        for j in range(count):
            found += int(block_holds(words, blocks, hashes, own[j]))
        filled[i] = state
        distinct[i], known[i] = count, found
        seen[i] = count > 0 and found * 1_000_000 >= millionths * count
        if not seen[i]:
            for j in range(count):
                state += block_add(words, blocks, hashes, own[j], worth)
    return state
