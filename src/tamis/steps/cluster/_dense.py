"""What clustering steps share that leave rows out: outliers, and what becomes of them."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from tamis.engine.clusterings import Assigned, Clustering

from ._base import Clusters

MIN_SIZE = "The smallest group that is a cluster."
LAYOUT = "Dimensions of the layout that clusters are looked for in."
NEIGHBOURS = "Rows around each row that the layout keeps near it: few show detail, many the whole."


class DenseClusters(Clusters):
    """A step that finds groups and leaves out what stands between them."""

    sets: ClassVar[tuple[str, ...]] = ("cluster", "name", "distance", "outlier")

    outliers: Literal["nearest", "leave"] = Field(
        "nearest",
        description="What becomes of rows that belong to no group: they go to the nearest cluster, or to none. They are "
        "marked in the column `outlier` either way.",
    )

    def fills(self) -> bool:
        return self.outliers == "nearest"

    def more(
        self, height: int, rows: NDArray[np.int64], made: Clustering | None, found: Assigned | None
    ) -> dict[str, pl.Series]:
        mark: list[bool | None] = [None] * height
        outlier = pl.Series("outlier", mark, dtype=pl.Boolean)
        if found is not None:
            outlier = outlier.scatter(rows, pl.Series(found.outlier))
        return {"outlier": outlier}
