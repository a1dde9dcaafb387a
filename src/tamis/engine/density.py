"""Groups of any shape: EVoC, and UMAP with HDBSCAN or k-means. Of the extra [cluster].

None of these gives the same groups on another number of threads, so what they gave is recorded (`engine/clusterings.py`), and
rows stand in the order of their ids when it is made. UMAP is handed its neighbours: to search them itself it compiles for
half a minute in every process.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import MissingExtra

from .quantised import LENGTH, Whole, centres_of, products, sums

#: rows up to which neighbours are searched here, and up to which among all
SMALL, EXACT = 2_000, 50_000
#: of the lists of an approximate search, how many are looked through
PROBES = 8

Labels = NDArray[np.int32]


def evoc_layers(vectors: Whole, seed: int, *, min_size: int, noise: float) -> tuple[list[Labels], int]:
    """The layers from fine to coarse, and which of them EVoC itself would take."""
    try:
        import evoc
    except ImportError:
        raise MissingExtra("cluster.evoc", "cluster") from None
    if len(vectors) < 4 * min_size:
        return [np.full(len(vectors), -1, np.int32)], 0
    made = evoc.EVoC(random_state=seed % 2**31, base_min_cluster_size=min_size, noise_level=noise)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = np.asarray(made.fit_predict(_unit(vectors)))
    layers = [np.asarray(layer, np.int32) for layer in made.cluster_layers_]
    if not layers:
        return [np.full(len(vectors), -1, np.int32)], 0
    same = [at for at, layer in enumerate(layers) if np.array_equal(layer, own)]
    return layers, same[0] if same else len(layers) // 2


def umap_layout(
    vectors: Whole,
    seed: int,
    *,
    neighbours: int,
    dimensions: int,
    min_dist: float,
    what: str,
    start: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """(n, dimensions) places in which near rows are nearer and far ones farther apart. start: where rows set out from, by default
    their principal components."""
    try:
        import umap
    except ImportError:
        raise MissingExtra(what, "cluster") from None
    many = min(neighbours, len(vectors) - 1)
    if len(vectors) < 4 * dimensions or many < 2:
        return _unit(vectors)
    at, away = _neighbours(vectors, many + 1, seed, what)
    model = umap.UMAP(
        n_neighbors=many + 1,
        n_components=dimensions,
        min_dist=min_dist,
        metric="cosine",
        init="pca" if start is None else start,
        random_state=seed % 2**31,
        precomputed_knn=(at, away),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread, and that new rows cannot be placed
        return np.asarray(model.fit_transform(_unit(vectors)), np.float32)


def hdbscan_labels(places: NDArray[np.float32], *, min_size: int, min_samples: int | None) -> Labels:
    """HDBSCAN's clusters, -1 for outliers."""
    try:
        import hdbscan
    except ImportError:
        raise MissingExtra("cluster.bertopic", "cluster") from None
    if len(places) < 2 * min_size:
        return np.full(len(places), -1, np.int32)
    model = hdbscan.HDBSCAN(min_cluster_size=min_size, min_samples=min_samples, core_dist_n_jobs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(model.fit_predict(places), np.int32)


def kmeans_labels(places: NDArray[np.float32], k: int, seed: int) -> Labels:
    """K-means in a layout."""
    try:
        from sklearn.cluster import KMeans
    except ImportError:
        raise MissingExtra("cluster.umap_kmeans", "cluster") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer distinct places than clusters
        model = KMeans(min(k, len(places)), n_init=3, random_state=seed % 2**31).fit(places)
    return np.asarray(model.labels_, np.int32)


def merged(vectors: Whole, label: Labels, most: int) -> Labels:
    """Nearest clusters made one until at most so many are left: by the cosine of their centres, on average."""
    k = int(label.max(initial=-1)) + 1
    if k <= most:
        return label
    try:
        from sklearn.cluster import AgglomerativeClustering
    except ImportError:
        raise MissingExtra("cluster.bertopic", "cluster") from None
    centres = centres_of(sums(vectors, label, k))
    away = np.empty((k, k))
    for at, some in products(centres, centres):
        away[at : at + len(some)] = np.maximum(0, 1 - some.astype(np.float64) / LENGTH**2)
    np.fill_diagonal(away, 0)
    joined = AgglomerativeClustering(most, metric="precomputed", linkage="average").fit(away).labels_
    return np.where(label >= 0, np.asarray(joined, np.int32)[label], -1).astype(np.int32)


def _unit(vectors: Whole) -> NDArray[np.float32]:
    return vectors.astype(np.float32) / np.float32(LENGTH)


def _neighbours(vectors: Whole, many: int, seed: int, what: str) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """(n, many) nearest rows, each itself first, and their distances."""
    if len(vectors) <= SMALL:
        return _exact(vectors, many)
    try:
        import faiss
    except ImportError:
        raise MissingExtra(what, "cluster") from None
    wide = vectors.astype(np.float32)  # whole numbers, so that products are exact here too
    n, d = wide.shape
    if n <= EXACT:
        index: Any = faiss.IndexFlatIP(d)
    else:
        flat = faiss.IndexFlatIP(d)
        lists = int(2 * np.sqrt(n))
        index = faiss.IndexIVFFlat(flat, d, lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed = seed % 2**31
        index.train(wide[:: max(1, n // (40 * lists))])
        index.nprobe = min(PROBES, lists)
    index.add(wide)
    similar, at = index.search(wide, many)
    missing = at < 0  # fewer rows in the lists looked through
    at, similar = np.where(missing, np.arange(n)[:, None], at), np.where(missing, LENGTH**2, similar)
    return _self_first(at, np.maximum(0, 1 - similar / LENGTH**2).astype(np.float32))


def _exact(vectors: Whole, many: int) -> tuple[NDArray[Any], NDArray[np.float32]]:
    at_all = np.empty((len(vectors), many), np.int64)
    away = np.empty((len(vectors), many), np.float32)
    for start in range(0, len(vectors), 1024):
        some = vectors[start : start + 1024]
        whole = np.concatenate([part for _, part in products(vectors, some)])  # (n, rows)
        whole = np.ascontiguousarray(whole.T)
        chosen = np.argpartition(-whole, many - 1, axis=1)[:, :many]
        values = np.take_along_axis(whole, chosen, axis=1)
        order = np.lexsort((chosen, -values), axis=1)
        at_all[start : start + len(some)] = np.take_along_axis(chosen, order, axis=1)
        away[start : start + len(some)] = np.maximum(0, 1 - np.take_along_axis(values, order, axis=1) / LENGTH**2)
    return _self_first(at_all, away)


def _self_first(at: NDArray[Any], away: NDArray[np.float32]) -> tuple[NDArray[Any], NDArray[np.float32]]:
    """Each row its own first neighbour, as UMAP expects, though copies of it are as near."""
    own = np.arange(len(at))
    there = at == own[:, None]
    place = np.where(there.any(axis=1), there.argmax(axis=1), at.shape[1] - 1)
    at[own, place] = at[:, 0]
    away[own, place] = away[:, 0]
    at[:, 0], away[:, 0] = own, 0
    return at, away
