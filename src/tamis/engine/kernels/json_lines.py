"""Checks JSON records and finds their top-level values, in one pass over the bytes.

What it accepts is RFC 8259 in valid UTF-8, one object a record, no key twice in an object, no lone
surrogate. Values are not copied here: a *tape* of (row, column, kind, start, end) says where they stand.
Data must have `scan.PADDING` readable bytes behind it.
"""

# numba's annotations do not know what a kernel is compiled to
# mypy: disable-error-code="call-arg,var-annotated,assignment,no-any-return,attr-defined"
from __future__ import annotations

import numpy as np

from .jit import njit
from .json_values import (
    DUPLICATE,
    END,
    LONG_KEY,
    NOT_OBJECT,
    NULL,
    SYNTAX,
    TEXT,
    decode,
    literal_end,
    nested_end,
    number_end,
    skip_space,
    string_end,
)
from .scan import PADDING, find_byte

#: why `parse_records` returned: all done; tape full; list of bad records full; a record to look at
#: again with the slow reader; too many columns
DONE, TAPE_FULL, BAD_FULL, DOUBTFUL, COLUMNS_FULL = range(5)

#: places in `state`
RECORD, ROWS, USED, BAD, COLUMNS, TRUSTED, KEY_BYTES, STAMP = range(8)
STATE = 8


@njit(nogil=True, cache=True)
def line_spans(
    data: np.ndarray, length: int, starts: np.ndarray, ends: np.ndarray, numbers: np.ndarray, first: int
) -> int:
    """Non-blank lines of data[:length]: where each starts and ends (without its line end), and its number.

    Returns how many there are; where that is more than fit, only the first are filled in.
    """
    base = data.ctypes.data
    found, number, start = 0, first, 0
    while start < length:
        k = start
        while k < length:
            step = find_byte(base + k, np.uint8(0x0A))
            k += step
            if step < 32:
                break
        if k > length:
            k = length
        end = k
        if end > start and data[end - 1] == 0x0D:
            end -= 1
        blank = True
        for i in range(start, end):
            if data[i] != 0x20 and data[i] != 0x09 and data[i] != 0x0D:
                blank = False
                break
        if not blank:
            if found < starts.shape[0]:
                starts[found], ends[found], numbers[found] = start, end, number
            found += 1
        number += 1
        start = k + 1
    return found


@njit(nogil=True, cache=True)
def _column(
    key: np.ndarray,
    start: int,
    length: int,
    state: np.ndarray,
    key_data: np.ndarray,
    key_offsets: np.ndarray,
    table: np.ndarray,
) -> int:
    """The number of the column named by these bytes, a new one where it is unknown; -1 where there is no room."""
    h = np.uint64(14695981039346656037)
    for i in range(length):
        h = (h ^ np.uint64(key[start + i])) * np.uint64(1099511628211)
    slot = np.int64((h ^ (h >> np.uint64(29))) & np.uint64(table.shape[0] - 1))
    while table[slot] >= 0:
        c = table[slot]
        if key_offsets[c + 1] - key_offsets[c] == length:
            same = True
            for i in range(length):
                if key_data[key_offsets[c] + i] != key[start + i]:
                    same = False
                    break
            if same:
                return c
        slot = (slot + 1) & (table.shape[0] - 1)
    c = state[COLUMNS]
    used = state[KEY_BYTES]
    if c + 1 >= key_offsets.shape[0] or used + length > key_data.shape[0]:
        return -1
    for i in range(length):
        key_data[used + i] = key[start + i]
    key_offsets[c + 1] = used + length
    state[KEY_BYTES] = used + length
    state[COLUMNS] = c + 1
    table[slot] = c
    return c


@njit(nogil=True, cache=True)
def other_value(
    data: np.ndarray,
    base: int,
    k: int,
    end: int,
    max_depth: int,
    kinds: np.ndarray,
    firsts: np.ndarray,
    keys: np.ndarray,
) -> int:
    """Why a record that does not begin with `{` is bad: NOT_OBJECT where it is other JSON."""
    if k >= end:
        return SYNTAX
    b = data[k]
    if b == 0x22:
        k, status = string_end(data, base, k + 1, end)
        k += 1
    elif b == 0x5B:
        k, status, _ = nested_end(data, base, k, end, 0, max_depth, kinds, firsts, keys)
    elif b == 0x2D or 0x30 <= b <= 0x39:
        k, status, _ = number_end(data, k, end)
    else:
        k, status = literal_end(data, k, end)
    if status < 0:
        return -status
    return NOT_OBJECT if skip_space(data, k, end) >= end else SYNTAX


@njit(nogil=True, cache=True)
def parse_records(
    data: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    max_depth: int,
    state: np.ndarray,
    key_data: np.ndarray,
    key_offsets: np.ndarray,
    table: np.ndarray,
    seen: np.ndarray,
    ghost: np.ndarray,
    follows: np.ndarray,
    kinds: np.ndarray,
    firsts: np.ndarray,
    keys: np.ndarray,
    scratch: np.ndarray,
    row_of: np.ndarray,
    tape_row: np.ndarray,
    tape_column: np.ndarray,
    tape_kind: np.ndarray,
    tape_start: np.ndarray,
    tape_end: np.ndarray,
    bad_record: np.ndarray,
    bad_cause: np.ndarray,
) -> int:
    """Go on with the records from state[RECORD]; returns why it stopped. All that it knows is in its arguments.

    starts, ends: of the records in `data`; row_of: (rows,) int32, the record each row came from;
    seen: (columns,) int64, stamp of the last record that had the column; ghost: (columns,) bool, known from bad
    records only; follows: (columns + 1,) int32, which column came after it last time; key_offsets: (columns + 1,);
    table: hash table of columns, -1 where free.
    """
    base = data.ctypes.data
    while state[RECORD] < starts.shape[0]:
        record = state[RECORD]
        if state[BAD] >= bad_record.shape[0]:
            return BAD_FULL
        used = state[USED]
        state[STAMP] += 1
        stamp = state[STAMP]
        cause, doubt = 0, 0
        known, haunted = state[COLUMNS], False
        end = ends[record]
        k = skip_space(data, starts[record], end)
        previous = key_offsets.shape[0] - 1
        if k >= end or data[k] != 0x7B:
            cause = other_value(data, base, k, end, max_depth, kinds, firsts, keys)
        else:
            k = skip_space(data, k + 1, end)
            if k < end and data[k] == 0x7D:
                k += 1
            else:
                while True:
                    if k >= end:
                        cause = END
                        break
                    if data[k] != 0x22:
                        cause = SYNTAX
                        break
                    if used >= tape_row.shape[0]:
                        return TAPE_FULL
                    start = k + 1
                    column = follows[previous]
                    hit = False
                    if column >= 0:
                        origin = key_offsets[column]
                        length = key_offsets[column + 1] - origin
                        if start + length < end and data[start + length] == 0x22:
                            hit = True
                            for i in range(length):
                                b = key_data[origin + i]
                                if b != data[start + i] or b == 0x5C or b == 0x22:
                                    hit = False
                                    break
                            if hit:
                                k = start + length
                    if not hit:
                        k, status = string_end(data, base, start, end)
                        if status < 0:
                            cause = -status
                            break
                        if k - start > scratch.shape[0] - PADDING:
                            cause = LONG_KEY
                            break
                        if status == 1:
                            size = decode(data, base, start, k, scratch, 0)
                            column = _column(scratch, 0, size, state, key_data, key_offsets, table)
                        else:
                            column = _column(data, start, k - start, state, key_data, key_offsets, table)
                        if column < 0:
                            return COLUMNS_FULL
                        follows[previous] = column
                    previous = column
                    if seen[column] == stamp:
                        cause = DUPLICATE
                        break
                    seen[column] = stamp
                    haunted |= ghost[column]
                    k = skip_space(data, k + 1, end)
                    if k >= end:
                        cause = END
                        break
                    if data[k] != 0x3A:
                        cause = SYNTAX
                        break
                    k = skip_space(data, k + 1, end)
                    if k >= end:
                        cause = END
                        break
                    b = data[k]
                    start = k
                    if b == 0x22:
                        start += 1
                        k, status = string_end(data, base, start, end)
                        kind = TEXT + status
                        stop = k
                        k += 1
                    elif b == 0x7B or b == 0x5B:
                        k, status, large = nested_end(data, base, k, end, 1, max_depth, kinds, firsts, keys)
                        doubt |= large
                        kind = status
                        stop = k
                    elif b == 0x2D or 0x30 <= b <= 0x39:
                        k, status, large = number_end(data, k, end)
                        doubt |= large
                        kind = status
                        stop = k
                    else:
                        k, status = literal_end(data, k, end)
                        kind = status
                        stop = k
                    if status < 0:
                        cause = -status
                        break
                    if kind != NULL:
                        tape_row[used], tape_column[used], tape_kind[used] = state[ROWS], column, kind
                        tape_start[used], tape_end[used] = start, stop
                        used += 1
                    k = skip_space(data, k, end)
                    if k >= end:
                        cause = END
                        break
                    if data[k] == 0x2C:
                        k = skip_space(data, k + 1, end)
                        continue
                    if data[k] == 0x7D:
                        k += 1
                        break
                    cause = SYNTAX
                    break
            if cause == 0 and skip_space(data, k, end) < end:
                cause = SYNTAX
        if cause != 0:
            ghost[known : state[COLUMNS]] = True
            bad_record[state[BAD]], bad_cause[state[BAD]] = record, cause
            state[BAD] += 1
            state[RECORD] += 1
            continue
        if doubt == 1 and state[TRUSTED] != record:
            ghost[known : state[COLUMNS]] = True
            return DOUBTFUL
        if haunted:
            for c in range(known):
                if seen[c] == stamp:
                    ghost[c] = False
        row_of[state[ROWS]] = record
        state[USED] = used
        state[ROWS] += 1
        state[RECORD] += 1
    return DONE
