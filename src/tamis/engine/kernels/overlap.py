"""Which test items stand in a row: n-grams as seeds, each seed grown along row and item, every word compared.

A *stream* is the row's words in order; in conversations also what the user said, without what stands between. A seed is
an n-gram of the stream that an item has too. It is grown to both sides over small differences (words put in, left out
or changed); the pieces that are equal, three words or more, are what the item has in common with the row.
"""

from __future__ import annotations

import numpy as np

from .folded_words import find_words
from .jit import inlined, plain
from .overlap_grow import grow, promising
from .overlap_index import BASE, COUNT, Items, Seeds, Work, filter_bits, find_postings, gram_key
from .overlap_tell import FIRST_PIECE, ROW, tell

LONG, FINE, SHORT = 1, 2, 4  # seeds that may begin at a word


@inlined
def _follow(
    found: int, r: int, known: int, upto: int, stream: np.ndarray, kinds: np.ndarray, n: int, seeds: Seeds, items: Items,
    whole_only: bool, stamp: int, work: Work, enough: int,
) -> int:  # fmt: skip
    """Grow every item that has a seed, which stands in the stream at r; found: its postings; returns up to where a whole item stands.
    enough: equal words in a row that are enough to grow it; 0: it is grown anyhow."""
    counts, pieces = work.counts, work.pieces
    first = found >> COUNT
    for posting in range(first, first + (found & ((1 << COUNT) - 1))):
        item, p = np.int64(seeds.postings[posting, 0]), np.int64(seeds.postings[posting, 1])
        if item < 0:
            counts[2] = 1
            continue
        begin, end = items.bounds[item], items.bounds[item + 1]
        if work.stamps[item] == stamp and r < work.ends[item]:
            continue
        if r < known and not whole_only and not items.whole[item]:
            continue
        if enough and not promising(stream, n, r, items.hashes[begin:end], p, enough):
            continue
        if work.stamps[item] != stamp:
            work.stamps[item] = stamp
            work.chains[item] = -1
            for k in range(begin, end):
                work.marks[k] = 0
            work.touched[counts[0]] = item
            counts[0] += 1
        before = counts[1]
        counts[1], work.ends[item] = grow(
            stream, kinds, n, r, items.hashes[begin:end], items.kinds[begin:end], p, work.marks[begin:end], pieces, before,
            whole_only or items.whole[item],
        )  # fmt: skip
        if counts[1] > before and pieces[before, 2] == end - begin:
            upto = max(upto, pieces[before, 0] + pieces[before, 2])
        for piece in range(before, counts[1]):
            pieces[piece, 3] = before
            work.links[piece] = work.chains[item]
            work.chains[item] = piece
    return upto


@inlined
def _in(filter: np.ndarray, gram: np.uint64) -> bool:
    """Whether an n-gram may be one of the seeds that a filter is of, by its rolling sum."""
    word, bits = filter_bits(gram, np.uint64(filter.shape[0] - 1))
    return bool((filter[word] & bits) == bits)


@plain
def _candidates(
    stream: np.ndarray, n: int, long: Seeds, fine: Seeds, short: Seeds, sums: np.ndarray, at: np.ndarray, which: np.ndarray
) -> int:  # fmt: skip
    """The words at which a seed may begin: at, and which of LONG, FINE and SHORT; returns how many.

    sums (n + 1,) uint64: of the words before each; an n-gram's is the difference of two, the first times `power`.
    """
    total = np.uint64(0)
    for k in range(n):
        sums[k] = total
        total = total * BASE + stream[k]
    sums[n] = total
    found = 0
    whole = n - max(long.n, fine.n, short.n) + 1  # words at which each of the n-grams ends within the stream
    for r in range(whole):
        before = sums[r]
        hit = int(_in(long.filter, sums[r + long.n] - before * long.power))
        hit |= int(_in(fine.filter, sums[r + fine.n] - before * fine.power)) << 1
        hit |= int(_in(short.filter, sums[r + short.n] - before * short.power)) << 2
        at[found], which[found] = r, hit
        found += hit != 0
    for r in range(max(0, whole), n):
        before, hit = sums[r], 0
        if r + long.n <= n:
            hit |= int(_in(long.filter, sums[r + long.n] - before * long.power))
        if r + fine.n <= n:
            hit |= int(_in(fine.filter, sums[r + fine.n] - before * fine.power)) << 1
        if r + short.n <= n:
            hit |= int(_in(short.filter, sums[r + short.n] - before * short.power)) << 2
        at[found], which[found] = r, hit
        found += hit != 0
    return found


@plain
def _look_up(n: int, long: Seeds, fine: Seeds, short: Seeds, work: Work) -> int:
    """Of the candidates the seeds, into work.seeds; returns how many. One look-up does not wait for another."""
    sums, at, which, seeds = work.sums, work.at, work.which, work.seeds
    m = 0
    for k in range(n):
        r = at[k]
        if which[k] & LONG:
            seeds[m, 0], seeds[m, 1] = r, LONG
            seeds[m, 2] = find_postings(long.table, gram_key(sums[r + long.n] - sums[r] * long.power))
            m += seeds[m, 2] != 0
        if which[k] & FINE:
            seeds[m, 0], seeds[m, 1] = r, FINE
            seeds[m, 2] = find_postings(fine.table, gram_key(sums[r + fine.n] - sums[r] * fine.power))
            m += seeds[m, 2] != 0
        if which[k] & SHORT:
            seeds[m, 0], seeds[m, 1] = r, SHORT
            seeds[m, 2] = find_postings(short.table, gram_key(sums[r + short.n] - sums[r] * short.power))
            m += seeds[m, 2] != 0
    return m


@plain
def _scan(
    stream: np.ndarray, kinds: np.ndarray, n: int, long: Seeds, fine: Seeds, short: Seeds, items: Items, whole_only: bool,
    stamp: int, work: Work,
) -> None:  # fmt: skip
    """Find the items whose seeds stand in a stream: the longer n-grams first at each word, then, in all of it, the short ones.
    work.counts: (items touched, pieces, whether something hints at another index)."""
    found = _candidates(stream, n, long, fine, short, work.sums, work.at, work.which)
    found = _look_up(found, long, fine, short, work) if found else 0
    seeds = work.seeds
    upto, last, known, shorts = (
        0,
        -1,
        0,
        0,
    )  # within an item that stands there as a whole, its variants are not looked for
    for k in range(found):
        r, which, postings = seeds[k, 0], seeds[k, 1], seeds[k, 2]
        if r != last:
            last, known = r, upto
        if which == LONG:
            upto = _follow(postings, r, known, upto, stream, kinds, n, long, items, whole_only, stamp, work, 0)
        elif which == FINE:
            upto = _follow(postings, r, known, upto, stream, kinds, n, fine, items, whole_only, stamp, work, long.n)
        else:
            shorts += 1
    upto = 0
    for k in range(found if shorts else 0):
        if seeds[k, 1] == SHORT:
            upto = _follow(seeds[k, 2], seeds[k, 0], upto, upto, stream, kinds, n, short, items, True, stamp, work, 0)


@plain
def find_overlaps(
    data: np.ndarray, offsets: np.ndarray, first_row: int, parts: np.ndarray, part_offsets: np.ndarray, spoken: np.ndarray,
    codes: np.ndarray, more: np.ndarray, bounds: np.ndarray, long: Seeds, fine: Seeds, short: Seeds,
    items: Items, work: Work, whole_only: bool, least: int, best: np.ndarray, hinted: np.ndarray, hits: np.ndarray,
    hit_pieces: np.ndarray, used: np.ndarray,
) -> int:  # fmt: skip
    """The items in each row from `first_row` on; returns the row at which there was no more room (or the number of rows).

    parts: where each part (message) of a row begins, bytes from the row's begin, `part_offsets[i]:part_offsets[i + 1]` of row
    i; spoken bool: whether it is the user's. work: with room for each row, all its stamps 0. least: share of an item, in 1/10000,
    from which on it is told. best (n,) int64: the largest share of an item in each row. hinted (n,) bool: the rows that may hold
    items of another index. hits (h, HIT) int64, hit_pieces (k, PIECE) int64; used (3,): how many of each, and whether there was too little room.
    """
    hashes, starts, kinds, places = work.hashes, work.starts, work.kinds, work.places
    stream, stream_kinds, order, counts = work.stream, work.stream_kinds, work.order, work.counts
    stamp = 0
    for row in range(first_row, offsets.shape[0] - 1):
        begin, end = offsets[row], offsets[row + 1]
        n = find_words(data, begin, end, codes, more, bounds, hashes, starts, work.stops, kinds)
        n_parts = part_offsets[row + 1] - part_offsets[row]
        placed = False
        turns = 0
        for k in range(part_offsets[row], part_offsets[row + 1]):
            turns += spoken[k] and (k == part_offsets[row] or not spoken[k - 1])
        for which in range(2 if turns > 1 else 1):
            m, mine, mine_kinds = n, hashes, kinds
            if which == 1:
                m, mine, mine_kinds = 0, stream, stream_kinds
                if not placed:
                    _place(starts, n, begin, parts, part_offsets[row], n_parts, places)
                    placed = True
                for k in range(n):
                    if spoken[places[k]]:
                        stream[m], stream_kinds[m], order[m] = hashes[k], kinds[k], k
                        m += 1
            stamp += 1
            counts[0], counts[1], counts[2] = 0, 0, 0
            _scan(mine, mine_kinds, m, long, fine, short, items, whole_only, stamp, work)
            hinted[row] |= counts[2] != 0
            if counts[0] == 0:
                continue
            if not placed:
                _place(starts, n, begin, parts, part_offsets[row], n_parts, places)
                placed = True
            for k in range(counts[0]):
                item = work.touched[k]
                if work.chains[item] < 0:
                    continue
                if used[0] < hits.shape[0]:
                    tell(
                        data, begin, end, mine, m, which, n, items, item, work, codes, more, bounds, hits, hit_pieces, used, row,
                        least, best, parts, part_offsets[row], n_parts, spoken,
                    )  # fmt: skip
                else:
                    used[2] = 1
                if used[2]:  # no more room
                    _take_back(hits, used, row)
                    return row
    return int(offsets.shape[0] - 1)


@plain
def _take_back(hits: np.ndarray, used: np.ndarray, row: int) -> None:
    """Forget what was told of a row that is to be done again."""
    if used[0] == 0 or hits[used[0] - 1, ROW] != row:
        return
    while used[0] > 0 and hits[used[0] - 1, ROW] == row:
        used[0] -= 1
        used[1] = hits[used[0], FIRST_PIECE]


@plain
def _place(
    starts: np.ndarray, n: int, begin: int, parts: np.ndarray, first: int, n_parts: int, places: np.ndarray
) -> None:
    """The part (index into parts) that each word stands in."""
    part = first
    for k in range(n):
        while part + 1 < first + n_parts and starts[k] - begin >= parts[part + 1]:
            part += 1
        places[k] = part
