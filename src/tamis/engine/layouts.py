"""Maps of rows: a place in the plane for each, near where their texts are alike; kept for ever once made.

A folder each: `layout.json` (method, parameters, versions, how good it is), `anchors.npy` (vectors of rows that later ones are
placed by) and `rows.parquet` (where the rows stand that it was made from). Written once; a folder that changed is refused.
Where a row is placed that the layout does not know depends on its vector alone, so no later row moves it.
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

from .allocate import seeded_order
from .density import umap_layout
from .fitting import versions
from .neighbours import nearest_rows
from .quantised import LENGTH, Whole
from .recorded import keep_folder

#: the folder among what is recorded
FOLDER = "layouts"
FORMAT = 1
FILES = ("layout.json", "anchors.npy", "rows.parquet")
#: rows whose vectors are kept to place others by, at most; neighbours that a place is made of, and those of them it is the mean of
ANCHORS, AROUND, INNER = 50_000, 8, 4
#: rows by which a layout is judged; neighbours looked for, and among how many on the map
JUDGED, NEAR, SEEN = 1_000, 15, 150
#: share of the rows that have another one as near as the limit
WITHIN = 0.99
#: new rows that must be far before anything is said of them
FEW = 5
#: rows below which they are laid out by their directions, whatever is asked for
LEAST = 16

Places = NDArray[np.float32]


@dataclass(frozen=True)
class Layout:
    """about: step, parameters, seed, versions, quality; high, low, hash, places (n, 2): the rows it was made from, in the order of
    their ids; anchors: (m, d) vectors, anchored: (m,) their positions among the rows; limit: the product with their nearest row
    that nearly all rows reach; axes: (2, d) directions and shift: (2,), where a row's place is its vector's projection."""

    about: Mapping[str, Any]
    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    hash: NDArray[np.uint64]
    places: Places
    anchors: Whole
    anchored: NDArray[np.int64]
    limit: int
    axes: Whole | None = None
    shift: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Placed:
    """Per row: its place (2,), whether the layout was made from it, and its product with the nearest anchor where it was not, else
    LENGTH squared."""

    places: Places
    known: NDArray[np.bool_]
    product: NDArray[np.int64]


def told(vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> list[str]:
    """What a layout of these rows is recorded under."""
    return [xxhash.xxh3_128_hexdigest(np.ascontiguousarray(one).tobytes()) for one in (vectors, high, low)]


def make(
    vectors: Whole,
    high: NDArray[np.uint64],
    low: NDArray[np.uint64],
    seed: int,
    about: dict[str, Any],
    libraries: Sequence[str],
    *,
    method: str,
    most: int,
    neighbours: int,
    spacing: float,
) -> Layout:
    """Lay out at most `most` of the rows, which stand in the order of their ids. MissingExtra where UMAP is not installed."""
    order = np.argsort(seeded_order(seed, high, low), kind="stable")
    own = np.sort(order[:most])
    vectors, high, low = vectors[own], high[own], low[own]
    about = {**about, "rows": len(own), "dimensions": vectors.shape[1], "versions": versions(libraries)}
    axes = principal_axes(vectors)
    start = projected(vectors, *axes)
    if method == "pca" or len(own) < LEAST:
        return freeze(start, vectors, high, low, seed, about, axes)
    places = umap_layout(
        vectors, seed, neighbours=neighbours, dimensions=2, min_dist=spacing, what="embed.layout", start=start
    )
    return freeze(places, vectors, high, low, seed, about)


def hashes(vectors: Whole) -> NDArray[np.uint64]:
    """(n,) what tells whether a row's vector is the one it had."""
    rows = np.ascontiguousarray(vectors)
    return np.fromiter((xxhash.xxh3_64_intdigest(row.data) for row in rows), np.uint64, len(rows))


def principal_axes(vectors: Whole) -> tuple[Whole, NDArray[np.float64]]:
    """(2, d) directions of most difference, as whole numbers, and (2,) what the rows' middle is along them.

    The sums are exact and the directions are rounded, so that a place does not hang on the order of a sum. Each points where
    its largest part is positive.
    """
    n, d = vectors.shape
    square, total = np.zeros((d, d)), np.zeros(d)
    for at in range(0, n, 8192):
        some = vectors[at : at + 8192].astype(
            np.float64
        )  # sums stay below 2**53, where float64 holds every whole number
        square += some.T @ some
        total += some.sum(axis=0)
    mean = total / n
    found = np.linalg.eigh(square / n - mean[:, None] * mean[None, :])[1][:, ::-1][:, :2].T
    if d == 1:
        found = np.vstack([found, np.zeros((1, 1))])
    axes = np.rint(found * LENGTH).astype(np.int16)
    for axis in axes:
        axis *= 1 if axis[np.abs(axis).argmax()] >= 0 else -1
    return axes, (axes.astype(np.float64) * mean).sum(axis=1)


def projected(vectors: Whole, axes: Whole, shift: NDArray[np.float64]) -> Places:
    """(n, 2) places of vectors along the axes; 1 is a vector's length."""
    out = np.empty((len(vectors), 2), np.float32)
    other = axes.T.astype(np.float64)
    for at in range(0, len(vectors), 8192):
        out[at : at + 8192] = (vectors[at : at + 8192].astype(np.float64) @ other - shift) / LENGTH**2
    return out


def freeze(
    places: Places, vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64], seed: int, about: dict[str, Any],
    axes: tuple[Whole, NDArray[np.float64]] | None = None,
) -> Layout:  # fmt: skip
    """A layout of rows in the order of their ids, with what later rows are placed by and how good it is."""
    order = np.argsort(seeded_order(seed, high, low), kind="stable")
    anchored = np.sort(order[:ANCHORS])
    anchors = vectors[anchored]
    judged = order[: min(JUDGED, len(order))]
    at, product = nearest_rows(vectors[judged], vectors, min(NEAR + 1, len(vectors)))
    near = product[:, 1] if len(vectors) > 1 else product[:, 0]
    limit = int(np.sort(near)[int(len(near) * (1 - WITHIN))])
    quality = {"neighbours_kept": _kept(places, judged, at)}
    directions, shift = axes if axes is not None else (None, None)
    made = Layout(about, high, low, hashes(vectors), places, anchors, anchored, limit, directions, shift)
    if axes is None:
        quality["placed_off"] = _off(made, judged)
    return Layout(
        {**about, "quality": quality}, high, low, made.hash, places, anchors, anchored, limit, directions, shift
    )


def _kept(places: Places, judged: NDArray[np.int64], at: NDArray[np.int32]) -> float | None:
    """Share of the rows nearest to a row, by vector, that are among those nearest on the map."""
    if len(places) <= SEEN:
        return None
    shares = []
    for row, near in zip(judged.tolist(), at, strict=True):
        others = near[near != row][:NEAR]
        away = ((places - places[row]) ** 2).sum(axis=1)
        limit = np.partition(away, SEEN)[SEEN]  # the row itself is one of them
        shares.append(float((away[others] <= limit).mean()))
    return round(float(np.mean(shares)), 4)


def _off(made: Layout, judged: NDArray[np.int64]) -> float | None:
    """How far rows of the layout would be placed from where they stand: the median, as a share of the map's width."""
    rows = np.flatnonzero(np.isin(made.anchored, judged))
    if len(made.anchors) < 2 * AROUND:
        return None
    at, product = nearest_rows(made.anchors[rows], made.anchors, AROUND + 1)
    own = at == rows[:, None]
    own[~own.any(axis=1), -1] = True
    at, product = (one[~own].reshape(len(rows), AROUND) for one in (at, product))
    guess = _between(made.places[made.anchored[at]], product)
    true = made.places[made.anchored[rows]]
    width = float((made.places.max(axis=0) - made.places.min(axis=0)).max())
    away = np.sqrt(((guess - true) ** 2).sum(axis=1))
    return round(float(np.median(away)) / width, 4) if width else 0.0


def _between(places: Places, product: NDArray[np.int32]) -> Places:
    """(n, 2) a place for each row from those of its neighbours (n, k, 2): near the one in the midst of them, so that neighbours
    that stand apart do not draw it to where nothing is."""
    gaps = np.sqrt(((places[:, :, None, :] - places[:, None, :, :]) ** 2).sum(axis=3))
    row = np.arange(len(places))
    middle = gaps.sum(axis=2).argmin(axis=1)
    inner = np.argsort(gaps[row, middle], axis=1, kind="stable")[:, : min(INNER, places.shape[1])]
    weight = np.maximum(np.take_along_axis(product, inner, axis=1), 1).astype(np.float64)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray((places[row[:, None], inner] * weight[:, :, None]).sum(axis=1), np.float32)


def place(made: Layout, vectors: Whole, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> Placed:
    """Where rows stand: those it was made from where they were, unless their text changed; others by their nearest rows."""
    if vectors.shape[1] != made.anchors.shape[1]:
        raise DataError(
            f"the layout has {made.anchors.shape[1]} dimensions, and the rows' vectors have {vectors.shape[1]}",
            hint="embed with the model that the layout was made from, or make a new one",
        )
    fitted = pl.DataFrame({"h": made.high, "l": made.low, "at": np.arange(len(made.high))})
    joined = pl.DataFrame({"h": high, "l": low}).join(fitted, on=["h", "l"], how="left", maintain_order="left")
    at = joined["at"].fill_null(-1).to_numpy()
    known = at >= 0
    known[known] = made.hash[at[known]] == hashes(vectors[known])
    places = np.empty((len(vectors), 2), np.float32)
    product = np.full(len(vectors), LENGTH * LENGTH, np.int64)
    places[known] = made.places[at[known]]
    new = np.flatnonzero(~known)
    if len(new):
        near, likeness = nearest_rows(vectors[new], made.anchors, min(AROUND, len(made.anchors)))
        product[new] = likeness[:, 0]
        if made.axes is not None and made.shift is not None:
            places[new] = projected(vectors[new], made.axes, made.shift)
        else:
            there = made.places[made.anchored[near]]
            same = hashes(vectors[new]) == made.hash[made.anchored[near[:, 0]]]
            places[new] = np.where(same[:, None], there[:, 0], _between(there, likeness))
    return Placed(places, known, product)


def drift(made: Layout, found: Placed, most: float) -> str | None:
    """What is to be said of how rows that the layout does not know fit; None where there is none."""
    new = ~found.known
    count = int(new.sum())
    if not count:
        return None
    far = int((found.product[new] < made.limit).sum())
    told = (
        f"{count:,} rows are placed on a map that was not made from them; {far:,} of them ({far / count:.1%}) are farther from the nearest row than 99% of "
        "the rows it was made from"
    )
    return told if far < FEW or far / count <= most else f"drift: {told}; lay them out anew"


def load(folder: Path) -> Layout:
    """A recorded layout. UsageError where there is none, CorruptFile where it changed."""
    try:
        told = json.loads((folder / FILES[0]).read_text(encoding="utf-8"))
        raw = [(folder / name).read_bytes() for name in FILES[1:]]
    except FileNotFoundError:
        raise UsageError(f"no layout in {folder}") from None
    except (OSError, ValueError) as error:
        raise CorruptFile(f"{folder} cannot be read: {error}") from None
    if told.get("format") != FORMAT or told.get("files") != [xxhash.xxh3_128_hexdigest(one) for one in raw]:
        raise CorruptFile(f"{folder} changed since it was made, or is of another version of Tamis")
    rows = pl.read_parquet(io.BytesIO(raw[1]))
    places = np.stack([rows["x"].to_numpy(), rows["y"].to_numpy()], axis=1)
    axes = None if told["axes"] is None else np.array(told["axes"], np.int16)
    shift = None if told["shift"] is None else np.array(told["shift"])
    return Layout(
        told["about"], rows["high"].to_numpy(), rows["low"].to_numpy(), rows["hash"].to_numpy(), places,
        np.load(io.BytesIO(raw[0]), allow_pickle=False), np.flatnonzero(rows["anchor"].to_numpy()), told["limit"], axes, shift,
    )  # fmt: skip


def save(folder: Path, made: Layout) -> None:
    """Keep a layout; all of it or nothing."""
    anchors, rows = io.BytesIO(), io.BytesIO()
    np.save(anchors, made.anchors, allow_pickle=False)
    anchor = np.zeros(len(made.high), np.bool_)
    anchor[made.anchored] = True
    columns = {"high": made.high, "low": made.low, "hash": made.hash, "x": made.places[:, 0], "y": made.places[:, 1]}
    pl.DataFrame({**columns, "anchor": anchor}).write_parquet(rows, compression="zstd")
    raw = [anchors.getvalue(), rows.getvalue()]
    told = {
        "format": FORMAT,
        "about": dict(made.about),
        "files": [xxhash.xxh3_128_hexdigest(one) for one in raw],
        "limit": made.limit,
        "axes": None if made.axes is None else made.axes.tolist(),
        "shift": None if made.shift is None else made.shift.tolist(),
    }
    text = json.dumps(told, ensure_ascii=False, indent=1).encode("utf-8")
    keep_folder(folder, dict(zip(FILES, [text, *raw], strict=True)))
