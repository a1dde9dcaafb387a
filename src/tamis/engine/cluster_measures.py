"""Figures of a clustering: hints, none of which picks the right one.

The silhouette rewards ever finer splits (on banking77, with 77 intents, it still rises at 250 clusters), NPMI prefers phrases that
many texts share, and stability prefers few large clusters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.fingerprint import derive_seed

from .cluster_flow import adjusted_rand
from .keyphrases import CHARACTERS
from .quantised import LENGTH, Whole

#: rows that the silhouette is taken over, and texts that phrases are counted in
SILHOUETTE_ROWS, NPMI_TEXTS = 4_000, 5_000
#: phrases of a cluster that are compared
PHRASES = 5
#: share of the rows that each refit sees
RESAMPLED = 0.8
#: Student's t, two-sided 95%, by degrees of freedom
_T = (0.0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


class Stability(NamedTuple):
    """The mean adjusted Rand index of refits on parts of the rows, with its 95% interval by Student's t."""

    mean: float
    low: float
    high: float
    refits: int


def silhouette(vectors: Whole, label: NDArray[np.int32], seed: int, most: int = SILHOUETTE_ROWS) -> float | None:
    """The mean silhouette by cosine distance (Rousseeuw 1987) over at most so many rows; -1..1, None for one cluster.

    label: -1 for rows left out. Sums are whole numbers, so that it is the same on any number of threads.
    """
    rows = np.flatnonzero(label >= 0)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:most])
    rows = rows[np.argsort(label[rows], kind="stable")]
    present, start, size = np.unique(label[rows], return_index=True, return_counts=True)
    if len(present) < 2:
        return None
    own = np.repeat(np.arange(len(present)), size)
    some = vectors[rows].astype(np.float32)
    widths = np.zeros(len(rows))
    for at in range(0, len(rows), 512):
        product = (some[at : at + 512] @ some.T).astype(np.int64)
        mine = own[at : at + 512]
        inner = np.arange(len(mine))
        whole = np.add.reduceat(product, start, axis=1)
        itself = product[inner, np.arange(at, at + len(mine))]
        many = size[mine]
        near = (whole[inner, mine] - itself) / np.maximum(many - 1, 1)
        mean = whole / size
        mean[inner, mine] = -np.inf
        a, b = 1 - near / LENGTH**2, 1 - mean.max(axis=1) / LENGTH**2
        widths[at : at + len(mine)] = np.where(many > 1, (b - a) / np.maximum(np.maximum(a, b), 1e-12), 0.0)
    return round(math.fsum(widths.tolist()) / len(widths), 6)


def stability(
    vectors: Whole,
    label: NDArray[np.int32],
    refit: Callable[[Whole, int], NDArray[np.int32]],
    seed: int,
    refits: int,
) -> Stability | None:
    """How far a clustering comes back when it is fitted on 80% of the rows: each refit against it, over all its rows.

    refit: (some rows' vectors, seed) → the label of every row by the centres found among these; None below two refits.
    """
    if refits < 2:
        return None
    inside, found = label >= 0, []
    for number in range(refits):
        chance = derive_seed(seed, "stability", number)
        order = np.random.default_rng(chance).permutation(len(vectors))
        some = np.sort(order[: max(1, int(len(vectors) * RESAMPLED))])
        found.append(adjusted_rand(label[inside], refit(vectors[some], chance)[inside]))
    mean = math.fsum(found) / refits
    spread = math.sqrt(math.fsum((one - mean) ** 2 for one in found) / (refits - 1) / refits)
    half = _T[min(refits - 1, len(_T) - 1)] * spread
    return Stability(round(mean, 6), round(max(-1.0, mean - half), 6), round(min(1.0, mean + half), 6), refits)


def npmi(texts: pl.Series, phrases: Sequence[Sequence[str]]) -> float | None:
    """Mean normalised pointwise mutual information of each cluster's first phrases, over the texts (Bouma 2009): 1 always
    together, 0 as by chance, -1 never. None where no cluster has two phrases."""
    plain = pl.select(
        pl.concat_str(
            pl.lit(" "),
            pl.lit(texts.drop_nulls().head(NPMI_TEXTS).str.slice(0, CHARACTERS).str.to_lowercase())
            .str.replace_all("’", "'")
            .str.replace_all(r"[^\p{L}\p{M}\p{N}'\-]+", " "),
            pl.lit(" "),
        )
    ).to_series()
    n = len(plain)
    stands: dict[str, NDArray[np.bool_]] = {}
    for phrase in dict.fromkeys(p for some in phrases for p in some[:PHRASES]):
        stands[phrase] = plain.str.contains(f" {phrase} ", literal=True).to_numpy()
    values = []
    for some in phrases:
        few = list(some[:PHRASES])
        values += [_pair(stands[a], stands[b], n) for at, a in enumerate(few) for b in few[at + 1 :]]
    known = [value for value in values if value is not None]
    return round(math.fsum(known) / len(known), 6) if known else None


def _pair(a: NDArray[np.bool_], b: NDArray[np.bool_], n: int) -> float | None:
    in_a, in_b, both = int(a.sum()), int(b.sum()), int((a & b).sum())
    if not in_a or not in_b:
        return None
    if not both:
        return -1.0
    if both == n:
        return 1.0
    return math.log(both * n / (in_a * in_b)) / -math.log(both / n)
