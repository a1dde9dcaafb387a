"""Static vectors: texts cut into words that are known by number, and the mean of their tokens' vectors, in integers.

A word here is what SentencePiece's merges never cross: spaces and what follows them up to the next one. One space before it
is left out, and is there at the beginning of a text although nobody wrote it. (The sign ▁ in a text, which SentencePiece
cannot tell from a space, is part of a word here.) Sums of integers are the same in any order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import njit


@njit(cache=True, nogil=True)
def _hash(data: NDArray[np.uint8], begin: int, end: int) -> np.uint64:
    """FNV-1a, stirred."""
    found = np.uint64(14695981039346656037)
    for at in range(begin, end):
        found = (found ^ np.uint64(data[at])) * np.uint64(1099511628211)
    found ^= found >> np.uint64(32)
    return found * np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def rebuilt(slots: NDArray[np.int32], arena: NDArray[np.uint8], begins: NDArray[np.int64], count: int) -> None:
    """Enter `count` known words into an empty table (-1 everywhere; a power of two long)."""
    mask = np.uint64(len(slots) - 1)
    for word in range(count):
        slot = (_hash(arena, begins[word], begins[word + 1]) >> np.uint64(7)) & mask
        while slots[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slots[slot] = word


@njit(cache=True, nogil=True)
def numbered(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    slots: NDArray[np.int32],
    arena: NDArray[np.uint8],
    begins: NDArray[np.int64],
    count: int,
    words: NDArray[np.int32],
    starts: NDArray[np.int64],
) -> int:
    """Number the words of texts; returns how many words are known then.

    slots, arena, begins: the table of words, with room for all new ones; words: (at least spaces + texts,) numbers, flat;
    starts: (texts + 1,). An empty text has no words.
    """
    mask = np.uint64(len(slots) - 1)
    filled = 0
    for row in range(len(offsets) - 1):
        starts[row] = filled
        begin, end = offsets[row], offsets[row + 1]
        while begin < end or (begin == end and starts[row] < filled):
            stop = begin
            while stop < end and data[stop] == 32:
                stop += 1
            while stop < end and data[stop] != 32:
                stop += 1
            slot = (_hash(data, begin, stop) >> np.uint64(7)) & mask
            while True:
                word = slots[slot]
                if word < 0:
                    word = count
                    slots[slot] = word
                    size = stop - begin
                    arena[begins[count] : begins[count] + size] = data[begin:stop]
                    count += 1
                    begins[count] = begins[count - 1] + size
                    break
                if begins[word + 1] - begins[word] == stop - begin:
                    same = True
                    for at in range(stop - begin):
                        if arena[begins[word] + at] != data[begin + at]:
                            same = False
                            break
                    if same:
                        break
                slot = (slot + np.uint64(1)) & mask
            words[filled] = word
            filled += 1
            if stop >= end:
                break
            begin = stop + 1
    starts[len(offsets) - 1] = filled
    return count


@njit(cache=True, nogil=True)
def pooled(
    words: NDArray[np.int32],
    starts: NDArray[np.int64],
    token_starts: NDArray[np.int64],
    tokens: NDArray[np.int32],
    table: NDArray[np.int32],
    out: NDArray[np.float32],
    counts: NDArray[np.int64],
    first: int,
    last: int,
) -> None:
    """The mean of the tokens' vectors of rows first ≤ row < last, at length 1; zeros for a text without tokens.

    table: (tokens, dimensions) int32, every vector in the same unit, small enough that squares of one fit 63 bits added up.
    """
    dimensions = table.shape[1]
    total = np.empty(dimensions, np.int64)
    for row in range(first, last):
        total[:] = 0
        count = 0
        for at in range(starts[row], starts[row + 1]):
            word = words[at]
            for place in range(token_starts[word], token_starts[word + 1]):
                token = tokens[place]
                count += 1
                for k in range(dimensions):
                    total[k] += table[token, k]
        counts[row] = count
        squares = np.int64(0)
        if count:
            for k in range(dimensions):
                total[k] = (2 * total[k] + count) // (2 * count)
                squares += total[k] * total[k]
        length = np.sqrt(np.float64(squares))
        for k in range(dimensions):
            out[row, k] = total[k] / length if squares else 0.0
