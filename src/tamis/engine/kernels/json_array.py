"""The elements of one top-level JSON array, found without reading what is in them."""

# numba's annotations do not know what a kernel is compiled to
# mypy: disable-error-code="call-arg,var-annotated,assignment,no-any-return,attr-defined"
from __future__ import annotations

import numpy as np

from .jit import njit
from .scan import find_quote_or_backslash

#: why `scan_array` returned: block used up; an element starts at or behind the target; no `[` where the
#: array must begin; something behind the array; an element is too long; no more room for spans
DONE, BOUNDARY, NO_ARRAY, TRAILING, TOO_LONG, FULL = range(6)

#: places in `state`
MODE, DEPTH, STRING, ESCAPE, ELEMENTS, LINE, START, FOUND = range(8)
STATE = 8

#: modes: before the array; where an element or its end may stand; in an element; behind a comma; behind the array
BEFORE, FIRST, INSIDE, NEXT, AFTER = range(5)


@njit(nogil=True, cache=True)
def scan_array(
    data: np.ndarray,
    begin: int,
    length: int,
    base: int,
    target: int,
    limit: int,
    state: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> tuple[int, int]:
    """Go over data[begin:length], which stands at `base` of the stream: (position reached, why it stopped).

    state[ELEMENTS]: elements begun; state[LINE]: line ends passed. starts, ends: spans of the elements that ended,
    state[FOUND] of them; both empty when they are not wanted.
    """
    address = data.ctypes.data
    wanted = starts.shape[0] > 0
    k = begin
    while k < length:
        if state[STRING] == 1:
            if state[ESCAPE] == 1:
                state[ESCAPE] = 0
                k += 1
                continue
            k += find_quote_or_backslash(address + k)
            if k >= length:
                k = length
                break
            b = data[k]
            if b == 0x22:
                state[STRING] = 0
            elif b == 0x5C:
                state[ESCAPE] = 1
            elif b >= 0x20:
                continue
            else:
                state[LINE] += b == 0x0A
            k += 1
            continue
        b = data[k]
        mode = state[MODE]
        if b == 0x20 or b == 0x0A or b == 0x0D or b == 0x09:
            state[LINE] += b == 0x0A
            k += 1
            continue
        if mode == BEFORE:
            if b != 0x5B:
                return k, NO_ARRAY
            state[MODE] = FIRST
            k += 1
            continue
        if mode == AFTER:
            return k, TRAILING
        if mode == FIRST and b == 0x5D:
            state[MODE] = AFTER
            k += 1
            continue
        if mode != INSIDE:
            if base + k >= target:
                return k, BOUNDARY
            state[MODE], state[DEPTH], state[START] = INSIDE, 0, base + k
            state[ELEMENTS] += 1
            continue
        if b == 0x22:
            state[STRING] = 1
        elif b == 0x7B or b == 0x5B:
            state[DEPTH] += 1
        elif (b == 0x2C or b == 0x5D) and state[DEPTH] == 0:
            if base + k - state[START] > limit:
                return k, TOO_LONG
            if wanted:
                if state[FOUND] >= starts.shape[0]:
                    return k, FULL
                starts[state[FOUND]], ends[state[FOUND]] = state[START] - base, k
            state[FOUND] += 1
            state[MODE] = NEXT if b == 0x2C else AFTER
        elif b == 0x7D or b == 0x5D:
            state[DEPTH] -= 1
        k += 1
    if state[MODE] == INSIDE and base + k - state[START] > limit:
        return k, TOO_LONG
    return k, DONE
