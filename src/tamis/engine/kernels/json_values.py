"""The grammar of JSON values (RFC 8259), on bytes: where a value ends, and what is wrong with it.

Data must have `scan.PADDING` readable bytes behind it.
"""

# numba's annotations do not know what a kernel is compiled to
# mypy: disable-error-code="call-arg,var-annotated,assignment,no-any-return,attr-defined"
from __future__ import annotations

import numpy as np

from .jit import njit
from .scan import copy_32, find_quote_or_backslash, find_string_special

#: kinds of values
NULL, TEXT, ESCAPED, INTEGER, BIG, NUMBER, BOOLEAN, NESTED = range(8)
KINDS = 8

#: why a record is bad
SYNTAX, UTF8, CONTROL, SURROGATE, DUPLICATE, NAN, DEPTH, NOT_OBJECT, END, LONG_KEY = range(1, 11)

#: objects with more keys than this are left to the slow reader's check for duplicate keys
MANY_KEYS = 32


@njit(nogil=True, cache=True)
def utf8_length(data: np.ndarray, k: int, end: int) -> int:
    """Bytes of the well-formed UTF-8 sequence at `k` whose first byte is not ASCII; 0 where it is not well-formed."""
    b = data[k]
    if b < 0xC2 or b > 0xF4:
        return 0
    if b < 0xE0:
        return 2 if k + 1 < end and (data[k + 1] & 0xC0) == 0x80 else 0
    if b < 0xF0:
        if k + 2 >= end or (data[k + 1] & 0xC0) != 0x80 or (data[k + 2] & 0xC0) != 0x80:
            return 0
        if (b == 0xE0 and data[k + 1] < 0xA0) or (b == 0xED and data[k + 1] > 0x9F):
            return 0
        return 3
    if k + 3 >= end or (data[k + 1] & 0xC0) != 0x80 or (data[k + 2] & 0xC0) != 0x80 or (data[k + 3] & 0xC0) != 0x80:
        return 0
    if (b == 0xF0 and data[k + 1] < 0x90) or (b == 0xF4 and data[k + 1] > 0x8F):
        return 0
    return 4


@njit(nogil=True, cache=True)
def hex4(data: np.ndarray, k: int, end: int) -> int:
    """The value of four hexadecimal digits at `k`, or -1."""
    if k + 4 > end:
        return -1
    value = 0
    for i in range(k, k + 4):
        b = np.int64(data[i])
        if 48 <= b <= 57:
            value = value * 16 + b - 48
        elif 65 <= b <= 70:
            value = value * 16 + b - 55
        elif 97 <= b <= 102:
            value = value * 16 + b - 87
        else:
            return -1
    return value


@njit(nogil=True, cache=True)
def string_end(data: np.ndarray, base: int, k: int, end: int) -> tuple[int, int]:
    """From behind an opening quote: (position of the closing one, 0 | 1 where there are escapes) or (-, -cause)."""
    escaped = 0
    while True:
        step = find_string_special(base + k)
        k += step
        if k >= end:
            return end, -END
        if step == 32:
            continue
        b = data[k]
        if b == 0x22:
            return k, escaped
        if b >= 0x80:
            while k < end and data[k] >= 0x80:
                size = utf8_length(data, k, end)
                if size == 0:
                    return k, -UTF8
                k += size
            continue
        if b != 0x5C:
            return k, -CONTROL
        escaped = 1
        if k + 1 >= end:
            return end, -END
        b = data[k + 1]
        if b == 0x75:  # u
            unit = hex4(data, k + 2, end)
            if unit < 0:
                return k, -SYNTAX
            k += 6
            if 0xD800 <= unit <= 0xDFFF:
                low = -1
                if unit < 0xDC00 and k + 1 < end and data[k] == 0x5C and data[k + 1] == 0x75:
                    low = hex4(data, k + 2, end)
                if not 0xDC00 <= low <= 0xDFFF:
                    return k, -SURROGATE
                k += 6
        elif b == 0x22 or b == 0x5C or b == 0x2F or b == 0x62 or b == 0x66 or b == 0x6E or b == 0x72 or b == 0x74:
            k += 2
        else:
            return k, -SYNTAX


@njit(nogil=True, cache=True)
def number_end(data: np.ndarray, k: int, end: int) -> tuple[int, int, int]:
    """(end of the number, INTEGER | BIG | NUMBER or -cause, 1 where it may be too large for a double)."""
    start = k
    negative = data[k] == 0x2D
    if negative:
        k += 1
    if k >= end:
        return k, -END, 0
    if data[k] == 0x49:
        return k, -NAN, 0
    digits = k
    value, big = np.uint64(0), False
    if data[k] == 0x30:
        k += 1
    elif 0x31 <= data[k] <= 0x39:
        while k < end and 0x30 <= data[k] <= 0x39:
            if k - digits < 19:
                value = value * np.uint64(10) + np.uint64(data[k] - 48)
            k += 1
    else:
        return start, -SYNTAX, 0
    size = k - digits
    if size > 19:
        big = True
    elif size == 19:
        limit = np.uint64(9223372036854775807)
        big = value > limit + np.uint64(1) if negative else value > limit
    fraction = False
    if k < end and data[k] == 0x2E:
        fraction = True
        k += 1
        after = k
        while k < end and 0x30 <= data[k] <= 0x39:
            k += 1
        if k == after:
            return start, -END if k >= end else -SYNTAX, 0
    doubt = 1 if size > 200 else 0
    if k < end and (data[k] == 0x65 or data[k] == 0x45):
        fraction = True
        k += 1
        if k < end and (data[k] == 0x2B or data[k] == 0x2D):
            k += 1
        after = k
        while k < end and 0x30 <= data[k] <= 0x39:
            k += 1
        if k == after:
            return start, -END if k >= end else -SYNTAX, 0
        if k - after >= 3:
            doubt = 1
    if fraction:
        return k, NUMBER, doubt
    return k, BIG if big else INTEGER, 0


@njit(nogil=True, cache=True)
def literal_end(data: np.ndarray, k: int, end: int) -> tuple[int, int]:
    """true, false or null at `k`: (its end, BOOLEAN | NULL or -cause)."""
    b = data[k]
    if b == 0x74:
        if k + 4 <= end:
            if data[k + 1] == 0x72 and data[k + 2] == 0x75 and data[k + 3] == 0x65:
                return k + 4, BOOLEAN
            return k, -SYNTAX
        return k, -END
    if b == 0x66:
        if k + 5 <= end:
            if data[k + 1] == 0x61 and data[k + 2] == 0x6C and data[k + 3] == 0x73 and data[k + 4] == 0x65:
                return k + 5, BOOLEAN
            return k, -SYNTAX
        return k, -END
    if b == 0x6E:
        if k + 4 <= end:
            if data[k + 1] == 0x75 and data[k + 2] == 0x6C and data[k + 3] == 0x6C:
                return k + 4, NULL
            return k, -SYNTAX
        return k, -END
    if b == 0x4E or b == 0x49:
        return k, -NAN
    return k, -SYNTAX


@njit(nogil=True, cache=True)
def skip_space(data: np.ndarray, k: int, end: int) -> int:
    """The first position from `k` that holds no JSON white space."""
    while k < end and (data[k] == 0x20 or data[k] == 0x0A or data[k] == 0x0D or data[k] == 0x09):
        k += 1
    return k


@njit(nogil=True, cache=True)
def _same(data: np.ndarray, a: int, b: int, length: int) -> bool:
    for i in range(length):  # noqa: SIM110
        if data[a + i] != data[b + i]:
            return False
    return True


@njit(nogil=True, cache=True)
def nested_end(
    data: np.ndarray,
    base: int,
    k: int,
    end: int,
    outside: int,
    max_depth: int,
    kinds: np.ndarray,
    firsts: np.ndarray,
    keys: np.ndarray,
) -> tuple[int, int, int]:
    """Check the object or array at `k`: (its end, NESTED or -cause, 1 where the slow reader must look again).

    kinds, firsts: (max_depth + 1,) of the open brackets: whether an object, its first key in `keys`;
    keys: (many, 2) start and end of the keys of all open objects.
    """
    depth, used, doubt = 0, 0, 0
    want = 0  # 0 a value, 1 a key, 2 what follows a value
    while True:
        k = skip_space(data, k, end)
        if k >= end:
            return end, -END, doubt
        b = data[k]
        if want == 0:
            want = 2
            if b == 0x22:
                k, status = string_end(data, base, k + 1, end)
                if status < 0:
                    return k, status, doubt
                k += 1
            elif b == 0x7B or b == 0x5B:
                if depth + outside >= max_depth:
                    return k, -DEPTH, doubt
                kinds[depth] = b == 0x7B
                firsts[depth] = used
                depth += 1
                k = skip_space(data, k + 1, end)
                if k >= end:
                    return end, -END, doubt
                if data[k] == (0x7D if b == 0x7B else 0x5D):
                    depth -= 1
                    k += 1
                else:
                    want = 1 if b == 0x7B else 0
            elif b == 0x2D or 0x30 <= b <= 0x39:
                k, status, large = number_end(data, k, end)
                if status < 0:
                    return k, status, doubt
                doubt |= large
            else:
                k, status = literal_end(data, k, end)
                if status < 0:
                    return k, status, doubt
        elif want == 1:
            if b != 0x22:
                return k, -SYNTAX, doubt
            start = k + 1
            k, status = string_end(data, base, start, end)
            if status < 0:
                return k, status, doubt
            first = firsts[depth - 1]
            if status == 1 or used >= keys.shape[0] or used - first >= MANY_KEYS:
                doubt = 1
            else:
                for i in range(first, used):
                    if keys[i, 1] - keys[i, 0] == k - start and _same(data, keys[i, 0], start, k - start):
                        return k, -DUPLICATE, doubt
                keys[used, 0], keys[used, 1] = start, k
                used += 1
            k = skip_space(data, k + 1, end)
            if k >= end:
                return end, -END, doubt
            if data[k] != 0x3A:
                return k, -SYNTAX, doubt
            k += 1
            want = 0
        elif b == 0x2C:
            k += 1
            want = 1 if kinds[depth - 1] else 0
        elif b == (0x7D if kinds[depth - 1] else 0x5D):
            depth -= 1
            used = firsts[depth]
            k += 1
        else:
            return k, -SYNTAX, doubt
        if depth == 0 and want == 2:
            return k, NESTED, doubt


@njit(nogil=True, cache=True)
def decode(data: np.ndarray, base: int, k: int, end: int, out: np.ndarray, at: int) -> int:
    """Write a checked string with its escapes undone to `out` from `at`; returns the position behind it.

    32 bytes of `out` behind what is written may change.
    """
    target = out.ctypes.data
    while k < end:
        step = find_quote_or_backslash(base + k)
        if k + step > end:
            step = end - k
        copy_32(target + at, base + k)
        at += step
        k += step
        if k >= end or step == 32:
            continue
        if data[k] != 0x5C:  # a control character, in CSV cells
            out[at] = data[k]
            at += 1
            k += 1
            continue
        b = data[k + 1]
        k += 2
        if b == 0x75:
            point = hex4(data, k, end)
            k += 4
            if 0xD800 <= point <= 0xDBFF:
                point = 0x10000 + ((point - 0xD800) << 10) + (hex4(data, k + 2, end) - 0xDC00)
                k += 6
            if point < 0x80:
                out[at] = point
                at += 1
            elif point < 0x800:
                out[at], out[at + 1] = 0xC0 | (point >> 6), 0x80 | (point & 0x3F)
                at += 2
            elif point < 0x10000:
                out[at], out[at + 1], out[at + 2] = (
                    0xE0 | (point >> 12),
                    0x80 | ((point >> 6) & 0x3F),
                    0x80 | (point & 0x3F),
                )
                at += 3
            else:
                out[at], out[at + 1] = 0xF0 | (point >> 18), 0x80 | ((point >> 12) & 0x3F)
                out[at + 2], out[at + 3] = 0x80 | ((point >> 6) & 0x3F), 0x80 | (point & 0x3F)
                at += 4
            continue
        if b == 0x6E:
            b = 0x0A
        elif b == 0x74:
            b = 0x09
        elif b == 0x72:
            b = 0x0D
        elif b == 0x62:
            b = 0x08
        elif b == 0x66:
            b = 0x0C
        out[at] = b
        at += 1
    return at
