"""What is shown of clusters: their phrases, some of their texts, and which clusters are named together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Table
from tamis.core.row import View
from tamis.engine.allocate import seeded_order
from tamis.engine.clusterings import Clustering
from tamis.engine.keyphrases import key_phrases, sample
from tamis.engine.quantised import products

from ._naming import Evidence

#: texts shown from the centre and from the border
CENTRAL, BOUNDARY = 6, 3
#: where the border is: nearer to the centre than this share of the cluster's rows; the rest may be outliers
BORDER = 0.9


def evidence(table: Table, view: View, held: int, shown: tuple[int, int] = (CENTRAL, BOUNDARY)) -> list[Evidence]:
    """Each cluster's evidence, by its number. held: texts kept back from naming; where rows are few, one is shown at least."""
    label = table["cluster"].cast(pl.Int32).fill_null(-1).to_numpy().astype(np.int32)
    far = table["distance"].cast(pl.Float64).fill_null(2.0).to_numpy()
    ids = table.ids()
    chance = seeded_order(table.seed, *ids)
    order = np.lexsort((ids[1], ids[0], far, label))
    present = np.unique(label[label >= 0])
    if not len(present):
        return []
    k = int(present.max()) + 1
    chosen = sample(label, k)
    phrases = key_phrases(_texts(table, chosen, view), label[chosen], k)
    picked: dict[int, tuple[list[int], list[int], list[int]]] = {}
    start = np.searchsorted(label[order], np.arange(k + 1))
    for c in present.tolist():
        mine = order[start[c] : start[c + 1]]
        back = min(held, max(0, len(mine) - 1) // 2)
        kept = mine[np.argsort(chance[mine], kind="stable")[:back]]
        rest = mine[~np.isin(mine, kept)]
        central = rest[: shown[0]]
        border = rest[shown[0] : max(shown[0], int(np.ceil(len(rest) * BORDER)))][-shown[1] :] if shown[1] else rest[:0]
        picked[c] = (central.tolist(), border.tolist(), kept.tolist())
    wanted = np.array([row for rows in picked.values() for part in rows for row in part], np.int64)
    texts = dict(zip(wanted.tolist(), _texts(table, wanted, view).to_list(), strict=True))

    def told(rows: Sequence[int]) -> tuple[str, ...]:
        return tuple(texts[row] for row in rows if texts[row])

    size = np.bincount(label[label >= 0], minlength=k)
    return [
        Evidence(c, int(size[c]), tuple(p.text for p in phrases[c]), told(near), told(border), told(kept))
        for c, (near, border, kept) in picked.items()
    ]


def together(clusters: Sequence[int], made: Clustering | None, many: int) -> list[list[int]]:
    """Clusters in groups of at most so many, neighbours with each other: the largest cluster left and those nearest to it."""
    left = list(clusters)
    if made is None or any(c >= len(made.centres) for c in left):
        return [left[at : at + many] for at in range(0, len(left), many)]
    near: NDArray[np.float32] = np.concatenate([some for _, some in products(made.centres, made.centres)])
    groups = []
    while left:
        first = left[0]
        group = sorted(left, key=lambda c: (c != first, -float(near[first, c]), c))[:many]
        groups.append(sorted(group))
        left = [c for c in left if c not in group]
    return groups


def _texts(table: Table, rows: NDArray[np.int64], view: View) -> pl.Series:
    column = f"view:{view}"
    return table.fetch(rows, [column])[column].cast(pl.String)
