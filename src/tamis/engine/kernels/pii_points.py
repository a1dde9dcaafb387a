"""From places in bytes to places in code points."""

from __future__ import annotations

import numpy as np

from .jit import njit


@njit(nogil=True, cache=True)
def to_points(
    data: np.ndarray,
    offsets: np.ndarray,
    row: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    out_start: np.ndarray,
    out_end: np.ndarray,
) -> None:
    """Fill (k,) int64 with the code points before `start` and `end`, which are bytes within their row.

    Spans stand by row, then by place, and do not overlap; so each row is counted once.
    """
    last, at, points = np.int64(-1), np.int64(0), np.int64(0)
    for k in range(row.shape[0]):
        if row[k] != last:
            last, at, points = row[k], 0, 0
        begin = offsets[row[k]]
        for j in range(begin + at, begin + start[k]):
            points += data[j] & 0xC0 != 0x80
        out_start[k] = points
        for j in range(begin + start[k], begin + end[k]):
            points += data[j] & 0xC0 != 0x80
        out_end[k] = points
        at = end[k]
