"""What clustering steps say of rows, and the texts that names are made from."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Table
from tamis.core.outcome import Verdict, keep
from tamis.core.row import View
from tamis.engine.fitting import drift
from tamis.engine.kept_clusters import Settled
from tamis.engine.quantised import distance

#: rows whose texts are read at a time
BATCH = 20_000


def texts_of(table: Table, rows: NDArray[np.int64], view: View) -> pl.Series:
    """Texts of some rows, in their order."""
    order = np.argsort(rows, kind="stable")
    back = np.argsort(order, kind="stable")
    column = f"view:{view}"
    parts = [table.fetch(rows[order[at : at + BATCH]], [column])[column] for at in range(0, len(rows), BATCH)]
    return pl.concat(parts).gather(back) if parts else pl.Series([], dtype=pl.String)


def verdict_of(height: int, rows: NDArray[np.int64], settled: Settled | None, most: float) -> Verdict:
    """Cluster, name and distance of all rows, from those that have a vector. most: share of far rows that is no drift."""
    label, far = np.full(height, -1, np.int32), np.full(height, np.nan)
    names, told, recorded = list[str](), list[str](), tuple[str, ...]()
    if settled is not None:
        label[rows], names, recorded = settled.found.label, settled.names, settled.recorded
        far[rows] = np.where(settled.found.label >= 0, distance(settled.found.product), np.nan)
        told = [*settled.told, *filter(None, [drift(settled.made, settled.found, most)])]
    cluster = pl.Series("cluster", label).set(pl.Series(label < 0), None)
    name = pl.Series("name", names, dtype=pl.String).gather(cluster.cast(pl.UInt32))
    away = pl.Series("distance", far, nan_to_null=True)
    verdict = keep().change(cluster=cluster, name=name, distance=away).note(distance=away).rests_on(*recorded)
    for message in told:
        verdict = verdict.warn(message)
    return verdict
