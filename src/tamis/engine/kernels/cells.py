"""From a tape of values (see `json_lines`) to whole columns."""

# numba's annotations do not know what a kernel is compiled to
# mypy: disable-error-code="call-arg,var-annotated,assignment,no-any-return,attr-defined"
from __future__ import annotations

import numpy as np

from .jit import njit
from .json_values import BOOLEAN, ESCAPED, INTEGER, NUMBER, TEXT, decode
from .scan import copy_32, find_byte

#: powers of ten that a double holds exactly
_TENS = 10.0 ** np.arange(23)


@njit(nogil=True, cache=True)
def by_column(tape_column: np.ndarray, used: int, starts: np.ndarray, order: np.ndarray) -> None:
    """Sort tape entries by column, keeping their order: those of column c are order[starts[c] : starts[c + 1]]."""
    starts[:] = 0
    for i in range(used):
        starts[tape_column[i] + 1] += 1
    for c in range(starts.shape[0] - 1):
        starts[c + 1] += starts[c]
    at = starts.copy()
    for i in range(used):
        c = tape_column[i]
        order[at[c]] = i
        at[c] += 1


@njit(nogil=True, cache=True)
def count_kinds(
    tape_row: np.ndarray,
    tape_column: np.ndarray,
    tape_kind: np.ndarray,
    used: int,
    counts: np.ndarray,
    first: np.ndarray,
) -> None:
    """How many values of each kind each column has, and the first row with one: both (columns, KINDS), first -1."""
    for i in range(used):
        c, k = tape_column[i], tape_kind[i]
        if counts[c, k] == 0:
            first[c, k] = tape_row[i]
        counts[c, k] += 1


@njit(nogil=True, cache=True)
def decoded_room(order: np.ndarray, tape_kind: np.ndarray, tape_start: np.ndarray, tape_end: np.ndarray) -> int:
    """Bytes that the escaped strings of a column take at most when decoded."""
    room = 0
    for e in range(order.shape[0]):
        if tape_kind[order[e]] == ESCAPED:
            room += tape_end[order[e]] - tape_start[order[e]]
    return room


@njit(nogil=True, cache=True)
def fill_views(
    data: np.ndarray,
    order: np.ndarray,
    tape_row: np.ndarray,
    tape_kind: np.ndarray,
    tape_start: np.ndarray,
    tape_end: np.ndarray,
    accepted: np.ndarray,
    raw: bool,
    doubled: bool,
    out: np.ndarray,
    views: np.ndarray,
    valid: np.ndarray,
    odd: np.ndarray,
) -> int:
    """One column as Arrow string views over `data` (buffer 0) and `out` (buffer 1), where escaped strings are
    decoded to; returns the bytes used of `out`.

    views: (rows, 16) uint8, zeroed. accepted: (KINDS,) bool; values of other kinds are null and marked in odd
    (rows,) bool. raw: strings keep their quotes and escapes (JSON text). doubled: escapes are doubled quotes (CSV).
    """
    base = data.ctypes.data
    words = views.view(np.uint32)
    at = 0
    valid[:] = False
    for e in range(order.shape[0]):
        i = order[e]
        row, kind = tape_row[i], tape_kind[i]
        if not accepted[kind]:
            odd[row] = True
            continue
        valid[row] = True
        start, end = tape_start[i], tape_end[i]
        if kind == ESCAPED and not raw:
            begin = at
            at = _undouble(data, base, start, end, out, at) if doubled else decode(data, base, start, end, out, at)
            _view(views, words, row, out, begin, at - begin, 1)
        else:
            if raw and (kind in (TEXT, ESCAPED)):
                start, end = start - 1, end + 1
            _view(views, words, row, data, start, end - start, 0)
    return at


@njit(nogil=True, cache=True)
def _view(
    views: np.ndarray, words: np.ndarray, row: int, data: np.ndarray, start: int, length: int, buffer: int
) -> None:
    words[row, 0] = length
    if length <= 12:
        for i in range(length):
            views[row, 4 + i] = data[start + i]
        return
    for i in range(4):
        views[row, 4 + i] = data[start + i]
    words[row, 2], words[row, 3] = buffer, start


@njit(nogil=True, cache=True)
def _undouble(data: np.ndarray, base: int, k: int, end: int, out: np.ndarray, at: int) -> int:
    """Copy a CSV cell with doubled quotes halved; returns the position behind it in `out`."""
    target = out.ctypes.data
    while k < end:
        step = find_byte(base + k, np.uint8(0x22))
        quote = step < 32 and k + step < end
        if k + step > end:
            step = end - k
        copy_32(target + at, base + k)
        at += step
        k += step
        if quote:
            out[at] = 0x22
            at += 1
            k += 2
    return at


@njit(nogil=True, cache=True)
def fill_integers(
    data: np.ndarray,
    order: np.ndarray,
    tape_row: np.ndarray,
    tape_kind: np.ndarray,
    tape_start: np.ndarray,
    tape_end: np.ndarray,
    out: np.ndarray,
    valid: np.ndarray,
    odd: np.ndarray,
) -> None:
    """One column as int64; other kinds are null and odd."""
    valid[:] = False
    for e in range(order.shape[0]):
        i = order[e]
        row = tape_row[i]
        if tape_kind[i] != INTEGER:
            odd[row] = True
            continue
        k, end = tape_start[i], tape_end[i]
        negative = data[k] == 0x2D
        if negative:
            k += 1
        value = np.uint64(0)
        while k < end:
            value = value * np.uint64(10) + np.uint64(data[k] - 48)
            k += 1
        signed = np.int64(value)
        out[row] = -signed if negative else signed
        valid[row] = True


@njit(nogil=True, cache=True)
def fill_numbers(
    data: np.ndarray,
    order: np.ndarray,
    tape_row: np.ndarray,
    tape_kind: np.ndarray,
    tape_start: np.ndarray,
    tape_end: np.ndarray,
    out: np.ndarray,
    valid: np.ndarray,
    odd: np.ndarray,
    slow: np.ndarray,
) -> int:
    """One column as float64; returns how many tape entries stand in `slow`: values that need exact rounding.

    A whole number that a double does not hold exactly is null and odd, as are other kinds.
    """
    valid[:] = False
    left = 0
    for e in range(order.shape[0]):
        i = order[e]
        row, kind = tape_row[i], tape_kind[i]
        if kind != INTEGER and kind != NUMBER:
            odd[row] = True
            continue
        k, end = tape_start[i], tape_end[i]
        negative = data[k] == 0x2D
        if negative:
            k += 1
        value, digits, scale, point = np.uint64(0), 0, 0, False
        while k < end and data[k] != 0x65 and data[k] != 0x45:
            if data[k] == 0x2E:
                point = True
            else:
                value = value * np.uint64(10) + np.uint64(data[k] - 48)
                digits += value != 0
                scale -= point
            k += 1
        exponent, down = 0, False
        if k < end:
            k += 1
            if data[k] == 0x2D or data[k] == 0x2B:
                down = data[k] == 0x2D
                k += 1
            while k < end:
                exponent = min(exponent * 10 + np.int64(data[k] - 48), 100000)
                k += 1
        scale += -exponent if down else exponent
        valid[row] = True
        if kind == INTEGER:
            exact = np.uint64(np.float64(value)) == value
            out[row] = -np.float64(value) if negative else np.float64(value)
            if not exact:
                valid[row] = False
                odd[row] = True
        elif digits <= 19 and value <= np.uint64(9007199254740992) and -22 <= scale <= 22:
            number = np.float64(value)
            number = number * _TENS[scale] if scale >= 0 else number / _TENS[-scale]
            out[row] = -number if negative else number
        else:
            slow[left] = i
            left += 1
    return left


@njit(nogil=True, cache=True)
def fill_booleans(
    data: np.ndarray,
    order: np.ndarray,
    tape_row: np.ndarray,
    tape_kind: np.ndarray,
    tape_start: np.ndarray,
    out: np.ndarray,
    valid: np.ndarray,
    odd: np.ndarray,
) -> None:
    """One column as booleans; other kinds are null and odd."""
    valid[:] = False
    for e in range(order.shape[0]):
        i = order[e]
        if tape_kind[i] != BOOLEAN:
            odd[tape_row[i]] = True
            continue
        out[tape_row[i]] = data[tape_start[i]] == 0x74
        valid[tape_row[i]] = True
