"""Rows with the same key."""

from __future__ import annotations

import numpy as np

from .jit import njit


@njit(nogil=True, cache=True)
def first_of_key(
    high: np.ndarray,
    low: np.ndarray,
    valid: np.ndarray,
    order: np.ndarray,
    part: int,
    parts: int,
    slots: np.ndarray,
    first: np.ndarray,
) -> None:
    """first: (n,) int32; set for the rows in `order` whose key falls into this part of `parts`: the first row of that order with
    the same key; the row itself where it has none.

    slots: open table of rows met before, -1 where there is none, a power of two of places, more than the different keys.
    """
    mask = np.uint64(slots.shape[0] - 1)
    for row in order:
        if np.int64(((high[row] >> np.uint64(32)) * np.uint64(parts)) >> np.uint64(32)) != part:
            continue
        first[row] = row
        if not valid[row]:
            continue
        slot = low[row] & mask
        while slots[slot] >= 0:
            other = slots[slot]
            if low[other] == low[row] and high[other] == high[row]:
                first[row] = other
                break
            slot = (slot + np.uint64(1)) & mask
        if slots[slot] < 0:
            slots[slot] = row
