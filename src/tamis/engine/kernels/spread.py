"""Choosing rows that stand for others: products of whole numbers, and gains in whole numbers."""

from __future__ import annotations

import numpy as np

from .jit import njit


@njit(nogil=True, cache=True)
def draw_near(whole: np.ndarray, row: int, start: int, stop: int, best: np.ndarray, nearest: np.ndarray) -> None:
    """A row was chosen: best (n,) int32, the greatest product with a chosen one, and nearest (n,) int64, which that is."""
    for i in range(start, stop):
        total = np.int32(0)
        for k in range(whole.shape[1]):
            total += np.int32(whole[i, k]) * np.int32(whole[row, k])
        if nearest[i] < 0 or total > best[i]:
            best[i], nearest[i] = total, row


@njit(nogil=True, cache=True)
def gain_of(served: np.ndarray, row: int, level: np.ndarray) -> int:
    """By how much a row would raise the level (ground,) int16 at which the ground is served; served: (n, ground) int16."""
    total = np.int64(0)
    for g in range(level.shape[0]):
        more = np.int32(served[row, g]) - np.int32(level[g])
        total += max(more, np.int32(0))
    return int(total)


@njit(nogil=True, cache=True)
def gains_of(served: np.ndarray, level: np.ndarray, start: int, stop: int, gains: np.ndarray) -> None:
    """The same of the rows from `start` to `stop`, into gains (n,) int64."""
    for row in range(start, stop):
        gains[row] = gain_of(served, row, level)


@njit(nogil=True, cache=True)
def raise_level(served: np.ndarray, row: int, level: np.ndarray) -> None:
    """The row was chosen."""
    for g in range(level.shape[0]):
        level[g] = max(level[g], served[row, g])
