"""Canonical JSON of rows, hashed as it is written: where row ids come from."""

# numba's annotations do not know what a kernel is compiled to
# mypy: disable-error-code="call-arg,var-annotated,assignment,no-any-return,attr-defined"
from __future__ import annotations

import numpy as np
from numba import carray

from .blake2 import blake2b_128
from .buffers import _pointer
from .jit import njit
from .scan import copy_32, find_quote_or_backslash


@njit(nogil=True, cache=True)
def quoted(base: int, length: int, source: np.ndarray, out: np.ndarray, at: int) -> int:
    """Write the text source[:length], which stands at `base`, as a JSON string; returns the position behind it.

    What is escaped is what `json.dumps(…, ensure_ascii=False)` escapes.
    """
    target = out.ctypes.data
    out[at] = 0x22
    at += 1
    k = 0
    while k < length:
        if k + 32 <= length:
            step = find_quote_or_backslash(base + k)
            copy_32(target + at, base + k)
            at += step
            k += step
            if step == 32:
                continue
        b = source[k]
        k += 1
        if b == 0x22 or b == 0x5C:
            out[at], out[at + 1] = 0x5C, b
            at += 2
        elif b >= 0x20:
            out[at] = b
            at += 1
        else:
            letter = 0
            if b == 0x0A:
                letter = 0x6E
            elif b == 0x0D:
                letter = 0x72
            elif b == 0x09:
                letter = 0x74
            elif b == 0x08:
                letter = 0x62
            elif b == 0x0C:
                letter = 0x66
            out[at] = 0x5C
            if letter:
                out[at + 1] = letter
                at += 2
                continue
            out[at + 1], out[at + 2], out[at + 3] = 0x75, 0x30, 0x30
            out[at + 4] = 48 + (b >> 4)
            out[at + 5] = 48 + (b & 15) if (b & 15) < 10 else 87 + (b & 15)
            at += 6
    out[at] = 0x22
    return at + 1


@njit(nogil=True, cache=True)
def row_ids(
    n: int,
    head: np.ndarray,
    names: np.ndarray,
    name_offsets: np.ndarray,
    is_text: np.ndarray,
    views: np.ndarray,
    valid: np.ndarray,
    first_buffer: np.ndarray,
    buffers: np.ndarray,
    sizes: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
) -> None:
    """Hash each row's `head` + `["name",value]` of each value that is not null, with commas between + `]]`.

    head: bytes; names: the bytes `["name",` of all columns, cut at name_offsets (columns + 1,); is_text: (columns,)
    bool, whether the value is text to be quoted or stands as it is; views, valid: (columns,) addresses of Arrow string
    views and of bools; buffers, sizes: of the data buffers, those of column c from first_buffer[c].
    """
    columns = is_text.shape[0]
    out = np.zeros(1 << 16, np.uint8)
    h, m = np.empty(8, np.uint64), np.empty(16, np.uint64)
    for row in range(n):
        room = head.shape[0] + names.shape[0] + 4 * columns + 512
        for c in range(columns):
            if carray(_pointer(valid[c]), n, dtype=np.bool_)[row]:
                room += 6 * np.int64(carray(_pointer(views[c] + row * 16), 4, dtype=np.uint32)[0]) + 4
        if room > out.shape[0]:
            out = np.zeros((2 * room) // 128 * 128, np.uint8)
        for i in range(head.shape[0]):
            out[i] = head[i]
        at = head.shape[0]
        some = False
        for c in range(columns):
            if not carray(_pointer(valid[c]), n, dtype=np.bool_)[row]:
                continue
            if some:
                out[at] = 0x2C
                at += 1
            some = True
            for i in range(name_offsets[c], name_offsets[c + 1]):
                out[at] = names[i]
                at += 1
            words = carray(_pointer(views[c] + row * 16), 4, dtype=np.uint32)
            length = np.int64(words[0])
            address = views[c] + row * 16 + 4
            if length > 12:
                address = buffers[first_buffer[c] + np.int64(words[2])] + np.int64(words[3])
            source = carray(_pointer(address), length, dtype=np.uint8)
            if is_text[c]:
                at = quoted(address, length, source, out, at)
            else:
                for i in range(length):
                    out[at + i] = source[i]
                at += length
            out[at] = 0x5D
            at += 1
        out[at], out[at + 1] = 0x5D, 0x5D
        high[row], low[row] = blake2b_128(out, at + 2, h, m)
