"""Near copies and splits: rows that must stay together, and those that stand apart all the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Table
from tamis.core.fingerprint import fingerprint

if TYPE_CHECKING:  # the search is loaded by splits that look for near copies
    from .copies import Copies
    from .neardup import Unit

Ints = NDArray[np.int64]

_RECALL, _TEMPLATES = 0.95, 20


def _unit() -> Unit:
    from .neardup import Unit

    return Unit(5, False)


def gather_near(rows: Columns, views: Sequence[str]) -> dict[str, pl.Series]:
    """What `near_copies` needs of each row, for one text or several together."""
    from .copies import gather

    return {f"near.{'|'.join(views)}.{name}": column for name, column in gather(rows, views, _unit()).items()}


class _Part:
    """A table seen through the names of one text."""

    def __init__(self, table: Table, views: Sequence[str]) -> None:
        self._table, self._prefix = table, f"near.{'|'.join(views)}."
        self.height, self.starts, self.seed = table.height, table.starts, table.seed
        self.ids, self.fetch, self.derived = table.ids, table.fetch, table.derived
        self.vectors, self.recorded, self.sources = table.vectors, table.recorded, table.sources

    def __getitem__(self, name: str) -> pl.Series:
        return self._table[self._prefix + name]

    def part(self, index: int, names: Sequence[str]) -> pl.DataFrame:
        return self._table.part(index, [self._prefix + name for name in names]).rename(
            lambda name: name.removeprefix(self._prefix)
        )


def near_copies(table: Table, views: Sequence[str], floor: float) -> Copies:
    """The rows whose texts are all at least so similar."""
    from .copies import Copies, Wanted, find

    wanted = Wanted(tuple(views), (floor,) * len(views), _RECALL, _unit(), _TEMPLATES)
    make: Callable[[], dict[str, pl.DataFrame]] = lambda: find(_Part(table, views), wanted).frames()  # noqa: E731
    return Copies.of(table.derived(fingerprint("near splits", 2, list(views), floor), make))


def near_units(root: Ints, copies: Copies) -> Ints:
    """(n,) int64: the first row of each row's unit, once units that hold near copies are one. root: as it was before."""
    from .kernels.allocate import tie

    root = root.copy()
    rows = np.flatnonzero(copies.best >= 0)
    tie(root, np.concatenate([copies.best[rows], copies.a]), np.concatenate([rows, copies.b]))
    return root


class NearLeaks(NamedTuple):
    """twin: (n,) int64, the most similar row in another split, -1 where there is none; earlier: (n,) bool, whether one stands
    in a later split; similarity: (n,) float64, to the twin, NaN where there is none.
    """

    twin: Ints
    earlier: NDArray[np.bool_]
    similarity: NDArray[np.float64]


def near_leaks(copies: Copies, split: Ints) -> NearLeaks:
    """Near copies across splits."""
    n, count = len(split), int(split.max(initial=-1)) + 1
    twin, similarity = np.full(n, -1, np.int64), np.full(n, np.nan)
    earlier = np.zeros(n, np.bool_)
    least = copies.similarity.min(axis=1) if len(copies.a) else np.empty(0)
    ends, others = np.concatenate([copies.a, copies.b]), np.concatenate([copies.b, copies.a])
    least = np.concatenate([least, least])
    rising = np.lexsort((-others, least))  # of equals the first row is written last
    ends, others, least = ends[rising], others[rising], least[rising]
    some = np.flatnonzero(copies.best >= 0)[::-1]
    for there in range(count):
        # the first row of each class in this split, by the class's best row
        member = np.full(n, -1, np.int64)
        inside = some[split[some] == there]
        member[copies.best[inside]] = inside
        near, score = np.full(n, -1, np.int64), np.full(n, -1.0)
        met = member[others] >= 0
        near[ends[met]] = member[others[met]]
        score[ends[met]] = least[met]
        rows = np.flatnonzero((copies.best >= 0) & (split != there) & (split >= 0))
        rows = rows[near[copies.best[rows]] >= 0]
        earlier[rows] |= split[rows] < there
        better = rows[~(similarity[rows] >= score[copies.best[rows]])]
        twin[better], similarity[better] = near[copies.best[better]], score[copies.best[better]]
    return NearLeaks(twin, earlier, similarity)
