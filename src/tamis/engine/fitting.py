"""From groups of vectors to a clustering that is kept: numbered, with centres, limits, names and examples; and its drift."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .clusterings import Assigned, Cluster, Clustering, examples, ids_text, limits, numbered
from .keyphrases import key_phrases, names_of, sample
from .quantised import Whole, centres_of, nearest, sums

#: new rows that must be far before anything is said of them
FEW = 5

#: types of the columns that clusterings set, where they are not text
SET_TYPES: Mapping[str, pl.DataType] = {
    "cluster": pl.Int32(),
    "distance": pl.Float64(),
    "outlier": pl.Boolean(),
    "layers": pl.List(pl.Int32),
}


class Groups(NamedTuple):
    """label: (n,) -1 for outliers, or None where each row belongs to the nearest of `centres`; centres: (k, d), or None to
    take the means; layers: further labels, by name."""

    label: NDArray[np.int32] | None
    centres: Whole | None
    layers: dict[str, NDArray[np.int32]]


def freeze(
    groups: Groups,
    vectors: Whole,
    high: NDArray[np.uint64],
    low: NDArray[np.uint64],
    read: Callable[[NDArray[np.int64]], pl.Series],
    about: dict[str, Any],
) -> Clustering:
    """The clustering. high, low: the rows' ids, whose order they stand in; read: some rows' texts, for the names."""
    label, centres = centred(groups, vectors)
    outlier = label < 0
    near, product = nearest(vectors, centres)
    own = np.where(outlier, near, label)
    moved = ~outlier & (near != label)  # a row of a dense group may be nearer to the centre of another one
    wide = vectors[moved].astype(np.int64)
    product[moved] = (wide * centres[label[moved]].astype(np.int64)).sum(axis=1)
    k = len(centres)
    chosen = sample(label, k)
    phrases = key_phrases(read(chosen), label[chosen], k)
    names = names_of(phrases)
    central, boundary = examples(vectors, centres, label, product)
    limit = limits(label, product, k)
    size, left = np.bincount(label[~outlier], minlength=k), np.bincount(own[outlier], minlength=k)
    clusters = tuple(
        Cluster(
            int(size[c]), int(left[c]), limit[c], names[c], tuple((p.text, p.weight) for p in phrases[c]),
            ids_text(high, low, central[c]), ids_text(high, low, boundary[c]),
        )
        for c in range(k)
    )  # fmt: skip
    return Clustering(about, clusters, centres, high, low, label, outlier, product, groups.layers)


def centred(groups: Groups, vectors: Whole) -> tuple[NDArray[np.int32], Whole]:
    """Labels by size, the largest 0, and the centres in their order."""
    if groups.label is None:
        assert groups.centres is not None
        label, order = numbered(nearest(vectors, groups.centres)[0], len(groups.centres))
        return label, groups.centres[order]
    label, order = numbered(groups.label, int(groups.label.max(initial=-1)) + 1)
    if not len(order):  # nothing but outliers: their middle is the one centre there is
        return label, centres_of(sums(vectors, np.zeros(len(vectors), np.int32), 1))
    return label, centres_of(sums(vectors, label, len(order)))


def drift(made: Clustering, found: Assigned, most: float) -> str | None:
    """What is to be said of how rows that the clustering does not know fit; None where there is none."""
    new = (found.place < 0) & (found.label >= 0)
    count = int(new.sum())
    if not count:
        return None
    limit = np.array([c.limit for c in made.clusters], np.int64)
    far = found.product[new] < limit[found.label[new]]
    share = float(far.mean())
    told = (
        f"{count:,} rows are new to the clustering; {int(far.sum()):,} of them ({share:.1%}) are farther from their "
        "centre than 99% of the rows it was fitted on"
    )
    if int(far.sum()) < FEW or share <= most:
        return told
    worst = int(np.bincount(found.label[new][far], minlength=len(limit)).argmax())
    return f"drift: {told}, most of them in cluster {worst} ({made.clusters[worst].name}); cluster anew"


def versions(libraries: Sequence[str]) -> dict[str, str]:
    """What the groups were made with."""
    found = {"python": sys.version.split()[0]}
    for name in ("tamis", "numpy", "polars", *libraries):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
