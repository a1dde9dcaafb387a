"""Which rows a pilot shows: by chance, from each value of a column, or the hardest; those not seen yet come first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.engine.allocate import seeded_order

from .prompts import Record, tries


def times_seen(records: Sequence[Record], ids: Sequence[str]) -> NDArray[np.int64]:
    """(n,) how many earlier tries showed each row."""
    counts: dict[str, int] = {}
    for record in tries(records):
        for row in record.rows:
            counts[row] = counts.get(row, 0) + 1
    return np.array([counts.get(row, 0) for row in ids], np.int64)


def draw(
    ids: Sequence[str],
    high: NDArray[np.uint64],
    low: NDArray[np.uint64],
    *,
    seed: int,
    count: int,
    seen: NDArray[np.int64],
    without: Collection[str] = (),
    per: Sequence[object] | None = None,
) -> list[int]:
    """Positions of `count` rows, or fewer where there are not as many.

    seen: rows seen less often come first; without: ids never taken; per: each row's group, so that rows come from the
    groups in turn, those shown least first. The same rows for the same seed, whatever the rows around them.
    """
    free = np.array([k for k, row in enumerate(ids) if row not in without], np.int64)
    chance = seeded_order(seed, high, low)[free]
    order = free[np.lexsort((free, chance, seen[free]))]
    if per is None:
        return [int(k) for k in order[:count]]
    shown: dict[str, int] = {}
    queues: dict[int, dict[str, list[int]]] = {}
    for k in order:
        group = _group(per[k])
        shown[group] = shown.get(group, 0) + int(seen[k])
        queues.setdefault(int(seen[k]), {}).setdefault(group, []).append(int(k))
    chosen: list[int] = []
    for _, groups in sorted(queues.items()):
        turns = [groups[group] for group in sorted(groups, key=lambda group: (shown[group], group))]
        while len(chosen) < count and any(turns):
            for queue in turns:
                if queue and len(chosen) < count:
                    chosen.append(queue.pop(0))
    return chosen


def _group(value: object) -> str:
    return "" if value is None else f"={value}"
