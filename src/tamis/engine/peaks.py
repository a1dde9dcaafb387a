"""Where a group is densest on a map: where its name should stand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: cells across the map
CELLS = 64


def densest(places: NDArray[np.float32], label: NDArray[np.int64], groups: int) -> NDArray[np.float32]:
    """(groups, 2): for each group the middle of its rows around the cell that most of its rows are in or beside; NaN where it has none.

    places: (n, 2) within -1..1; label: (n,), negative where a row belongs to none. A mean would stand between the parts of a
    group that has several.
    """
    found = np.full((groups, 2), np.nan, np.float32)
    if not (label >= 0).any():
        return found
    cell = np.clip(((places + 1) / 2 * CELLS).astype(np.int64), 0, CELLS - 1) + 1
    wide = CELLS + 2  # a border of empty cells, so that no row has a neighbour on the other side
    inside = label >= 0
    code = (label * wide + cell[:, 1])[inside] * wide + cell[inside, 0]
    known, at, counted = np.unique(code, return_inverse=True, return_counts=True)
    count = counted.astype(np.float64)
    around = [dy * wide + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]

    def beside(step: int, values: NDArray[Any]) -> NDArray[np.float64]:
        place = np.minimum(np.searchsorted(known, known + step), len(known) - 1)
        return np.where(known[place] == known + step, values[place], 0.0)

    crowd = np.sum([beside(step, count) for step in around], axis=0)
    sums = [np.bincount(at, places[inside, k].astype(np.float64), len(known)) for k in (0, 1)]
    group = known // (wide * wide)
    order = np.lexsort((known, -count, -crowd, group))
    first = order[np.unique(group[order], return_index=True)[1]]
    middle = [np.sum([beside(step, one) for step in around], axis=0)[first] / crowd[first] for one in sums]
    found[group[first]] = np.stack(middle, axis=1)
    return found
