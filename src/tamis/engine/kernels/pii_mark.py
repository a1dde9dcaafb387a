"""Where personal data may stand: one pass over the bytes marks places, so that only those are looked at closely.

A mark says what kind of place it is (`AT`, `LINK`, …, or the group of a phrase) and which bytes it covers. Marks may be
wrong; a place without a mark holds nothing that the rules of `engine/pii_*.py` could find.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import njit
from .pii_phrases import BEGINS, DIGIT_BEFORE, DIGIT_BEHIND, ENDS, Machine
from .pii_scan import (
    DIGIT,
    HEX,
    HOST,
    KINDS_OF_BYTES,
    LETTER,
    LOCAL,
    digit_size,
    escaped,
    find_account_end,
    find_word_end,
    find_word_start,
    is_hardware,
    read_number,
    wide_account,
)

AT, LINK, NUMBER, COLONS, WORD, ACCOUNT, POSTAL = range(7)

MIN_DIGITS = 7  # of a number that is marked whatever stands around it


@njit(nogil=True, cache=True)
def _is_letter(b: int) -> bool:
    return 0x61 <= (b | 0x20) <= 0x7A


@njit(nogil=True, cache=True)
def _is_postcode(data: np.ndarray, start: int, stop: int, end: int, kinds: np.ndarray) -> bool:
    """Whether a short word and what follows look like SW1A 1AA: capitals, and a digit with two capitals behind a space."""
    if stop + 4 > end or (stop + 4 < end and kinds[data[stop + 4]] & (DIGIT | LETTER)):
        return False
    second = kinds[data[stop + 1]] & DIGIT and 0x41 <= data[stop + 2] <= 0x5A and 0x41 <= data[stop + 3] <= 0x5A
    return bool(0x41 <= data[start] <= 0x5A and data[stop] == 0x20 and second)


@njit(nogil=True, cache=True)
def _is_zip(data: np.ndarray, k: int, begin: int, digits: int) -> bool:
    """Whether five or nine digits stand behind two capitals that are a word, as in IL 62701."""
    if digits not in (5, 9) or k - 3 < begin or data[k - 1] != 0x20:
        return False
    capitals = 0x41 <= data[k - 2] <= 0x5A and 0x41 <= data[k - 3] <= 0x5A
    return capitals and (k - 4 < begin or data[k - 4] in (0x20, 0x2C, 0x0A))


@njit(nogil=True, cache=True)
def _mixed(data: np.ndarray, start: int, stop: int, end: int, kinds: np.ndarray) -> tuple[int, int]:
    """(what the word of letters and digits is marked as, where the mark ends); -1 if nothing is worth a look."""
    size = stop - start
    if (
        size >= 4
        and _is_letter(data[start])
        and _is_letter(data[start + 1])
        and kinds[data[start + 2]] & DIGIT
        and kinds[data[start + 3]] & DIGIT
    ):
        last, count = find_account_end(data, start, end, kinds)
        if count >= 15:
            return ACCOUNT, last
    if 2 <= size <= 4 and _is_postcode(data, start, stop, end, kinds):
        return POSTAL, stop + 4
    if size in (9, 10, 16, 42) or 26 <= size <= 35:
        digits, others = 0, 0
        for k in range(start, stop):
            digits += kinds[data[k]] & DIGIT != 0
            others += data[k] == 0x5F
        first = data[start]
        number = size in (9, 10) and digits >= 7 - (first >= 0x40)
        code = size == 16 and first >= 0x40 and digits >= 1
        coin = (size > 16 and first in (0x31, 0x33)) or (size == 42 and data[start + 1] == 0x78)
        if others == 0 and (number or code or coin):
            return WORD, stop
    return -1, stop


@njit(nogil=True, cache=True)
def _fits(
    data: np.ndarray, start: int, stop: int, begin: int, end: int, need: int, kinds: np.ndarray, digit: int
) -> bool:
    """Whether what a phrase needs holds. `digit`: where the last digit before its end stands."""
    if (
        need & BEGINS
        and start > begin
        and kinds[data[start - 1]] & (DIGIT | LETTER)
        and not escaped(data, start - 1, begin)
    ):
        return False
    if need & ENDS and stop < end and kinds[data[stop]] & (DIGIT | LETTER):
        return False
    if need & DIGIT_BEFORE and (digit < begin or start - digit > 64):
        return False
    found = need & DIGIT_BEHIND == 0
    for k in range(stop, min(end, stop + 32)):
        if found:
            break
        found = kinds[data[k]] & DIGIT != 0
    return found


@njit(nogil=True, cache=True)
def _mark(
    data: np.ndarray,
    offsets: np.ndarray,
    kinds: np.ndarray,
    classes: np.ndarray,
    moves: np.ndarray,
    ends: np.ndarray,
    sizes: np.ndarray,
    groups: np.ndarray,
    needs: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    whats: np.ndarray,
) -> int:
    room = rows.shape[0]
    m = 0
    for i in range(offsets.shape[0] - 1):
        begin, end = offsets[i], offsets[i + 1]
        state = 0
        number_end = colons_end = link_end = begin
        digit = begin - 1
        for k in range(begin, end):
            b = data[k]
            state = moves[state + classes[b]]
            phrase = ends[state]
            what, start, stop = -1, k, k + 1
            if phrase >= 0:
                start = k + 1 - sizes[phrase]
                if _fits(data, start, k + 1, begin, end, needs[phrase], kinds, digit):
                    if m < room:
                        rows[m], starts[m], stops[m], whats[m] = i, start - begin, stop - begin, groups[phrase]
                    m += 1
            if b < 0x80:
                if 0x30 <= b <= 0x39:
                    digit = k
                    if k < number_end:
                        continue
                elif b == 0x40:
                    if k == begin or k + 1 == end or not kinds[data[k - 1]] & LOCAL or not kinds[data[k + 1]] & HOST:
                        continue
                    start = k
                    while start > begin and k - start < 128 and kinds[data[start - 1]] & LOCAL:
                        start -= 1
                    dot = False
                    while stop < end and stop - k < 256 and kinds[data[stop]] & HOST:
                        dot |= data[stop] >= 0x80 or (data[stop] == 0x2E and stop > k + 1)
                        stop += 1
                    if not dot:
                        continue
                    what = AT
                elif b == 0x3A:
                    if k >= link_end and k + 3 < end and data[k + 1] == 0x2F and data[k + 2] == 0x2F:
                        start = find_word_start(data, k, begin, kinds)
                        stop = k + 3
                        worth = False
                        while stop < end and stop - k < 4096 and data[stop] > 0x20 and data[stop] not in (0x22, 0x3C):
                            worth |= data[stop] == 0x40 or data[stop] == 0x3D
                            stop += 1
                        link_end = stop
                        if not worth or start == k:
                            continue
                        what = LINK
                    elif k >= colons_end:
                        start = k
                        while start > begin and k - start < 4 and kinds[data[start - 1]] & HEX:
                            start -= 1
                        colons, double = 0, False
                        stop = k
                        while stop < end and (kinds[data[stop]] & HEX or data[stop] == 0x3A or data[stop] == 0x2E):
                            if data[stop] == 0x3A:
                                colons += 1
                                double |= data[stop - 1] == 0x3A and stop > k
                            stop += 1
                        colons_end = stop
                        if stop - start < 4 or not (double or colons >= 5):
                            continue
                        what = COLONS
                    else:
                        continue
                elif b == 0x2D and is_hardware(data, k, begin, end, kinds):
                    what, start, stop = COLONS, k - 2, k + 15
                else:
                    continue
            elif digit_size(data, k, end) == 0 or k < number_end:
                continue
            if what < 0:  # a digit that belongs to no number seen so far
                start = find_word_start(data, k, begin, kinds)
                word_end = find_word_end(data, k, end, kinds)
                number_stop, digits, dots = read_number(data, k, end)
                if start < k:
                    what, stop = _mixed(data, start, word_end, end, kinds)
                    number_end = max(word_end, k + 1)
                else:
                    stop = number_end = number_stop
                    if digits == 9 and _is_zip(data, k, begin, digits):
                        what = POSTAL
                    elif digits >= MIN_DIGITS or (dots >= 3 and digits >= 4) or (digits == 6 and stop - start > 6):
                        what = NUMBER
                    elif _is_zip(data, k, begin, digits):
                        what = POSTAL
                    else:
                        pure = k
                        while pure < end and kinds[data[pure]] & DIGIT:
                            pure += 1
                        if word_end > pure:
                            what, stop = _mixed(data, start, word_end, end, kinds)
                            number_end = max(number_end, word_end)
                if b >= 0x80:
                    account, account_end = wide_account(data, k, begin, end)
                    if account >= 0:
                        what, start, stop = ACCOUNT, account, account_end
                if what < 0:
                    continue
            if m < room:
                rows[m], starts[m], stops[m], whats[m] = i, start - begin, stop - begin, what
            m += 1
    return m


class Marks(NamedTuple):
    """Places worth a look, by row and then by where the pass met them. start, end: bytes within the row."""

    row: np.ndarray
    start: np.ndarray
    end: np.ndarray
    what: np.ndarray


def mark(data: np.ndarray, offsets: np.ndarray, phrases: Machine) -> Marks:
    """Every place in n strings where personal data may stand."""
    room = 1024 + (offsets.shape[0] - 1) * 2
    while True:
        rows, starts, stops = (np.empty(room, np.int64) for _ in range(3))
        whats = np.empty(room, np.uint8)
        m = _mark(data, offsets, KINDS_OF_BYTES, *phrases, rows, starts, stops, whats)
        if m <= room:
            return Marks(rows[:m], starts[:m], stops[:m], whats[:m])
        room = m
