"""JSON text written anew, as Python's `json.dumps(json.loads(text))` writes it."""
# mypy: disable-error-code="arg-type,call-arg,var-annotated"

from __future__ import annotations

import numpy as np

from .jit import njit
from .json_encode import put_point

#: Deeper JSON is left to Python.
MAX_DEPTH = 100
#: Objects with more keys than this, summed over the open ones, are left to Python.
MAX_KEYS = 1024


@njit(nogil=True, cache=True)
def _same(data: np.ndarray, a: int, a_stop: int, b: int, b_stop: int) -> bool:
    """Whether data[a:a_stop] equals data[b:b_stop]."""
    if a_stop - a != b_stop - b:
        return False
    for k in range(a_stop - a):  # noqa: SIM110
        if data[a + k] != data[b + k]:
            return False
    return True


@njit(nogil=True, cache=True)
def _recode_string(data: np.ndarray, k: int, end: int, out: np.ndarray, at: int, ascii: bool) -> tuple[int, int]:
    """Copy the string that begins after the quote at `k`; (-1, 0) where Python must look at it."""
    out[at] = 0x22
    at += 1
    k += 1
    while k < end:
        b = data[k]
        if b == 0x22:
            out[at] = b
            return k + 1, at + 1
        if b == 0x5C:
            if k + 1 >= end:
                return -1, 0
            c = data[k + 1]
            if not (c == 0x22 or c == 0x5C or c == 0x6E or c == 0x74 or c == 0x72 or c == 0x62 or c == 0x66):
                return -1, 0
            out[at], out[at + 1] = b, c
            k += 2
            at += 2
        elif b < 0x20:
            return -1, 0
        elif b >= 0x7F and ascii:
            width, at = put_point(data.ctypes.data + k, out, at)
            k += width
        else:
            out[at] = b
            k += 1
            at += 1
    return -1, 0


@njit(nogil=True, cache=True)
def _recode_number(data: np.ndarray, k: int, end: int, out: np.ndarray, at: int) -> tuple[int, int]:
    """Copy a whole number; (-1, 0) for any other number."""
    begin = k
    if data[k] == 0x2D:
        out[at] = 0x2D
        k += 1
        at += 1
    digits = k
    while k < end and 0x30 <= data[k] <= 0x39:
        out[at] = data[k]
        k += 1
        at += 1
    if k == digits or k - digits > 4000:
        return -1, 0
    if data[digits] == 0x30 and (k - digits > 1 or digits > begin):
        return -1, 0
    if k < end and (data[k] == 0x2E or data[k] == 0x65 or data[k] == 0x45):
        return -1, 0
    return k, at


@njit(nogil=True, cache=True)
def _recode_word(data: np.ndarray, k: int, end: int, out: np.ndarray, at: int) -> tuple[int, int]:
    """Copy `true`, `false` or `null`; (-1, 0) for anything else."""
    b = data[k]
    length = 5 if b == 0x66 else 4
    if k + length > end:
        return -1, 0
    if b == 0x74:
        good = data[k + 1] == 0x72 and data[k + 2] == 0x75 and data[k + 3] == 0x65
    elif b == 0x66:
        good = data[k + 1] == 0x61 and data[k + 2] == 0x6C and data[k + 3] == 0x73 and data[k + 4] == 0x65
    else:
        good = b == 0x6E and data[k + 1] == 0x75 and data[k + 2] == 0x6C and data[k + 3] == 0x6C
    if not good:
        return -1, 0
    for j in range(length):
        out[at + j] = data[k + j]
    return k + length, at + length


@njit(nogil=True, cache=True)
def _skip(data: np.ndarray, k: int, end: int) -> int:
    """Where the white space at `k` ends."""
    while k < end and (data[k] == 0x20 or data[k] == 0x0A or data[k] == 0x0D or data[k] == 0x09):
        k += 1
    return k


@njit(nogil=True, cache=True)
def _recode(
    data: np.ndarray,
    k: int,
    end: int,
    out: np.ndarray,
    at: int,
    ascii: bool,
    kinds: np.ndarray,
    firsts: np.ndarray,
    keys: np.ndarray,
) -> int:
    """Write one JSON text anew; where writing goes on, or -1 where Python must look at it.

    kinds, firsts: (MAX_DEPTH,) the open brackets and where their keys begin in keys (MAX_KEYS, 2).
    """
    depth, n_keys = 0, 0
    empty = False  # right after an opening bracket
    while True:
        k = _skip(data, k, end)
        if k >= end:
            return -1
        b = data[k]
        closing = empty and b == kinds[depth - 1]
        if not closing:
            if depth and kinds[depth - 1] == 0x7D:  # a key first
                if b != 0x22 or n_keys >= MAX_KEYS:
                    return -1
                begin = k
                k, at = _recode_string(data, k, end, out, at, ascii)
                if k < 0:
                    return -1
                for j in range(firsts[depth - 1], n_keys):
                    if _same(data, keys[j, 0], keys[j, 1], begin, k):
                        return -1
                keys[n_keys, 0], keys[n_keys, 1] = begin, k
                n_keys += 1
                k = _skip(data, k, end)
                if k >= end or data[k] != 0x3A:
                    return -1
                out[at], out[at + 1] = 0x3A, 0x20
                at += 2
                k = _skip(data, k + 1, end)
                if k >= end:
                    return -1
                b = data[k]
            if b == 0x7B or b == 0x5B:
                if depth >= MAX_DEPTH:
                    return -1
                kinds[depth], firsts[depth] = b + 2, n_keys
                depth += 1
                out[at] = b
                at += 1
                k += 1
                empty = True
                continue
            if b == 0x22:
                k, at = _recode_string(data, k, end, out, at, ascii)
            elif b == 0x2D or 0x30 <= b <= 0x39:
                k, at = _recode_number(data, k, end, out, at)
            else:
                k, at = _recode_word(data, k, end, out, at)
            if k < 0:
                return -1
        empty = False
        while True:  # after a value: close brackets, or go on after a comma
            k = _skip(data, k, end)
            if depth == 0:
                return at if k >= end else -1
            if k >= end:
                return -1
            if data[k] == kinds[depth - 1]:
                out[at] = data[k]
                at += 1
                k += 1
                depth -= 1
                n_keys = firsts[depth]
            elif data[k] == 0x2C:
                out[at], out[at + 1] = 0x2C, 0x20
                at += 2
                k += 1
                break
            else:
                return -1


@njit(nogil=True, cache=True)
def recode_json(
    data: np.ndarray,
    offsets: np.ndarray,
    valid: np.ndarray,
    out: np.ndarray,
    out_offsets: np.ndarray,
    left: np.ndarray,
    ascii: bool,
) -> None:
    """Write each JSON text as `json.dumps(json.loads(text))` would, into `out` (twice the bytes, and slack).

    left: (n,) bool, set where nothing was written because Python must look: floats, \\u escapes,
    repeated keys, great depth, and everything that is no JSON.
    """
    kinds = np.zeros(MAX_DEPTH + 1, np.uint8)
    firsts = np.zeros(MAX_DEPTH + 1, np.int64)
    keys = np.zeros((MAX_KEYS, 2), np.int64)
    at = 0
    for i in range(offsets.shape[0] - 1):
        out_offsets[i] = at
        if not valid[i]:
            continue
        done = _recode(data, offsets[i], offsets[i + 1], out, at, ascii, kinds, firsts, keys)
        left[i] = done < 0
        if done >= 0:
            at = done
    out_offsets[offsets.shape[0] - 1] = at
