"""Which of the rows that may be near are near: exact products of whole numbers, for `engine/semantic.py`.

A matrix of bounds comes from outside: what the cosine of two rows is at most. Only where it reaches a limit are the rows
themselves compared.
"""

from __future__ import annotations

import numpy as np
from numba import njit

#: bounds looked at in one go
_RUN = 64


@njit(nogil=True, cache=True)
def _cosine(whole: np.ndarray, other: np.ndarray, i: int, j: int, own: np.int64, theirs: np.int64) -> float:
    """Of two rows of whole numbers with these squared lengths."""
    total = np.int32(0)
    for k in range(whole.shape[1]):
        total += np.int32(whole[i, k]) * np.int32(other[j, k])
    return np.float64(total) / np.sqrt(np.float64(own * theirs))


@njit(nogil=True, cache=True)
def nearest_above(
    bounds: np.ndarray,
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

    bounds: (rows, among) float32, at most `slack` below the cosine; squares: squared lengths; kinds: rows of different kinds
    are never near. best: (rows,) float64, filled with NaN, gets the cosine; at: (rows,) int64, filled with -1, gets the row.
    """
    for i in range(rows.shape[0]):
        limit = np.float32(floor - slack)
        row = rows[i]
        for start in range(0, among.shape[0], _RUN):
            stop = min(start + _RUN, among.shape[0])
            hits = 0
            for j in range(start, stop):
                hits += bounds[i, j] >= limit
            if hits == 0:
                continue
            for j in range(start, stop):
                if bounds[i, j] < limit or kinds[row] != other_kinds[among[j]]:
                    continue
                near = _cosine(whole, other, row, among[j], squares[row], other_squares[among[j]])
                if near >= floor and (at[i] < 0 or near > best[i]):
                    best[i], at[i] = near, among[j]
                    limit = np.float32(near - slack)  # others must be nearer than that


@njit(nogil=True, cache=True)
def settle(
    bounds: np.ndarray,
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

    bounds: (rows, rows); best, at are brought up to date; stays: (rows,) bool gets whether none that stays is as near as
    `threshold`.
    """
    limit = np.float32(floor - slack)
    for i in range(rows.shape[0]):
        row = rows[i]
        for j in range(i):
            if not stays[j] or bounds[i, j] < limit or kinds[row] != kinds[rows[j]]:
                continue
            near = _cosine(whole, whole, row, rows[j], squares[row], squares[rows[j]])
            if near >= floor and (at[i] < 0 or near > best[i]):
                best[i], at[i] = near, rows[j]
        stays[i] = at[i] < 0 or best[i] < threshold
