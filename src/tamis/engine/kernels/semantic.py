"""Which of the rows that may be near are near: exact products of whole numbers, for `engine/semantic.py`.

Short sketches of the rows tell what the cosine of two is at most. Only where that reaches a limit are the rows themselves
compared. (A matrix product of a library would do the first part as fast on a quiet machine; its threads wait by spinning, and
took ten times the processor seconds beside our own.)
"""

from __future__ import annotations

import numpy as np

from .jit import njit

#: columns worked on at a time, for all rows: their numbers stay near the processor
RUN = 256


@njit(nogil=True, cache=True)
def _cosine(whole: np.ndarray, other: np.ndarray, i: int, j: int, own: np.int64, theirs: np.int64) -> float:
    """Of two rows of whole numbers with these squared lengths."""
    total = np.int32(0)
    for k in range(whole.shape[1]):
        total += np.int32(whole[i, k]) * np.int32(other[j, k])
    return float(total / np.sqrt(np.float64(own * theirs)))


@njit(nogil=True, cache=True)
def _bounds(sketch: np.ndarray, i: int, turned: np.ndarray, start: int, stop: int, out: np.ndarray) -> None:
    """out (RUN,) float32: what the cosines of row i with the columns from `start` to `stop` of `turned` are at most.

    sketch: (rows, m); turned: (m, columns); m a multiple of 4.
    """
    n = stop - start
    for j in range(n):
        out[j] = np.float32(0)
    for k in range(0, sketch.shape[1], 4):
        a, b, c, d = sketch[i, k], sketch[i, k + 1], sketch[i, k + 2], sketch[i, k + 3]
        first, second = turned[k, start:stop], turned[k + 1, start:stop]
        third, fourth = turned[k + 2, start:stop], turned[k + 3, start:stop]
        for j in range(n):
            out[j] += (a * first[j] + b * second[j]) + (c * third[j] + d * fourth[j])


@njit(nogil=True, cache=True)
def nearest_above(
    sketch: np.ndarray,
    turned: np.ndarray,
    slack: float,
    floor: float,
    whole: np.ndarray,
    squares: np.ndarray,
    kinds: np.ndarray,
    rows: np.ndarray,
    other: np.ndarray,
    other_squares: np.ndarray,
    other_kinds: np.ndarray,
    among: np.ndarray,
    best: np.ndarray,
    at: np.ndarray,
) -> None:
    """Of each of `rows` (of `whole`) the nearest of the rows `among` (of `other`), the first of equals, if `floor` or more.

    sketch: (rows, m) float32, turned: (m, among) float32: their products are at most `slack` below the cosines; squares:
    squared lengths; kinds: rows of different kinds are never near. best: (rows,) float64, filled with NaN, gets the cosine;
    at: (rows,) int64, filled with -1, gets the row.
    """
    bounds = np.empty(RUN, np.float32)
    for start in range(0, among.shape[0], RUN):
        stop = min(start + RUN, among.shape[0])
        for i in range(rows.shape[0]):
            _bounds(sketch, i, turned, start, stop, bounds)
            limit = np.float32((floor if at[i] < 0 else best[i]) - slack)
            hits = 0
            for j in range(stop - start):
                hits += bounds[j] >= limit
            if hits == 0:
                continue
            row = rows[i]
            for j in range(stop - start):
                o = among[start + j]
                if bounds[j] < limit or kinds[row] != other_kinds[o]:
                    continue
                near = _cosine(whole, other, row, o, squares[row], other_squares[o])
                if near >= floor and (at[i] < 0 or near > best[i]):
                    best[i], at[i] = near, o
                    limit = np.float32(near - slack)  # others must be nearer than that


@njit(nogil=True, cache=True)
def settle(
    sketch: np.ndarray,
    turned: np.ndarray,
    slack: float,
    floor: float,
    threshold: float,
    whole: np.ndarray,
    squares: np.ndarray,
    kinds: np.ndarray,
    rows: np.ndarray,
    best: np.ndarray,
    at: np.ndarray,
    stays: np.ndarray,
) -> None:
    """Which of `rows` stay, one after another, given the nearest row that stayed before all of them (`best`, `at`).

    sketch: (rows, m); turned: the same as (m, rows); rows at most RUN. best, at are brought up to date; stays: (rows,) bool gets whether none that stays is as near as
    `threshold`.
    """
    limit = np.float32(floor - slack)
    bounds = np.empty(RUN, np.float32)
    for i in range(rows.shape[0]):
        row = rows[i]
        _bounds(sketch, i, turned, 0, i, bounds)
        for j in range(i):
            if not stays[j] or bounds[j] < limit or kinds[row] != kinds[rows[j]]:
                continue
            near = _cosine(whole, whole, row, rows[j], squares[row], squares[rows[j]])
            if near >= floor and (at[i] < 0 or near > best[i]):
                best[i], at[i] = near, rows[j]
        stays[i] = at[i] < 0 or best[i] < threshold
