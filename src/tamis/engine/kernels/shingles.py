"""The n-grams of a text as 64-bit hashes, and sketches of them: one-permutation MinHash.

An n-gram of at most eight bytes is hashed one to one, so that two different ones never have the same hash; of longer
ones two share a hash once in 2**64. A text shorter than one n-gram is one n-gram as a whole; an empty text has none.
"""

from __future__ import annotations

import numpy as np

from .jit import njit
from .words import Word, load64, store64, trailing_zeros

_A, _B = np.uint64(0x9FB21C651E98DF25), np.uint64(0xD6E8FEB86659FD93)
_29, _32 = np.uint64(29), np.uint64(32)
_HIGH, _ONES = np.uint64(0x8080808080808080), np.uint64(0x0101010101010101)
_SEPARATORS = np.uint64(0x1E1E1E1E1E1E1E1E)
_MOST = np.uint64(0xFFFFFFFFFFFFFFFF)


@njit(nogil=True, cache=True, inline="always")
def mix(w: Word) -> Word:
    """A shuffle of all 64-bit values."""
    w = (w ^ (w >> _32)) * _A
    w = (w ^ (w >> _29)) * _B
    return w ^ (w >> _32)


@njit(nogil=True, cache=True)
def _packed(data: np.ndarray, start: int, end: int) -> Word:
    """At most eight bytes as one word."""
    w = np.uint64(0)
    for k in range(end - start):
        w |= np.uint64(data[start + k]) << np.uint64(8 * k)
    return w


@njit(nogil=True, cache=True)
def _hash_bytes(data: np.ndarray, start: int, end: int) -> Word:
    """The hash of any number of bytes."""
    h = np.uint64(end - start) * _B
    for k in range(start, end, 8):
        h = mix(h ^ _packed(data, k, min(k + 8, end)))
    return h


@njit(nogil=True, cache=True)
def is_ascii(data: np.ndarray, start: int, end: int) -> bool:
    """Whether every character of data[start : end] is a byte."""
    k, high = start, np.uint64(0)
    while k + 8 <= end:
        high |= load64(data, k)
        k += 8
    if high & _HIGH:
        return False
    while k < end:
        if data[k] >= 0x80:
            return False
        k += 1
    return True


@njit(nogil=True, cache=True)
def _width(lead: int) -> int:
    """Bytes of the character that begins with this byte."""
    return 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


@njit(nogil=True, cache=True)
def _characters(data: np.ndarray, start: int, end: int, n: int, out: np.ndarray) -> int:
    """The n-grams of characters, in order, repeated ones too: those of at most eight bytes as they are, else their hashes."""
    count = 0
    if n <= 8 and end - start >= n and is_ascii(data, start, end):
        mask = _MOST >> np.uint64(64 - 8 * n)
        fast = max(min(end - n + 1, data.shape[0] - 7) - start, 0)
        for k in range(fast):
            out[k] = load64(data, start + k) & mask
        for k in range(fast, end - n + 1 - start):
            out[k] = _packed(data, start + k, start + k + n)
        return end - n + 1 - start
    stop, held = start, 0
    while stop < end and held < n:
        stop += _width(data[stop])
        held += 1
    if held < n:
        out[0] = _hash_bytes(data, start, end)
        return 1
    begin = start
    while True:
        out[count] = _packed(data, begin, stop) if stop - begin <= 8 else _hash_bytes(data, begin, stop)
        count += 1
        if stop >= end:
            return count
        stop += _width(data[stop])
        begin += _width(data[begin])


@njit(nogil=True, cache=True)
def _words(data: np.ndarray, start: int, end: int, n: int, out: np.ndarray) -> int:
    """Hashes of the n-grams of words. Each character of a script without spaces (from U+3000 on) is a word."""
    words = 0
    k = start
    while k < end:
        if data[k] == 0x20 or data[k] == 0x1E:
            k += 1
            continue
        begin = k
        k += _width(data[k])
        if data[begin] < 0xE3:
            while k < end and data[k] != 0x20 and data[k] != 0x1E and data[k] < 0xE3:
                k += _width(data[k])
        out[words] = _hash_bytes(data, begin, min(k, end))
        words += 1
    if words == 0:
        return 0
    grams = max(1, words - n + 1)
    for i in range(grams):
        h = np.uint64(0)
        for j in range(i, min(i + n, words)):
            h = mix(h * _A ^ out[j])
        out[i] = h
    return grams


@njit(nogil=True, cache=True)
def ngrams(data: np.ndarray, start: int, end: int, n: int, by_words: bool, out: np.ndarray) -> int:
    """Write the n-grams of data[start : end] as words to `out`, room for end - start; returns how many. To be mixed before
    bits are taken from them.
    """
    if end <= start:
        return 0
    return _words(data, start, end, n, out) if by_words else _characters(data, start, end, n, out)


@njit(nogil=True, cache=True)
def mixed_ngrams(data: np.ndarray, start: int, end: int, n: int, by_words: bool, out: np.ndarray) -> int:
    """The same, mixed."""
    if not by_words and n <= 8 and end - start >= n and end + 8 <= data.shape[0] and is_ascii(data, start, end):
        mask = _MOST >> np.uint64(64 - 8 * n)
        for k in range(end - n + 1 - start):
            out[k] = mix(load64(data, start + k) & mask)
        return end - n + 1 - start
    count = ngrams(data, start, end, n, by_words, out)
    for k in range(count):
        out[k] = mix(out[k])
    return count


@njit(nogil=True, cache=True)
def table_size(count: int) -> int:
    """A power of two of at least twice as many places."""
    size = 16
    while size < 2 * count:
        size *= 2
    return size


@njit(nogil=True, cache=True)
def _densify(least: np.ndarray, filled: np.ndarray) -> int:
    """Fill empty bins; returns how many were full: round by round each full bin throws its value at another, the first one to hit stays.

    For two sets, whichever of the bins of their union hits first decides alike in both, so that a bin agrees
    with the probability of their Jaccard similarity, as one that was never empty.
    """
    bins = least.shape[0]
    full = 0
    for j in range(bins):
        if least[j] != _MOST:
            filled[full] = j
            full += 1
    if full == 0:
        return 0
    left = bins - full
    turn = np.uint64(0)
    while left:
        turn += np.uint64(1)
        for k in range(full):
            j = filled[k]
            place = np.int64(mix(turn * np.uint64(0x10001) + np.uint64(j)) & np.uint64(bins - 1))
            if least[place] == _MOST:
                least[place] = least[j]
                left -= 1
                if left == 0:
                    return full
    return full


@njit(nogil=True, cache=True)
def sketch_rows(
    data: np.ndarray,
    offsets: np.ndarray,
    rows: np.ndarray,
    n: int,
    by_words: bool,
    sketch: np.ndarray,
    full: np.ndarray,
) -> None:
    """sketch: (rows, bins) uint8, bins a power of two: of each of `rows` the lowest byte of the least hash in each bin; all 0
    for an empty text. full: (rows,) uint8, in how many bins there was a hash before the empty ones were filled.

    The highest bits of a hash say which bin it falls into.
    """
    bins = sketch.shape[1]
    shift = np.uint64(64)
    while bins > 1 << np.int64(np.uint64(64) - shift):
        shift -= np.uint64(1)
    least = np.empty(bins, np.uint64)
    filled = np.empty(bins, np.int64)
    grams = np.empty(4096, np.uint64)
    for place in range(rows.shape[0]):
        start, end = offsets[rows[place]], offsets[rows[place] + 1]
        if end - start > grams.shape[0]:
            grams = np.empty(2 * (end - start), np.uint64)
        count = mixed_ngrams(data, start, end, n, by_words, grams)
        least[:] = _MOST
        for k in range(count):
            h = grams[k]
            bin = h >> shift
            least[bin] = min(least[bin], h)
        full[place] = _densify(least, filled)
        if count == 0:
            sketch[place, :] = 0
            continue
        for k in range(bins):
            sketch[place, k] = np.uint8(least[k] & np.uint64(0xFF))


@njit(nogil=True, cache=True)
def _separator(data: np.ndarray, k: int, end: int) -> int:
    """Where the next message separator (0x1E) stands, `end` where there is none."""
    while k + 8 <= end:
        w = load64(data, k) ^ _SEPARATORS
        hit = (w - _ONES) & ~w & _HIGH
        if hit:
            return int(k + (trailing_zeros(hit) >> 3))
        k += 8
    while k < end and data[k] != 0x1E:
        k += 1
    return k


@njit(nogil=True, cache=True)
def tighten(data: np.ndarray, offsets: np.ndarray, out_offsets: np.ndarray) -> None:
    """Take the blanks beside message separators (0x1E) out of strings, in place; out_offsets: where they stand then.

    Runs of blanks are one blank already.
    """
    at = 0
    for i in range(offsets.shape[0] - 1):
        out_offsets[i] = at
        k, end = offsets[i], offsets[i + 1]
        while k < end:
            stop = _separator(data, k, end)
            begin = k + int(k > offsets[i] and k < stop and data[k] == 0x20)
            last = stop - int(stop < end and begin < stop and data[stop - 1] == 0x20)
            if at == begin:
                at = last
            else:
                while begin + 8 <= last:  # at < begin: what a word covers was read before
                    store64(data, at, load64(data, begin))
                    begin += 8
                    at += 8
                for place in range(begin, last):
                    data[at] = data[place]
                    at += 1
            if stop < end:
                data[at] = 0x1E
                at += 1
            k = stop + 1
    out_offsets[offsets.shape[0] - 1] = at
