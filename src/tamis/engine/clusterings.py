"""Clusterings as they were fitted, kept for ever: what new rows are assigned to, and what people name and compare.

A folder each: `clustering.json` (parameters, versions, the clusters with their names), `centres.npy`, and `rows.parquet`
(which rows it was fitted on, and where they are). Written once; a folder that changed is refused.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray

from tamis.core.errors import CorruptFile, DataError, UsageError

from .quantised import LENGTH, Whole, nearest, products
from .recorded import keep_folder

#: the folder among what is recorded
FOLDER = "clusterings"
FORMAT = 1
FILES = ("clustering.json", "centres.npy", "rows.parquet")
COLUMNS = ("high", "low", "label", "outlier", "product")
#: share of the rows a cluster was fitted on that lie within its limit
WITHIN = 0.99
#: rows of each cluster that are named as examples
CENTRAL, BOUNDARY = 5, 3


@dataclass(frozen=True)
class Cluster:
    """limit: the least product with the centre of nearly all rows it was fitted on; central, boundary: ids of rows."""

    rows: int
    outliers: int
    limit: int
    name: str
    phrases: tuple[tuple[str, float], ...]
    central: tuple[str, ...]
    boundary: tuple[str, ...]


@dataclass(frozen=True)
class Clustering:
    """about: step, parameters, seed, versions; centres: (k, d); high, low, label, outlier, product: of the rows it was
    fitted on, in the order of their ids; a label is -1 where an outlier was left out; layers: further labels, by name."""

    about: Mapping[str, Any]
    clusters: tuple[Cluster, ...]
    centres: Whole
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    label: NDArray[np.int32]
    outlier: NDArray[np.bool_]
    product: NDArray[np.int32]
    layers: Mapping[str, NDArray[np.int32]]


@dataclass(frozen=True)
class Assigned:
    """Per row: label (-1: none), product with its centre, whether it is an outlier, and its place in the clustering,
    -1 where that did not know it."""

    label: NDArray[np.int32]
    product: NDArray[np.int32]
    outlier: NDArray[np.bool_]
    place: NDArray[np.int64]


def numbered(label: NDArray[np.int32], k: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Labels by size, the largest 0, of equal ones that with the first row; and which old one each was. Empty ones go."""
    size = np.bincount(label[label >= 0], minlength=k)
    first = np.full(k, len(label), np.int64)
    present, at = np.unique(label, return_index=True)
    first[present[present >= 0]] = at[present >= 0]
    order = np.lexsort((first, -size))
    order = order[size[order] > 0]
    place = np.full(k + 1, -1, np.int32)  # the last stands for -1
    place[order] = np.arange(len(order), dtype=np.int32)
    return place[label], order


def limits(label: NDArray[np.int32], product: NDArray[np.int32], k: int) -> list[int]:
    """For each cluster the product that nearly all of its rows reach."""
    order = np.lexsort((product, label))
    order = order[np.searchsorted(label[order], 0) :]
    start = np.searchsorted(label[order], np.arange(k + 1))
    found = []
    for c in range(k):
        own = product[order[start[c] : start[c + 1]]]
        found.append(int(own[int(len(own) * (1 - WITHIN))]) if len(own) else 0)
    return found


def examples(
    vectors: Whole, centres: Whole, label: NDArray[np.int32], product: NDArray[np.int32]
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
    """For each cluster the rows nearest to its centre, and those nearly as near to another one."""
    k = len(centres)
    margin = np.empty(len(vectors), np.int64)
    for at, some in products(vectors, centres):
        mine = label[at : at + len(some)]
        inside = mine >= 0
        some[np.flatnonzero(inside), mine[inside]] = -np.inf
        other = some.max(axis=1) if k > 1 else np.full(len(some), -LENGTH * LENGTH, np.float32)
        margin[at : at + len(some)] = product[at : at + len(some)] - other.astype(np.int64)
    near: list[NDArray[np.int64]] = []
    far: list[NDArray[np.int64]] = []
    for order, many, found in (
        (np.lexsort((-product, label)), CENTRAL, near),
        (np.lexsort((margin, label)), BOUNDARY, far),
    ):
        start = np.searchsorted(label[order], np.arange(k + 1))
        found += [order[start[c] : min(start[c] + many, start[c + 1])] for c in range(k)]
    return near, far


def assign(
    made: Clustering, vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64], *, fill: bool
) -> Assigned:
    """Rows to clusters: those it was fitted on stay where they are, unless their text changed; others go to the nearest
    centre. fill: outliers too."""
    if vectors.shape[1] != made.centres.shape[1]:
        raise DataError(
            f"the clustering has {made.centres.shape[1]} dimensions, and the rows' vectors have {vectors.shape[1]}",
            hint="embed with the model that the clustering was fitted on, or fit a new one",
        )
    label, product = nearest(vectors, made.centres)
    outlier = np.zeros(len(vectors), np.bool_)
    place = np.full(len(vectors), -1, np.int64)
    if len(made.high):
        fitted = pl.DataFrame({"h": made.high, "l": made.low, "at": np.arange(len(made.high))})
        at = (
            pl.DataFrame({"h": high, "l": low})
            .join(fitted, on=["h", "l"], how="left", maintain_order="left")["at"]
            .fill_null(-1)
            .to_numpy()
        )
        rows = np.flatnonzero(at >= 0)
        own, near = made.label[at[rows]], made.outlier[at[rows]]
        centre = np.where(own >= 0, own, label[rows])
        again = np.empty(len(rows), np.int64)
        for start in range(0, len(rows), 8192):
            some = slice(start, start + 8192)
            left = vectors[rows[some]].astype(np.int64)
            again[some] = (left * made.centres[centre[some]].astype(np.int64)).sum(axis=1)
        same = again == made.product[at[rows]]
        rows, own, near = rows[same], own[same], near[same]
        place[rows] = at[rows]
        outlier[rows] = near
        label[rows] = own if not fill else np.where(own >= 0, own, label[rows])
        product[rows] = again[same]
    return Assigned(label, product, outlier, place)


def load(folder: Path) -> Clustering:
    """A recorded clustering. UsageError where there is none, CorruptFile where it changed."""
    try:
        about = json.loads((folder / FILES[0]).read_text(encoding="utf-8"))
        raw = [(folder / name).read_bytes() for name in FILES[1:]]
    except FileNotFoundError:
        raise UsageError(f"no clustering in {folder}") from None
    except (OSError, ValueError) as error:
        raise CorruptFile(f"{folder} cannot be read: {error}") from None
    if about.get("format") != FORMAT or about.get("files") != [xxhash.xxh3_128_hexdigest(one) for one in raw]:
        raise CorruptFile(f"{folder} changed since it was fitted, or is of another version of Tamis")
    rows = pl.read_parquet(io.BytesIO(raw[1]))
    clusters = tuple(
        Cluster(
            c["rows"], c["outliers"], c["limit"], c["name"], tuple((t, w) for t, w in c["phrases"]),
            tuple(c["central"]), tuple(c["boundary"]),
        )
        for c in about["clusters"]
    )  # fmt: skip
    layers = {name: rows[name].to_numpy() for name in rows.columns if name.startswith("layer_")}
    high, low, label, outlier, product = (rows[name].to_numpy() for name in COLUMNS)
    centres = np.load(io.BytesIO(raw[0]), allow_pickle=False)
    return Clustering(about["about"], clusters, centres, high, low, label, outlier, product, layers)


def save(folder: Path, made: Clustering, beside: Mapping[str, str] | None = None) -> None:
    """Keep a clustering; all of it or nothing. beside: texts of further files in its folder, by name."""
    centres, rows = io.BytesIO(), io.BytesIO()
    np.save(centres, made.centres, allow_pickle=False)
    frame = pl.DataFrame({name: getattr(made, name) for name in COLUMNS} | dict(made.layers))
    frame.write_parquet(rows, compression="zstd")
    raw = [centres.getvalue(), rows.getvalue()]
    told = {
        "format": FORMAT,
        "about": dict(made.about),
        "files": [xxhash.xxh3_128_hexdigest(one) for one in raw],
        "clusters": [vars(c) for c in made.clusters],
    }
    text = json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
    more = {name: words.encode() for name, words in (beside or {}).items()}
    keep_folder(folder, dict(zip(FILES, [text, *raw], strict=True)) | more)


def ids_text(
    high: NDArray[np.uint64], low: NDArray[np.uint64], rows: Sequence[int] | NDArray[np.int64]
) -> tuple[str, ...]:
    """Ids of rows as 32 hexadecimal digits."""
    return tuple(f"{int(high[row]):016x}{int(low[row]):016x}" for row in rows)
