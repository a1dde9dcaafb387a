"""What is told of an item that stands in a row: how much, where, and how surely. Every word is compared here."""

from __future__ import annotations

import numpy as np

from .folded_words import fold_word
from .jit import plain
from .overlap_index import Items, Work

#: columns of a hit
ROW, ITEM, WEIGHT, COVERED, CONTENT, CHANGED, NEAR, WHOLE = range(8)
STREAM, FIRST_PIECE, PIECES, TOUCHED, SAME, BOUNDED, ENDED, OTHER, PUT_IN, LONGEST = range(8, 18)
HIT = 18
#: columns of a piece: first word in the item, words, first and last byte in the row (from the row's begin)
PIECE = 4
NEAR_WORDS, NEAR_ONE = 96, 32  # how far an answer may stand from its question; one of a single word
ANSWER_WORDS = 12  # of an answer that are compared
END_WORDS = 10  # of an item: where its question stands, if it begins with a passage


@plain
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


@plain
def _folded_byte(b: int) -> int:
    """A byte for comparison: small ASCII letters; 0 where it is white space or joins messages."""
    if b <= 0x20:
        return 0
    return b + 0x20 if 0x41 <= b <= 0x5A else b


@plain
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


@plain
def _spoken(
    data: np.ndarray, begin: int, end: int, at: int, parts: np.ndarray, first: int, n_parts: int, spoken: np.ndarray,
    said: np.ndarray,
) -> tuple[int, int]:  # fmt: skip
    """Write the bytes of the user's messages of a row alone; returns how many, and where byte `at` is among them."""
    n, moved = 0, 0
    for k in range(first, first + n_parts):
        if not spoken[k]:
            continue
        low = begin + parts[k]
        high = begin + parts[k + 1] - 1 if k + 1 < first + n_parts else end
        if low <= at < high:
            moved = n + at - low
        for j in range(low, high):
            said[n + j - low] = data[j]
        n += high - low
    return n, moved


@plain
def _ends(b: int) -> bool:
    """Whether a byte ends a sentence: a line's or message's end, `.:?!`, or a sign that is not ASCII."""
    return b == 0x0A or b == 0x1E or b == 0x2E or b == 0x3A or b == 0x3F or b == 0x21 or b >= 0x80


@plain
def _says(b: int) -> bool:
    """Whether a byte is a letter or digit of ASCII."""
    return 0x30 <= b <= 0x39 or 0x61 <= (b | 0x20) <= 0x7A


@plain
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


@plain
def _put_in(chain: int, links: np.ndarray, pieces: np.ndarray) -> int:
    """How many words the row has more than the item, within the seed that grew furthest. One seed's pieces follow each other."""
    piece, best, most = chain, 0, 0
    while piece >= 0:
        one, equal = pieces[piece, 3], 0
        r0, r1 = pieces[piece, 0], pieces[piece, 0]
        p0, p1 = pieces[piece, 1], pieces[piece, 1]
        while piece >= 0 and pieces[piece, 3] == one:
            r, p, size = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
            equal += size
            r0, r1, p0, p1 = min(r0, r), max(r1, r + size), min(p0, p), max(p1, p + size)
            piece = links[piece]
        if equal > most:
            most, best = equal, max(0, (r1 - r0) - (p1 - p0))
    return best


@plain
def _alike(data: np.ndarray, start: int, stop: int, other: np.ndarray, low: int, high: int) -> bool:
    """Whether two words of one kind are the same bytes, case of ASCII aside: then they fold to the same."""
    if stop - start != high - low:
        return False
    for k in range(stop - start):
        a, b = data[start + k], other[low + k]
        if a != b and (a ^ b != 0x20 or not 0x61 <= (a | 0x20) <= 0x7A):
            return False
    return True


@plain
def tell(
    data: np.ndarray, begin: int, end: int, stream: np.ndarray, m: int, which: int, n: int, items: Items, item: int,
    work: Work, codes: np.ndarray, more: np.ndarray, bounds: np.ndarray, hits: np.ndarray, hit_pieces: np.ndarray,
    used: np.ndarray, row: int, least: int, best: np.ndarray, parts: np.ndarray, first_part: int, n_parts: int,
    spoken: np.ndarray,
) -> None:  # fmt: skip
    """Write the hit of one item, unless too little of it is covered, or a word is not what its hash says."""
    hashes, starts, stops, kinds, places = work.hashes, work.starts, work.stops, work.kinds, work.places
    order, pieces, links, marks = work.order, work.pieces, work.links, work.marks
    letters, others, chain = work.letters, work.others, work.chains[item]
    first, last = items.bounds[item], items.bounds[item + 1]
    weight = covered = content = changed = touched = ended = other = 0
    for k in range(first, last):
        weight += items.weights[k]
        if marks[k] & 1:
            touched += 1
            covered += items.weights[k]
            content += items.content[k]
            continue
        if marks[k] & 2:
            changed += 1
        if not marks[k] & 4:
            other += items.content[k]
    if covered == 0:
        return
    start = used[1]
    low, high = n, 0
    longest = 0
    first_whole = m  # where in the stream the whole item stands, first
    piece = chain
    while piece >= 0:
        longest = max(longest, pieces[piece, 2])
        if pieces[piece, 2] == last - first:
            first_whole = min(first_whole, pieces[piece, 0])
        piece = links[piece]
    alone, same = first_whole < m, False
    if alone:
        low = order[first_whole] if which else first_whole
        high = (order[first_whole + last - first - 1] if which else first_whole + last - first - 1) + 1
        text_begin, text_end, text_at = items.offsets[item], items.offsets[item + 1], items.starts[first]
        if which:
            size, at = _spoken(data, begin, end, starts[low], parts, first_part, n_parts, spoken, work.said)
            same = _same_signs(work.said, 0, size, at, items.data, text_begin, text_end, text_at)
        else:
            same = _same_signs(data, begin, end, starts[low], items.data, text_begin, text_end, text_at)
    if items.strict[item] and not same and (alone or items.whole[item]):
        return
    best[row] = max(best[row], (10000 * covered) // weight)
    if 10000 * covered < least * weight:
        return
    piece = chain
    while piece >= 0:
        r, p, size = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
        if first_whole < m and (size < last - first or r > first_whole):  # one place is enough
            piece = links[piece]
            continue
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
                if _alike(data, starts[w], stops[w], items.data, items.starts[q], items.stops[q]):
                    continue
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
    hits[hit, WHOLE] = (
        alone and (low == 0 or places[low - 1] != places[low]) and (high == n or places[high] != places[high - 1])
    )
    hits[hit, SAME] = same
    for k in range(max(first, last - END_WORDS), last):
        ended += marks[k] & 1
    hits[hit, ENDED], hits[hit, OTHER], hits[hit, LONGEST] = ended, other, longest
    hits[hit, PUT_IN] = 0 if alone else _put_in(chain, links, pieces)
    hits[hit, BOUNDED] = _bounded(data, begin, end, starts[low], stops[high - 1]) if alone else 0
    hits[hit, NEAR] = _near(hashes, n, low, high, items, item)
    hits[hit, STREAM], hits[hit, FIRST_PIECE], hits[hit, PIECES], hits[hit, TOUCHED] = (
        which,
        start,
        used[1] - start,
        touched,
    )
    used[0] += 1
