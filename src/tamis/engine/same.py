"""Of rows with the same key, which stay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .hashing import Keys, first_equal


def survivors(found: Keys, worth: NDArray[np.int64] | None, most: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """(n,) int64: the row each row is merged into, -1 where it stays; (n,) int32: how many rows have its key.

    Of each set `most` rows stay: those with the highest `worth` (the first without it), ties by row order.
    The others are merged into the best.
    """
    first = first_equal(found)
    sizes = np.bincount(first, minlength=len(first)).astype(np.int32)
    copies = sizes[first]
    into = np.full(len(first), -1, np.int64)
    if worth is None and most == 1:
        return np.where(first == np.arange(len(first)), -1, first), copies
    rows = np.flatnonzero(copies > most)
    if len(rows):
        rank = np.zeros(len(rows), np.int64) if worth is None else -worth[rows]
        rows = rows[np.lexsort((rank, first[rows]))]
        group = first[rows]
        begins = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        place = np.repeat(begins, np.diff(np.r_[begins, len(rows)]))
        over = np.arange(len(rows)) - place >= most
        into[rows[over]] = rows[place[over]]
    return into, copies
