"""White space put in order, outside code."""

from __future__ import annotations

import numpy as np

from .jit import njit
from .spaces import (
    _BLANK,
    _BREAK,
    _NEWLINE,
    _NONE,
    _NOTHING,
    _RETURN,
    _SPACE,
    _TAB,
    _TABULATOR,
    TRAILING,
    _content,
    _kind,
    _last,
    _line_end,
)  # fmt: skip

_BACKTICK, _TILDE, _BAR = 0x60, 0x7E, 0x7C


def _tables() -> tuple[np.ndarray, np.ndarray]:
    """(256,) uint8 each: 2 for bytes to look at, 1 for those to look at before a byte that the second marks."""
    first, second = np.zeros(256, np.uint8), np.zeros(256, np.uint8)
    begins_white = [0x0A, 0x0B, 0x0C, 0x0D, 0xC2, 0xE1, 0xE2, 0xE3]
    first[[*begins_white, _BACKTICK]] = 2
    first[[_SPACE, _TAB]] = 1
    second[[*begins_white, _SPACE, _TAB]] = 1
    return first, second


_FIRST, _SECOND = _tables()


@njit(nogil=True, cache=True)
def _run(data: np.ndarray, k: int, end: int) -> int:
    """How often the byte at `k` stands there in a row."""
    n = 1
    while k + n < end and data[k + n] == data[k]:
        n += 1
    return n


@njit(nogil=True, cache=True)
def _opens(data: np.ndarray, k: int, end: int) -> int:
    """The length of a code fence's opening run at `k`, 0 if there is none."""
    if k >= end or (data[k] != _BACKTICK and data[k] != _TILDE):
        return 0
    n = _run(data, k, end)
    if n < 3:
        return 0
    if data[k] == _BACKTICK:
        for j in range(k + n, end):
            if data[j] == _BACKTICK:
                return 0
    return n


@njit(nogil=True, cache=True)
def _closes(data: np.ndarray, start: int, end: int, fence: int, length: int) -> bool:
    """Whether a line ends the code that a run of `length` bytes `fence` began."""
    k = start
    while k < end and data[k] == _SPACE:
        k += 1
    if k - start > 3 or k >= end or data[k] != fence:
        return False
    n = _run(data, k, end)
    return n >= length and _content(data, k + n, end) == end


@njit(nogil=True, cache=True)
def _span(data: np.ndarray, k: int, end: int, run: int) -> int:
    """Where the code span that a run of backticks opens at `k` ends, 0 if it does not end on this line."""
    j = k + run
    while j < end:
        if data[j] == _BACKTICK:
            n = _run(data, j, end)
            j += n
            if n == run:
                return j
        else:
            j += 1
    return 0


@njit(nogil=True, cache=True)
def _needed(out: np.ndarray, at: int, line: int) -> bool:
    """Whether a zero-width space after out[:at] stays: where it parts words, or where a fence would arise."""
    if at <= line:
        return False
    if out[at - 1] == _BACKTICK or out[at - 1] == _TILDE:
        return True
    if at - line < 3:
        return False
    a, b = out[at - 3], out[at - 2]
    return bool((a == 0xE0 and 0xB8 <= b <= 0xBB) or (a == 0xE1 and (0x80 <= b <= 0x82 or b == 0x9E or b == 0x9F)))


@njit(nogil=True, cache=True)
def _white(data: np.ndarray, k: int, end: int, collapse: bool, out: np.ndarray, at: int, line: int) -> tuple[int, int]:
    """Copy the run of white space at `k` as plain spaces and tabs, or as one space; nothing where it ends the line."""
    begin, spaces, width = at, 0, 0
    while k < end:
        kind, size = _kind(data, k, end)
        if kind == _NONE:
            break
        if kind == _BREAK:
            return k, begin
        if kind == _NOTHING:
            width += 1
        else:
            spaces += kind == _BLANK
            out[at] = _TAB if kind == _TABULATOR else _SPACE
            at += 1
        k += size
    if k >= end:
        return k, begin
    if collapse and spaces and at - begin > 1:
        out[begin] = _SPACE
        return k, begin + 1
    if width and at == begin and _needed(out, at, line):
        out[at], out[at + 1], out[at + 2] = 0xE2, 0x80, 0x8B
        at += 3
    return k, at


@njit(nogil=True, cache=True)
def _prose(data: np.ndarray, k: int, end: int, collapse: bool, out: np.ndarray, at: int) -> tuple[int, int]:
    """Copy the content of the line at `k` up to its break: white space in order, except in code spans."""
    line, stop = at, -1
    while k < end:
        while k + 1 < end:  # bytes that need no thought
            b = data[k]
            out[at] = b
            if (_FIRST[b] & 2) | (_FIRST[b] & _SECOND[data[k + 1]]):
                break
            at += 1
            k += 1
        b = data[k]
        if b == _NEWLINE:
            break
        if b == _BACKTICK:
            if stop < 0:
                stop = _line_end(data, k, end, False)[0]
            run = _run(data, k, end)
            last = max(_span(data, k, stop, run), k + run)
            while k < last:
                out[at] = data[k]
                at += 1
                k += 1
            continue
        kind = _kind(data, k, end)[0]
        if kind == _BREAK:
            break
        if kind == _NONE:
            out[at] = b
            at += 1
            k += 1
        else:
            k, at = _white(data, k, end, collapse, out, at, line)
    return k, at


@njit(nogil=True, cache=True)
def _next_is_indented(data: np.ndarray, k: int, end: int) -> bool:
    """Whether the first line with content after the line at `k` begins with white space."""
    k = _line_end(data, k, end, False)[1]
    while k >= 0:
        stop, following = _line_end(data, k, end, False)
        content = _content(data, k, stop)
        if content < stop:
            while k < content:
                kind, size = _kind(data, k, stop)
                if kind == _BLANK or kind == _TABULATOR:  # noqa: SIM109
                    return True
                k += size
            return False
        k = following
    return False


@njit(nogil=True, cache=True)
def _indent(data: np.ndarray, k: int, end: int) -> int:
    """Where the blanks at `k` end: at content, at a line break or at the end."""
    while k < end:
        if 0x20 < data[k] < 0xC2:
            break
        kind, size = _kind(data, k, end)
        if kind == _NONE or kind == _BREAK:  # noqa: SIM109
            break
        k += size
    return k


@njit(nogil=True, cache=True)
def _code_line(data: np.ndarray, k: int, end: int, out: np.ndarray, at: int) -> tuple[int, int]:
    """Copy a line of code as it is; returns (where it ends, where the copy ends)."""
    while k < end and data[k] != _NEWLINE and data[k] != _RETURN:
        out[at] = data[k]
        at += 1
        k += 1
    return k, at


@njit(nogil=True, cache=True)
def _tidy(data: np.ndarray, k: int, end: int, blank_lines: int, collapse: bool, out: np.ndarray, at: int) -> int:
    """Copy one string in order; returns where it ends in `out`."""
    begun, blank = False, 0
    fence, fence_length = 0, 0
    more = True  # a line begins at `k`, perhaps an empty one at the end
    while more:
        if fence:
            out[at] = _NEWLINE
            start, line = k, at + 1
            k, at = _code_line(data, k, end, out, line)
            if _closes(data, start, k, fence, fence_length):
                fence = 0
                at -= k - _last(data, start, k)
        else:
            content = k
            if k < end and not 0x20 < data[k] < 0xC2:
                content = _indent(data, k, end)
            if content >= end or data[content] == _NEWLINE or _kind(data, content, end)[0] == _BREAK:
                blank += 1
                k = content
            else:
                if begun:
                    for _ in range(1 + min(blank, blank_lines)):
                        out[at] = _NEWLINE
                        at += 1
                line = at
                if k < content and (begun or _next_is_indented(data, content, end)):
                    while k < content:
                        kind, size = _kind(data, k, content)
                        if kind != _NOTHING:
                            out[at] = _TAB if kind == _TABULATOR else _SPACE
                            at += 1
                        k += size
                begun, blank = True, 0
                k = content
                first = data[content]
                verbatim = first == _BAR
                if first == _BACKTICK or first == _TILDE:  # noqa: SIM109
                    fence_length = (
                        _opens(data, content, _line_end(data, content, end, False)[0]) if _shallow(out, line, at) else 0
                    )
                    if fence_length:
                        fence, verbatim = first, True
                if verbatim:
                    k = _line_end(data, content, end, False)[0]
                    for j in range(content, _last(data, content, k)):
                        out[at] = data[j]
                        at += 1
                else:
                    k, at = _prose(data, content, end, collapse, out, at)
        more = k < end
        if more:
            k += 1 if data[k] == _NEWLINE else _kind(data, k, end)[1]
    return at


@njit(nogil=True, cache=True)
def _shallow(out: np.ndarray, line: int, at: int) -> bool:
    """Whether a line is indented by three spaces at most, so that a code fence may begin."""
    if at - line > 3:
        return False
    for k in range(line, at):  # noqa: SIM110
        if out[k] != _SPACE:
            return False
    return True


@njit(nogil=True, cache=True)
def tidy_strings(
    data: np.ndarray, offsets: np.ndarray, states: np.ndarray, blank_lines: int, collapse: bool,
    out: np.ndarray, out_offsets: np.ndarray, changed: np.ndarray
) -> None:  # fmt: skip
    """Copy each string in order. states: (n,) of `mark_untidy`; changed: (n,) bool, whether the copy differs.

    `out` has room for `data`.
    """
    at = 0
    for i in range(offsets.shape[0] - 1):
        out_offsets[i] = at
        start, end = offsets[i], offsets[i + 1]
        if states[i] == TRAILING:
            stop = at + _last(data, start, end) - start
            out[at:stop] = data[start : start + stop - at]
            changed[i] = True
        else:
            stop = _tidy(data, start, end, blank_lines, collapse, out, at)
            changed[i] = stop - at != end - start or not _same(data, start, out, at, stop)
        at = stop
    out_offsets[offsets.shape[0] - 1] = at


@njit(nogil=True, cache=True)
def _same(data: np.ndarray, start: int, out: np.ndarray, at: int, stop: int) -> bool:
    """Whether out[at:stop] is what stands at `start` of `data`."""
    differ = np.uint8(0)
    old, new = data[start : start + stop - at], out[at:stop]
    for k in range(stop - at):
        differ |= old[k] ^ new[k]
    return bool(differ == 0)
