"""Finding bytes 32 at a time: what the readers of text formats stand on.

Every function takes addresses; 32 bytes from any of them must be readable (readers pad their buffers).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

#: readable bytes that must stand behind the data a kernel scans
PADDING = 64

_WIDTH = 32
_VECTOR = ir.VectorType(ir.IntType(8), _WIDTH)


def _splat(byte: int) -> Any:
    return ir.Constant(_VECTOR, [byte] * _WIDTH)


def _spread(builder: Any, byte: Any) -> Any:
    """A byte known only when the kernel runs, in all places of a vector."""
    first = builder.insert_element(ir.Constant(_VECTOR, ir.Undefined), byte, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), _WIDTH), [0] * _WIDTH)
    return builder.shuffle_vector(first, ir.Constant(_VECTOR, ir.Undefined), zeros)


def _load(builder: Any, address: Any) -> Any:
    vector = builder.load(builder.inttoptr(address, _VECTOR.as_pointer()))
    vector.align = 1
    return vector


def _first(builder: Any, hits: Any) -> Any:
    """The position of the first hit as int64; 32 where there is none."""
    bits = builder.bitcast(hits, ir.IntType(_WIDTH))
    position = builder.cttz(bits, ir.Constant(ir.IntType(1), 0))
    return builder.zext(position, ir.IntType(64))


def _any(builder: Any, hits: list[Any]) -> Any:
    found = hits[0]
    for hit in hits[1:]:
        found = builder.or_(found, hit)
    return found


@intrinsic
def find_string_special(typing_context: Any, address: Any) -> Any:
    """Position, within 32 bytes, of the first quote, backslash, control character or non-ASCII byte; 32 if none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _load(builder, arguments[0])
        hits = [builder.icmp_unsigned("==", v, _splat(0x22)), builder.icmp_unsigned("==", v, _splat(0x5C))]
        hits += [builder.icmp_unsigned("<", v, _splat(0x20)), builder.icmp_signed("<", v, _splat(0))]
        return _first(builder, _any(builder, hits))

    return types.int64(types.int64), generate


@intrinsic
def find_quote_or_backslash(typing_context: Any, address: Any) -> Any:
    """Position, within 32 bytes, of the first quote, backslash or control character; 32 if none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _load(builder, arguments[0])
        hits = [builder.icmp_unsigned("==", v, _splat(0x22)), builder.icmp_unsigned("==", v, _splat(0x5C))]
        hits.append(builder.icmp_unsigned("<", v, _splat(0x20)))
        return _first(builder, _any(builder, hits))

    return types.int64(types.int64), generate


@intrinsic
def find_byte(typing_context: Any, address: Any, byte: Any) -> Any:
    """Position, within 32 bytes, of the first `byte`; 32 if none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        hits = builder.icmp_unsigned("==", _load(builder, arguments[0]), _spread(builder, arguments[1]))
        return _first(builder, hits)

    return types.int64(types.int64, types.uint8), generate


@intrinsic
def find_cell_special(typing_context: Any, address: Any, delimiter: Any) -> Any:
    """Position, within 32 bytes, of the first delimiter, quote, NUL, CR, LF or non-ASCII byte; 32 if none."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        v = _load(builder, arguments[0])
        hits = [builder.icmp_unsigned("==", v, _spread(builder, arguments[1]))]
        hits += [builder.icmp_unsigned("==", v, _splat(byte)) for byte in (0x22, 0x00, 0x0D, 0x0A)]
        hits.append(builder.icmp_signed("<", v, _splat(0)))
        return _first(builder, _any(builder, hits))

    return types.int64(types.int64, types.uint8), generate


@intrinsic
def copy_32(typing_context: Any, target: Any, source: Any) -> Any:
    """Copy 32 bytes between addresses."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        store = builder.store(_load(builder, arguments[1]), builder.inttoptr(arguments[0], _VECTOR.as_pointer()))
        store.align = 1
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate
