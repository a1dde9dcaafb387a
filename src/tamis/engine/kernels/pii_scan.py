"""What stands at a byte, and how far it reaches: digits, gaps, words and numbers, for `pii_mark`."""

from __future__ import annotations

import numpy as np

from .jit import njit

LONG_WORD = 512  # bytes of a word looked at

#: what a byte is: 1 digit, 2 letter or underscore, 4 of an e-mail address's name, 8 of a host name, 16 hexadecimal
DIGIT, LETTER, LOCAL, HOST, HEX = 1, 2, 4, 8, 16
KINDS_OF_BYTES = np.zeros(256, np.uint8)
for _byte in range(256):
    _char = chr(_byte)
    _ascii = _byte < 128
    KINDS_OF_BYTES[_byte] = (
        DIGIT * (_ascii and _char.isdigit())
        + LETTER * (_ascii and (_char.isalpha() or _char == "_"))
        + LOCAL * (not _ascii or _char.isalnum() or _char in "!#$%&'*+-/=?^_`{|}~.")
        + HOST * (not _ascii or _char.isalnum() or _char in "-.")
        + HEX * (_ascii and _char in "0123456789abcdefABCDEF")
    )


@njit(nogil=True, cache=True)
def digit_size(data: np.ndarray, k: int, end: int) -> int:
    """Bytes of the digit at `k`: ASCII, full-width, Arabic-Indic, Persian, Devanagari, Bengali; else 0."""
    b = data[k]
    if b < 0x80:
        return 1 if 0x30 <= b <= 0x39 else 0
    if b == 0xEF:
        return 3 if k + 2 < end and data[k + 1] == 0xBC and 0x90 <= data[k + 2] <= 0x99 else 0
    if b == 0xD9:
        return 2 if k + 1 < end and 0xA0 <= data[k + 1] <= 0xA9 else 0
    if b == 0xDB:
        return 2 if k + 1 < end and 0xB0 <= data[k + 1] <= 0xB9 else 0
    if b == 0xE0:
        return 3 if k + 2 < end and data[k + 1] in (0xA5, 0xA7) and 0xA6 <= data[k + 2] <= 0xAF else 0
    return 0


@njit(nogil=True, cache=True)
def gap_size(data: np.ndarray, k: int, end: int) -> int:
    """Bytes of the character at `k` if it may stand between the digits of one number; else 0.

    Space, tab, -, ., /, (, ), no-break, thin, figure, narrow and zero-width spaces, dashes, full-width - ( ) . /.
    """
    b = data[k]
    if b < 0x80:
        return 1 if b in (0x20, 0x09, 0x2D, 0x2E, 0x2F, 0x28, 0x29) else 0
    if b == 0xC2:
        return 2 if k + 1 < end and data[k + 1] in (0xA0, 0xAD) else 0
    if k + 2 >= end:
        return 0
    c, d = data[k + 1], data[k + 2]
    if b == 0xE2:
        if c == 0x80:
            return 3 if 0x80 <= d <= 0x8B or 0x90 <= d <= 0x95 or d == 0xAF else 0
        return 3 if (c == 0x81 and d in (0x9F, 0xA0)) or (c == 0x88 and d == 0x92) else 0
    if b == 0xEF:
        return 3 if (c == 0xBC and d in (0x88, 0x89, 0x8D, 0x8E, 0x8F)) or (c == 0xBB and d == 0xBF) else 0
    if b == 0xE3:
        return 3 if c == 0x80 and d == 0x80 else 0
    return 0


@njit(nogil=True, cache=True)
def escaped(data: np.ndarray, k: int, begin: int) -> bool:
    """Whether the letter at `k` is the second half of an escape as JSON writes it: \\n, \\r, \\t."""
    return k > begin and data[k - 1] == 0x5C and data[k] in (0x6E, 0x72, 0x74)


@njit(nogil=True, cache=True)
def read_number(data: np.ndarray, k: int, end: int) -> tuple[int, int, int]:
    """(end of the number that begins at `k`, its digits, the dots between them)."""
    digits, dots, last = 0, 0, k
    while k < end:
        size = digit_size(data, k, end)
        if size:
            digits += 1
            k += size
            last = k
            continue
        gaps, dot = 0, 0
        while k < end and gaps < 3:
            size = gap_size(data, k, end)
            if size == 0:
                break
            dot += data[k] == 0x2E
            k += size
            gaps += 1
        if gaps == 0 or k >= end or digit_size(data, k, end) == 0:
            break
        dots += dot
    return last, digits, dots


@njit(nogil=True, cache=True)
def find_word_start(data: np.ndarray, k: int, begin: int, kinds: np.ndarray) -> int:
    """Where the word begins whose next byte would be `k`: letters, digits and underscores before it."""
    low = max(begin, k - LONG_WORD)
    while k > low and kinds[data[k - 1]] & (DIGIT | LETTER) and not escaped(data, k - 1, begin):
        k -= 1
    return k


@njit(nogil=True, cache=True)
def find_word_end(data: np.ndarray, k: int, end: int, kinds: np.ndarray) -> int:
    high = min(end, k + LONG_WORD)
    while k < high and kinds[data[k]] & (DIGIT | LETTER):
        k += 1
    return k


@njit(nogil=True, cache=True)
def find_account_end(data: np.ndarray, k: int, end: int, kinds: np.ndarray) -> tuple[int, int]:
    """(end, letters and digits) of what may be one account number: words with single gaps, at most 60 bytes."""
    high, last, count = min(end, k + 60), k, 0
    while k < high:
        if kinds[data[k]] & (DIGIT | LETTER):
            k += 1
            count += 1
            last = k
            continue
        size = gap_size(data, k, end)
        if size == 0 or k + size >= high or not kinds[data[k + size]] & (DIGIT | LETTER):
            break
        k += size
    return last, count


@njit(nogil=True, cache=True)
def is_hardware(data: np.ndarray, k: int, begin: int, end: int, kinds: np.ndarray) -> bool:
    """Whether the hyphen at `k` is the first of a hardware address: six pairs of hexadecimal digits."""
    if k - 2 < begin or k + 15 > end:
        return False
    for j in range(6):
        place = k - 2 + 3 * j
        if not (kinds[data[place]] & HEX and kinds[data[place + 1]] & HEX) or (j < 5 and data[place + 2] != 0x2D):
            return False
    return True


@njit(nogil=True, cache=True)
def wide_letter(data: np.ndarray, k: int, end: int) -> int:
    """Bytes of the letter at `k`, ASCII or full-width; else 0."""
    if 0x61 <= data[k] | 0x20 <= 0x7A:
        return 1
    if data[k] != 0xEF or k + 2 >= end:
        return 0
    capital = data[k + 1] == 0xBC and 0xA1 <= data[k + 2] <= 0xBA
    return 3 if capital or (data[k + 1] == 0xBD and 0x81 <= data[k + 2] <= 0x9A) else 0


@njit(nogil=True, cache=True)
def wide_account(data: np.ndarray, k: int, begin: int, end: int) -> tuple[int, int]:
    """(start, end) of what may be an account number in other digits than ASCII, the first at `k`; (-1, k) if none is."""
    start = k
    for _ in range(2):
        if start - 1 >= begin and wide_letter(data, start - 1, start) == 1:
            start -= 1
        elif start - 3 >= begin and wide_letter(data, start - 3, start) == 3:
            start -= 3
        else:
            return -1, k
    last, count, gap, j = k, 0, False, k
    while j < end and j - k < 160:
        size = max(wide_letter(data, j, end), digit_size(data, j, end))
        if size:
            j += size
            last, gap = j, False
            count += 1
            continue
        size = gap_size(data, j, end)
        if size == 0 or gap:
            break
        gap = True
        j += size
    return (start, last) if count >= 13 else (-1, k)
