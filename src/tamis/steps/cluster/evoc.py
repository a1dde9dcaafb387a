"""cluster.evoc"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from tamis.core.step import Reasons
from tamis.engine.clusterings import Assigned, Clustering, numbered
from tamis.engine.density import evoc_layers
from tamis.engine.fitting import Groups
from tamis.engine.quantised import Whole

from ._dense import MIN_SIZE, DenseClusters


class Evoc(DenseClusters):
    """Find groups at several levels of detail at once, from many small ones to a few large ones.

    ## What it does
    Clusters the vectors with EVoC, which finds layers of groups. One layer becomes `cluster`: the one with about `k` groups,
    else the one that EVoC takes. All of them stand in `layers`, finest first, with -1 where a row belongs to none; rows that
    came later have none. Rows outside the groups are marked as outliers and go to the nearest cluster, unless
    `outliers: leave`. Another number of threads may give other groups, so the result is recorded.

    ## Why
    No figure tells how fine a clustering should be; people can, when they see several. It is fast and needs no number of
    clusters.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "a", "vector": [1.0, 0.1 * n]} for n in range(4)]
    >>> print(run_step(Evoc(vectors="column:vector"), rows).line)
    4 in = 4 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("cluster", "name", "distance", "outlier", "layers")
    libraries: ClassVar[tuple[str, ...]] = ("evoc",)

    k: int | None = Field(None, ge=1, description="About how many clusters: the layer nearest to it is taken.")
    min_size: int = Field(5, ge=2, description=MIN_SIZE)
    noise: float = Field(0.5, ge=0, le=1, description="How much may lie outside of groups: more makes more outliers.")

    def group(self, vectors: Whole, seed: int) -> Groups:
        layers, own = evoc_layers(vectors, seed, min_size=self.min_size, noise=self.noise)
        if self.k is not None:
            wanted = self.k
            own = min(range(len(layers)), key=lambda at: abs(int(layers[at].max(initial=-1)) + 1 - wanted))
        made = {}
        for at, layer in enumerate(layers):
            made[f"layer_{at}"] = numbered(layer, int(layer.max(initial=-1)) + 1)[0]
        return Groups(layers[own], None, made)

    def more(
        self, height: int, rows: NDArray[np.int64], made: Clustering | None, found: Assigned | None
    ) -> dict[str, pl.Series]:
        layers = pl.Series("layers", [None], dtype=pl.List(pl.Int32)).new_from_index(0, height)
        if made is not None and found is not None and made.layers:
            known = found.place >= 0
            whole = np.stack([layer[found.place[known]] for layer in made.layers.values()], axis=1)
            own = pl.Series("layers", whole.astype(np.int32)).arr.to_list()
            at = np.full(height, -1, np.int64)
            at[rows[known]] = np.arange(len(own))
            index = pl.Series(at)
            layers = own.gather(index.set(index < 0, None).cast(pl.UInt32)).alias("layers")
        return {**super().more(height, rows, made, found), "layers": layers}
