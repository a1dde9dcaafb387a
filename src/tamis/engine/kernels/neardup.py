"""Near copies: rows that agree in a band of their sketches, the exact Jaccard similarity of pairs, and the groups."""

from __future__ import annotations

import numpy as np

from .jit import njit
from .shingles import insert, mix, ngrams, table_size
from .words import Word

#: a bucket of more rows is large: in it a row is compared with so many of the first, and of those next to it in an order by
#: further bins, not with all
LARGE, FIRST, NEAR = 32, 4, 4
_0, _1, _8 = np.uint64(0), np.uint64(1), np.uint64(8)


@njit(nogil=True, cache=True)
def band_keys(sketch: np.ndarray, columns: np.ndarray, keys: np.ndarray) -> None:
    """keys: (rows,) uint64, the bytes of each sketch in `columns`, hashed; equal bytes have equal keys."""
    for i in range(sketch.shape[0]):
        h = _0
        for c in columns:
            h = h << _8 | np.uint64(sketch[i, c])
            if h >> np.uint64(56):
                h = mix(h)
        keys[i] = mix(h)


@njit(nogil=True, cache=True)
def _agree(a: np.ndarray, b: np.ndarray) -> int:
    """Bins in which two sketches agree."""
    same = 0
    for k in range(a.shape[0]):
        same += a[k] == b[k]
    return same


@njit(nogil=True, cache=True)
def _plausible(sketch: np.ndarray, full: np.ndarray, i: int, j: int, least: np.ndarray, bins: int) -> bool:
    """Whether two rows may be similar in every view, by their sketches."""
    for v in range(least.shape[0]):
        need = least[v, min(full[i, v], full[j, v])]
        if need > 0 and _agree(sketch[i, v * bins : (v + 1) * bins], sketch[j, v * bins : (v + 1) * bins]) < need:
            return False
    return True


@njit(nogil=True, cache=True)
def _buckets(keys: np.ndarray, previous: np.ndarray, root: np.ndarray, sizes: np.ndarray) -> None:
    """Rows with the same key: the row before each, or -1; the first of them; and there, how many they are. n < 2**31."""
    n = keys.shape[0]
    size = table_size(n)
    mask = np.uint64(size - 1)
    head = np.full(size, np.int32(-1), np.int32)  # the last row of a bucket so far
    for i in range(n):
        slot = (keys[i] >> _8) & mask
        while head[slot] >= 0 and keys[head[slot]] != keys[i]:
            slot = (slot + _1) & mask
        last = head[slot]
        head[slot] = i
        previous[i] = last
        root[i] = i if last < 0 else root[last]
        sizes[root[i]] += 1


@njit(nogil=True, cache=True)
def in_large_buckets(keys: np.ndarray) -> np.ndarray:
    """(n,) bool: which rows stand in a large bucket."""
    n = keys.shape[0]
    previous, root, sizes = np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.int32)
    _buckets(keys, previous, root, sizes)
    out = np.empty(n, np.bool_)
    for i in range(n):
        out[i] = sizes[root[i]] > LARGE
    return out


@njit(nogil=True, cache=True)
def _met_before(sketch: np.ndarray, i: int, j: int, bands: np.ndarray, band: int, large: Word) -> bool:
    """Whether two rows agree in a band before this one, in a bucket that was not large (those have a bit in `large`)."""
    for b in range(band):
        same = (large >> np.uint64(b)) & _1 == _0
        k = 0
        while same and k < bands.shape[1]:
            same = sketch[i, bands[b, k]] == sketch[j, bands[b, k]]
            k += 1
        if same:
            return True
    return False


@njit(nogil=True, cache=True)
def _neighbours(sketch: np.ndarray, last: int, members: np.ndarray) -> np.ndarray:
    """The members of a bucket in an order in which alike ones stand near each other: by the bins after the column `last`,
    the more of them the more members there are.
    """
    width = sketch.shape[1]
    after = np.empty(members.shape[0], np.uint64)
    words = 1
    while words < 8 and 1 << (8 * words) < members.shape[0] * members.shape[0]:
        words += 1
    for word in range(words - 1, -1, -1):
        for m in range(members.shape[0]):
            h = _0
            for k in range(8):
                h = h << _8 | np.uint64(sketch[members[m], (last + 1 + 8 * word + k) % width])
            after[m] = h
        members = members[np.argsort(after, kind="mergesort")]
    return members


@njit(nogil=True, cache=True)
def band_pairs(
    sketch: np.ndarray,
    full: np.ndarray,
    keys: np.ndarray,
    bands: np.ndarray,
    band: int,
    large: np.ndarray,
    fixed: int,
    least: np.ndarray,
    bins: int,
) -> np.ndarray:
    """(pairs, 2) int32, a < b: rows that agree in this band and may be similar; those of small buckets in no other band too.

    sketch: (n, views * bins) uint8; full: (n, views) uint8, bins that were full; keys: of this band; bands: (bands, r) the
    sketch's columns of each band; large: (n,) uint64, a bit for each band in which the row stands in a large bucket; fixed: of
    the first rows, so many, no pair is made; least: (views, bins + 1) int32, bins in which sketches must agree, by how many
    were full.
    """
    n = keys.shape[0]
    previous, root, sizes = np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.int32)
    _buckets(keys, previous, root, sizes)
    out = np.empty((1024, 2), np.int32)
    count = 0
    for i in range(fixed, n):
        if sizes[root[i]] > LARGE:
            continue
        if count + LARGE > out.shape[0]:
            out = _wider(out, count)
        j = previous[i]
        while j >= 0:
            if _plausible(sketch, full, i, j, least, bins) and not _met_before(sketch, i, j, bands, band, large[i]):
                out[count, 0], out[count, 1] = j, i
                count += 1
            j = previous[j]
    starts = np.full(n, np.int32(-1), np.int32)
    at = 0
    for i in range(n):
        if sizes[i] > LARGE:
            starts[i] = at
            at += sizes[i]
    members = np.empty(at, np.int32)
    for i in range(n):
        if starts[root[i]] >= 0:
            members[starts[root[i]]] = i
            starts[root[i]] += 1
    for i in range(n):
        if starts[i] < 0:
            continue
        some = members[starts[i] - sizes[i] : starts[i]]
        near = _neighbours(sketch, bands[band, -1], some)
        for m in range(some.shape[0]):
            if count + FIRST + NEAR > out.shape[0]:
                out = _wider(out, count)
            for turn in range(FIRST + NEAR):
                place = turn if turn < FIRST else m - (turn - FIRST) - 1
                if place < 0 or (turn < FIRST and place >= m):
                    continue
                one, two = (some[place], some[m]) if turn < FIRST else (near[place], near[m])
                a, b = min(one, two), max(one, two)
                if b < fixed or (turn >= FIRST and a <= some[FIRST - 1]):
                    continue  # met as one of the first
                if _plausible(sketch, full, a, b, least, bins):
                    out[count, 0], out[count, 1] = a, b
                    count += 1
    return out[:count]


@njit(nogil=True, cache=True)
def _wider(out: np.ndarray, count: int) -> np.ndarray:
    """A copy with room for twice as many pairs."""
    wider = np.empty((2 * out.shape[0], 2), np.int32)
    wider[:count] = out[:count]
    return wider


@njit(nogil=True, cache=True)
def _build(grams: np.ndarray, count: int, table: np.ndarray, seen: np.ndarray, size: int) -> None:
    """Fill an open table of `size` places with hashes; none is seen yet."""
    table[:size] = 0
    seen[:size] = -1
    mask = np.uint64(size - 1)
    for k in range(count):
        insert(table, mask, grams[k] | np.uint64(grams[k] == 0))


@njit(nogil=True, cache=True)
def _overlap(
    grams: np.ndarray, count: int, table: np.ndarray, seen: np.ndarray, size: int, turn: int, need: int
) -> tuple[int, int, int]:
    """(hashes that stand in the table, each once; those that do not; from the first to the last of these).

    The first is 0 where it would not reach `need`.
    """
    mask = np.uint64(size - 1)
    hits = others = first = last = 0
    for k in range(count):
        h = grams[k] | np.uint64(grams[k] == 0)
        slot = (h >> _8) & mask
        while table[slot] != h and table[slot] != 0:
            slot = (slot + _1) & mask
        if table[slot] == h:
            hits += seen[slot] != turn
            seen[slot] = turn
            continue
        if others == 0:
            first = k
        if hits + count - k - 1 < need:
            return 0, 0, 0
        others += 1
        last = k + 1
    return hits, others, last - first


@njit(nogil=True, cache=True)
def compare_pairs(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    sizes: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    n: int,
    by_words: bool,
    floor: float,
    shared: np.ndarray,
    foreign: np.ndarray,
    span: np.ndarray,
) -> None:
    """The n-grams that two texts share, for pairs that stand grouped by `a`.

    starts, ends, sizes: of each row's text in `data`, and its different n-grams; shared: (pairs,) uint32, 0 where the
    similarity is certainly below `floor`; foreign: n-grams of `b`, repeated ones too, that `a` has not; span: from the
    first to the last of them.
    """
    grams = np.empty(4096, np.uint64)
    table, seen = np.empty(8192, np.uint64), np.empty(8192, np.int32)
    size = 0
    held = -1
    for p in range(a.shape[0]):
        i, j = a[p], b[p]
        widest = max(ends[i] - starts[i], ends[j] - starts[j])
        if widest > grams.shape[0]:
            grams = np.empty(2 * widest, np.uint64)
        if i != held:
            held = i
            count = ngrams(data, starts[i], ends[i], n, by_words, grams)
            size = table_size(count)
            if size > table.shape[0]:
                table, seen = np.empty(2 * size, np.uint64), np.empty(2 * size, np.int32)
            _build(grams, count, table, seen, size)
        both = np.int64(sizes[i]) + np.int64(sizes[j])
        need = np.int64(np.floor(floor / (1 + floor) * both))
        count = ngrams(data, starts[j], ends[j], n, by_words, grams)
        shared[p], foreign[p], span[p] = _overlap(grams, count, table, seen, size, p, need)


@njit(nogil=True, cache=True)
def star(
    a: np.ndarray, b: np.ndarray, worth: np.ndarray, enough: np.ndarray, into: np.ndarray, pair: np.ndarray
) -> None:
    """Groups around rows that stay. Pairs stand grouped by `b`, which never comes before any `a` that it meets.

    worth: (pairs,) float64; enough: (pairs,) bool. Each b goes to the kept a of the highest worth, the first of equals.
    into: (n,) int64, filled with -1, gets it; pair: (n,) int64, filled with -1, gets the pair, or for a kept row the best
    pair with a kept row that is not enough. Rows with into = -2 are never taken and stay as they are.
    """
    p = 0
    while p < a.shape[0]:
        row = b[p]
        best, near = -1, -1
        while p < a.shape[0] and b[p] == row:
            if into[a[p]] < 0:
                if enough[p]:
                    if best < 0 or worth[p] > worth[best]:
                        best = p
                elif near < 0 or worth[p] > worth[near]:
                    near = p
            p += 1
        if best >= 0:
            into[row] = a[best]
        pair[row] = best if best >= 0 else near
