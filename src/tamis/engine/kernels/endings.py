"""How a text ends: its last character, what it left open, and what its lines look like before that.

Lines are those between line feeds, without white space (bytes up to 32) at either end; empty ones do not count. Lines
between fences (lines that begin with three backticks or tildes) count for nothing but the fence. A text that ends a
sentence, outside a fence, is read for its fences and formulas alone: the other figures stay 0.
"""

from __future__ import annotations

import numpy as np

from .jit import njit

#: columns of the result
(
    LAST,  # what the last character is, see below
    FENCED,  # 1: the text ends within a fence
    MATH,  # formulas that were opened and not closed; 0 where the text has fences
    WORDS,  # words outside fences
    SENTENCES,  # sentences that ended, outside fences
    LAST_WORDS,  # words in the last line
    ITEM,  # the last line is 1: an item of a list, 2: a bare mark of one
    ITEMS,  # items of lists before the last line
    ITEMS_ENDED,  # those of them that end as a sentence does
    LINES,  # other lines of three words or more before the last line
    LINES_ENDED,  # those of them that end as a sentence does, or with a colon
    CODE,  # lines that look like code; SCRIPT more where the text begins with `#!`
    LINKING,  # 1: the last word is one that others follow, in lower case
    OPEN,  # round and square brackets opened in the last line and not closed
    QUOTE,  # 1: an odd number of double quotes in the last line
    BRACES,  # braces opened and not closed
    COMMA,  # 1: the line before the last one ends with a comma
    LAST_CODE,  # 1: the last line looks like code
    ADDRESS,  # 1: the last word is an address or a tag: it has a slash, a backslash, an @ or a #
    ALL_LINES,  # lines outside fences
    TAIL,  # words in the last line after the last sentence that ended in it
    CAPITAL,  # 1: the last word begins with a capital (A to Z), after marks
    BLOCK,  # items of lists right before the last line
    BLOCK_ENDED,  # those of them that end as a sentence does
) = range(24)
FIGURES = 24

#: what the last character is, after quotation marks, asterisks and closing brackets are passed over
NOTHING, END, COLON, COMMA_LIKE, OPENER, LETTER, DIGIT, WIDE, SYMBOL, CLOSER = range(10)

SCRIPT = 1 << 20
SLOTS = 1 << 14
_FNV_BASE, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


def word_slot(word: bytes) -> int:
    """The slot of a word: FNV-1a of its bytes."""
    h = 0xCBF29CE484222325
    for byte in word:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return (h >> 40) % SLOTS


def word_table(words: list[str]) -> np.ndarray:
    """(SLOTS,) bool: where the hashes of words fall."""
    table = np.zeros(SLOTS, np.bool_)
    for word in words:
        table[word_slot(word.encode())] = True
    return table


@njit(nogil=True, cache=True)
def _before(data: np.ndarray, begin: int, end: int) -> int:
    """Where the character that ends at `end` begins."""
    k = end - 1
    while k > begin and (data[k] & 0xC0) == 0x80:
        k -= 1
    return k


@njit(nogil=True, cache=True)
def _point(data: np.ndarray, k: int, end: int) -> int:
    """The code point of a character of up to three bytes; 0x10000 for longer and broken ones."""
    b, n = int(data[k]), end - k
    if n == 1:
        return b
    if n == 2:
        return (b & 0x1F) << 6 | int(data[k + 1] & 0x3F)
    if n == 3:
        return (b & 0x0F) << 12 | int(data[k + 1] & 0x3F) << 6 | int(data[k + 2] & 0x3F)
    return 0x10000


@njit(nogil=True, cache=True)
def _passed(point: int) -> bool:
    """Marks that stand after the end of a sentence: quotes, asterisks, closing brackets, variation selectors."""
    if point < 0x80:
        return point == 0x22 or point == 0x27 or point == 0x29 or point == 0x2A or point == 0x5D or point == 0x5F
    return (
        point == 0xBB
        or 0x2018 <= point <= 0x201F
        or 0x3009 <= point <= 0x3011
        or point == 0xFF09
        or point == 0xFE0F
        or point == 0x200D
    )


@njit(nogil=True, cache=True)
def _ends(point: int) -> bool:
    """Marks that end a sentence; emoji and other symbols end one too."""
    if point < 0x80:
        return point == 0x2E or point == 0x21 or point == 0x3F
    return (
        point == 0x2026
        or point == 0x3002
        or point == 0xFF01
        or point == 0xFF1F
        or point == 0xFF0E
        or point == 0xFF61
        or point == 0x0964
        or point == 0x06D4
        or point == 0x061F
        or point == 0x203C
        or point == 0x2049
        or 0x2600 <= point <= 0x27BF
        or point >= 0x10000
    )


@njit(nogil=True, cache=True)
def _last(data: np.ndarray, begin: int, end: int) -> int:
    """What the last character of a line is."""
    k, passed, bracket = end, False, False
    while k > begin:
        at = _before(data, begin, k)
        point = _point(data, at, k)
        if point > 32 and not _passed(point):
            break
        passed = passed or point > 32
        bracket = bracket or point == 0x29 or point == 0x5D or point == 0xFF09
        k = at
    if k == begin:
        return SYMBOL if end > begin else NOTHING
    if _ends(point):
        return END
    if bracket:
        return CLOSER
    if point == 0x3A or point == 0xFF1A:
        return COLON
    if point == 0x2C or point == 0xFF0C or point == 0x3001 or point == 0xFF1B:
        return COMMA_LIKE
    if point == 0x28 or point == 0x5B or point == 0xFF08:
        return OPENER
    if 0x30 <= point <= 0x39:
        return DIGIT
    if 0x61 <= (point | 0x20) <= 0x7A and point < 0x80:
        return LETTER
    if 0x3041 <= point <= 0xD7A3:
        return WIDE
    return LETTER if point >= 0xAA and not 0x2000 <= point <= 0x303F and point < 0xFF00 else SYMBOL


@njit(nogil=True, cache=True)
def _mark_end(data: np.ndarray, begin: int, end: int) -> int:
    """Where the mark of a list item ends (`- `, `* `, `12. `, `a) `, `• `); `begin` where the line is none."""
    k = begin
    b = data[k]
    if b == 0x2D or b == 0x2A or b == 0x2B:
        k += 1
    elif b == 0xE2 and k + 2 < end and data[k + 1] == 0x80 and (data[k + 2] == 0xA2 or data[k + 2] == 0x93):
        k += 3
    elif 0x30 <= b <= 0x39:
        while k < end and 0x30 <= data[k] <= 0x39:
            k += 1
        if k - begin > 3 or k == end or (data[k] != 0x2E and data[k] != 0x29):
            return begin
        k += 1
    elif 0x61 <= (b | 0x20) <= 0x7A and k + 1 < end and data[k + 1] == 0x29:
        k += 2
    else:
        return begin
    return k if k == end or data[k] == 0x20 or data[k] == 0x09 else begin


@njit(nogil=True, cache=True)
def _tells(b: int) -> bool:
    """Whether a byte belongs to a letter or digit."""
    return b >= 0x80 or 0x30 <= b <= 0x39 or 0x61 <= (b | 0x20) <= 0x7A


@njit(nogil=True, cache=True)
def _read_line(
    data: np.ndarray, begin: int, end: int, indented: bool, words: np.ndarray, out: np.ndarray, line: np.ndarray
) -> None:
    """Figures of a line into `line`, and what counts in the whole text into `out`."""
    line[:] = 0
    last = _last(data, begin, end)
    n, k = 0, begin
    code, start = 0, begin
    h, fresh, ended_at = _FNV_BASE, True, 0
    for k in range(begin, end):
        b = data[k]
        if b <= 32:
            continue
        if k == begin or data[k - 1] <= 32:
            n += 1
            start, fresh, line[CAPITAL] = k, True, 0
        if fresh and _tells(b):
            line[CAPITAL], fresh = 0x41 <= b <= 0x5A, False
        if b >= 0x80:
            if b >= 0xE3 and b <= 0xED:
                n += 1
                if b == 0xE3 and k + 2 < end and data[k + 1] == 0x80 and data[k + 2] == 0x82:
                    out[SENTENCES] += 1
                    ended_at = n
        elif b == 0x2E or b == 0x21 or b == 0x3F:
            if k + 1 == end or data[k + 1] <= 32 or data[k + 1] == 0x22 or data[k + 1] == 0x29:
                out[SENTENCES] += 1
                ended_at = n
        elif b == 0x28 or b == 0x5B:
            line[OPEN] += 1
            code += k + 1 < end and data[k + 1] == 0x29
        elif b == 0x29 or b == 0x5D:
            line[OPEN] -= line[OPEN] > 0
        elif b == 0x22:
            line[QUOTE] ^= 1
        elif b == 0x7B:
            out[BRACES] += 1
            code += 1
        elif b == 0x7D:
            out[BRACES] -= 1
            code += 1
        elif b == 0x3D or b == 0x3C or b == 0x3E or b == 0x5C:
            code += 1
        elif b == 0x3B:
            code += k + 1 == end
        if b == 0x2F or b == 0x40 or b == 0x5C or b == 0x23:
            line[ADDRESS] = start + 1
    line[ADDRESS] = line[ADDRESS] == start + 1
    for k in range(start, end):
        h = (h ^ np.uint64(data[k])) * _FNV_PRIME
    line[LINKING] = words[(h >> np.uint64(40)) % np.uint64(SLOTS)]
    line[LAST], line[LAST_WORDS], line[TAIL] = last, n, n - ended_at
    mark = _mark_end(data, begin, end)
    if mark > begin:
        line[ITEM] = 2 if mark == end else 1
    sparse = indented and n < 6 and line[ITEM] == 0
    line[LAST_CODE] = 6 * code > n or data[begin] == 0x7C or sparse
    out[CODE] += line[LAST_CODE]
    out[WORDS] += n
    out[ALL_LINES] += 1


@njit(nogil=True, cache=True)
def _formulas(data: np.ndarray, start: int, stop: int) -> int:
    """Formulas that were opened and not closed: `\\[`, `\\begin{`, `$$`."""
    square, dollars, environments = 0, 0, 0
    for k in range(start, stop - 1):
        if data[k] == 0x5C:
            c = data[k + 1]
            square += int(c == 0x5B) - int(c == 0x5D)
            if c == 0x62 and k + 7 <= stop and data[k + 2] == 0x65 and data[k + 3] == 0x67 and data[k + 6] == 0x7B:
                environments += 1
            elif c == 0x65 and k + 5 <= stop and data[k + 2] == 0x6E and data[k + 3] == 0x64 and data[k + 4] == 0x7B:
                environments -= 1
        elif data[k] == 0x24 and data[k + 1] == 0x24:
            dollars += 1
    return max(square, 0) + max(environments, 0) + (dollars & 1)


@njit(nogil=True, cache=True)
def _fence(data: np.ndarray, k: int, stop: int) -> bool:
    """Whether three backticks or tildes stand at `k`."""
    b = data[k]
    return k + 2 < stop and (b == 0x60 or b == 0x7E) and data[k + 1] == b and data[k + 2] == b


@njit(nogil=True, cache=True)
def _numbered(data: np.ndarray, start: int, stop: int) -> bool:
    """Whether the last line is a number of at most three digits and a full stop."""
    if data[stop - 1] != 0x2E:
        return False
    k = stop - 2
    while k >= start and 0x30 <= data[k] <= 0x39:
        k -= 1
    if not 1 <= stop - 2 - k <= 3:
        return False
    while k >= start and data[k] <= 32 and data[k] != 0x0A:
        k -= 1
    return k < start or data[k] == 0x0A


@njit(nogil=True, cache=True)
def measure_endings(data: np.ndarray, offsets: np.ndarray, words: np.ndarray, out: np.ndarray) -> None:
    """out (n, FIGURES) int32: the figures of each string. words: (SLOTS,) bool, words that others follow."""
    line = np.zeros(FIGURES, np.int32)
    for i in range(offsets.shape[0] - 1):
        start, stop = offsets[i], offsets[i + 1]
        row = out[i]
        row[:] = 0
        while stop > start and data[stop - 1] <= 32:
            stop -= 1
        if stop == start:
            continue
        row[LAST] = _last(data, max(start, stop - 64), stop)
        ticks, slashes = 0, 0
        for k in range(start, stop):
            ticks += int(data[k] == 0x60) + int(data[k] == 0x7E)
            slashes += int(data[k] == 0x5C) + int(data[k] == 0x24)
        if slashes > 0 and ticks < 3:
            row[MATH] = _formulas(data, start, stop)
        ended = row[LAST] == END and not _numbered(data, start, stop)
        if ended and ticks < 3:
            continue
        if stop - start > 2 and data[start] == 0x23 and data[start + 1] == 0x21:
            row[CODE] = SCRIPT
        fenced, seen, block, block_ended = False, False, 0, 0
        k = start
        while k < stop:
            begin = k
            while k < stop and data[k] != 0x0A:
                k += 1
            end = k
            k += 1
            indent = begin
            while begin < end and data[begin] <= 32:
                begin += 1
            while end > begin and data[end - 1] <= 32:
                end -= 1
            if begin == end:
                continue
            if _fence(data, begin, end):
                fenced = not fenced
                if fenced and end - begin > 5 and _fence(data, end - 3, end):
                    fenced = False
                seen = False
                continue
            if fenced or ended:
                continue
            if seen:
                row[COMMA] = line[LAST] == COMMA_LIKE
                if line[ITEM] > 0:
                    row[ITEMS] += 1
                    row[ITEMS_ENDED] += line[LAST] == END
                    block, block_ended = block + 1, block_ended + int(line[LAST] == END)
                else:
                    block, block_ended = 0, 0
                    if line[LAST_WORDS] >= 3:
                        row[LINES] += 1
                        row[LINES_ENDED] += line[LAST] == END or line[LAST] == COLON
            _read_line(data, begin, end, begin - indent >= 2, words, row, line)
            seen = True
        row[FENCED] = fenced
        if seen and not fenced and not ended:
            row[LAST_WORDS], row[ITEM], row[LINKING] = line[LAST_WORDS], line[ITEM], line[LINKING]
            row[OPEN], row[QUOTE], row[ADDRESS] = line[OPEN], line[QUOTE], line[ADDRESS]
            row[BLOCK], row[BLOCK_ENDED] = block, block_ended
            row[LAST_CODE], row[TAIL], row[CAPITAL] = line[LAST_CODE], line[TAIL], line[CAPITAL]
