"""Rows that mean nearly the same, by the cosine of their vectors: every pair is found, and none by rounding.

Vectors are whole numbers (`engine/quantised.py`), and what decides is their exact product. To multiply all pairs in full would
take minutes; so the vectors are turned until their first few dimensions hold most of their length, and two rows whose first
dimensions and the lengths of the rest cannot reach the threshold (Cauchy and Schwarz) are passed over. Nothing is lost by that.
Rows are taken from the best to the worst and compared with rows that stay only: memory grows with rows, not with pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .executor import default_workers
from .quantised import STRIP as SLICE
from .quantised import Whole

Ints = NDArray[np.int64]

#: rows decided on at a time, at most as many as a kernel's run; and rows that stay that a thread compares with them at a time
BLOCK, STRIP = 256, 4096
#: what a float32 bound may be too low by: far more than the rounding of a sum of 4,096 products
SLACK = 1e-4
#: rows that tell which turn and how many dimensions are best
SAMPLE = 1500
#: nanoseconds: a product of one dimension, a look at a bound, a comparison of two rows and of one dimension of them
_DIMENSION, _LOOK, _PAIR, _PAIR_DIMENSION = 0.04, 0.1, 60.0, 0.1


class Near(NamedTuple):
    """Per row the nearest row that stays and comes before it, -1 where there is none, and the cosine, NaN there.

    stays: (n,) bool; nearest: (n,) int64; similarity: (n,) float64.
    """

    stays: NDArray[np.bool_]
    nearest: Ints
    similarity: NDArray[np.float64]


class Points:
    """Vectors as they are compared. kinds: (n,) int64, rows of different kinds are never near."""

    def __init__(self, vectors: Whole, kinds: Ints | None = None) -> None:
        self.whole = np.ascontiguousarray(vectors)
        self.kinds = np.zeros(len(vectors), np.int64) if kinds is None else kinds
        self.squares = np.empty(len(vectors), np.int64)
        for at in range(0, len(vectors), SLICE):
            wide = self.whole[at : at + SLICE].astype(np.int64)
            self.squares[at : at + SLICE] = (wide * wide).sum(axis=1)

    def sketched(self, turn: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, m + 1 or a little more): the rows at length 1 in the m dimensions of `turn` (d, m), the length of what is left of
        them, and zeros.

        The product of two of these is never below the cosine, but for rounding.
        """
        m = turn.shape[1]
        out = np.zeros((len(self.whole), -(-(m + 1) // 4) * 4), np.float32)
        for at in range(0, len(out), SLICE):
            length = np.sqrt(np.maximum(self.squares[at : at + SLICE, None], 1).astype(np.float64))
            some = (self.whole[at : at + SLICE] @ turn) / length
            out[at : at + SLICE, :m] = some
            out[at : at + SLICE, m] = np.sqrt(np.maximum(1 - (some * some).sum(axis=1), 0))
        return out


def turn_of(points: Points, floor: float) -> NDArray[np.float64]:
    """(d, m) orthogonal directions of length 1 that tell near rows from others with the least work."""
    n, d = points.whole.shape
    rows = np.linspace(0, n - 1, min(n, SAMPLE)).astype(np.int64)
    length = np.sqrt(np.maximum(points.squares[rows, None], 1).astype(np.float64))
    some = points.whole[rows] / length
    turn = np.linalg.eigh(some.T @ some)[1][:, ::-1]
    some = some @ turn
    pairs = np.triu_indices(len(rows), 1)
    best, cost = d, np.inf
    for m in sorted({*(m for m in (7, 11, 15, 23, 31, 47, 63, 95, 127, 191, 255, 383, 511, 767, 1023) if m < d), d}):
        left = np.sqrt(np.maximum(1 - (some[:, :m] * some[:, :m]).sum(axis=1), 0))
        bounds = some[:, :m] @ some[:, :m].T + left[:, None] * left[None, :]
        share = float((bounds[pairs] >= floor - SLACK).mean()) if len(rows) > 1 else 0.0
        work = m * _DIMENSION + _LOOK + share * (_PAIR + d * _PAIR_DIMENSION)
        if work < cost:
            best, cost = m, work
    return np.ascontiguousarray(turn[:, :best])


def around_kept(points: Points, order: Ints, threshold: float, floor: float) -> Near:
    """Go through the rows in `order`: each stays unless one that stays before it is as near as `threshold`.

    Each is compared with all that stay, never over a third one. floor: neighbours from this cosine up are told, also of rows
    that stay; at most `threshold`. Rows that are not in `order` stay and meet none.
    """
    from .kernels.semantic import nearest_above, settle

    n = len(points.whole)
    found = Near(np.ones(n, np.bool_), np.full(n, -1, np.int64), np.full(n, np.nan))
    if not len(order):
        return found
    sketch = points.sketched(turn_of(points, floor))
    strips: list[NDArray[np.float32]] = []  # of rows that stay: (m, STRIP), a column a row
    rows, used = np.empty(len(order), np.int64), 0
    mine = (points.whole, points.squares, points.kinds)
    with ThreadPoolExecutor(default_workers()) as pool:
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            some = sketch[block]

            def strip(number: int, block: Ints = block, some: NDArray[np.float32] = some, used: int = used) -> Found:
                among = rows[number * STRIP : min((number + 1) * STRIP, used)]
                best, where = np.full(len(block), np.nan), np.full(len(block), -1, np.int64)
                nearest_above(some, strips[number], SLACK, floor, *mine, block, *mine, among, best, where)
                return best, where

            best, where = _merged(pool.map(strip, range(-(-used // STRIP))), len(block))
            stays = np.empty(len(block), np.bool_)
            settle(some, np.ascontiguousarray(some.T), SLACK, floor, threshold, *mine, block, best, where, stays)
            found.stays[block], found.nearest[block], found.similarity[block] = stays, where, best
            more = int(stays.sum())
            rows[used : used + more] = block[stays]
            _lay(strips, used, some[stays])
            used += more
    return found


def nearest_to(points: Points, others: Points, floor: float) -> tuple[Ints, NDArray[np.float64]]:
    """Of each row the nearest of the other points, the first of equals, if `floor` or more; else -1, NaN."""
    from .kernels.semantic import nearest_above

    n = len(points.whole)
    nearest, similarity = np.full(n, -1, np.int64), np.full(n, np.nan)
    if not n or not len(others.whole):
        return nearest, similarity
    turn = turn_of(others, floor)
    known: list[NDArray[np.float32]] = []
    _lay(known, 0, others.sketched(turn))
    mine, theirs = (points.whole, points.squares, points.kinds), (others.whole, others.squares, others.kinds)
    sketch, among = points.sketched(turn), np.arange(len(others.whole))

    def block(start: int) -> None:
        rows = np.arange(start, min(start + BLOCK, n))
        parts = []
        for number, strip in enumerate(known):
            best, where = np.full(len(rows), np.nan), np.full(len(rows), -1, np.int64)
            them = among[number * STRIP : (number + 1) * STRIP]
            nearest_above(sketch[rows], strip, SLACK, floor, *mine, rows, *theirs, them, best, where)
            parts.append((best, where))
        similarity[rows], nearest[rows] = _merged(parts, len(rows))

    with ThreadPoolExecutor(default_workers()) as pool:
        for _ in pool.map(block, range(0, n, BLOCK)):
            pass
    return nearest, similarity


def _lay(strips: list[NDArray[np.float32]], used: int, sketches: NDArray[np.float32]) -> None:
    """Put sketches into the columns of strips, after the `used` ones that are there."""
    while len(sketches):
        number, at = divmod(used, STRIP)
        if number == len(strips):
            strips.append(np.zeros((sketches.shape[1], STRIP), np.float32))
        some, sketches = sketches[: STRIP - at], sketches[STRIP - at :]
        strips[number][:, at : at + len(some)] = some.T
        used += len(some)


Found = tuple[NDArray[np.float64], Ints]


def _merged(parts: Iterable[Found], count: int) -> Found:
    """The nearest of several, the first of equals."""
    best, where = np.full(count, np.nan), np.full(count, -1, np.int64)
    for near, at in parts:
        better = (at >= 0) & ((where < 0) | (near > best))
        best[better], where[better] = near[better], at[better]
    return best, where
