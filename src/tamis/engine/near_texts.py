"""The texts of rows that may be near copies, laid out so that those that are compared stand together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .scratch import Scratch, Store

#: bytes of texts in a block; rows that are compared stand in one block, as far as there is room
BLOCK = 8 << 20
#: rows are put together until they fill a block halved so often, then more: rows that many pairs tie to each other come first
_STEPS = (8, 4, 0)
#: bytes between two texts that are read with them rather than passed by
_GAP = 4096

Ints = NDArray[np.int64]


class Batch(NamedTuple):
    """Texts in memory: of row i in `data` from starts[i] - base on."""

    data: NDArray[np.uint8]
    places: Ints


class Texts:
    """Texts put partition by partition, and read block by block. `block`: (rows,) int32, of rows that are needed."""

    def __init__(
        self, needed: Ints, root: NDArray[np.int32], at: NDArray[np.int32], sizes: NDArray[np.uint32], scratch: Scratch
    ) -> None:
        """needed: rows; root: (rows,), equal for rows that may be compared; at: (rows,), their order when they are put;
        sizes: (rows, views), bytes of each text.
        """
        views = sizes.shape[1]
        self._sizes = sizes
        self.block = np.zeros(len(root), np.int32)
        self.block[needed] = _blocks(root[needed], sizes[needed].sum(axis=1, dtype=np.int64))
        order = needed[np.lexsort((at[needed], self.block[needed]))]
        firsts = np.searchsorted(self.block[order], np.arange(int(self.block.max(initial=0)) + 2))
        self._starts, self._bounds = [], []
        self._stores: list[Store] = []
        for view in range(views):
            ends = np.cumsum(sizes[order, view], dtype=np.int64)
            starts = np.zeros(len(root), np.int64)
            starts[order] = ends - sizes[order, view]
            total = int(ends[-1]) if len(ends) else 0
            self._starts.append(starts)
            self._bounds.append(np.append(starts[order], total)[firsts])
            self._stores.append(scratch.store(total))

    def put(self, rows: Ints, view: int, text: Text) -> None:
        """The texts of some rows."""
        from .kernels.buffers import take_rows

        starts = self._starts[view][rows]
        order = np.argsort(starts)
        starts = starts[order]
        sizes = np.diff(text.offsets)[order]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        data = np.empty(int(offsets[-1]), np.uint8)
        take_rows(text.data, text.offsets, order, data, offsets)
        # rows of one block that are put together stand side by side
        breaks = np.flatnonzero(starts[1:] != starts[:-1] + sizes[:-1]) + 1
        for low, high in zip([0, *breaks.tolist()], [*breaks.tolist(), len(rows)], strict=True):
            if high > low:
                self._stores[view].put(int(starts[low]), data[offsets[low] : offsets[high]])

    def batch(self, view: int, a: NDArray[np.int32], b: NDArray[np.int32]) -> Batch:
        """The texts of pairs. places: (pairs, 4) int64, where a begins and ends, then b."""
        starts, sizes, store = self._starts[view], self._sizes[:, view], self._stores[view]
        places = np.stack([starts[a], starts[a] + sizes[a], starts[b], starts[b] + sizes[b]], axis=1)
        block = int(self.block[a[0]])
        if (self.block[a] == block).all() and (self.block[b] == block).all():
            low, high = self._bounds[view][block : block + 2].tolist()
            return Batch(store.get(low, high, 8), places - low)
        rows = np.unique(np.concatenate([a, b]))
        rows = rows[np.lexsort((sizes[rows], starts[rows]))]  # where a text is empty, another begins, too
        first, end = starts[rows], starts[rows] + sizes[rows]
        breaks = np.flatnonzero(first[1:] > end[:-1] + _GAP) + 1
        lows, highs = first[np.append(0, breaks)], end[np.append(breaks - 1, -1)]
        to = np.cumsum(highs - lows) - (highs - lows)
        data = np.zeros(int((highs - lows).sum()) + 8, np.uint8)
        for low, high, place in zip(lows.tolist(), highs.tolist(), to.tolist(), strict=True):
            data[place : place + high - low] = store.get(low, high)
        piece = np.searchsorted(lows, places[:, [0, 2]], side="right") - 1
        return Batch(data, places - np.repeat((lows - to)[piece], 2, axis=1))


def tied(a: NDArray[np.int32], b: NDArray[np.int32], sizes: NDArray[np.uint32]) -> tuple[Ints, NDArray[np.int32]]:
    """The rows of pairs a, b, and (rows,) int32, equal for those that should stand in one block: no more than it has room for.

    Blindly chained, a million rows under a few texts in common are one component, and its pairs lie in all of its blocks.
    """
    from .kernels.allocate import tie_up_to

    root = np.arange(len(sizes), dtype=np.int32)
    together = np.minimum(sizes.sum(axis=1, dtype=np.int64), BLOCK).astype(np.uint32)
    for step in _STEPS:
        tie_up_to(root, together, BLOCK >> step, a, b)
    needed = np.zeros(len(root), np.bool_)
    needed[a] = needed[b] = True
    return np.flatnonzero(needed), root


def _blocks(root: NDArray[np.int32], sizes: Ints) -> Ints:
    """Rows of one root in one block, where that does not make it much larger than a block should be."""
    order = np.argsort(root, kind="stable")
    ends = np.cumsum(sizes[order])
    starts = ends - sizes[order]
    firsts = np.flatnonzero(np.append(True, root[order][1:] != root[order][:-1])) if len(order) else order
    counts = np.diff(np.append(firsts, len(order)))
    together = np.repeat(starts[firsts], counts)
    large = np.repeat(np.append(starts[firsts[1:]], ends[-1:]) - starts[firsts], counts) > BLOCK
    out = np.empty(len(root), np.int64)
    out[order] = np.where(large, starts, together) // BLOCK
    return np.unique(out, return_inverse=True)[1].astype(np.int64)
