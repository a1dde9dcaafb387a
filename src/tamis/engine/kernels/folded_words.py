"""Words of a text as they are compared (see `folding`): where they stand, what they are, a 64-bit hash of each.

A word is a run of letters, a number, or one character of a script without spaces. `1,000` is 1000 and `2.50` is 2.5;
a word broken by a hyphen at the end of a line is one word; the calculator's notes of GSM8K, `<<3*4=12>>`, are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import inlined, plain
from .words import load64, trailing_zeros

LETTER, DIGIT, SINGLE, MORE = 1, 2, 3, 4  # as in `folding`, which kernels cannot import without its tables
KIND, POINT = 24, 0xFFFFFF
TABLE = 0x1E000
NOTE = 64  # bytes of the longest calculator's note

_START = np.uint64(0xCBF29CE484222325)
_MIX, _END = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
_0, _3, _7, _8, _29, _32 = (np.uint64(k) for k in (0, 3, 7, 8, 29, 32))
#: of eight bytes at once: the bit of a small letter; of each byte the top bit, and what carries letters from `a` and past `z` into it
_SMALL, _TOP = np.uint64(0x2020202020202020), np.uint64(0x8080808080808080)
_TO_A, _PAST_Z = np.uint64(0x1F1F1F1F1F1F1F1F), np.uint64(0x0505050505050505)
_BYTE = np.uint64(0xFF)
_WORD = 8  # bytes


@inlined
def _block(h: np.uint64, block: np.uint64) -> np.uint64:
    """The hash after eight more bytes."""
    h = (h ^ block) * _MIX
    return h ^ (h >> _29)


@inlined
def _add(h: np.uint64, block: np.uint64, filled: int, some: np.uint64, size: int) -> tuple[np.uint64, np.uint64, int]:
    """The hash, the bytes that do not fill a block yet, and how many, after `size` more bytes (1 to 8)."""
    block |= some << np.uint64(8 * filled)
    if filled + size < _WORD:
        return h, block, filled + size
    rest = some >> np.uint64(8 * (_WORD - filled)) if filled else _0
    return _block(h, block), rest, filled + size - _WORD


@inlined
def _point(h: np.uint64, block: np.uint64, filled: int, point: int) -> tuple[np.uint64, np.uint64, int]:
    """The same after a folded code point: a byte of ASCII, or three beyond it."""
    if point < 0x80:
        return _add(h, block, filled, np.uint64(point), 1)
    some = 0x808080 | (point & 0x7F) | ((point >> 7) & 0x7F) << 8 | ((point >> 14) & 0x7F) << 16
    return _add(h, block, filled, np.uint64(some), 3)


@inlined
def _hashed(h: np.uint64, block: np.uint64) -> np.uint64:
    """The hash of a word. No byte of one is 0, so what fills its last block tells how long it is."""
    h = (h ^ block) * _MIX
    h = (h ^ (h >> _32)) * _END
    return h ^ (h >> _29)


@inlined
def _letters(low: np.uint64, eight: np.uint64) -> int:
    """How many of eight bytes are ASCII letters, from the first on. low: the same in small letters."""
    below = low & ~_TOP
    letter = (below + _TO_A) & ~(below + _PAST_Z) & ~eight & _TOP
    return int(trailing_zeros(~letter & _TOP) >> 3)


@plain
def _code_at(data: np.ndarray, k: int, end: int, codes: np.ndarray) -> Any:
    """(code, bytes) of the character at `k`, which is not ASCII; code as in the table of `folding`."""
    b = np.int64(data[k])
    if b < 0xE0 and k + 1 < end:
        return np.int64(codes[((b & 0x1F) << 6) | (data[k + 1] & 0x3F)]), 2
    if b < 0xF0 and k + 2 < end:
        point = ((b & 0x0F) << 12) | ((np.int64(data[k + 1]) & 0x3F) << 6) | (np.int64(data[k + 2]) & 0x3F)
        return np.int64(codes[point]), 3
    if k + 3 < end:
        point = ((b & 0x07) << 18) | ((np.int64(data[k + 1]) & 0x3F) << 12)
        point |= ((np.int64(data[k + 2]) & 0x3F) << 6) | (np.int64(data[k + 3]) & 0x3F)
        if point < TABLE:
            return np.int64(codes[point]), 4
        if 0x20000 <= point < 0x40000:
            return (SINGLE << KIND) | point, 4
        return -1 if 0xE0000 <= point < 0xE0200 else 0, 4
    return 0, 1


@plain
def _digit(data: np.ndarray, k: int, end: int, codes: np.ndarray) -> int:
    """Bytes of the digit at `k`, of any script; 0 if there is none."""
    if k >= end:
        return 0
    if data[k] < 0x80:
        return 1 if 0x30 <= data[k] <= 0x39 else 0
    code, size = _code_at(data, k, end, codes)
    return size if code >> KIND == DIGIT else 0


@plain
def _sign(data: np.ndarray, k: int, end: int, sign: int) -> int:
    """Bytes of the ASCII sign at `k`, or of its full-width form; 0 if another character stands there."""
    if k < end and data[k] == sign:
        return 1
    wide = k + 2 < end and data[k] == 0xEF and data[k + 1] == 0xBC and data[k + 2] == sign + 0x60
    return 3 if wide else 0


@plain
def _note(data: np.ndarray, k: int, end: int) -> int:
    """Bytes of the calculator's note that begins at `k`, 0 if there is none."""
    if k + 4 > end or data[k] != 0x3C or data[k + 1] != 0x3C:
        return 0
    for j in range(k + 2, min(end - 1, k + NOTE)):
        b = data[j]
        if b == 0x3E and data[j + 1] == 0x3E:
            return j + 2 - k
        if b > 0x3E or b < 0x20 or b == 0x3C:  # only digits and signs stand in one
            return 0
    return 0


@plain
def _broken(data: np.ndarray, k: int, end: int) -> int:
    """Bytes from the hyphen at `k` to the rest of the word in the next line, 0 where the line goes on or ends otherwise."""
    j = k + 1
    if j < end and data[j] == 0x0D:
        j += 1
    if j >= end or data[j] != 0x0A:
        return 0
    j += 1
    while j < end and (data[j] == 0x20 or data[j] == 0x09):
        j += 1
    return j - k if j < end and 0x61 <= data[j] <= 0x7A else 0


@plain
def _fraction(data: np.ndarray, k: int, end: int, codes: np.ndarray) -> int:
    """Bytes of the decimal point at `k` and the digits after it, 0 where there is none (or it is 1.2.3)."""
    point = _sign(data, k, end, 0x2E)
    j = k + point
    size = _digit(data, j, end, codes) if point else 0
    if size == 0:
        return 0
    while size:
        j += size
        size = _digit(data, j, end, codes)
    again = _sign(data, j, end, 0x2E)
    return 0 if again and _digit(data, j + again, end, codes) else j - k


@plain
def _grouped(data: np.ndarray, k: int, end: int, run: int, codes: np.ndarray) -> int:
    """Bytes of the comma at `k`, after `run` digits, where it stands between thousands; else 0."""
    comma = _sign(data, k, end, 0x2C)
    if comma == 0 or not 1 <= run <= 3:
        return 0
    j = k + comma
    for _ in range(3):
        size = _digit(data, j, end, codes)
        if size == 0:
            return 0
        j += size
    return 0 if _digit(data, j, end, codes) else comma


@plain
def find_words(
    data: np.ndarray,
    begin: int,
    end: int,
    codes: np.ndarray,
    more: np.ndarray,
    bounds: np.ndarray,
    hashes: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    kinds: np.ndarray,
) -> int:
    """The words of data[begin:end]: hashes uint64, starts and stops int64 (bytes), kinds uint8. Returns how many.

    There must be room for as many words as there are bytes.
    """
    n = 0
    opened = 0  # kind of the word being read, 0: none is
    h, block, filled = _START, _0, 0
    start, stop, run = begin, begin, 0
    whole = True  # a number has no decimal point yet
    k, room = begin, data.shape[0] - _WORD
    while k < end:
        if opened <= LETTER and k <= room:  # eight bytes at once
            eight = load64(data, k)
            low = eight | _SMALL
            size = min(_letters(low, eight), end - k)
            if size:
                if not opened:
                    opened, h, block, filled, start = LETTER, _START, _0, 0, k
                if size < _WORD:
                    low &= (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)
                h, block, filled = _add(h, block, filled, low, size)
                k += size
                stop = k
                if size == _WORD or k >= end:
                    continue
                if data[k] == 0x20:
                    hashes[n], starts[n], stops[n], kinds[n] = _hashed(h, block), start, stop, LETTER
                    n += 1
                    opened = 0
                    k += 1
                    continue
        b = data[k]
        size = 1
        if b < 0x80:
            code = np.int64(codes[b])
        else:
            code, size = _code_at(data, k, end, codes)
        if code == -1:
            k += size
            continue
        kind = code >> KIND
        if code == 0:
            if opened == LETTER and b == 0x2D:
                skip = _broken(data, k, end)
                if skip:
                    k += skip
                    continue
            elif opened == DIGIT and whole and (b == 0x2C or b == 0x2E or b == 0xEF):
                comma = _grouped(data, k, end, run, codes)
                if comma:
                    run = 0
                    k += comma
                    continue
                rest = _fraction(data, k, end, codes)
                if rest:
                    j = k + _sign(data, k, end, 0x2E)
                    zeros = 0
                    pointed = False
                    while j < k + rest:  # zeros count only before another digit
                        digit = np.int64(codes[data[j]]) if data[j] < 0x80 else _code_at(data, j, end, codes)[0]
                        j += _digit(data, j, end, codes)
                        if digit & POINT == 0x30:
                            zeros += 1
                            continue
                        if not pointed:
                            h, block, filled = _point(h, block, filled, 0x2E)
                            pointed = True
                        for _ in range(zeros):
                            h, block, filled = _point(h, block, filled, 0x30)
                        zeros = 0
                        h, block, filled = _point(h, block, filled, digit & POINT)
                    k += rest
                    stop, whole = k, False
                    continue
            if opened:
                hashes[n], starts[n], stops[n], kinds[n] = _hashed(h, block), start, stop, opened
                n += 1
                opened = 0
            if b == 0x3C:
                size = max(1, _note(data, k, end))
            k += size
            continue
        first, last_part = 0, 1
        if kind == MORE:
            first, last_part = bounds[code & POINT], bounds[(code & POINT) + 1]
        for part in range(first, last_part):
            if kind == MORE:
                code = np.int64(more[part])
            mine = code >> KIND
            # digits of another script after a decimal point are a number of their own
            if opened and (mine != opened or mine == SINGLE or (mine == DIGIT and not whole)):
                hashes[n], starts[n], stops[n], kinds[n] = _hashed(h, block), start, stop, opened
                n += 1
                opened = 0
            if not opened:
                opened, h, block, filled, start, run, whole = mine, _START, _0, 0, k, 0, True
            h, block, filled = _point(h, block, filled, code & POINT)
            run += 1
            stop = k + size
        k += size
    if opened:
        hashes[n], starts[n], stops[n], kinds[n] = _hashed(h, block), start, stop, opened
        n += 1
    return n


@plain
def fold_word(
    data: np.ndarray, start: int, stop: int, kind: int, codes: np.ndarray, more: np.ndarray, bounds: np.ndarray, out: np.ndarray
) -> int:  # fmt: skip
    """The folded code points of one word that `find_words` found, into out int32; returns how many."""
    n, point_at = 0, -1
    k = start
    while k < stop:
        b = data[k]
        size = 1
        if b < 0x80:
            code = np.int64(codes[b])
        else:
            code, size = _code_at(data, k, stop, codes)
        if kind == DIGIT and code == 0 and _sign(data, k, stop, 0x2E):
            point_at = n
            out[n] = 0x2E
            n += 1
        if code > 0:
            if code >> KIND == MORE:
                for part in range(bounds[code & POINT], bounds[(code & POINT) + 1]):
                    out[n] = more[part] & POINT
                    n += 1
            else:
                out[n] = code & POINT
                n += 1
        k += size
    if point_at >= 0:
        while out[n - 1] == 0x30:
            n -= 1
        if n - 1 == point_at:
            n -= 1
    return n


@plain
def words_of_all(
    data: np.ndarray, offsets: np.ndarray, codes: np.ndarray, more: np.ndarray, bounds: np.ndarray, counts: np.ndarray,
    hashes: np.ndarray, starts: np.ndarray, stops: np.ndarray, kinds: np.ndarray,
) -> int:  # fmt: skip
    """The words of every string, one after another; counts (n,) int64: how many each has. Returns how many in all."""
    at = 0
    for i in range(offsets.shape[0] - 1):
        found = find_words(
            data, offsets[i], offsets[i + 1], codes, more, bounds, hashes[at:], starts[at:], stops[at:], kinds[at:]
        )
        counts[i] = found
        at += found
    return at
