"""The rows nearest to each row, exactly: whole numbers are compared, and of equals the first counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .quantised import Whole

#: rows worked on at a time, and rows they are compared with at a time: their products stay near the processor
ROWS, COLUMNS = 1024, 4096


def nearest_rows(vectors: Whole, others: Whole, count: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(n, count) positions in `others`, the nearest first, and their products. count: at most as many as there are others."""
    from .kernels.neighbours import keep_best

    at = np.zeros((len(vectors), count), np.int32)
    best = np.full((len(vectors), count), -np.inf, np.float32)
    for first in range(0, len(others), COLUMNS):
        strip = np.ascontiguousarray(others[first : first + COLUMNS].T.astype(np.float32))
        for start in range(0, len(vectors), ROWS):
            some = vectors[start : start + ROWS].astype(np.float32) @ strip
            keep_best(some, first, best[start : start + ROWS], at[start : start + ROWS])
    return at, best.astype(np.int32)
