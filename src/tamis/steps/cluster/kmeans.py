"""cluster.kmeans"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.step import Reasons
from tamis.engine.fitting import Groups
from tamis.engine.kmeans import kmeans
from tamis.engine.quantised import Whole

from ._base import Clusters


class Kmeans(Clusters):
    """Sort rows into `k` clusters of similar meaning, each with a name.

    ## What it does
    Finds `k` centres so that rows are as near to theirs as can be (k-means by cosine), and gives each row its cluster's
    number (0 is the largest), its distance to the centre (1 - cosine) and a name made of the phrases that set the cluster
    apart. Clusters depend on the rows, the seed and nothing else: not on their order, nor on the number of threads. They
    are recorded with their centres; with `grow: true` later rows are assigned to them, no row moves, and the run says how
    well the new ones fit. Rows without a vector belong to no cluster.

    ## Why
    A few topics make up most of what users write. To draw as many rows of each, or to look at what there is, one must know
    which rows are of one kind; and numbers and names that people have come to know must not change with the next thousand
    rows.

    ## Example
    >>> from tamis.testing import run_step
    >>> said = {"Cancel my order": (1, 0), "Cancel that order": (1, 0.1), "Where is my card?": (0, 1)}
    >>> rows = [{"prompt": p, "vector": list(v)} for p, v in said.items()]
    >>> result = run_step(Kmeans(k=2, vectors="column:vector"), rows)
    >>> result.column("cluster.kmeans.cluster"), result.column("cluster.kmeans.name")[2]
    ([0, 0, 1], 'card')
    >>> print(result.line)
    3 in = 3 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}

    k: int = Field(ge=1, le=20_000, description="How many clusters there are.")

    def group(self, vectors: Whole, seed: int) -> Groups:
        return Groups(None, kmeans(vectors, min(self.k, len(vectors)), seed), {})
