"""Longest common subsequences of word ids, against many texts at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import njit

Ids = NDArray[np.int32]


@njit(nogil=True, cache=True)
def common(a: Ids, b: Ids, row: Ids) -> int:
    """The length of the longest common subsequence. row: room for len(b) + 1 numbers."""
    row[: len(b) + 1] = 0
    for i in range(len(a)):
        before = 0
        for j in range(len(b)):
            here = row[j + 1]
            if a[i] == b[j]:
                row[j + 1] = before + 1
            elif row[j] > here:
                row[j + 1] = row[j]
            before = here
    return int(row[len(b)])


@njit(nogil=True, cache=True)
def shared(a: Ids, b: Ids) -> int:
    """How many ids two sorted texts share, repeats included: no common subsequence is longer."""
    i = j = found = 0
    while i < len(a) and j < len(b):
        if a[i] == b[j]:
            found += 1
            i += 1
            j += 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return found


@njit(nogil=True, cache=True)
def mark(text: Ids) -> np.uint64:
    """One bit for each id, of 64: a bit that only one of two texts has is a word that they do not share."""
    bits = np.uint64(0)
    for k in range(len(text)):
        bits |= np.uint64(1) << (np.uint64(text[k]) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(58))
    return bits


@njit(nogil=True, cache=True)
def ones(bits: np.uint64) -> int:
    """How many bits are set."""
    b = bits - ((bits >> np.uint64(1)) & np.uint64(0x5555555555555555))
    b = (b & np.uint64(0x3333333333333333)) + ((b >> np.uint64(2)) & np.uint64(0x3333333333333333))
    b = (b + (b >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((b * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def nearest(
    text: Ids,
    ordered: Ids,
    texts: Ids,
    sorted_texts: Ids,
    marks: NDArray[np.uint64],
    starts: NDArray[np.int64],
    count: int,
    least: float,
    row: Ids,
) -> tuple[int, int]:
    """The first of `count` texts that is most like `text`, and the length of what they share; -1 where no F1 ≥ `least`.

    ordered, sorted_texts: the same ids sorted; marks: (count,) as `mark` gives; starts: (count + 1,) where each text begins; row: room for the longest.
    F1 of lengths m, n and common subsequence c is 2c / (m + n); compared as 2c ≥ least · (m + n).
    """
    best, best_common, best_total = -1, 0, 1
    m = len(text)
    own = mark(text)
    for k in range(count):
        n = starts[k + 1] - starts[k]
        total = m + n
        if total == 0 or 2 * min(m, n) < least * total:
            continue
        bound = min(m - ones(own & ~marks[k]), n - ones(marks[k] & ~own))
        if 2 * bound < least * total or bound * best_total <= best_common * total:
            continue
        bound = shared(ordered, sorted_texts[starts[k] : starts[k + 1]])
        if 2 * bound < least * total or bound * best_total <= best_common * total:
            continue
        c = common(text, texts[starts[k] : starts[k + 1]], row)
        if 2 * c >= least * total and c * best_total > best_common * total:
            best, best_common, best_total = k, c, total
    return best, best_common
