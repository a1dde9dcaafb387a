"""cluster.umap_kmeans"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.step import Reasons
from tamis.engine.density import kmeans_labels, umap_layout
from tamis.engine.fitting import Groups
from tamis.engine.quantised import Whole

from ._base import Clusters
from ._dense import LAYOUT, NEIGHBOURS


class UmapKmeans(Clusters):
    """Sort rows into `k` clusters in a layout that draws like rows together.

    ## What it does
    Lays the vectors out in a few dimensions (UMAP) and looks for `k` centres there (k-means). New rows are assigned by the
    clusters' centres among the vectors. UMAP does not give the same on another number of threads, so the result is
    recorded and never made again for the same rows.

    ## Why
    Clusters may have any shape, where `cluster.kmeans` finds round ones of about one size. On some data they fit people's
    categories better, on other data not at all: compare both.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "a", "vector": [1.0, 0.1 * n]} for n in range(4)]
    >>> print(run_step(UmapKmeans(k=2, vectors="column:vector"), rows).line)
    4 in = 4 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    libraries: ClassVar[tuple[str, ...]] = ("umap-learn", "faiss-cpu", "scikit-learn")

    k: int = Field(ge=1, le=20_000, description="How many clusters there are.")
    neighbours: int = Field(15, ge=2, le=200, description=NEIGHBOURS)
    dimensions: int = Field(5, ge=2, le=50, description=LAYOUT)

    def group(self, vectors: Whole, seed: int) -> Groups:
        places = umap_layout(
            vectors, seed, neighbours=self.neighbours, dimensions=self.dimensions, min_dist=0.0, what=self.address()
        )
        return Groups(kmeans_labels(places, self.k, seed), None, {})
