"""cluster.bertopic"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.step import Reasons
from tamis.engine.density import hdbscan_labels, merged, umap_layout
from tamis.engine.fitting import Groups
from tamis.engine.quantised import Whole

from ._dense import LAYOUT, MIN_SIZE, NEIGHBOURS, DenseClusters


class Bertopic(DenseClusters):
    """Find topics as BERTopic does: a layout by UMAP, and in it the dense groups, as many as there are.

    ## What it does
    Lays the vectors out in a few dimensions (UMAP), takes the dense groups there (HDBSCAN) as clusters, merges the most
    similar ones if `topics` says how many there may be, and names them by class-based TF-IDF. Rows between the groups are
    marked as outliers and go to the nearest cluster, unless `outliers: leave`. Neither method gives the same on another
    number of threads, so the result is recorded and never made again for the same rows.

    ## Why
    The number of topics need not be known, and rows that belong to none are told apart. It finds many small groups by
    default: raise `min_size`, or set `topics`, for fewer.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "a", "vector": [1.0, 0.1 * n]} for n in range(4)]
    >>> print(run_step(Bertopic(vectors="column:vector"), rows).line)
    4 in = 4 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    libraries: ClassVar[tuple[str, ...]] = ("umap-learn", "hdbscan", "faiss-cpu", "scikit-learn")

    min_size: int = Field(10, ge=2, description=MIN_SIZE)
    min_samples: int | None = Field(
        None, ge=1, description="How dense a group must be: more make more outliers; by default `min_size`."
    )
    topics: int | None = Field(None, ge=1, description="The most clusters there may be; the most similar are merged.")
    neighbours: int = Field(15, ge=2, le=200, description=NEIGHBOURS)
    dimensions: int = Field(5, ge=2, le=50, description=LAYOUT)

    def group(self, vectors: Whole, seed: int) -> Groups:
        places = umap_layout(
            vectors, seed, neighbours=self.neighbours, dimensions=self.dimensions, min_dist=0.0, what=self.address()
        )
        label = hdbscan_labels(places, min_size=self.min_size, min_samples=self.min_samples)
        return Groups(label if self.topics is None else merged(vectors, label, self.topics), None, {})
