"""Near copies: rows that agree in a band of their sketches, the exact Jaccard similarity of pairs, and the groups."""

from __future__ import annotations

import numpy as np

from .jit import njit
from .shingles import is_ascii, mix, ngrams, table_size
from .words import Word, load64, ones_in

#: a bucket of more rows is large: in it a row is compared with so many of the first, and of those next to it in an order by
#: further bins, not with all
LARGE, FIRST, NEAR = 32, 4, 4
_0, _1, _8, _32, _56 = np.uint64(0), np.uint64(1), np.uint64(8), np.uint64(32), np.uint64(56)
_FF, _LOW32 = np.uint64(0xFF), np.uint64(0xFFFFFFFF)
_PAIRS = np.uint64(0x0303030303030303)
_NIBBLES, _BYTES, _HALF = np.uint64(0x000F000F000F000F), np.uint64(0x000000FF000000FF), np.uint64(0xFFFF)
_ODD = np.uint64(0x5555555555555555)


@njit(nogil=True, cache=True)
def band_keys(words: np.ndarray, rows: np.ndarray, columns: np.ndarray, keys: np.ndarray) -> None:
    """keys: (bands, rows) uint32, the bytes of each sketch in the columns of each band, hashed; equal bytes have equal keys.

    words: (bins / 8, n) uint64, the sketches, eight bins in a word; rows: those wanted; columns: (bands, r).
    """
    sketch = np.empty(8 * words.shape[0], np.uint8)
    for place in range(rows.shape[0]):
        i = rows[place]
        for k in range(words.shape[0]):
            w = words[k, i]
            for byte in range(8):
                sketch[8 * k + byte] = np.uint8(w & _FF)
                w >>= _8
        for band in range(columns.shape[0]):
            h = _0
            for k in range(columns.shape[1]):
                h = h << _8 | np.uint64(sketch[columns[band, k]])
                if h >> _56:
                    h = mix(h)
            keys[band, place] = np.uint32(mix(h) >> _32)


@njit(nogil=True, cache=True)
def low_bits(words: np.ndarray, rows: np.ndarray, places: np.ndarray, bits: np.ndarray) -> None:
    """bits: (n, bins / 32) uint64; set at `places`: the two lowest bits of each bin of the sketches of `rows`."""
    for r in range(rows.shape[0]):
        i, place = rows[r], places[r]
        for k in range(bits.shape[1]):
            packed = _0
            for part in range(4):
                x = words[4 * k + part, i] & _PAIRS
                x = (x | x >> np.uint64(6)) & _NIBBLES
                x = (x | x >> np.uint64(12)) & _BYTES
                packed |= ((x | x >> np.uint64(24)) & _HALF) << np.uint64(16 * part)
            bits[place, k] = packed


@njit(nogil=True, cache=True)
def spread(keys: np.ndarray, shift: int, starts: np.ndarray, out: np.ndarray) -> None:
    """Rows by the upper bits of their keys, in row order among equals: key << 32 | row.

    keys: (n,) uint32; out: (n,) uint64; starts: (parts + 1,) int64, all 0, gets where each part begins.
    """
    parts = starts.shape[0] - 1
    for i in range(keys.shape[0]):
        starts[(np.int64(keys[i]) >> shift) + 1] += 1
    for part in range(parts):
        starts[part + 1] += starts[part]
    at = starts[:parts].copy()
    for i in range(keys.shape[0]):
        part = np.int64(keys[i]) >> shift
        out[at[part]] = np.uint64(keys[i]) << _32 | np.uint64(i)
        at[part] += 1


@njit(nogil=True, cache=True)
def _plausible(bits: np.ndarray, full: np.ndarray, i: int, j: int, least: np.ndarray) -> bool:
    """Whether two rows may be similar in every view, by the low bits of their sketches."""
    views = least.shape[0]
    words = bits.shape[1] // views
    for v in range(views):
        same = 32 * words
        for k in range(v * words, (v + 1) * words):
            x = bits[i, k] ^ bits[j, k]
            same -= ones_in((x | x >> _1) & _ODD)
        if same < least[v, min(full[i, v], full[j, v])]:
            return False
    return True


@njit(nogil=True, cache=True)
def known(pairs: np.ndarray, pair: Word) -> bool:
    """Whether a pair stands in an open table of them."""
    mask = np.uint64(pairs.shape[0] - 1)
    slot = mix(pair) & mask
    while pairs[slot] != _0:
        if pairs[slot] == pair:
            return True
        slot = (slot + _1) & mask
    return False


@njit(nogil=True, cache=True)
def remember(pairs: np.ndarray, new: np.ndarray) -> None:
    """Put pairs that are not known yet into an open table with room for them."""
    mask = np.uint64(pairs.shape[0] - 1)
    for p in range(new.shape[0]):
        if new[p] == _0:
            continue
        slot = mix(new[p]) & mask
        while pairs[slot] != _0:
            slot = (slot + _1) & mask
        pairs[slot] = new[p]


@njit(nogil=True, cache=True)
def _neighbours(bits: np.ndarray, last: int, members: np.ndarray) -> np.ndarray:
    """The members of a bucket in an order in which alike ones stand near each other: by the bins after the column `last`,
    the more of them the more members there are.
    """
    width = bits.shape[1]
    after = np.empty(members.shape[0], np.uint64)
    words = 1
    while words < 8 and 1 << (8 * words) < members.shape[0] * members.shape[0]:
        words += 1
    place, turn = (last + 1) // 32, np.uint64(2 * ((last + 1) % 32))
    for word in range(min(words, width) - 1, -1, -1):
        for m in range(members.shape[0]):
            one, two = bits[members[m], (place + word) % width], bits[members[m], (place + word + 1) % width]
            after[m] = one >> turn | (two << (np.uint64(64) - turn) if turn else _0)
        members = members[np.argsort(after, kind="mergesort")]
    return members


@njit(nogil=True, cache=True)
def bucket_pairs(
    items: np.ndarray,
    bits: np.ndarray,
    full: np.ndarray,
    last: int,
    fixed: int,
    least: np.ndarray,
    pairs: np.ndarray,
) -> np.ndarray:
    """a << 32 | b, a < b, of rows that stand in one bucket, may be similar, and are not among the `pairs` yet. n < 2**31.

    items: key << 32 | row, ascending rows; bits: (n, views * bins / 32) uint64; full: (n, views) uint8, bins that were full;
    last: the last column of the band; fixed: of the first rows, so many, no pair is made; least: (views, bins + 1) int32, bins
    in which the low bits must agree, by how many were full; pairs: an open table.
    """
    n = items.shape[0]
    size = table_size(n)
    mask = np.uint64(size - 1)
    head = np.full(size, np.int32(-1), np.int32)  # the last row of a bucket so far
    previous, root, sizes = np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(n, np.int32)
    for m in range(n):
        key = items[m] >> _32
        slot = key & mask
        while head[slot] >= 0 and items[head[slot]] >> _32 != key:
            slot = (slot + _1) & mask
        before = head[slot]
        head[slot] = m
        previous[m] = before
        root[m] = m if before < 0 else root[before]
        sizes[root[m]] += 1
    out = np.empty(1024, np.uint64)
    count = 0
    in_large = 0
    for m in range(n):
        if previous[m] < 0:
            in_large += sizes[m] > LARGE
            continue
        if sizes[root[m]] > LARGE:
            continue
        i = np.int64(items[m] & _LOW32)
        if i < fixed:
            continue
        if count + LARGE > out.shape[0]:
            out = _wider(out, count)
        before = previous[m]
        while before >= 0:
            j = np.int64(items[before] & _LOW32)
            pair = np.uint64(j) << _32 | np.uint64(i)
            if not known(pairs, pair) and _plausible(bits, full, i, j, least):
                out[count] = pair
                count += 1
            before = previous[before]
    if in_large == 0:
        return out[:count]
    starts = np.full(n, np.int32(-1), np.int32)
    at = 0
    for m in range(n):
        if sizes[m] > LARGE:
            starts[m] = at
            at += sizes[m]
    members = np.empty(at, np.int32)
    for m in range(n):
        if starts[root[m]] >= 0:
            members[starts[root[m]]] = np.int32(items[m] & _LOW32)
            starts[root[m]] += 1
    for bucket in range(n):
        if starts[bucket] < 0:
            continue
        some = members[starts[bucket] - sizes[bucket] : starts[bucket]]
        near = _neighbours(bits, last, some)
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
                pair = np.uint64(a) << _32 | np.uint64(b)
                if not known(pairs, pair) and _plausible(bits, full, a, b, least):
                    out[count] = pair
                    count += 1
    return out[:count]


@njit(nogil=True, cache=True)
def _wider(out: np.ndarray, count: int) -> np.ndarray:
    """A copy with room for twice as many pairs."""
    wider = np.empty(2 * out.shape[0], np.uint64)
    wider[:count] = out[:count]
    return wider


@njit(nogil=True, cache=True)
def _build(
    grams: np.ndarray, count: int, table: np.ndarray, mask: Word, base: int, first: np.ndarray, before: np.ndarray
) -> int:
    """Where each n-gram stands first; how many are different, before each (`before`) and at all. table: open, gets these
    positions from `base` on; what is less is no place taken.
    """
    different = 0
    for k in range(count):
        before[k] = different
        h = grams[k]
        slot = mix(h) & mask
        while table[slot] >= base and grams[table[slot] - base] != h:
            slot = (slot + _1) & mask
        if table[slot] < base:
            table[slot] = base + k
            different += 1
        first[k] = table[slot] - base
    before[count] = different
    return different


@njit(nogil=True, cache=True)
def _same_bytes(data: np.ndarray, a: int, b: int, most: int) -> int:
    """How many bytes from `a` and from `b` on are the same, at most so many."""
    k = 0
    while k + 8 <= most and load64(data, a + k) == load64(data, b + k):
        k += 8
    while k < most and data[a + k] == data[b + k]:
        k += 1
    return k


@njit(nogil=True, cache=True)
def compare_pairs(
    data: np.ndarray,
    places: np.ndarray,
    n: int,
    by_words: bool,
    floor: float,
    shared: np.ndarray,
    union: np.ndarray,
    foreign: np.ndarray,
    span: np.ndarray,
) -> None:
    """The n-grams that two texts a, b share, for pairs that stand grouped by a.

    places: (pairs, 4) int64, where a begins and ends in `data`, then b; shared, union: (pairs,) uint32, different n-grams in
    both and in either, shared is 0 where the similarity is certainly below `floor`; foreign: n-grams of b, repeated ones too,
    that a has not; span: from the first to the last of them.
    """
    room, size = 0, 0
    mine, theirs, new = np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.uint64)
    table, first, seen = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int32)
    turns, before = np.empty(0, np.int32), np.empty(0, np.int32)
    begin, end = np.int64(-1), np.int64(-1)
    count = different = base = 0
    mask, plain = _0, False
    for p in range(places.shape[0]):
        widest = max(places[p, 1] - places[p, 0], places[p, 3] - places[p, 2])
        if widest > room:
            room = max(2 * widest, 2048)
            size = table_size(room)
            mine, theirs, new = np.empty(room, np.uint64), np.empty(room, np.uint64), np.empty(size, np.uint64)
            table, first, seen = np.full(2 * size, np.int64(-1)), np.empty(room, np.int32), np.empty(room, np.int32)
            turns, before = np.full(size, np.int32(-1), np.int32), np.empty(room + 1, np.int32)
            begin = np.int64(-1)
        if places[p, 0] != begin or places[p, 1] != end:
            begin, end = places[p, 0], places[p, 1]
            base += count
            count = ngrams(data, begin, end, n, by_words, mine)
            mask = np.uint64(2 * table_size(count) - 1)
            different = _build(mine, count, table, mask, base, first, before)
            seen[:count] = -1
            # characters of a byte each, at least one n-gram of them: these stand where their bytes do
            plain = not by_words and end - begin >= n and is_ascii(data, begin, end)
        start, stop = places[p, 2], places[p, 3]
        head = 0  # n-grams that both begin with
        if plain:
            same = _same_bytes(data, begin, start, min(end - begin, stop - start))
            head = max(same - n + 1, 0)
            others = 0 if head and same == stop - start else ngrams(data, start + head, stop, n, False, theirs)
        else:
            others = ngrams(data, start, stop, n, by_words, theirs)
        among = np.uint64(table_size(others) - 1)
        strangers = fresh = opened = closed = 0
        hits = np.int64(before[head])
        guess = head  # where in a the next n-gram of b probably stands: after the last one
        for k in range(others):
            h = theirs[k]
            if guess >= count or mine[guess] != h:
                mixed = mix(h)
                slot = mixed & mask
                while table[slot] >= base and mine[table[slot] - base] != h:
                    slot = (slot + _1) & mask
                if table[slot] < base:
                    if strangers == 0:
                        opened = k
                    strangers += 1
                    closed = k + 1
                    slot = mixed & among
                    while turns[slot] == p and new[slot] != h:
                        slot = (slot + _1) & among
                    fresh += turns[slot] != p
                    new[slot], turns[slot] = h, p
                    if hits + others - k - 1 < floor * (different + fresh) - 1e-6:
                        hits = 0
                        break
                    continue
                guess = table[slot] - base
            place = first[guess]
            if place >= head and seen[place] != p:
                hits += 1
                seen[place] = p
            guess += 1
        shared[p], union[p], foreign[p], span[p] = hits, different + fresh, strangers, closed - opened


@njit(nogil=True, cache=True)
def star(
    a: np.ndarray, b: np.ndarray, worth: np.ndarray, enough: np.ndarray, into: np.ndarray, pair: np.ndarray
) -> None:
    """Groups around rows that stay. Pairs stand grouped by `b`, which never comes before any `a` that it meets.

    worth: (pairs,) float64; enough: (pairs,) bool. Each b goes to the kept a of the highest worth, the first of equals.
    into: (n,), filled with -1, gets it; pair: (n,), filled with -1, gets the pair, or for a kept row the best pair with a kept
    row that is not enough. Rows with into = -2 are never taken and stay as they are.
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
