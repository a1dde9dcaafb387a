"""What is told of an item that stands in a row: how much, where, and how surely. Every word is compared here."""

from __future__ import annotations

import numpy as np

from .folded_words import fold_word
from .jit import njit
from .overlap_index import Items

#: columns of a hit
ROW, ITEM, WEIGHT, COVERED, CONTENT, CHANGED, NEAR, WHOLE = range(8)
STREAM, FIRST_PIECE, PIECES, TOUCHED, SAME, BOUNDED, ENDED = range(8, 15)
HIT = 15
#: columns of a piece: first word in the item, words, first and last byte in the row (from the row's begin)
PIECE = 4
NEAR_WORDS, NEAR_ONE = 96, 32  # how far an answer may stand from its question; one of a single word
ANSWER_WORDS = 12  # of an answer that are compared
END_WORDS = 10  # of an item: where its question stands, if it begins with a passage


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
def tell(
    data: np.ndarray, begin: int, end: int, stream: np.ndarray, m: int, which: int, order: np.ndarray, hashes: np.ndarray, n: int,
    starts: np.ndarray, stops: np.ndarray, kinds: np.ndarray, places: np.ndarray, items: Items, item: int, chain: int,
    links: np.ndarray, pieces: np.ndarray, marks: np.ndarray, codes: np.ndarray, more: np.ndarray, bounds: np.ndarray,
    letters: np.ndarray, others: np.ndarray, hits: np.ndarray, hit_pieces: np.ndarray, used: np.ndarray, row: int,
    least: int, best: np.ndarray, parts: np.ndarray, first_part: int, n_parts: int, spoken: np.ndarray,
) -> None:  # fmt: skip
    """Write the hit of one item, unless too little of it is covered, or a word is not what its hash says."""
    first, last = items.bounds[item], items.bounds[item + 1]
    weight = covered = content = changed = touched = ended = 0
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
    start = used[1]
    low, high = n, 0
    first_whole = m  # where in the stream the whole item stands, first
    piece = chain
    while piece >= 0:
        if pieces[piece, 2] == last - first:
            first_whole = min(first_whole, pieces[piece, 0])
        piece = links[piece]
    alone, same = first_whole < m, False
    if alone:
        low = order[first_whole] if which else first_whole
        high = (order[first_whole + last - first - 1] if which else first_whole + last - first - 1) + 1
        text_begin, text_end, text_at = items.offsets[item], items.offsets[item + 1], items.starts[first]
        if which:
            said, at = _spoken(data, begin, end, starts[low], parts, first_part, n_parts, spoken)
            same = _same_signs(said, 0, said.shape[0], at, items.data, text_begin, text_end, text_at)
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
    hits[hit, ENDED] = ended
    hits[hit, BOUNDED] = _bounded(data, begin, end, starts[low], stops[high - 1]) if alone else 0
    hits[hit, NEAR] = _near(hashes, n, low, high, items, item)
    hits[hit, STREAM], hits[hit, FIRST_PIECE], hits[hit, PIECES], hits[hit, TOUCHED] = (
        which,
        start,
        used[1] - start,
        touched,
    )
    used[0] += 1
