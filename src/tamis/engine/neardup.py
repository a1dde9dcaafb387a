"""Near copies among many texts: sketch, meet in bands, compare exactly, and group around rows that stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .bands import BINS, Bands, choose, least_agreement
from .executor import default_workers
from .hashing import Rule, normalised
from .scratch import Scratch

#: a difference is a passage of its own when it spans so many n-grams and they are mostly new, or, less surely, partly
PASSAGE, SURELY, PERHAPS = 30, 0.6, 0.3

#: from so many rows on, bands are made one at a time
MANY = 2_500_000
#: pairs compared by a thread at a time
_CHUNK = 2048
Ints = NDArray[np.int64]


class Unit(NamedTuple):
    """What texts are made of: n-grams of n characters, or of n words."""

    n: int
    words: bool


class Sketches(NamedTuple):
    """sketch: (rows, views * BINS) uint8; full: (rows, views) uint8, bins that a hash fell into; bytes: (rows, views) uint32,
    of the texts.
    """

    sketch: NDArray[np.uint8]
    full: NDArray[np.uint8]
    bytes: NDArray[np.uint32]


class Pairs(NamedTuple):
    """Similar rows, a before b, grouped by b in order. similarity: (pairs, views) float64; passage: (pairs,) uint8, 2 where
    b surely differs from a in one passage alone, 1 where it may be so.
    """

    a: NDArray[np.int32]
    b: NDArray[np.int32]
    similarity: NDArray[np.float64]
    passage: NDArray[np.uint8]


#: calls its second argument with rows, a view and their normalised texts, for each of the rows asked for
Reader = Callable[[Ints, Callable[[Ints, int, Text], None]], None]


def sketch(text: Text, unit: Unit) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(n, BINS) uint8, the sketch of each text; (n,) uint8, the bins that a hash fell into."""
    from .kernels.shingles import sketch_rows

    n = len(text.offsets) - 1
    out, full = np.empty((n, BINS), np.uint8), np.empty(n, np.uint8)
    sketch_rows(text.data, text.offsets, unit.n, unit.words, out, full)
    return out, full


def plain(text: Text, rules: Sequence[Rule]) -> Text:
    """The texts as they are compared: normalised, without blanks at the ends of messages."""
    from .kernels.shingles import tighten

    done = normalised(text, rules)
    if "whitespace" not in rules:
        return done
    offsets = np.empty_like(done.offsets)
    tighten(done.data, done.offsets, offsets)
    return Text(done.data[: offsets[-1]], offsets, done.valid)


def similar_pairs(
    rows: Sketches, floors: Sequence[float], recall: float, unit: Unit, read: Reader, scratch: Scratch, fixed: int = 0
) -> Pairs:
    """Pairs of rows whose Jaccard similarity is at least `floors` in every view, each found with the chance `recall` or more.

    Rows stand in the order of their worth. fixed: the first rows, so many, are not compared with each other.
    """
    bands = choose(floors, recall)
    limits = np.array(floors, np.float64)
    with ThreadPoolExecutor(default_workers()) as pool:
        met = _meet(rows, bands, floors, fixed, pool)
        return _compare(rows, met, limits, unit, read, scratch, pool)


def _meet(
    rows: Sketches, bands: Bands, floors: Sequence[float], fixed: int, pool: ThreadPoolExecutor
) -> NDArray[np.int32]:
    """(pairs, 2) int32, sorted: rows that may be similar; one band at a time in each thread."""
    from .kernels.neardup import band_keys, band_pairs, in_large_buckets

    n = len(rows.sketch)
    columns, least = bands.columns(), least_agreement(floors)
    large = np.zeros(n, np.uint64)

    # a band needs 38 bytes a row: where that is much, one at a time
    each = map if n > MANY else pool.map

    def keys_of(band: int) -> NDArray[np.uint64]:
        keys = np.empty(n, np.uint64)
        band_keys(rows.sketch, columns[band], keys)
        return keys

    for band, some in enumerate(each(lambda band: in_large_buckets(keys_of(band)), range(bands.number))):
        large |= some.astype(np.uint64) << np.uint64(band)

    def meet(band: int) -> NDArray[np.int32]:
        return band_pairs(rows.sketch, rows.full, keys_of(band), columns, band, large, fixed, least, BINS)

    found = np.concatenate([np.empty((0, 2), np.int32), *each(meet, range(bands.number))])
    whole = np.unique(found[:, 0].astype(np.int64) << 32 | found[:, 1])
    return np.stack([whole >> 32, whole & 0xFFFFFFFF], axis=1).astype(np.int32)


def _compare(
    rows: Sketches,
    met: NDArray[np.int32],
    floors: NDArray[np.float64],
    unit: Unit,
    read: Reader,
    scratch: Scratch,
    pool: ThreadPoolExecutor,
) -> Pairs:
    """The pairs that are similar indeed, by the texts themselves."""
    from .kernels.neardup import compare_pairs
    from .kernels.shingles import count_different

    views = len(floors)
    needed = np.zeros(len(rows.sketch), np.bool_)
    needed[met.ravel()] = True
    some = np.flatnonzero(needed)
    texts = _texts(rows, some, views, read, scratch)
    sizes = np.zeros(rows.bytes.shape, np.uint32)

    def measure(piece: Ints) -> None:
        """How many different n-grams some rows have."""
        for view, (data, starts) in enumerate(texts):
            count_different(data, starts, starts + rows.bytes[:, view], piece, unit.n, unit.words, sizes[:, view])

    for _ in pool.map(measure, _pieces(some)):
        scratch.rest(every=1)
    similarity = np.empty((len(met), views), np.float64)
    passage = np.zeros(len(met), np.uint8)

    def compare(view: int, pairs: Ints) -> None:
        """One view of some pairs."""
        a, b = np.ascontiguousarray(met[pairs, 0]), np.ascontiguousarray(met[pairs, 1])
        data, starts = texts[view]
        shared, foreign, span = (np.empty(len(pairs), np.uint32) for _ in range(3))
        size, ends = sizes[:, view], starts + rows.bytes[:, view]
        floor = floors[view]
        compare_pairs(data, starts, ends, size, a, b, unit.n, unit.words, floor, shared, foreign, span)
        union = size[a].astype(np.int64) + size[b] - shared
        similarity[pairs, view] = np.where(union > 0, shared / np.maximum(union, 1), 1.0)
        dense = np.where(span >= PASSAGE, foreign, 0)
        kind = (dense >= SURELY * span).astype(np.uint8) + (dense >= PERHAPS * span)
        passage[pairs] = np.maximum(passage[pairs], np.where(span >= PASSAGE, kind, 0))

    alive = np.arange(len(met))
    for view in range(views):
        for _ in pool.map(lambda piece, view=view: compare(view, piece), _pieces(alive)):
            scratch.rest(every=1)
        alive = alive[similarity[alive, view] >= floors[view]]
    alive = alive[np.lexsort((met[alive, 0], met[alive, 1]))]
    return Pairs(met[alive, 0], met[alive, 1], similarity[alive], passage[alive])


def _pieces(items: Ints) -> list[Ints]:
    return np.array_split(items, max(1, -(-len(items) // _CHUNK)))


def _texts(
    rows: Sketches, needed: Ints, views: int, read: Reader, scratch: Scratch
) -> list[tuple[NDArray[np.uint8], Ints]]:
    """Per view, the bytes of the texts needed and where each begins."""
    from .kernels.buffers import scatter_rows

    texts = []
    for view in range(views):
        starts = np.zeros(len(rows.sketch), np.int64)
        lengths = rows.bytes[needed, view].astype(np.int64)
        starts[needed] = np.cumsum(lengths) - lengths
        texts.append((scratch.bytes(int(lengths.sum()) + 8), starts))

    def put(which: Ints, view: int, text: Text) -> None:
        data, starts = texts[view]
        scatter_rows(text.data, text.offsets, starts[which], data)
        scratch.rest(every=4)

    read(needed, put)
    return texts


def without_templates(pairs: Pairs, most: int) -> Pairs:
    """The pairs less those of templates: rows that differ from so many others in one passage alone.

    A hundred rows under the same long header are no copies of each other, however much of them is header.
    """
    if not most or not len(pairs.a):
        return pairs
    height = int(pairs.b.max()) + 1
    sure = pairs.passage == 2
    degree = np.bincount(pairs.a[sure], minlength=height) + np.bincount(pairs.b[sure], minlength=height)
    stays = (pairs.passage == 0) | ((degree[pairs.a] < most) & (degree[pairs.b] < most))
    return Pairs(*(part[stays] for part in pairs))


def ranked(worth: NDArray[np.int64] | None, height: int) -> Ints:
    """(height,) int64: the rows from the best to the worst, ties in row order."""
    if worth is None:
        return np.arange(height)
    return np.lexsort((np.arange(height), -worth))
