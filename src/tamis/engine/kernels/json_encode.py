"""Writing JSON from columns, as Python's `json.dumps` writes it: separators ", " and ": ".

Columns of a table come as lists of addresses, because their number is known only at run time.
"""

# mypy: disable-error-code="arg-type,call-arg,var-annotated"

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .jit import njit

#: How a column's bytes become a value: inside quotes and escaped, or as they are.
QUOTED, RAW = 0, 1
#: `out` must have this many bytes beyond what is written: bytes are copied in blocks.
SLACK = 16

_BLOCK = ir.VectorType(ir.IntType(8), SLACK)
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_NULL = np.frombuffer(b"null", np.uint8)
# the letter after the backslash for bytes below 0x60, 0 where \u00XX is needed
_LETTER = np.zeros(0x60, np.uint8)
for _byte, _letter in ((0x08, "b"), (0x09, "t"), (0x0A, "n"), (0x0C, "f"), (0x0D, "r"), (0x22, '"'), (0x5C, "\\")):
    _LETTER[_byte] = ord(_letter)


def _load(builder: Any, address: Any, kind: Any) -> Any:
    """What stands at an address, which need not be aligned."""
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


@intrinsic  # type: ignore[untyped-decorator]
def byte_at(typing_context: Any, address: Any) -> Any:
    """The byte at an address."""
    signature = types.uint8(types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _load(builder, arguments[0], ir.IntType(8))

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _integer_at(typing_context: Any, address: Any) -> Any:
    """The int64 at an address."""
    signature = types.int64(types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _load(builder, arguments[0], ir.IntType(64))

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _special(typing_context: Any, address: Any) -> Any:
    """Bit j is set where byte j, j < 16, must be escaped: below 0x20, a quote or a backslash."""
    signature = types.int64(types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _load(builder, arguments[0], _BLOCK)
        low = builder.icmp_unsigned("<", block, ir.Constant(_BLOCK, [0x20] * SLACK))
        quote = builder.icmp_unsigned("==", block, ir.Constant(_BLOCK, [0x22] * SLACK))
        slash = builder.icmp_unsigned("==", block, ir.Constant(_BLOCK, [0x5C] * SLACK))
        bits = builder.bitcast(builder.or_(low, builder.or_(quote, slash)), ir.IntType(SLACK))
        return builder.zext(bits, ir.IntType(64))

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _high(typing_context: Any, address: Any) -> Any:
    """Bit j is set where byte j, j < 16, is DEL or no ASCII."""
    signature = types.int64(types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _load(builder, arguments[0], _BLOCK)
        high = builder.icmp_unsigned(">", block, ir.Constant(_BLOCK, [0x7E] * SLACK))
        return builder.zext(builder.bitcast(high, ir.IntType(SLACK)), ir.IntType(64))

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _copy_block(typing_context: Any, address: Any, out: Any, at: Any) -> Any:
    """out[at : at + 16] = the 16 bytes at an address."""
    signature = types.void(types.int64, out, types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        block = _load(builder, arguments[0], _BLOCK)
        data = context.make_array(signature.args[1])(context, builder, arguments[1]).data
        goal = builder.bitcast(builder.gep(data, [arguments[2]]), _BLOCK.as_pointer())
        builder.store(block, goal, align=1)
        return context.get_dummy_value()

    return signature, generate


@intrinsic  # type: ignore[untyped-decorator]
def _first_bit(typing_context: Any, mask: Any) -> Any:
    """The position of the lowest bit that is set; the mask is not 0."""
    signature = types.int64(types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return signature, generate


@njit(nogil=True, cache=True)
def count_special(data: np.ndarray, ascii: bool) -> int:
    """How many bytes must be written in another way; with `ascii`, DEL and those beyond ASCII too."""
    n = 0
    for k in range(data.shape[0]):
        b = data[k]
        n += (b < 0x20) | (b == 0x22) | (b == 0x5C) | (ascii & (b >= 0x7F))
    return n


@njit(nogil=True, cache=True)
def _put_unit(unit: int, out: np.ndarray, at: int) -> int:
    r"""Write \uXXXX."""
    out[at], out[at + 1] = 0x5C, 0x75
    for j in range(4):
        out[at + 2 + j] = _HEX[(unit >> (12 - 4 * j)) & 15]
    return at + 6


@njit(nogil=True, cache=True)
def put_point(address: int, out: np.ndarray, at: int) -> tuple[int, int]:
    """Escape the character at an address, DEL or beyond ASCII; (its bytes, where writing goes on)."""
    b = np.int64(byte_at(address))
    if b == 0x7F:
        return 1, _put_unit(b, out, at)
    width = 2 if b < 0xE0 else 3 if b < 0xF0 else 4
    point = b & (0xFF >> (width + 1))
    for j in range(1, width):
        point = (point << 6) | (np.int64(byte_at(address + j)) & 0x3F)
    if point >= 0x10000:
        point -= 0x10000
        at = _put_unit(0xD800 + (point >> 10), out, at)
        point = 0xDC00 + (point & 0x3FF)
    return width, _put_unit(point, out, at)


@njit(nogil=True, cache=True)
def _put_string(address: int, stop: int, end: int, out: np.ndarray, at: int, ascii: bool) -> int:
    """Write the text (valid UTF-8) between two addresses in quotes, escaped; where writing goes on.

    end: where the memory ends that may be read.
    """
    out[at] = 0x22
    at += 1
    while address < stop:
        if address + SLACK <= end:
            left = stop - address
            mask = _special(address)
            if ascii:
                mask |= _high(address)
            if left < SLACK:
                mask &= (1 << left) - 1
            _copy_block(address, out, at)
            clean = min(left, SLACK) if mask == 0 else _first_bit(mask)
            address += clean
            at += clean
            if mask == 0:
                continue
        while address < stop:  # escapes often stand together
            b = byte_at(address)
            if b >= 0x7F and ascii:
                width, at = put_point(address, out, at)
                address += width
                continue
            if b >= 0x20 and b != 0x22 and b != 0x5C:
                break
            if _LETTER[b]:
                out[at], out[at + 1] = 0x5C, _LETTER[b]
                at += 2
            else:
                at = _put_unit(b, out, at)
            address += 1
        if address < stop and address + SLACK > end:
            out[at] = byte_at(address)
            address += 1
            at += 1
    out[at] = 0x22
    return at + 1


@njit(nogil=True, cache=True, forceinline=True)
def _put_bytes(address: int, length: int, end: int, out: np.ndarray, at: int) -> int:
    """Copy `length` bytes; where writing goes on. end: where the memory ends that may be read."""
    k = 0
    while k < length and address + k + SLACK <= end:
        _copy_block(address + k, out, at + k)
        k += SLACK
    while k < length:
        out[at + k] = byte_at(address + k)
        k += 1
    return at + length


@njit(nogil=True, cache=True, forceinline=True)
def _put_object(
    i: int,
    modes: np.ndarray,
    keep_null: np.ndarray,
    keys: np.ndarray,
    key_offsets: np.ndarray,
    columns: np.ndarray,
    out: np.ndarray,
    at: int,
    ascii: bool,
) -> int:
    """Write line `i` of the columns as one object; where writing goes on. See `write_rows`."""
    out[at] = 0x7B
    at += 1
    first = True
    key, keys_end = keys.ctypes.data, keys.ctypes.data + keys.shape[0]
    for f in range(modes.shape[0]):
        valid = byte_at(columns[f, 3] + i)
        if not (valid or keep_null[f]):
            continue
        if not first:
            out[at], out[at + 1] = 0x2C, 0x20
            at += 2
        first = False
        at = _put_bytes(key + key_offsets[f], key_offsets[f + 1] - key_offsets[f], keys_end, out, at)
        if not valid:
            for j in range(4):
                out[at + j] = _NULL[j]
            at += 4
            continue
        data, end = columns[f, 0], columns[f, 0] + columns[f, 1]
        start, stop = _integer_at(columns[f, 2] + 8 * i), _integer_at(columns[f, 2] + 8 * i + 8)
        if modes[f] == QUOTED:
            at = _put_string(data + start, data + stop, end, out, at, ascii)
        else:
            at = _put_bytes(data + start, stop - start, end, out, at)
    out[at] = 0x7D
    return at + 1


@njit(nogil=True, cache=True)
def write_rows(
    n: int,
    modes: np.ndarray,
    keep_null: np.ndarray,
    keys: np.ndarray,
    key_offsets: np.ndarray,
    columns: np.ndarray,
    out: np.ndarray,
    ascii: bool,
) -> int:
    """Write n lines of columns as one JSON object a line; the bytes written.

    modes: (f,) uint8, QUOTED or RAW; keep_null: (f,) bool, whether a null is written or its key left out;
    keys: the keys as written, colon and space included, cut by key_offsets (f + 1,) int64;
    columns: (f, 4) int64: address and size of the bytes, address of the offsets, address of validity.
    """
    at = 0
    for i in range(n):
        at = _put_object(i, modes, keep_null, keys, key_offsets, columns, out, at, ascii)
        out[at] = 0x0A
        at += 1
    return at


@njit(nogil=True, cache=True)
def write_lists(
    starts: np.ndarray,
    present: np.ndarray,
    head: np.ndarray,
    tail: np.ndarray,
    modes: np.ndarray,
    keep_null: np.ndarray,
    keys: np.ndarray,
    key_offsets: np.ndarray,
    columns: np.ndarray,
    out: np.ndarray,
    out_offsets: np.ndarray,
    ascii: bool,
) -> int:
    """Write lines starts[i]:starts[i + 1] of the columns as one array of objects per i, between head and tail.

    starts: (n + 1,) int64; rows where `present` is False get no bytes. The rest as in `write_rows`.
    """
    at = 0
    for i in range(starts.shape[0] - 1):
        out_offsets[i] = at
        if not present[i]:
            continue
        at = _put_bytes(head.ctypes.data, head.shape[0], head.ctypes.data + head.shape[0], out, at)
        out[at] = 0x5B
        at += 1
        for j in range(starts[i], starts[i + 1]):
            if j > starts[i]:
                out[at], out[at + 1] = 0x2C, 0x20
                at += 2
            at = _put_object(j, modes, keep_null, keys, key_offsets, columns, out, at, ascii)
        out[at] = 0x5D
        at = _put_bytes(tail.ctypes.data, tail.shape[0], tail.ctypes.data + tail.shape[0], out, at + 1)
    out_offsets[starts.shape[0] - 1] = at
    return at
