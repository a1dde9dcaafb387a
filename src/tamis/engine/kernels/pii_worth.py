"""Which marks of `pii_mark` are worth a look: most stand where no rule of `engine/pii_*.py` could find anything.

What is left out here is found by none of the rules, so that the finds stay the same; only the Python is saved.
"""

from __future__ import annotations

import numpy as np

from .jit import njit
from .pii_mark import COLONS, NUMBER
from .pii_phrases import Machine
from .pii_scan import DIGIT, KINDS_OF_BYTES, LETTER, escaped

#: What must hold around a phrase besides `pii_phrases`' needs: it begins with a capital; a capital follows it, behind signs.
CAPITAL, NAME_BEHIND = 1, 2
#: bytes before a number in which words speak of it: 60 characters, four bytes each at most
NEAR = 240
#: first letters of what speaks of a number behind it: "is my", "office", "mobile", "ext", …
_AFTER = np.zeros(256, np.bool_)
for _letter in "iofmchwpdte":
    _AFTER[ord(_letter)] = _AFTER[ord(_letter.upper())] = True


@njit(nogil=True, cache=True)
def _is_capital(b: int) -> bool:
    return 0x41 <= b <= 0x5A


@njit(nogil=True, cache=True)
def _capital_behind(data: np.ndarray, stop: int, end: int, kinds: np.ndarray) -> bool:
    """Whether a capital follows behind signs and blanks. What is not ASCII, or a JSON escape, may be one."""
    for k in range(stop, end):
        b = data[k]
        if b >= 0x80 or b == 0x5C or _is_capital(b):
            return True
        if b != 0x5F and kinds[b] & (DIGIT | LETTER):
            return False
    return False


@njit(nogil=True, cache=True)
def _may_be_address(data: np.ndarray, start: int, stop: int, begin: int, end: int, kinds: np.ndarray) -> bool:
    """Whether a run of hexadecimal digits and colons may be an IPv6 or hardware address, and no `std::cout`."""
    colons, digit = 0, False
    for k in range(start, stop):
        colons += data[k] == 0x3A
        digit |= kinds[data[k]] & DIGIT != 0
    if colons >= 5 or colons == 0 or (stop < end and data[stop] >= 0x80):
        return True
    if start > begin and not escaped(data, start - 1, begin):
        before = data[start - 1]
        if kinds[before] & (DIGIT | LETTER) or before == 0x3A or before == 0x2E:
            return False
    return digit and stop - start >= 6


@njit(nogil=True, cache=True)
def _is_date(data: np.ndarray, start: int, stop: int) -> bool:
    """Whether the number is 2021-04-10 or 10/04/2021, and so no telephone number."""
    if stop - start != 10:
        return False
    for first in (True, False):
        left, right = (start + 4, start + 7) if first else (start + 2, start + 5)
        sign = data[left]
        if sign != data[right] or (sign != 0x2D and sign != 0x2F and sign != 0x2E):
            continue
        year = start if first else start + 6
        one, two = (start + 5, start + 8) if first else (start, start + 3)
        plain = True
        for k in range(start, stop):
            plain &= k in (left, right) or 0x30 <= data[k] <= 0x39
        if not plain:
            continue
        a = (data[one] - 0x30) * 10 + data[one + 1] - 0x30
        b = (data[two] - 0x30) * 10 + data[two + 1] - 0x30
        century = (data[year] - 0x30) * 10 + data[year + 1] - 0x30
        if 14 <= century <= 21 and 1 <= b <= 31 and 1 <= a <= (12 if first else 31):
            return True
    return False


@njit(nogil=True, cache=True)
def _said_behind(data: np.ndarray, stop: int, end: int) -> bool:
    """Whether what follows, behind a few signs or their escapes, may say that a telephone number stands before it."""
    k = stop
    while k < end and k < stop + 8 and (data[k] <= 0x20 or data[k] in (0x2C, 0x2D, 0x28, 0x3A)):
        k += 1
    return k < end and (data[k] >= 0x80 or data[k] == 0x5C or bool(_AFTER[data[k]]))


@njit(nogil=True, cache=True)
def _said_before(
    data: np.ndarray, start: int, begin: int, classes: np.ndarray, moves: np.ndarray, ends: np.ndarray
) -> bool:
    """Whether a word before the number may speak of telephones; text that is not ASCII may hold any word."""
    state = 0
    for k in range(max(begin, start - NEAR), start):
        if data[k] >= 0x80:
            return True
        state = moves[state + classes[data[k]]]
        if ends[state] >= 0:
            return True
    return False


@njit(nogil=True, cache=True)
def _number(
    data: np.ndarray,
    start: int,
    stop: int,
    begin: int,
    end: int,
    kinds: np.ndarray,
    classes: np.ndarray,
    moves: np.ndarray,
    ends: np.ndarray,
) -> bool:
    """Whether a number may be somebody's: kept are all but dates, and short ones that nothing around them speaks of."""
    digits, dots = 0, 0
    for k in range(start, stop):
        b = data[k]
        digits += 0x30 <= b <= 0x39
        dots += b == 0x2E
    if _is_date(data, start, stop):
        return False
    if digits + dots != stop - start or dots > 1 or digits >= 11 or digits == 9:
        return True
    if data[start] == 0x30 and digits == 10:
        return True
    if start > begin and (data[start - 1] == 0x2B or data[start - 1] >= 0x80):
        return True
    if stop < end:
        if data[stop] == 0x3A:  # a robot's key
            return True
        k = stop + (data[stop] == 0x2D or data[stop] == 0x20)
        if digits < 9 and k < end and (data[k] >= 0x80 or (kinds[data[k]] & LETTER and data[k] != 0x5F)):
            alone = k + 1 >= end or data[k + 1] >= 0x80 or not kinds[data[k + 1]] & (DIGIT | LETTER)
            if alone or data[k] >= 0x80 or data[k + 1] == 0x5F:  # 12345678Z
                return True
    return _said_behind(data, stop, end) or _said_before(data, start, begin, classes, moves, ends)


@njit(nogil=True, cache=True)
def _worth(
    data: np.ndarray,
    offsets: np.ndarray,
    rows: np.ndarray,
    starts: np.ndarray,
    stops: np.ndarray,
    whats: np.ndarray,
    asks: np.ndarray,
    numbers: bool,
    kinds: np.ndarray,
    classes: np.ndarray,
    moves: np.ndarray,
    ends: np.ndarray,
    out: np.ndarray,
) -> None:
    for m in range(rows.shape[0]):
        begin, end = offsets[rows[m]], offsets[rows[m] + 1]
        start, stop, what = begin + starts[m], begin + stops[m], whats[m]
        ask = asks[what]
        good = True
        if what == NUMBER:
            good = numbers or _number(data, start, stop, begin, end, kinds, classes, moves, ends)
        elif what == COLONS:
            good = _may_be_address(data, start, stop, begin, end, kinds)
        elif ask:
            good = not ask & CAPITAL or _is_capital(data[start])
            good = good and (not ask & NAME_BEHIND or _capital_behind(data, stop, end, kinds))
        out[m] = good


def worth(
    data: np.ndarray,
    offsets: np.ndarray,
    marks: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    asks: np.ndarray,
    said: Machine,
    *,
    numbers: bool,
) -> np.ndarray:
    """(m,) bool: which marks to look at.

    asks: (256,) uint8, by what is marked: `CAPITAL`, `NAME_BEHIND`; said: words that speak of telephones; numbers: look
    at every number, as where the numbers of a country are known without any word.
    """
    out = np.empty(len(marks[0]), np.bool_)
    _worth(data, offsets, *marks, asks, numbers, KINDS_OF_BYTES, said.classes, said.moves, said.ends, out)
    return out
