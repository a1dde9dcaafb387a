"""Spherical k-means that gives the same clusters on any number of threads, in any order of the rows.

Everything that decides is a whole number (`engine/quantised.py`), rows are taken by their place in the order of their ids, and
chance comes from the seed. So the same rows make the same clusters, however they stand and wherever it runs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .quantised import LENGTH, Whole, centres_of, nearest, products, sums

#: rows per centre that the search for centres looks at; then all rows move them
SAMPLE = 512
#: rows per centre that the first centres are drawn from
FIRST = 24
#: candidates for each first centre, of which the best is taken
TRIES = 4
#: passes over all rows after those over the sample
LAST_PASSES = 3


def kmeans(vectors: Whole, k: int, seed: int, *, passes: int = 40) -> Whole:
    """(k, d) centres of at least k vectors, all of which point somewhere. Their order is the order of the rows'."""
    rng = np.random.default_rng(seed)
    n = len(vectors)
    order = rng.permutation(n)
    sample = vectors if n <= SAMPLE * k else vectors[np.sort(order[: SAMPLE * k])]
    centres = _first(vectors[np.sort(order[: max(FIRST * k, 2048)])], k, rng)
    centres = _moved(sample, centres, passes)
    return centres if sample is vectors else _moved(vectors, centres, LAST_PASSES)


def _first(sample: Whole, k: int, rng: np.random.Generator) -> Whole:
    """k-means++ (Arthur and Vassilvitskii 2007), greedy: of some candidates the one that leaves the least distance."""
    chosen = [int(rng.integers(len(sample)))]
    left = _left(sample, sample[chosen])[:, 0]
    for _ in range(k - 1):
        whole = np.cumsum(left)
        if whole[-1] == 0:  # fewer different vectors than centres
            chosen.append(int(rng.integers(len(sample))))
            continue
        drawn = np.searchsorted(whole, rng.integers(whole[-1], size=TRIES), "right")
        after = np.minimum(left[:, None], _left(sample, sample[drawn]))
        best = int(after.sum(axis=0).argmin())
        chosen.append(int(drawn[best]))
        left = after[:, best]
    return sample[chosen].copy()


def _left(sample: Whole, centres: Whole) -> NDArray[np.int64]:
    """(n, k) distances as whole numbers."""
    found = np.empty((len(sample), len(centres)), np.int64)
    for at, some in products(sample, centres):
        found[at : at + len(some)] = np.maximum(LENGTH * LENGTH - some, 0)
    return found


def _moved(vectors: Whole, centres: Whole, passes: int) -> Whole:
    """Centres after so many passes, or when no row changes its centre."""
    before = None
    for _ in range(passes):
        label, product = nearest(vectors, centres)
        if before is not None and np.array_equal(label, before):
            break
        before = label
        centres = centres_of(sums(vectors, _filled(label, product, len(centres)), len(centres)))
    return centres


def _filled(label: NDArray[np.int32], product: NDArray[np.int32], k: int) -> NDArray[np.int32]:
    """A centre that no row is nearest to takes the row that is farthest from its own."""
    empty = np.flatnonzero(np.bincount(label, minlength=k) == 0)
    if not len(empty):
        return label
    label = label.copy()
    size = np.bincount(label, minlength=k)
    for row in np.argsort(product, kind="stable").tolist():
        if not len(empty):
            break
        if size[label[row]] > 1:
            size[label[row]] -= 1
            label[row], empty = empty[0], empty[1:]
    return label
