"""Plain JSON message lists, `[{"role": …, "content": …}, …]`, to flat messages.

Understands objects with one of role/from, one of content/value and perhaps a weight; every other row is left
to the slow, exact road, so that nothing here has to be clever.
"""

from __future__ import annotations

import numpy as np

from .jit import njit
from .json_encode import SLACK, _copy_block, _first_bit, _special

#: what became of a row
DONE, SLOW = 0, 1

ROLE_KEY, TEXT_KEY, WEIGHT_KEY, NO_KEY = 0, 1, 2, 3


@njit(nogil=True, cache=True)
def _space(data: np.ndarray, k: int, end: int) -> int:
    """The first position from `k` on that is no JSON white space."""
    while k < end and (data[k] == 0x20 or data[k] == 0x0A or data[k] == 0x0D or data[k] == 0x09):
        k += 1
    return k


@njit(nogil=True, cache=True)
def _hex4(data: np.ndarray, k: int, end: int) -> int:
    """The value of four hexadecimal digits at `k`, -1 where they are none."""
    if k + 4 > end:
        return -1
    value = 0
    for j in range(k, k + 4):
        b = data[j]
        if 48 <= b <= 57:
            digit = b - 48
        elif 97 <= b <= 102:
            digit = b - 87
        elif 65 <= b <= 70:
            digit = b - 55
        else:
            return -1
        value = value * 16 + digit
    return value


@njit(nogil=True, cache=True)
def _utf8(point: int, out: np.ndarray, at: int) -> int:
    """Write a code point at `at`; the position after it."""
    if point < 0x80:
        out[at] = point
        return at + 1
    if point < 0x800:
        out[at] = 0xC0 | (point >> 6)
        out[at + 1] = 0x80 | (point & 0x3F)
        return at + 2
    if point < 0x10000:
        out[at] = 0xE0 | (point >> 12)
        out[at + 1] = 0x80 | ((point >> 6) & 0x3F)
        out[at + 2] = 0x80 | (point & 0x3F)
        return at + 3
    out[at] = 0xF0 | (point >> 18)
    out[at + 1] = 0x80 | ((point >> 12) & 0x3F)
    out[at + 2] = 0x80 | ((point >> 6) & 0x3F)
    out[at + 3] = 0x80 | (point & 0x3F)
    return at + 4


@njit(nogil=True, cache=True)
def _escape(data: np.ndarray, k: int, end: int, out: np.ndarray, at: int) -> tuple:
    """Decode the escape whose backslash stands at `k`; (position after it, position in out), or (-1, at)."""
    if k + 1 >= end:
        return -1, at
    b = data[k + 1]
    if b == 0x75:  # u
        point = _hex4(data, k + 2, end)
        if point < 0 or 0xDC00 <= point <= 0xDFFF:
            return -1, at
        k += 6
        if 0xD800 <= point <= 0xDBFF:
            if k + 6 > end or data[k] != 0x5C or data[k + 1] != 0x75:
                return -1, at
            low = _hex4(data, k + 2, end)
            if low < 0xDC00 or low > 0xDFFF:
                return -1, at
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00)
            k += 6
        return k, _utf8(point, out, at)
    if b == 0x22 or b == 0x5C or b == 0x2F:
        out[at] = b
    elif b == 0x6E:
        out[at] = 0x0A
    elif b == 0x74:
        out[at] = 0x09
    elif b == 0x72:
        out[at] = 0x0D
    elif b == 0x62:
        out[at] = 0x08
    elif b == 0x66:
        out[at] = 0x0C
    else:
        return -1, at
    return k + 2, at + 1


@njit(nogil=True, cache=True)
def _string(data: np.ndarray, k: int, end: int, out: np.ndarray, at: int) -> tuple:
    """Decode the string whose opening quote stands at `k`; (position after it, position in out), or (-1, at)."""
    if k >= end or data[k] != 0x22:
        return -1, at
    k += 1
    base = data.ctypes.data
    last = min(data.shape[0], out.shape[0]) - SLACK  # `at` never runs ahead of `k`
    while k < end:
        if k <= last:
            mask = _special(base + k)
            _copy_block(base + k, out, at)
            if mask == 0:
                k += SLACK
                at += SLACK
                continue
            clean = _first_bit(mask)
            k += clean
            at += clean
            if k >= end:
                break
        b = data[k]
        if b == 0x22:
            return k + 1, at
        if b == 0x5C:
            k, at = _escape(data, k, end, out, at)
            if k < 0:
                return -1, at
        elif b < 0x20:
            return -1, at
        else:
            out[at] = b
            at += 1
            k += 1
    return -1, at


@njit(nogil=True, cache=True)
def _plain_end(data: np.ndarray, k: int, end: int) -> int:
    """The closing quote of the string that opens at `k`, if it holds no escape; else -1."""
    if k >= end or data[k] != 0x22:
        return -1
    k += 1
    while k < end:
        b = data[k]
        if b == 0x22:
            return k
        if b == 0x5C or b < 0x20:
            return -1
        k += 1
    return -1


@njit(nogil=True, cache=True)
def _word(data: np.ndarray, start: int, stop: int, words: np.ndarray, bounds: np.ndarray) -> int:
    """Which of the words stands at start … stop, -1 if none."""
    length = stop - start
    for w in range(bounds.shape[0] - 1):
        if bounds[w + 1] - bounds[w] != length:
            continue
        same = True
        for j in range(length):
            if data[start + j] != words[bounds[w] + j]:
                same = False
                break
        if same:
            return w
    return -1


@njit(nogil=True, cache=True)
def _key(data: np.ndarray, k: int, end: int, keys: np.ndarray, bounds: np.ndarray) -> tuple:
    """The key at `k` and the position of its value: (ROLE_KEY …, position), or (NO_KEY, -1)."""
    close = _plain_end(data, k, end)
    if close < 0:
        return NO_KEY, -1
    word = _word(data, k + 1, close, keys, bounds)
    k = _space(data, close + 1, end)
    if word < 0 or k >= end or data[k] != 0x3A:
        return NO_KEY, -1
    return (ROLE_KEY if word < 2 else TEXT_KEY if word < 4 else WEIGHT_KEY), _space(data, k + 1, end)


@njit(nogil=True, cache=True)
def _weight(data: np.ndarray, k: int, end: int) -> tuple:
    """0, 1, 0.0 or 1.0 at `k`: (value, position after it), or (-1, -1)."""
    if k >= end or (data[k] != 0x30 and data[k] != 0x31):
        return -1, -1
    value = data[k] - 0x30
    k += 1
    if k + 1 < end and data[k] == 0x2E and data[k + 1] == 0x30:
        k += 2
    if k < end and (data[k] == 0x2C or data[k] == 0x7D or data[k] <= 0x20):
        return value, k
    return -1, -1


@njit(nogil=True, cache=True)
def parse_plain(
    data: np.ndarray,
    offsets: np.ndarray,
    valid: np.ndarray,
    single: bool,
    keys: np.ndarray,
    key_bounds: np.ndarray,
    roles: np.ndarray,
    role_bounds: np.ndarray,
    out: np.ndarray,
    out_offsets: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray,
    starts: np.ndarray,
    status: np.ndarray,
) -> int:
    """Parse each row of (data, offsets, valid); returns how many messages were written.

    keys: the words role, from, content, value, weight, loss_weight, in this order, end to end, with bounds;
    roles: the role words, likewise; single: one object instead of a list will do.
    Out: contents in (out, out_offsets), codes: (m,) uint8 index of the role word, weights: (m,) int8 or -1,
    starts: (n + 1,) int64, status: (n,) uint8. `out` needs room for all of data; the arrays of messages
    for one message per 20 bytes and row. Rows that are null or SLOW have no messages.
    """
    m = 0
    at = 0
    out_offsets[0] = 0
    for i in range(offsets.shape[0] - 1):
        starts[i] = m
        status[i] = DONE
        if not valid[i]:
            continue
        first_m, first_at = m, at
        end = offsets[i + 1]
        k = _space(data, offsets[i], end)
        listed = k < end and data[k] == 0x5B
        good = False
        if listed:
            k = _space(data, k + 1, end)
        if listed or single:
            while k < end and data[k] == 0x7B:  # one object
                k = _space(data, k + 1, end)
                role, text, weight = -1, False, -1
                closed = False
                while k < end:
                    key, k = _key(data, k, end, keys, key_bounds)
                    if key == ROLE_KEY and role < 0:
                        close = _plain_end(data, k, end)
                        if close < 0:
                            break
                        role = _word(data, k + 1, close, roles, role_bounds)
                        if role < 0:
                            break
                        k = close + 1
                    elif key == TEXT_KEY and not text:
                        k, at = _string(data, k, end, out, at)
                        if k < 0:
                            break
                        text = True
                    elif key == WEIGHT_KEY and weight < 0:
                        weight, k = _weight(data, k, end)
                        if k < 0:
                            break
                    else:
                        break
                    k = _space(data, k, end)
                    if k < end and data[k] == 0x2C:
                        k = _space(data, k + 1, end)
                        continue
                    closed = k < end and data[k] == 0x7D
                    break
                if not closed or role < 0 or not text:
                    break
                codes[m] = role
                weights[m] = weight
                m += 1
                out_offsets[m] = at
                k = _space(data, k + 1, end)
                if not listed:
                    good = k == end
                    break
                if k < end and data[k] == 0x2C:
                    k = _space(data, k + 1, end)
                    continue
                good = k < end and data[k] == 0x5D and _space(data, k + 1, end) == end
                break
        if not good:
            m, at = first_m, first_at
            status[i] = SLOW
    starts[offsets.shape[0] - 1] = m
    return m
