"""Writing what matched in a text: pieces of it, marks in them, numbers, as `json.dumps` writes them.

Places in bytes become places in code points, as Python counts them.
"""

# mypy: disable-error-code="arg-type,call-arg,var-annotated"

from __future__ import annotations

import numpy as np

from .jit import inlined, plain
from .json_encode import _put_string

LONGEST_WORDS = 200  # characters
EXCERPT, MARGIN = 500, 60  # characters of a text that are quoted, and around what matched


@inlined
def put(key: np.ndarray, out: np.ndarray, at: int) -> int:
    """Copy some bytes; where writing goes on."""
    for k in range(key.shape[0]):
        out[at + k] = key[k]
    return int(at + key.shape[0])


@plain
def put_number(value: int, out: np.ndarray, at: int) -> int:
    """Write a number that is not negative; where writing goes on."""
    size, rest = 1, value // 10
    while rest:
        size += 1
        rest //= 10
    for k in range(at + size - 1, at - 1, -1):
        out[k] = 0x30 + value % 10
        value //= 10
    return at + size


@plain
def put_share(share: int, out: np.ndarray, at: int) -> int:
    """Write a share in 1/10000 as Python writes it: 0.5, 1.0, 0.0625."""
    at = put_number(share // 10000, out, at)
    out[at] = 0x2E
    at += 1
    rest, unit = share % 10000, 1000
    while True:
        out[at] = 0x30 + rest // unit
        at += 1
        rest %= unit
        unit //= 10
        if rest == 0:
            return at


@plain
def put_pairs(pairs: np.ndarray, n: int, moved: int, out: np.ndarray, at: int) -> int:
    """Write [[a, b], ...] of the first n pairs, moved; where writing goes on."""
    out[at] = 0x5B
    at += 1
    for k in range(n):
        if k:
            out[at], out[at + 1] = 0x2C, 0x20
            at += 2
        out[at] = 0x5B
        at = put_number(pairs[k, 0] + moved, out, at + 1)
        out[at], out[at + 1] = 0x2C, 0x20
        at = put_number(pairs[k, 1] + moved, out, at + 2)
        out[at] = 0x5D
        at += 1
    out[at] = 0x5D
    return at + 1


@inlined
def points_in(data: np.ndarray, start: int, stop: int) -> int:
    """How many code points begin in data[start:stop]."""
    n = 0
    for k in range(start, stop):
        n += (data[k] & 0xC0) != 0x80
    return n


@inlined
def _before(data: np.ndarray, k: int) -> int:
    """Where the code point before byte k begins."""
    k -= 1
    while (data[k] & 0xC0) == 0x80:
        k -= 1
    return k


@inlined
def after(data: np.ndarray, k: int, end: int) -> int:
    """Where the code point at byte k ends."""
    k += 1
    while k < end and (data[k] & 0xC0) == 0x80:
        k += 1
    return k


@plain
def _put_excerpt(data: np.ndarray, begin: int, end: int, low: int, high: int, out: np.ndarray, at: int) -> int:
    """Write data[low:high] of a text as a JSON string, with dots where it is cut; what joins messages is a line's end."""
    base, room = data.ctypes.data, data.ctypes.data + data.shape[0]
    first, goal = at, at + 3 if low > begin else at
    start, again = low, False
    while True:
        stop = start
        while stop < high and data[stop] != 0x1E:
            stop += 1
        at = _put_string(base + start, base + stop, room, out, goal, False)
        if again:
            out[goal] = 0x6E  # in place of the quote: with the backslash before it a line's end
        if stop >= high:
            break
        out[at - 1] = 0x5C
        goal, start, again = at, stop + 1, True
    if low > begin:
        out[first], out[first + 1], out[first + 2], out[first + 3] = 0x22, 0xE2, 0x80, 0xA6
    if high < end:
        out[at - 1], out[at], out[at + 1], out[at + 2] = 0xE2, 0x80, 0xA6, 0x22
        at += 3
    return at


@plain
def _is_space(data: np.ndarray, k: int) -> bool:
    """Whether the code point that begins at byte k is white space, as `str.isspace` says."""
    b = np.int64(data[k])
    if b < 0x80:
        return bool(b == 0x20 or 0x09 <= b <= 0x0D or 0x1C <= b <= 0x1F)
    if b == 0xC2:
        return bool(data[k + 1] == 0x85 or data[k + 1] == 0xA0)
    if b < 0xE1 or b > 0xE3:
        return False
    point = (b & 0x0F) << 12 | (np.int64(data[k + 1]) & 0x3F) << 6 | (np.int64(data[k + 2]) & 0x3F)
    line = point == 0x2028 or point == 0x2029
    return bool(
        line or point == 0x1680 or 0x2000 <= point <= 0x200A or point == 0x202F or point == 0x205F or point == 0x3000
    )


@plain
def put_words(data: np.ndarray, low: int, high: int, out: np.ndarray, at: int) -> int:
    """Write data[low:high], which begins with a word: at most LONGEST_WORDS characters, whole words; where writing goes on."""
    stop, count = low, 0
    while stop < high and count < LONGEST_WORDS:
        stop = after(data, stop, high)
        count += 1
    if stop < high:
        while _is_space(data, _before(data, stop)):
            stop = _before(data, stop)
        last = stop
        while stop > low and not _is_space(data, _before(data, stop)):
            stop = _before(data, stop)
        while stop > low and _is_space(data, _before(data, stop)):
            stop = _before(data, stop)
        if stop == low:  # one long word
            stop = last
        high = stop
    for k in range(low, high):
        out[at] = 0x0A if data[k] == 0x1E else data[k]
        at += 1
    return at


@plain
def put_marked(
    data: np.ndarray, begin: int, end: int, first: int, pairs: np.ndarray, n: int, text_key: np.ndarray, marks_key: np.ndarray, out: np.ndarray, at: int,
) -> int:  # fmt: skip
    """Write a piece of the text data[begin:end] around what is marked, and the marks in it; where writing goes on.

    pairs: the marks in code points, in order, the first of which begins with byte `first`; those told end with the piece.
    """
    low, point = first, pairs[0, 0]
    while low > begin and point > pairs[0, 0] - MARGIN:
        low = _before(data, low)
        point -= 1
    most = 0
    for k in range(n):
        most = max(most, pairs[k, 1])
    high, last, most = first, pairs[0, 0], min(most + MARGIN, point + EXCERPT)
    while high < end and last < most:
        high = after(data, high, end)
        last += 1
    told = 0
    for k in range(n):  # they are in order
        if pairs[k, 0] < last:
            pairs[k, 1] = min(pairs[k, 1], last)
            told += 1
    at = put(text_key, out, at)
    at = _put_excerpt(data, begin, end, low, high, out, at)
    at = put(marks_key, out, at)
    return put_pairs(pairs, told, (1 if low > begin else 0) - point, out, at)
