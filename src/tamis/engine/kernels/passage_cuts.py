"""Repeated passages: where to cut, in bytes and in characters, and the texts that are left."""

from __future__ import annotations

import numpy as np

from .jit import njit
from .passages import Rules, Words, class_of, code_point, room_for, row_words

#: how far a cut shrinks to fall where a line, or a sentence, begins and ends
NO_SNAP, LINES, SENTENCES = 0, 1, 2
_TAB, _NEWLINE, _RETURN, _SPACE = np.uint8(0x09), np.uint8(0x0A), np.uint8(0x0D), np.uint8(0x20)
#: what may stand before the first word of a line: quote and list marks
_BEFORE = np.frombuffer(b" \t>-*+#|", np.uint8)
#: what may stand between the mark that ends a sentence and the white space
_CLOSING = np.frombuffer(b"\"')]*_", np.uint8)

#: short forms after which a full stop ends nothing, each with a blank behind it
_SHORT = np.frombuffer(b"mr mrs ms dr prof st no nr vs fig vol approx tel jr sr ca bzw ", np.uint8)


@njit(nogil=True, cache=True)
def _is_in(byte: int, some: np.ndarray) -> bool:
    for b in some:  # noqa: SIM110  (no generators in kernels)
        if b == byte:
            return True
    return False


@njit(nogil=True, cache=True)
def _space(byte: int) -> bool:
    return bool(byte == _SPACE or 0x09 <= byte <= 0x0D)


@njit(nogil=True, cache=True)
def _ends_sentence(data: np.ndarray, start: int, p: int) -> bool:
    """Whether the text before `p` ends in a mark that ends sentences, closing quotes and brackets aside."""
    while p > start and _is_in(data[p - 1], _CLOSING):
        p -= 1
    if p > start and (data[p - 1] == 0x21 or data[p - 1] == 0x3F):
        return True
    if p > start and data[p - 1] == 0x2E:
        return not _abbreviated(data, start, p - 1)
    return _wide_mark(data, start, p)


@njit(nogil=True, cache=True)
def _abbreviated(data: np.ndarray, start: int, p: int) -> bool:
    """Whether the word before the full stop at `p` is one letter, as in p.m. and initials, or a known short form."""
    k = p
    while k > start and 0x61 <= (data[k - 1] | 0x20) <= 0x7A:
        k -= 1
    if p - k == 1:
        return True
    at = 0
    while at < _SHORT.shape[0]:
        size = 0
        while _SHORT[at + size] != _SPACE:
            size += 1
        if size == p - k:
            same = True
            for j in range(size):
                same &= (data[k + j] | 0x20) == _SHORT[at + j]
            if same:
                return True
        at += size + 1
    return False


@njit(nogil=True, cache=True)
def _wrapped(data: np.ndarray, start: int, p: int) -> bool:
    """Whether the line that begins at `p` goes on with the sentence before it: a small letter after no full stop."""
    if p >= data.shape[0] or not 0x61 <= data[p] <= 0x7A:
        return False
    k = p - 1
    while k > start and (data[k - 1] == _SPACE or data[k - 1] == _RETURN):
        k -= 1
    return k > start and data[k - 1] != _NEWLINE and not _ends_sentence(data, start, k)


@njit(nogil=True, cache=True)
def _wide_mark(data: np.ndarray, start: int, p: int) -> bool:
    """Whether an ideographic full stop, exclamation or question mark stands before `p`."""
    if p < start + 3:
        return False
    a, b, c = data[p - 3], data[p - 2], data[p - 1]
    stop = a == 0xE3 and b == 0x80 and c == 0x82
    return bool(stop or (a == 0xEF and b == 0xBC and (c == 0x81 or c == 0x9F)))


@njit(nogil=True, cache=True)
def start_of(data: np.ndarray, start: int, p: int, snap: int, classes: np.ndarray) -> int:
    """Where a cut that begins with the word at `p` begins; -1 where no line (or sentence) begins with it."""
    k = p
    while k > start and _is_in(data[k - 1], _BEFORE):
        k -= 1
    if k == start or (data[k - 1] == _NEWLINE and not (snap == SENTENCES and k == p and _wrapped(data, start, p))):
        return k
    k = p
    while k > start and not _space(data[k - 1]):  # an opening quote or bracket belongs to the word
        j = k - 1
        while j > start and (data[j] & 0xC0) == 0x80:
            j -= 1
        if class_of(code_point(data, j)[0], classes) != 0 or _wide_mark(data, start, k):
            break
        k = j
    if k == start or (k < p and data[k - 1] == _NEWLINE):
        return k
    if snap == NO_SNAP:
        return k if _space(data[k - 1]) else p
    if snap == LINES:
        return -1
    j = k
    while j > start and (data[j - 1] == _SPACE or data[j - 1] == _TAB):
        j -= 1
    goes_on = 0x61 <= data[p] <= 0x7A
    if _wide_mark(data, start, j) or (j < k and not goes_on and _ends_sentence(data, start, j)):
        return k
    return -1


@njit(nogil=True, cache=True)
def end_of(data: np.ndarray, begin: int, p: int, end: int, snap: int, classes: np.ndarray) -> int:
    """Where a cut whose last word ends at `p` ends; -1 where no line (or sentence) ends with it."""
    k = p
    while k < end and not _space(data[k]):
        point, size = code_point(data, k)
        if class_of(point, classes) != 0:
            break
        k += size
        if _wide_mark(data, p, k):
            return k if snap != LINES else -1
    at_space = k == end or _space(data[k])
    if snap == NO_SNAP:
        return k if at_space else p
    if not at_space:
        return -1
    j = k
    while j < end and (data[j] == _SPACE or data[j] == _TAB or data[j] == _RETURN):
        j += 1
    if j == end or (data[j] == _NEWLINE and not (snap == SENTENCES and _wrapped(data, begin, j + 1))):
        return k
    goes_on = 0x61 <= data[j] <= 0x7A
    if snap == SENTENCES and not goes_on and _ends_sentence(data, begin, k):
        return k
    return -1


@njit(nogil=True, cache=True)
def cut_places(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    rules: Rules,
    snap: int,
    row: np.ndarray,
    word: np.ndarray,
    count: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """((k, 4) int64: row, message of the batch, first byte, byte after the last; (k,) words in it).

    row, word, count: repeated words, ascending and apart. Bytes count from the message's begin.
    """
    words = room_for(offsets, starts)
    out, sizes = np.empty((2 * row.shape[0] + 16, 4), np.int64), np.empty(2 * row.shape[0] + 16, np.int64)
    k, at = 0, np.int64(-1)
    for c in range(row.shape[0]):
        if row[c] != at:
            at = row[c]
            row_words(data, offsets, starts[at], starts[at + 1], rules, words)
        first, last = word[c], word[c] + count[c]
        while first < last:
            stop = first
            while stop < last and words.stretch[stop] == words.stretch[first]:
                stop += 1
            m = words.message[first]
            begin, end = offsets[m], offsets[m + 1]
            a, w = np.int64(-1), first
            while w < stop:
                a = start_of(data, begin, words.begin[w], snap, rules.classes)
                if a >= 0:
                    break
                w += 1
            b, z = np.int64(-1), stop
            while z > w:
                b = end_of(data, begin, words.end[z - 1], end, snap, rules.classes)
                if b >= 0:
                    break
                z -= 1
            if a >= 0 and b > a:
                if k == out.shape[0]:
                    wider, sizer = np.empty((2 * k, 4), np.int64), np.empty(2 * k, np.int64)
                    wider[:k], sizer[:k] = out, sizes
                    out, sizes = wider, sizer
                out[k, 0], out[k, 1], out[k, 2], out[k, 3] = at, m, a - begin, b - begin
                sizes[k] = z - w
                k += 1
            first = stop
    return out[:k], sizes[:k]


@njit(nogil=True, cache=True)
def characters_at(
    data: np.ndarray, offsets: np.ndarray, message: np.ndarray, place: np.ndarray, found: np.ndarray
) -> None:
    """found: (k,) int64, how many characters stand before a byte of a message. Each place is counted from its begin."""
    for k in range(message.shape[0]):
        begin, total = offsets[message[k]], 0
        for j in range(begin, begin + place[k]):
            total += (data[j] & 0xC0) != 0x80
        found[k] = total


@njit(nogil=True, cache=True)
def cut_texts(
    data: np.ndarray,
    offsets: np.ndarray,
    message: np.ndarray,
    first: np.ndarray,
    last: np.ndarray,
    classes: np.ndarray,
    out: np.ndarray,
    out_offsets: np.ndarray,
    empty: np.ndarray,
) -> None:
    """The messages named in `message` (ascending; a new one where it changes) without bytes first … last - 1.

    White space after a cut goes with it where there is some before it, or at the end of the text. out_offsets:
    (k + 1,) int64, one text per distinct message; empty: (k,) bool, no word is left.
    """
    at, k, c = 0, 0, 0
    n = message.shape[0]
    out_offsets[0] = 0
    while c < n:
        m = message[c]
        begin, end = offsets[m], offsets[m + 1]
        text = at
        place = begin
        while c < n and message[c] == m:
            a, b = begin + first[c], begin + last[c]
            while place < a:
                out[at] = data[place]
                at += 1
                place += 1
            place = max(place, b)
            if at == text or _space(out[at - 1]):
                while place < end and _space(data[place]):
                    place += 1
            c += 1
        if place >= end:
            while at > text and _space(out[at - 1]):
                at -= 1
        while place < end:
            out[at] = data[place]
            at += 1
            place += 1
        empty[k] = True
        j = text
        while j < at:
            point, size = code_point(out, j)
            if class_of(point, classes) != 0:
                empty[k] = False
                break
            j += size
        k += 1
        out_offsets[k] = at


__all__ = [
    "LINES", "NO_SNAP", "SENTENCES", "Words", "characters_at", "cut_places", "cut_texts", "end_of", "start_of",
]  # fmt: skip
