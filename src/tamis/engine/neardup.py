"""Near copies among many texts: sketch, meet in bands, compare exactly, and group around rows that stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .bands import BINS, Bands, least_agreement
from .executor import default_workers
from .hashing import Rule, normalised
from .near_texts import Texts, tied
from .scratch import Scratch, Store

#: a difference is a passage of its own when it spans so many n-grams and they are mostly new, or, less surely, partly
PASSAGE, SURELY, PERHAPS = 30, 0.6, 0.3

#: rows whose band is looked at by a thread at a time, so that it stays in the processor's cache
_PART = 1 << 16
#: pairs of different blocks compared at a time
_CHUNK = 1 << 14
Ints = NDArray[np.int64]


class Unit(NamedTuple):
    """What texts are made of: n-grams of n characters, or of n words."""

    n: int
    words: bool


class Sketches(NamedTuple):
    """What is known of rows, which stand in the order of their worth.

    bits: (rows, views * BINS / 32) uint64, the two lowest bits of each bin; full: (rows, views) uint8, bins that a hash fell
    into; bytes: (rows, views) uint32, of the texts; at: (rows,) int32, the rows' order in the table, in which their keys stand;
    keys: of `bands`, (bands, rows) uint32, one band after the other.
    """

    bits: NDArray[np.uint64]
    full: NDArray[np.uint8]
    bytes: NDArray[np.uint32]
    at: NDArray[np.int32]
    keys: Store
    bands: Bands


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


def sketch(text: Text, unit: Unit, rows: Ints | None = None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(n, BINS) uint8, the sketch of each text, or of those at `rows`; (n,) uint8, the bins that a hash fell into."""
    from .kernels.shingles import sketch_rows

    rows = np.arange(len(text.offsets) - 1) if rows is None else rows
    out, full = np.empty((len(rows), BINS), np.uint8), np.empty(len(rows), np.uint8)
    sketch_rows(text.data, text.offsets, rows, unit.n, unit.words, out, full)
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
    rows: Sketches, floors: Sequence[float], unit: Unit, read: Reader, scratch: Scratch, fixed: int = 0
) -> Pairs:
    """Pairs of rows whose Jaccard similarity is at least `floors` in every view, each found with the chance of its bands.

    fixed: the first rows, so many, are not compared with each other.
    """
    with ThreadPoolExecutor(default_workers()) as pool:
        met = _meet(rows, floors, fixed, pool)
        known = rows._replace(bits=np.empty((0, 0), np.uint64))
        del rows
        return _compare(known, met, np.array(floors, np.float64), unit, read, scratch, pool)


def _meet(rows: Sketches, floors: Sequence[float], fixed: int, pool: ThreadPoolExecutor) -> NDArray[np.uint64]:
    """a << 32 | b, ascending: rows that may be similar. Band by band, each in parts by its keys."""
    from .kernels.neardup import bucket_pairs, remember, spread

    n = len(rows.at)
    least, columns = least_agreement(floors), rows.bands.columns()
    height = max(2, (n // _PART).bit_length())
    by_key, starts = np.empty(n, np.uint64), np.empty((1 << height) + 1, np.int64)
    known = np.zeros(1 << 16, np.uint64)
    count = 0
    ascending = bool((rows.at[1:] > rows.at[:-1]).all())
    turn = None if ascending else np.argsort(np.argsort(rows.at)).astype(np.int32)
    for band in range(rows.bands.number):
        keys = rows.keys.get(4 * n * band, 4 * n * (band + 1)).view(np.uint32)
        starts[:] = 0
        spread(keys if turn is None else keys[turn], 32 - height, starts, by_key)

        def meet(part: int, last: int = columns[band, -1], known: NDArray[np.uint64] = known) -> NDArray[np.uint64]:
            some = by_key[starts[part] : starts[part + 1]]
            return bucket_pairs(some, rows.bits, rows.full, last, fixed, least, known)

        found = list(pool.map(meet, range(1 << height)))
        count += sum(map(len, found))
        if 2 * count > len(known):
            old, known = known, np.zeros(1 << (2 * count).bit_length(), np.uint64)
            remember(known, old)
            del old
        for some in found:
            remember(known, some)
    met: NDArray[np.uint64] = known[known != 0]
    met.sort()
    return met


def _compare(
    rows: Sketches,
    met: NDArray[np.uint64],
    floors: NDArray[np.float64],
    unit: Unit,
    read: Reader,
    scratch: Scratch,
    pool: ThreadPoolExecutor,
) -> Pairs:
    """The pairs that are similar indeed, by the texts themselves."""
    from .kernels.neardup import compare_pairs

    a, b = (met >> np.uint64(32)).astype(np.int32), met.astype(np.uint32).view(np.int32)
    del met
    some, root = tied(a, b, rows.bytes)
    texts = Texts(some, root, rows.at, rows.bytes, scratch)
    del root
    read(some, texts.put)
    similarity = np.zeros((len(a), len(floors)), np.float64)
    passage = np.zeros(len(a), np.uint8)

    def compare(pairs: Ints) -> None:
        """Some pairs, view by view as long as they are similar."""
        for view, floor in enumerate(floors):
            if not len(pairs):
                return
            data, places = texts.batch(view, a[pairs], b[pairs])
            shared, union, foreign, span = (np.empty(len(pairs), np.uint32) for _ in range(4))
            compare_pairs(data, places, unit.n, unit.words, floor, shared, union, foreign, span)
            near = similarity[pairs, view] = np.where(union > 0, shared / np.maximum(union, 1), 1.0)
            dense = np.where(span >= PASSAGE, foreign, 0)
            kind = (dense >= SURELY * span).astype(np.uint8) + (dense >= PERHAPS * span)
            passage[pairs] = np.maximum(passage[pairs], np.where(span >= PASSAGE, kind, 0))
            pairs = pairs[near >= floor]

    for _ in pool.map(compare, _batches(texts.block[a], texts.block[b])):
        pass
    alive = np.flatnonzero((similarity >= floors).all(axis=1))
    alive = alive[np.lexsort((a[alive], b[alive]))]
    return Pairs(a[alive], b[alive], similarity[alive], passage[alive])


def _batches(a: NDArray[np.int32], b: NDArray[np.int32]) -> list[Ints]:
    """Pairs by the blocks of their rows: those of each block, in order, and those of two blocks a part at a time."""
    inside = np.flatnonzero(a == b)
    number = a.astype(np.uint16) if a.max(initial=0) < 1 << 16 else a  # small ones are counted, not compared
    inside = inside[np.argsort(number[inside], kind="stable")]
    bounds = np.flatnonzero(np.diff(a[inside])) + 1
    across = np.flatnonzero(a != b)
    across = across[np.lexsort((b[across], a[across]))]
    return [*np.split(inside, bounds), *np.split(across, range(_CHUNK, len(across), _CHUNK))]


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
