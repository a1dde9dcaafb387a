"""Sorting units of rows into shares."""

from __future__ import annotations

import numpy as np

from .jit import njit


@njit(nogil=True, cache=True)
def components(first: np.ndarray, other: np.ndarray, root: np.ndarray) -> None:
    """root: (n,) int64, the first row of each row's component, where rows i, first[i] and other[i] belong together.

    first[i] <= i and other[i] <= i.
    """
    n = first.shape[0]
    for i in range(n):
        root[i] = i
    for i in range(n):
        for link in (first[i], other[i]):
            a, b = i, link
            while root[a] != a:
                root[a] = root[root[a]]
                a = root[a]
            while root[b] != b:
                root[b] = root[root[b]]
                b = root[b]
            if a < b:
                root[b] = a
            else:
                root[a] = b
    for i in range(n):
        root[i] = root[root[i]]


@njit(nogil=True, cache=True)
def place_large(
    turn: np.ndarray,
    order: np.ndarray,
    sizes: np.ndarray,
    strata: np.ndarray,
    bounds: np.ndarray,
    targets: np.ndarray,
    totals: np.ndarray,
    placed: np.ndarray,
    split: np.ndarray,
) -> None:
    """Give each unit in `turn` a split, while room lasts.

    A unit goes where its hash `order` (uint64) falls between `bounds` (n_splits - 1,) if there is room for
    its rows, in the split and in its stratum's part of it; else to the split its stratum lacks most of
    those with room; else to the split with the most room. targets: (n_splits,) int64 rows; totals:
    (n_strata,) rows; placed: (n_strata, n_splits) rows, updated; split: (n_units,) int64, filled.
    """
    k = targets.shape[0]
    room, every = targets.copy(), np.int64(0)
    for s in range(k):
        for stratum in range(placed.shape[0]):
            room[s] -= placed[stratum, s]
        every += targets[s]
    every = max(every, np.int64(1))
    for t in range(turn.shape[0]):
        unit = turn[t]
        size, stratum = sizes[unit], strata[unit]
        chosen = 0
        while chosen < k - 1 and order[unit] >= bounds[chosen]:
            chosen += 1
        ceiling = (totals[stratum] * targets[chosen] + every - 1) // every
        if room[chosen] < size or placed[stratum, chosen] + size > ceiling:
            chosen = -1
            lack = np.int64(0)
            for s in range(k):
                mine = totals[stratum] * targets[s] - placed[stratum, s] * every
                if room[s] >= size and (chosen < 0 or mine > lack):
                    chosen, lack = s, mine
            if chosen < 0:
                chosen = 0
                for s in range(1, k):
                    if room[s] > room[chosen]:
                        chosen = s
        split[unit] = chosen
        room[chosen] -= size
        placed[stratum, chosen] += size


@njit(nogil=True, cache=True)
def _root(root: np.ndarray, i: int) -> int:
    """The first row of a row's component, with a shorter way to it from now on."""
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@njit(nogil=True, cache=True)
def tie(root: np.ndarray, a: np.ndarray, b: np.ndarray) -> None:
    """Join the components of each pair a, b. root: (n,) int64, the first row of each row's component; updated."""
    for p in range(a.shape[0]):
        i, j = _root(root, a[p]), _root(root, b[p])
        root[max(i, j)] = min(i, j)
    for i in range(root.shape[0]):
        root[i] = root[root[i]]


@njit(nogil=True, cache=True)
def tie_up_to(root: np.ndarray, sizes: np.ndarray, most: int, a: np.ndarray, b: np.ndarray) -> None:
    """Join the components of each pair a, b, unless together they were larger than `most`.

    root: (n,) int32, the first row of each row's component; sizes: (n,) uint32, of each component, at its first row; both updated.
    """
    for p in range(a.shape[0]):
        i, j = _root(root, a[p]), _root(root, b[p])
        if i != j and np.int64(sizes[i]) + np.int64(sizes[j]) <= most:
            one = min(i, j)
            sizes[one] = sizes[i] + sizes[j]
            root[max(i, j)] = one
    for i in range(root.shape[0]):
        root[i] = root[root[i]]
