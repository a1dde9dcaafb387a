"""Which test items stand in a row: n-grams as seeds, each seed grown along row and item, every word compared.

A *stream* is the row's words in order; in conversations also what the user said, without what stands between. A seed is
an n-gram of the stream that an item has too. It is grown to both sides over small differences (words put in, left out
or changed); the pieces that are equal, three words or more, are what the item has in common with the row.
"""

from __future__ import annotations

import numpy as np

from .folded_words import find_words
from .jit import njit
from .overlap_grow import grow
from .overlap_index import BASE, Items, Seeds, find_slot, gram_key
from .overlap_tell import FIRST_PIECE, ROW, tell

MOST_PIECES = 1 << 16  # of one row


@njit(nogil=True, cache=True)
def _scan(
    stream: np.ndarray, kinds: np.ndarray, n: int, seeds: Seeds, items: Items, whole_only: bool,
    stamps: np.ndarray, stamp: int, ends: np.ndarray, chains: np.ndarray, links: np.ndarray, touched: np.ndarray,
    pieces: np.ndarray, marks: np.ndarray, counts: np.ndarray,
) -> None:  # fmt: skip
    """Find the items whose seeds stand in a stream. counts: (items touched, pieces); both go on from what they are."""
    size = seeds.n
    if n < size or seeds.items.shape[0] == 0:
        return
    bits = np.uint64(seeds.filter.shape[0] * 64 - 1)
    gram, oldest = np.uint64(0), np.uint64(1)
    for _ in range(size):
        oldest *= BASE
    for k in range(size - 1):
        gram = gram * BASE + stream[k]
    known = upto = 0  # within an item that stands there as a whole, its variants are not looked for
    for last in range(size - 1, n):
        gram = gram * BASE + stream[last]
        r = last - size + 1
        if r > 0:
            gram -= stream[r - 1] * oldest
        key = gram_key(gram)
        bit = (key >> np.uint64(20)) & bits
        if not (seeds.filter[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1):
            continue
        slot = find_slot(seeds, key)
        if slot < 0:
            continue
        known = upto
        for posting in range(seeds.firsts[slot], seeds.firsts[slot + 1]):
            item, p = seeds.items[posting], seeds.words[posting]
            begin, end = items.bounds[item], items.bounds[item + 1]
            if stamps[item] == stamp and r < ends[item]:
                continue
            if r < known and not whole_only and not items.whole[item]:
                continue
            if stamps[item] != stamp:
                stamps[item] = stamp
                chains[item] = -1
                marks[begin:end] = 0
                touched[counts[0]] = item
                counts[0] += 1
            before = counts[1]
            counts[1], ends[item] = grow(
                stream, kinds, n, r, items.hashes[begin:end], items.kinds[begin:end], p, marks[begin:end], pieces,
                before, whole_only or items.whole[item],
            )  # fmt: skip
            if counts[1] > before and pieces[before, 2] == end - begin:
                upto = max(upto, pieces[before, 0] + pieces[before, 2])
            for piece in range(before, counts[1]):
                links[piece] = chains[item]
                chains[item] = piece


@njit(nogil=True, cache=True)
def find_overlaps(
    data: np.ndarray, offsets: np.ndarray, first_row: int, parts: np.ndarray, part_offsets: np.ndarray, spoken: np.ndarray,
    codes: np.ndarray, more: np.ndarray, bounds: np.ndarray, long: Seeds, short: Seeds, items: Items, whole_only: bool,
    least: int, best: np.ndarray, hits: np.ndarray, hit_pieces: np.ndarray, used: np.ndarray,
) -> int:  # fmt: skip
    """The items in each row from `first_row` on; returns the row at which there was no more room (or the number of rows).

    parts: where each part (message) of a row begins, bytes from the row's begin, `part_offsets[i]:part_offsets[i + 1]` of row
    i; spoken bool: whether it is the user's. least: share of an item, in 1/10000, from which on it is told. best (n,) int64: the
    largest share of an item in each row. hits (h, HIT) int64, hit_pieces (k, PIECE) int64; used (3,): how many of each, and whether there was too little room.
    """
    room = 1
    for i in range(first_row, offsets.shape[0] - 1):
        room = max(room, offsets[i + 1] - offsets[i])
    n_items = items.bounds.shape[0] - 1
    hashes, starts, stops = np.empty(room, np.uint64), np.empty(room, np.int64), np.empty(room, np.int64)
    kinds, places = np.empty(room, np.uint8), np.empty(room, np.int64)
    stream, stream_kinds, order = np.empty(room, np.uint64), np.empty(room, np.uint8), np.empty(room, np.int64)
    stamps, ends, chains = np.zeros(n_items, np.int64), np.zeros(n_items, np.int64), np.zeros(n_items, np.int64)
    touched, marks = np.empty(n_items, np.int64), np.zeros(items.hashes.shape[0], np.uint8)
    pieces, links = np.empty((MOST_PIECES, 3), np.int64), np.empty(MOST_PIECES, np.int64)
    counts = np.zeros(2, np.int64)
    longest = 0
    for k in range(items.starts.shape[0]):
        longest = max(longest, items.stops[k] - items.starts[k])
    letters, others = np.empty(3 * room + 64, np.int32), np.empty(3 * longest + 64, np.int32)
    used[:] = 0
    stamp = 0
    for row in range(first_row, offsets.shape[0] - 1):
        begin, end = offsets[row], offsets[row + 1]
        n = find_words(data, begin, end, codes, more, bounds, hashes, starts, stops, kinds)
        n_parts = part_offsets[row + 1] - part_offsets[row]
        placed = False
        turns = 0
        for k in range(part_offsets[row], part_offsets[row + 1]):
            turns += spoken[k] and (k == part_offsets[row] or not spoken[k - 1])
        for which in range(2 if turns > 1 else 1):
            if which == 1:
                m = 0
                if not placed:
                    _place(starts, n, begin, parts, part_offsets[row], n_parts, places)
                    placed = True
                for k in range(n):
                    if spoken[places[k]]:
                        stream[m], stream_kinds[m], order[m] = hashes[k], kinds[k], k
                        m += 1
                mine, mine_kinds = stream, stream_kinds
            else:
                m, mine, mine_kinds = n, hashes, kinds
            stamp += 1
            counts[:] = 0
            _scan(
                mine,
                mine_kinds,
                m,
                long,
                items,
                whole_only,
                stamps,
                stamp,
                ends,
                chains,
                links,
                touched,
                pieces,
                marks,
                counts,
            )
            _scan(
                mine,
                mine_kinds,
                m,
                short,
                items,
                True,
                stamps,
                stamp,
                ends,
                chains,
                links,
                touched,
                pieces,
                marks,
                counts,
            )
            if counts[0] == 0:
                continue
            if not placed:
                _place(starts, n, begin, parts, part_offsets[row], n_parts, places)
                placed = True
            for k in range(counts[0]):
                item = touched[k]
                if chains[item] < 0:
                    continue
                if used[0] < hits.shape[0]:
                    tell(
                        data, begin, end, mine, m, which, order, hashes, n, starts, stops, kinds, places, items, item,
                        chains[item], links, pieces, marks, codes, more, bounds, letters, others, hits, hit_pieces, used, row, least, best,
                        parts, part_offsets[row], n_parts, spoken,
                    )  # fmt: skip
                else:
                    used[2] = 1
                if used[2]:  # no more room
                    _take_back(hits, used, row)
                    return row
    return int(offsets.shape[0] - 1)


@njit(nogil=True, cache=True)
def _take_back(hits: np.ndarray, used: np.ndarray, row: int) -> None:
    """Forget what was told of a row that is to be done again."""
    if used[0] == 0 or hits[used[0] - 1, ROW] != row:
        return
    while used[0] > 0 and hits[used[0] - 1, ROW] == row:
        used[0] -= 1
        used[1] = hits[used[0], FIRST_PIECE]


@njit(nogil=True, cache=True)
def _place(
    starts: np.ndarray, n: int, begin: int, parts: np.ndarray, first: int, n_parts: int, places: np.ndarray
) -> None:
    """The part (index into parts) that each word stands in."""
    part = first
    for k in range(n):
        while part + 1 < first + n_parts and starts[k] - begin >= parts[part + 1]:
            part += 1
        places[k] = part
