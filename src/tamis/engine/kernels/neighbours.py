"""The best few of each row's products, for `engine/neighbours.py`."""

from __future__ import annotations

import numpy as np

from .jit import njit


@njit(nogil=True, cache=True)
def keep_best(products: np.ndarray, first: int, best: np.ndarray, at: np.ndarray) -> None:
    """Bring the best of each row up to date: the greatest product first, of equals the lower column.

    products: (rows, columns) float32 with the columns `first` and on, after all lower ones; best: (rows, k) float32 in falling
    order; at: (rows, k) int32 columns.
    """
    k = best.shape[1]
    for i in range(products.shape[0]):
        least = best[i, k - 1]
        for j in range(products.shape[1]):
            value = products[i, j]
            if value <= least:
                continue
            place = k - 1
            while place > 0 and best[i, place - 1] < value:
                best[i, place], at[i, place] = best[i, place - 1], at[i, place - 1]
                place -= 1
            best[i, place], at[i, place] = value, first + j
            least = best[i, k - 1]
