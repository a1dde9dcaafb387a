"""Which test items stand in a row: n-grams as seeds, each seed grown along row and item, every word compared.

A *stream* is the row's words in order; in conversations also what the user said, without what stands between. A seed is
an n-gram of the stream that an item has too. It is grown to both sides over small differences (words put in, left out
or changed); the pieces that are equal, three words or more, are what the item has in common with the row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from .folded_words import DIGIT, find_words, fold_word

#: columns of a hit
ROW, ITEM, WEIGHT, COVERED, CONTENT, CHANGED, NEAR, WHOLE, STREAM, FIRST_PIECE, PIECES, TOUCHED, SAME, BOUNDED = range(14)
HIT = 14
#: columns of a piece: first word in the item, words, first and last byte in the row (from the row's begin)
PIECE = 4
ANCHOR = 3  # equal words that make a piece
GAP = 8  # most words put in, left out or changed between two pieces
NEAR_WORDS, NEAR_ONE = 96, 32  # how far an answer may stand from its question; one of a single word
ANSWER_WORDS = 12  # of an answer that are compared
MOST_PIECES = 1 << 16  # of one row

_BASE = np.uint64(0xD6E8FEB86659FD93)
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Seeds(NamedTuple):
    """n-grams that lead to items. filter: bits of the hashes; keys: open table of hashes (0: free); places: where the
    postings of each begin, `bounds` style in `firsts`; items, words: the postings."""

    n: int
    filter: np.ndarray
    keys: np.ndarray
    slots: np.ndarray
    firsts: np.ndarray
    items: np.ndarray
    words: np.ndarray


class Items(NamedTuple):
    """The test items. Of item i the words `bounds[i]:bounds[i + 1]`.

    hashes uint64; weights uint8: whether the word counts (it stands in an n-gram that few items have); content uint8: what
    it says, in halves of a word, once an item; kinds uint8; starts, stops: its bytes in data, in which item i is `offsets[i]:offsets[i + 1]`.
    whole bool: whether only all of the item counts.
    answers: of item i the texts `answer_bounds[i]:answer_bounds[i + 1]`, each the hashes `text_bounds[k]:…`; needed: how many
    of them make an answer.
    """

    bounds: np.ndarray
    hashes: np.ndarray
    weights: np.ndarray
    content: np.ndarray
    kinds: np.ndarray
    data: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    whole: np.ndarray
    answer_bounds: np.ndarray
    text_bounds: np.ndarray
    text_hashes: np.ndarray
    needed: np.ndarray


@njit(nogil=True, cache=True)
def _key(gram: np.uint64) -> np.uint64:
    """The hash of an n-gram from its rolling sum; never 0."""
    h = (gram ^ (gram >> np.uint64(31))) * _MIX
    return (h ^ (h >> np.uint64(30))) | np.uint64(1)


@njit(nogil=True, cache=True)
def gram_keys(hashes: np.ndarray, bounds: np.ndarray, n: int, out: np.ndarray) -> None:
    """The key of the n-gram that begins at each word, within its item; 0 where fewer than n words are left."""
    out[:] = 0
    for i in range(bounds.shape[0] - 1):
        for p in range(bounds[i], bounds[i + 1] - n + 1):
            gram = np.uint64(0)
            for j in range(p, p + n):
                gram = gram * _BASE + hashes[j]
            out[p] = _key(gram)


@njit(nogil=True, cache=True)
def fill_table(uniques: np.ndarray, filter: np.ndarray, keys: np.ndarray, slots: np.ndarray) -> None:
    """Put the unique keys into the filter and the open table."""
    bits = np.uint64(filter.shape[0] * 64 - 1)
    mask = np.uint64(keys.shape[0] - 1)
    for k in range(uniques.shape[0]):
        key = uniques[k]
        bit = (key >> np.uint64(20)) & bits
        filter[bit >> np.uint64(6)] |= np.uint64(1) << (bit & np.uint64(63))
        at = (key >> np.uint64(1)) & mask
        while keys[at] != 0:
            at = (at + np.uint64(1)) & mask
        keys[at] = key
        slots[at] = k


@njit(nogil=True, cache=True)
def _find(seeds: Seeds, key: np.uint64) -> int:
    """The number of a key, -1 where no item has it."""
    mask = np.uint64(seeds.keys.shape[0] - 1)
    at = (key >> np.uint64(1)) & mask
    while seeds.keys[at] != 0:
        if seeds.keys[at] == key:
            return seeds.slots[at]
        at = (at + np.uint64(1)) & mask
    return -1


@njit(nogil=True, cache=True)
def _equal_run(stream: np.ndarray, n: int, r: int, item: np.ndarray, p: int) -> int:
    """Equal words from r and p on."""
    k = 0
    while r + k < n and p + k < item.shape[0] and stream[r + k] == item[p + k]:
        k += 1
    return k


@njit(nogil=True, cache=True)
def _equal_back(stream: np.ndarray, r: int, item: np.ndarray, p: int) -> int:
    """Equal words before r and p."""
    k = 0
    while r - k > 0 and p - k > 0 and stream[r - k - 1] == item[p - k - 1]:
        k += 1
    return k


@njit(nogil=True, cache=True)
def _changed(
    stream: np.ndarray, kinds: np.ndarray, r0: int, r1: int, item: np.ndarray, item_kinds: np.ndarray, p0: int, p1: int,
    mark: np.ndarray,
) -> None:  # fmt: skip
    """Mark the numbers of a gap in the item that the row has other numbers for."""
    some = False
    for r in range(r0, r1):
        some |= kinds[r] == DIGIT
    if not some:
        return
    for p in range(p0, p1):
        if item_kinds[p] != DIGIT:
            continue
        there = False
        for r in range(r0, r1):
            there |= stream[r] == item[p]
        if not there:
            mark[p] |= 2


@njit(nogil=True, cache=True)
def _grow(
    stream: np.ndarray, kinds: np.ndarray, n: int, r: int, item: np.ndarray, item_kinds: np.ndarray, p: int,
    mark: np.ndarray, pieces: np.ndarray, count: int, whole: bool,
) -> tuple[int, int]:  # fmt: skip
    """Grow a seed at row word r, item word p. Marks the item's words (1 equal, 2 another number stands there) and writes
    pieces (row word, item word, words). Returns (pieces in all, the row word at which it ends)."""
    size = item.shape[0]
    back = _equal_back(stream, r, item, p)
    length = back + _equal_run(stream, n, r, item, p)
    r0, p0 = r - back, p - back
    if whole and length < size:
        return count, r  # another of its seeds may stand one word on
    r1, p1 = r0 + length, p0 + length
    for k in range(p0, p1):
        mark[k] |= 1
    if count < pieces.shape[0]:
        pieces[count, 0], pieces[count, 1], pieces[count, 2] = r0, p0, length
        count += 1
    while p1 < size and r1 < n:  # to the right
        found = False
        for total in range(1, 2 * GAP + 1):
            for dp in range(max(0, total - GAP), min(GAP, total) + 1):
                dr = total - dp
                if p1 + dp >= size or r1 + dr >= n:
                    continue
                run = _equal_run(stream, n, r1 + dr, item, p1 + dp)
                if run >= ANCHOR or (run > 0 and dp == dr and dp <= 2 and p1 + dp + run == size):
                    found = True
                    _changed(stream, kinds, r1, r1 + dr, item, item_kinds, p1, p1 + dp, mark)
                    for k in range(p1 + dp, p1 + dp + run):
                        mark[k] |= 1
                    if count < pieces.shape[0]:
                        pieces[count, 0], pieces[count, 1], pieces[count, 2] = r1 + dr, p1 + dp, run
                        count += 1
                    r1, p1 = r1 + dr + run, p1 + dp + run
                    break
            if found:
                break
        if not found:
            last = min(size - p1, GAP)
            _changed(stream, kinds, r1, min(n, r1 + last), item, item_kinds, p1, p1 + last, mark)
            break
    while p0 > 0 and r0 > 0:  # to the left
        found = False
        for total in range(1, 2 * GAP + 1):
            for dp in range(max(0, total - GAP), min(GAP, total) + 1):
                dr = total - dp
                if p0 - dp <= 0 or r0 - dr <= 0:
                    continue
                run = _equal_back(stream, r0 - dr, item, p0 - dp)
                if run >= ANCHOR or (run > 0 and dp == dr and dp <= 2 and p0 - dp - run == 0):
                    found = True
                    _changed(stream, kinds, r0 - dr, r0, item, item_kinds, p0 - dp, p0, mark)
                    for k in range(p0 - dp - run, p0 - dp):
                        mark[k] |= 1
                    r0, p0 = r0 - dr - run, p0 - dp - run
                    if count < pieces.shape[0]:
                        pieces[count, 0], pieces[count, 1], pieces[count, 2] = r0, p0, run
                        count += 1
                    break
            if found:
                break
        if not found:
            last = min(p0, GAP)
            _changed(stream, kinds, max(0, r0 - last), r0, item, item_kinds, p0 - last, p0, mark)
            break
    return count, r1


@njit(nogil=True, cache=True)
def _near(stream: np.ndarray, n: int, first: int, last: int, items: Items, item: int) -> bool:
    """Whether enough of an item's answers stand near the row's words first … last-1, outside of them."""
    found = 0
    for a in range(items.answer_bounds[item], items.answer_bounds[item + 1]):
        begin = items.text_bounds[a]
        size = min(items.text_bounds[a + 1] - begin, ANSWER_WORDS)
        reach = NEAR_ONE if size == 1 else NEAR_WORDS
        there = False
        for side in range(2):
            low, high = (last, min(n, last + reach)) if side == 0 else (max(0, first - reach), first)
            for r in range(low, high - size + 1):
                k = 0
                while k < size and stream[r + k] == items.text_hashes[begin + k]:
                    k += 1
                if k == size:
                    there = True
                    break
            if there:
                break
        found += there
    return found > 0 and found >= items.needed[item]


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
        oldest *= _BASE
    for k in range(size - 1):
        gram = gram * _BASE + stream[k]
    for last in range(size - 1, n):
        gram = gram * _BASE + stream[last]
        r = last - size + 1
        if r > 0:
            gram -= stream[r - 1] * oldest
        key = _key(gram)
        bit = (key >> np.uint64(20)) & bits
        if not (seeds.filter[bit >> np.uint64(6)] >> (bit & np.uint64(63))) & np.uint64(1):
            continue
        slot = _find(seeds, key)
        if slot < 0:
            continue
        for posting in range(seeds.firsts[slot], seeds.firsts[slot + 1]):
            item, p = seeds.items[posting], seeds.words[posting]
            begin, end = items.bounds[item], items.bounds[item + 1]
            if stamps[item] == stamp and r < ends[item]:
                continue
            if stamps[item] != stamp:
                stamps[item] = stamp
                chains[item] = -1
                marks[begin:end] = 0
                touched[counts[0]] = item
                counts[0] += 1
            before = counts[1]
            counts[1], ends[item] = _grow(
                stream, kinds, n, r, items.hashes[begin:end], items.kinds[begin:end], p, marks[begin:end], pieces,
                before, whole_only or items.whole[item],
            )  # fmt: skip
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
    letters, others = np.empty(3 * room + 64, np.int32), np.empty(3 * items.data.shape[0] + 64, np.int32)
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
            _scan(mine, mine_kinds, m, long, items, whole_only, stamps, stamp, ends, chains, links, touched, pieces, marks, counts)
            _scan(mine, mine_kinds, m, short, items, True, stamps, stamp, ends, chains, links, touched, pieces, marks, counts)
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
                    _tell(
                        data, begin, end, mine, m, which, order, hashes, n, starts, stops, kinds, places, items, item,
                        chains[item], links, pieces, marks, codes, more, bounds, letters, others, hits, hit_pieces, used, row, least, best,
                        parts, part_offsets[row], n_parts, spoken,
                    )  # fmt: skip
                else:
                    used[2] = 1
                if used[2]:  # no more room
                    _take_back(hits, used, row)
                    return row
    return offsets.shape[0] - 1


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


@njit(nogil=True, cache=True)
def _folded_byte(b: int) -> int:
    """A byte for comparison: small ASCII letters; 0 where it is white space or joins messages."""
    if b <= 0x20:
        return 0
    return b + 0x20 if 0x41 <= b <= 0x5A else b


@njit(nogil=True, cache=True)
def _same_signs(
    data: np.ndarray, begin: int, end: int, at: int, text: np.ndarray, text_begin: int, text_end: int, text_at: int
) -> bool:
    """Whether the item stands in the row sign by sign, white space and case of ASCII aside; both words begin at `at`s."""
    for way in (1, -1):
        j, k = (at, text_at) if way == 1 else (at - 1, text_at - 1)
        while text_begin <= k < text_end:
            want = _folded_byte(text[k])
            if want == 0:
                k += way
                continue
            while begin <= j < end and _folded_byte(data[j]) == 0:
                j += way
            if not begin <= j < end or _folded_byte(data[j]) != want:
                return False
            j, k = j + way, k + way
    return True


@njit(nogil=True, cache=True)
def _spoken(
    data: np.ndarray, begin: int, end: int, at: int, parts: np.ndarray, first: int, n_parts: int, spoken: np.ndarray
) -> tuple[np.ndarray, int]:
    """The bytes of the user's messages of a row alone, and where byte `at` is among them."""
    out = np.empty(end - begin, np.uint8)
    n, moved = 0, 0
    for k in range(first, first + n_parts):
        if not spoken[k]:
            continue
        low = begin + parts[k]
        high = begin + parts[k + 1] - 1 if k + 1 < first + n_parts else end
        if low <= at < high:
            moved = n + at - low
        out[n : n + high - low] = data[low:high]
        n += high - low
    return out[:n], moved


@njit(nogil=True, cache=True)
def _ends(b: int) -> bool:
    """Whether a byte ends a sentence: a line's or message's end, `.:?!`, or a sign that is not ASCII."""
    return b == 0x0A or b == 0x1E or b == 0x2E or b == 0x3A or b == 0x3F or b == 0x21 or b >= 0x80


@njit(nogil=True, cache=True)
def _says(b: int) -> bool:
    """Whether a byte is a letter or digit of ASCII."""
    return 0x30 <= b <= 0x39 or 0x61 <= (b | 0x20) <= 0x7A


@njit(nogil=True, cache=True)
def _bounded(data: np.ndarray, begin: int, end: int, start: int, stop: int) -> int:
    """Whether a sentence begins with byte `start` (1) and one ends before `stop` (2), as a sum."""
    found = 3
    k = start - 1
    while k >= begin and not _ends(data[k]):
        if _says(data[k]):
            found -= 1
            break
        k -= 1
    k = stop
    while k < end and not _ends(data[k]):
        if _says(data[k]) or data[k] == 0x2C:
            found -= 2
            break
        k += 1
    return found


@njit(nogil=True, cache=True)
def _tell(
    data: np.ndarray, begin: int, end: int, stream: np.ndarray, m: int, which: int, order: np.ndarray, hashes: np.ndarray, n: int,
    starts: np.ndarray, stops: np.ndarray, kinds: np.ndarray, places: np.ndarray, items: Items, item: int, chain: int,
    links: np.ndarray, pieces: np.ndarray, marks: np.ndarray, codes: np.ndarray, more: np.ndarray, bounds: np.ndarray,
    letters: np.ndarray, others: np.ndarray, hits: np.ndarray, hit_pieces: np.ndarray, used: np.ndarray, row: int,
    least: int, best: np.ndarray, parts: np.ndarray, first_part: int, n_parts: int, spoken: np.ndarray,
) -> None:  # fmt: skip
    """Write the hit of one item, unless too little of it is covered, or a word is not what its hash says."""
    first, last = items.bounds[item], items.bounds[item + 1]
    weight = covered = content = changed = touched = 0
    for k in range(first, last):
        weight += items.weights[k]
        if marks[k] & 1:
            touched += 1
            covered += items.weights[k]
            content += items.content[k]
        elif marks[k] & 2:
            changed += 1
    if covered == 0:
        return
    best[row] = max(best[row], (10000 * covered) // weight)
    if 10000 * covered < least * weight:
        return
    start = used[1]
    low, high = n, 0
    first_whole = m  # where in the stream the whole item stands, first
    piece = chain
    while piece >= 0:
        r, p, size = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
        if size == last - first and r < first_whole:
            first_whole = r
        k = 0
        while k < size:
            a = order[r + k] if which else r + k
            j = k
            b = a
            while j + 1 < size:  # to the end of the piece or of the message
                c = order[r + j + 1] if which else r + j + 1
                if places[c] != places[b]:
                    break
                b = c
                j += 1
            for t in range(k, j + 1):
                w = order[r + t] if which else r + t
                q = first + p + t
                na = fold_word(data, starts[w], stops[w], kinds[w], codes, more, bounds, letters)
                nb = fold_word(items.data, items.starts[q], items.stops[q], items.kinds[q], codes, more, bounds, others)
                if na != nb:
                    used[1] = start
                    return
                for x in range(na):
                    if letters[x] != others[x]:
                        used[1] = start
                        return
            at = used[1]
            if at >= hit_pieces.shape[0]:
                used[2] = 1
                return
            hit_pieces[at, 0], hit_pieces[at, 1] = p + k, j + 1 - k
            hit_pieces[at, 2], hit_pieces[at, 3] = starts[a] - begin, stops[b] - begin
            used[1] += 1
            low, high = min(low, a), max(high, b + 1)
            k = j + 1
        piece = links[piece]
    hit = used[0]
    hits[hit, ROW], hits[hit, ITEM] = row, item
    hits[hit, WEIGHT], hits[hit, COVERED], hits[hit, CONTENT], hits[hit, CHANGED] = weight, covered, content, changed
    alone = first_whole < m
    if alone:
        low = order[first_whole] if which else first_whole
        high = (order[first_whole + last - first - 1] if which else first_whole + last - first - 1) + 1
    hits[hit, WHOLE] = (
        alone and (low == 0 or places[low - 1] != places[low]) and (high == n or places[high] != places[high - 1])
    )
    if alone and which:
        said, at = _spoken(data, begin, end, starts[low], parts, first_part, n_parts, spoken)
        hits[hit, SAME] = _same_signs(
            said, 0, said.shape[0], at, items.data, items.offsets[item], items.offsets[item + 1], items.starts[first]
        )
    else:
        hits[hit, SAME] = alone and _same_signs(
            data, begin, end, starts[low], items.data, items.offsets[item], items.offsets[item + 1], items.starts[first]
        )
    hits[hit, BOUNDED] = _bounded(data, begin, end, starts[low], stops[high - 1]) if alone else 0
    hits[hit, NEAR] = _near(hashes, n, low, high, items, item)
    hits[hit, STREAM], hits[hit, FIRST_PIECE], hits[hit, PIECES], hits[hit, TOUCHED] = which, start, used[1] - start, touched
    used[0] += 1
