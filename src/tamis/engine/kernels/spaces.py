"""White space: what it is, and which strings hold some that may not stay."""

from __future__ import annotations

import numpy as np

from .clean import string_at
from .jit import njit

_TAB, _NEWLINE, _RETURN, _SPACE = 0x09, 0x0A, 0x0D, 0x20
#: states of a string: nothing to do; white space at its end and nowhere else; perhaps more
TIDY, TRAILING, UNTIDY = 0, 1, 2
#: kinds of white space
_NONE, _BLANK, _TABULATOR, _NOTHING, _BREAK = 0, 1, 2, 3, 4


@njit(nogil=True, cache=True)
def _kind(data: np.ndarray, k: int, end: int) -> tuple[int, int]:
    """(kind of white space, bytes) of the character at `k`; its bytes are not told where it is none."""
    b = data[k]
    if b == _SPACE:
        return _BLANK, 1
    if b == _TAB:
        return _TABULATOR, 1
    if 0x0A <= b <= 0x0D:
        return _BREAK, 2 if b == _RETURN and k + 1 < end and data[k + 1] == _NEWLINE else 1
    if b < 0xC2 or b > 0xE3:
        return _NONE, 1
    if b == 0xC2:
        if data[k + 1] == 0xA0:
            return _BLANK, 2
        return (_BREAK, 2) if data[k + 1] == 0x85 else (_NONE, 1)
    if b < 0xE1:
        return _NONE, 1
    c, d = data[k + 1], data[k + 2]
    if b == 0xE2 and c == 0x80:
        if d <= 0x8A or d == 0xAF:
            return _BLANK, 3
        if d == 0x8B:
            return _NOTHING, 3
        return (_BREAK, 3) if d == 0xA8 or d == 0xA9 else (_NONE, 1)
    if (
        (b == 0xE1 and c == 0x9A and d == 0x80)
        or (b == 0xE2 and c == 0x81 and d == 0x9F)
        or (b == 0xE3 and c == 0x80 and d == 0x80)
    ):
        return _BLANK, 3
    return _NONE, 1


@njit(nogil=True, cache=True)
def _line_end(data: np.ndarray, k: int, end: int, in_code: bool) -> tuple[int, int]:
    """(where the line that begins at `k` ends, where the next begins); the next is -1 after the last line."""
    while k < end:
        b = data[k]
        if (0x0A <= b <= 0x0D) or b == 0xC2 or b == 0xE2:
            kind, size = _kind(data, k, end)
            if kind == _BREAK and (not in_code or b == _NEWLINE or b == _RETURN):  # noqa: SIM109
                return k, k + size
        k += 1
    return end, -1


@njit(nogil=True, cache=True)
def _content(data: np.ndarray, k: int, end: int) -> int:
    """Where the white space at `k` ends."""
    while k < end:
        kind, size = _kind(data, k, end)
        if kind == _NONE:
            break
        k += size
    return k


@njit(nogil=True, cache=True)
def _last(data: np.ndarray, start: int, end: int) -> int:
    """Where a line's content ends: before its trailing white space."""
    while end > start:
        size = 1
        while size < 4 and end - size > start and (data[end - size] & 0xC0) == 0x80:
            size += 1
        if _kind(data, end - size, end)[0] == _NONE:
            break
        end -= size
    return end


@njit(nogil=True, cache=True)
def _state(part: np.ndarray, blank_lines: int) -> int:
    """TIDY or TRAILING where that is certain, else UNTIDY."""
    whole = part.shape[0]
    if whole == 0:
        return TIDY
    n = whole
    if part[n - 1] <= 0x20 or part[n - 1] >= 0x80:
        n = _last(part, 0, n)
    if n == 0 or part[0] <= 0x20 or (part[0] >= 0x80 and _kind(part, 0, n)[0] != _NONE):
        return UNTIDY
    if n < 3:
        return TIDY if n == whole else TRAILING
    found = np.uint8(0)
    before, middle, after = part[: n - 2], part[1 : n - 1], part[2:n]
    space, tab, newline, high = np.uint8(0x20), np.uint8(0x09), np.uint8(0x0A), np.uint8(0x80)
    for k in range(n - 2):
        a, b, c = before[k], middle[k], after[k]
        blank, blank_too = (b == space) | (b == tab), (c == space) | (c == tab)
        found |= np.uint8(blank & ((c == newline) | (blank_too & (a > space))))  # indentation is no reason to look
        found |= np.uint8((b < space) & (b != newline) & (b != tab))
        found |= np.uint8((a == newline) & (b == newline) & (c == newline))
        found |= b & high
    if n < whole:  # at the end of code that is never closed, white space stays
        for k in range(n - 2):
            found |= np.uint8(
                (before[k] == middle[k])
                & (middle[k] == after[k])
                & ((after[k] == np.uint8(0x60)) | (after[k] == np.uint8(0x7E)))
            )
    if blank_lines == 0:
        for k in range(n - 2):
            found |= np.uint8((before[k] == newline) & (middle[k] == newline))
    if found & 1:
        return UNTIDY
    if found:
        for k in range(n - 2):
            a, b, c = before[k], middle[k], after[k]
            found |= np.uint8((a == np.uint8(0xC2)) & ((b == np.uint8(0xA0)) | (b == np.uint8(0x85))))
            found |= np.uint8((a == np.uint8(0xE1)) & (b == np.uint8(0x9A)))
            found |= np.uint8(
                (a == np.uint8(0xE2))
                & (b == np.uint8(0x80))
                & ((c <= np.uint8(0x8B)) | ((c >= np.uint8(0xA8)) & (c <= np.uint8(0xAF))))
            )
            found |= np.uint8((a == np.uint8(0xE2)) & (b == np.uint8(0x81)) & (c == np.uint8(0x9F)))
            found |= np.uint8((a == np.uint8(0xE3)) & (b == np.uint8(0x80)) & (c == np.uint8(0x80)))
        if found & 1:
            return UNTIDY
    return TIDY if n == whole else TRAILING


@njit(nogil=True, cache=True)
def mark_untidy(
    views: np.ndarray,
    inline: np.ndarray,
    addresses: np.ndarray,
    sizes: np.ndarray,
    selected: np.ndarray,
    blank_lines: int,
    out: np.ndarray,
) -> None:
    """Fill out (n,) uint8 with each selected string's state, TIDY for the others.

    The strings stand as Arrow's views (see `clean`).
    """
    for i in range(views.shape[0]):
        out[i] = TIDY
        if not selected[i]:
            continue
        out[i] = _state(string_at(views, inline, addresses, sizes, i), blank_lines)
