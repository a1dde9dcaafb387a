"""Who goes where: exact counts by largest remainder, in an order that a seed fixes.

All arithmetic is in integers and fractions, so that no machine rounds otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

#: rows at a time: the steps of a turn stay in the processor's cache
_BLOCK = 1 << 14
_GOLDEN, _A, _B = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def _scramble(words: Words) -> Words:
    """One turn of splitmix64: add the golden ratio, then two rounds of xor-shift and multiply."""
    x = words + np.uint64(_GOLDEN)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(_A)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(_B)
    return x ^ (x >> np.uint64(31))


def seeded_order(seed: int, high: Words, low: Words) -> Words:
    """(n,) uint64: where each 128-bit key stands in the order of `seed`. The same on any machine.

    scramble(scramble(scramble(seed) ^ high) ^ low), scramble being splitmix64.
    """
    start = _scramble(np.array([seed & 0xFFFFFFFFFFFFFFFF], np.uint64))
    order = np.empty(len(high), np.uint64)
    for begin in range(0, len(high), _BLOCK):
        some = slice(begin, begin + _BLOCK)
        order[some] = _scramble(_scramble(start ^ high[some]) ^ low[some])
    return order


def largest_remainder(total: int, weights: Sequence[Fraction]) -> list[int]:
    """`total` in whole parts proportional to `weights`; the rest to the largest remainders, ties to the first."""
    whole = sum(weights, Fraction(0))
    if not whole:
        return [0] * len(weights)
    exact = [total * weight / whole for weight in weights]
    parts = [int(part) for part in exact]
    by_remainder = sorted(range(len(weights)), key=lambda k: (parts[k] - exact[k], k))
    for k in by_remainder[: total - sum(parts)]:
        parts[k] += 1
    return parts


def quotas(
    total: int, shares: Sequence[Fraction | None], counts: Sequence[int | None], pinned: Sequence[int]
) -> list[int]:
    """How many of `total` rows each split gets: its count, or its share of what the counts leave.

    A split never gets fewer than are pinned to it; the others then share the rest in proportion. Each gets
    at least one row while there are rows enough.
    """
    fixed: dict[int, int] = {k: max(count, pinned[k]) for k, count in enumerate(counts) if count is not None}
    while True:
        free = [k for k in range(len(shares)) if k not in fixed]
        rest = max(0, total - sum(fixed.values()))
        parts = dict(zip(free, largest_remainder(rest, [shares[k] or Fraction(0) for k in free]), strict=True))
        over = [k for k in free if parts[k] < pinned[k]]
        if not over:
            break
        fixed.update({k: pinned[k] for k in over})
    for k in free:
        richest = max(free, key=lambda j: (parts[j] - pinned[j], -j))
        if parts[k] == 0 and parts[richest] > 1 and parts[richest] > pinned[richest]:
            parts[k], parts[richest] = 1, parts[richest] - 1
    return [{**fixed, **parts}[k] for k in range(len(shares))]


def in_turn(strata: Ints, order: Words, cells: Ints) -> Ints:
    """(n,) int64: the split of each row, where the first rows of a stratum go to its first split, the next to the second.

    cells: (n_strata, n_splits), how many rows each split takes. Sorting words is four times as fast as sorting rows by
    them, so each split is told by the word it begins with; where two words are the same, by the slow sort.
    """
    n_strata, n_splits = cells.shape
    ends = np.cumsum(cells.ravel())
    if n_strata < 1 << 16 and len(order):
        words = strata.astype(np.uint64) << np.uint64(48) | order >> np.uint64(16)
        ranked = np.sort(words)
        if not (ranked[1:] == ranked[:-1]).any():
            begins = (ends - cells.ravel()).reshape(n_strata, n_splits)
            after = np.append(ranked, np.uint64(n_strata) << np.uint64(48))  # what begins there has no rows
            split = np.zeros(len(order), np.int64)
            for s in range(1, n_splits):
                split += words >= after[begins[:, s]][strata]
            return split
    split = np.empty(len(order), np.int64)
    split[np.lexsort((order, strata))] = np.repeat(np.tile(np.arange(n_splits), n_strata), cells.ravel())
    return split


def assign(order: Words, sizes: Ints, strata: Ints, targets: Ints, pinned: Ints | None = None) -> Ints:
    """(n_units,) int64: the split of each unit of rows that must stay together.

    Each split gets `targets` rows (n_splits,), exactly while there are single rows enough; each stratum
    (`strata`: 0 … n - 1) is split in the same proportions as nearly as whole rows allow. A stratum of one
    row goes to the largest split while the totals permit. pinned: (n_strata, n_splits) rows placed before.
    """
    from .kernels.allocate import place_large

    split = np.zeros(len(order), np.int64)
    if not len(order):
        return split
    placed = np.zeros((int(strata.max()) + 1, len(targets)), np.int64) if pinned is None else pinned.copy()
    before, n_strata = placed.sum(axis=0), len(placed)
    totals = np.bincount(strata, weights=sizes, minlength=n_strata).astype(np.int64) + placed.sum(axis=1)
    every = max(int(targets.sum()), 1)
    bounds = np.array([min((int(part) << 64) // every, 2**64 - 1) for part in np.cumsum(targets)[:-1]], np.uint64)
    large = np.flatnonzero(sizes > 1)
    magnitude = np.floor(np.log2(sizes[large])).astype(np.int64)
    turn = large[np.lexsort((order[large], -magnitude))]
    place_large(turn, order, sizes, strata, bounds, targets, totals, placed, split)
    single = np.flatnonzero(sizes == 1)
    cells = _singles(np.bincount(strata[single], minlength=n_strata), totals, targets, placed)
    split[single] = in_turn(strata[single], order[single], cells)
    return _none_empty(split, sizes, targets, before)


def _singles(left: Ints, totals: Ints, targets: Ints, placed: Ints) -> Ints:
    """(n_strata, n_splits): how many of a stratum's single rows (`left`) each split takes; small splits go first."""
    left = left.astype(np.int64)
    cells = np.zeros_like(placed)
    every = max(int(targets.sum()), 1)
    room = targets - placed.sum(axis=0)
    by_size = sorted(range(len(targets)), key=lambda s: (int(targets[s]), -s))
    largest = by_size[-1]
    for s in by_size[:-1]:
        need = int(min(max(room[s], 0), left.sum()))
        wanted = np.clip(totals * targets[s] - placed[:, s] * every, 0, left * every)
        part, remainder = wanted // every, wanted % every
        while (short := need - int(part.sum())) > 0:
            alone = left - part - 1 + placed[:, largest] < 1
            open_ = np.flatnonzero(left > part)
            best = open_[np.lexsort((open_, -totals[open_], -remainder[open_], alone[open_]))]
            part[best[:short]] += 1
        while (long := int(part.sum()) - need) > 0:
            open_ = np.flatnonzero(part > 0)
            worst = open_[np.lexsort((-open_, totals[open_], remainder[open_]))]
            part[worst[:long]] -= 1
        cells[:, s] = part
        left = left - part
    cells[:, largest] = left
    return cells


def _none_empty(split: Ints, sizes: Ints, targets: Ints, before: Ints) -> Ints:
    """Move the smallest unit of the split with most units into each split that is empty but should not be."""
    for s in range(len(targets)):
        units = np.bincount(split, minlength=len(targets))
        if targets[s] and not units[s] and not before[s] and units.max() > 1:
            members = np.flatnonzero(split == int(units.argmax()))
            split[members[np.argmin(sizes[members])]] = s
    return split
