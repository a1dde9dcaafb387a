"""Records and cells of CSV (RFC 4180): a quote counts only where a cell begins with it.

Records end at LF or CR LF outside quotes. After a closing quote nothing may stand but a delimiter or the
record's end; where something does, the record is bad and ends with that line. Data must have `scan.PADDING`
readable bytes behind it.
"""

# numba's annotations do not know what a kernel is compiled to
# mypy: disable-error-code="call-arg,var-annotated,assignment,no-any-return,attr-defined"
from __future__ import annotations

import numpy as np

from .jit import njit
from .json_values import ESCAPED, TEXT, utf8_length
from .scan import find_byte, find_cell_special

#: why a record is bad
RAGGED, UTF8, NUL, STRAY, UNCLOSED = range(1, 6)

#: why `cut_records` returned: block used up; a record starts at or behind the target; a record is too long
DONE, BOUNDARY, TOO_LONG = range(3)

#: places in the state of `cut_records`
MODE, LINE, START, START_LINE = range(4)
STATE = 4

#: modes: where a cell may begin; in a bare cell; in quotes; behind a quote in quotes; after text behind one
FIELD, BARE, QUOTED, CLOSING, BROKEN = range(5)

#: places in the state of `parse_records`
POSITION, ROWS, USED, BAD, AT_LINE = range(5)
PARSE_STATE = 5

#: why `parse_records` returned
ALL, TAPE_FULL, ROWS_FULL, BAD_FULL = range(4)


@njit(nogil=True, cache=True)
def cut_records(
    block: np.ndarray, begin: int, length: int, base: int, target: int, limit: int, delimiter: int, state: np.ndarray
) -> tuple[int, int]:
    """Go over block[begin:length], which stands at `base` of the stream: (position reached, why it stopped).

    TOO_LONG: a record of more than `limit` bytes ends before the position; state still holds where it began,
    and the caller sets START and START_LINE anew.
    """
    address = block.ctypes.data
    mark = np.uint8(delimiter)
    k = begin
    while k < length:
        mode = state[MODE]
        if mode == FIELD and block[k] == 0x22:
            state[MODE] = QUOTED
            k += 1
            continue
        if mode == CLOSING:
            b = block[k]
            if b == 0x22:
                state[MODE] = QUOTED
                k += 1
                continue
            if b == mark:
                state[MODE] = FIELD
                k += 1
                continue
            if b != 0x0A:
                state[MODE] = BROKEN
            mode = BROKEN
        step = find_byte(address + k, np.uint8(0x0A)) if mode == BROKEN else find_cell_special(address + k, mark)
        k += step
        if k >= length:
            if mode == FIELD and step > 0:
                state[MODE] = BARE
            k = length
            break
        if step == 32:
            if mode == FIELD:
                state[MODE] = BARE
            continue
        b = block[k]
        k += 1
        if b == 0x0A:
            state[LINE] += 1
            size = base + k - state[START]
            if mode == QUOTED:
                continue
            state[MODE] = FIELD
            if size > limit:
                return k, TOO_LONG
            state[START], state[START_LINE] = base + k, state[LINE]
            if base + k >= target:
                return k, BOUNDARY
        elif mode == QUOTED:
            if b == 0x22:
                state[MODE] = CLOSING
        elif b == mark:
            state[MODE] = FIELD
        else:
            state[MODE] = BARE
    return k, DONE


@njit(nogil=True, cache=True)
def parse_records(
    data: np.ndarray,
    length: int,
    delimiter: int,
    width: int,
    state: np.ndarray,
    tape_row: np.ndarray,
    tape_column: np.ndarray,
    tape_kind: np.ndarray,
    tape_start: np.ndarray,
    tape_end: np.ndarray,
    row_start: np.ndarray,
    row_end: np.ndarray,
    row_line: np.ndarray,
    bad: np.ndarray,
) -> int:
    """Go on from state[POSITION]; returns why it stopped. Rows go on the tape (see `json_lines`); cells are text.

    state[AT_LINE]: lines that ended before the position; bad: (many, 6) start, end, line, lines, cause, cells.
    """
    address = data.ctypes.data
    mark = np.uint8(delimiter)
    while state[POSITION] < length:
        row = state[ROWS]
        if row >= row_start.shape[0]:
            return ROWS_FULL
        if state[BAD] >= bad.shape[0]:
            return BAD_FULL
        used = state[USED]
        if used + width > tape_row.shape[0]:
            return TAPE_FULL
        start = state[POSITION]
        line, lines = state[AT_LINE], 0
        k = start
        cause, cells = 0, 0
        end = length
        open_record = True
        while open_record:
            quoted = k < length and data[k] == 0x22
            kind = TEXT
            if quoted:
                k += 1
            cell, stop = k, -1
            while stop < 0:
                k += find_cell_special(address + k, mark)
                if k >= length:
                    k = length
                    stop = length
                    if quoted:
                        cause = UNCLOSED
                    end = length
                    open_record = False
                    break
                b = data[k]
                if b >= 0x80:
                    while k < length and data[k] >= 0x80:
                        size = utf8_length(data, k, length)
                        if size == 0:
                            cause = UTF8 if cause == 0 else cause
                            size = 1
                        k += size
                elif b == 0x00 and k < length:
                    cause = NUL if cause == 0 else cause
                    k += 1
                elif quoted:
                    if b == 0x22:
                        if k + 1 < length and data[k + 1] == 0x22:
                            kind = ESCAPED
                            k += 2
                        else:
                            stop = k
                            k += 1
                    else:
                        lines += b == 0x0A
                        k += 1
                elif b == 0x22:
                    k += 1
                elif b == 0x0D:
                    if k + 1 == length or data[k + 1] == 0x0A:
                        stop = k
                    else:
                        k += 1
                elif b == mark or b == 0x0A:
                    stop = k
            if cells < width and cause == 0:
                tape_row[used], tape_column[used], tape_kind[used] = row, cells, kind
                tape_start[used], tape_end[used] = cell, stop
                used += 1
            cells += 1
            if not open_record:
                break
            # what stands behind the cell
            if k < length and data[k] == 0x0D and (k + 1 == length or data[k + 1] == 0x0A):
                k += 1
            if k >= length:
                end = length
                open_record = False
            elif data[k] == 0x0A:
                end = k
                k += 1
                lines += 1
                open_record = False
            elif data[k] == mark:
                k += 1
            else:
                cause = STRAY
                while k < length and data[k] != 0x0A:
                    k += 1
                end = k
                if k < length:
                    k += 1
                    lines += 1
                open_record = False
        if cause == UNCLOSED and data[length - 1] != 0x0A:
            lines += 1
        state[POSITION] = k
        state[AT_LINE] += lines
        if end > start and data[end - 1] == 0x0D:
            end -= 1
        if cause == 0 and end == start:
            continue
        if cause == 0 and cells != width:
            cause = RAGGED
        if cause != 0:
            i = state[BAD]
            bad[i, 0], bad[i, 1], bad[i, 2], bad[i, 3], bad[i, 4], bad[i, 5] = (
                start,
                end,
                line,
                max(lines, 1),
                cause,
                cells,
            )
            state[BAD] += 1
            continue
        row_start[row], row_end[row], row_line[row] = start, end, line
        state[USED] = used
        state[ROWS] += 1
    return ALL
