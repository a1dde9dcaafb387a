"""Machine words at any byte of an array, and what Numba has no operator for. Little-endian."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic as _intrinsic

#: mypy takes an intrinsic for what it is in Python; in kernels it is called without the typing context
intrinsic: Any = _intrinsic
cgutils: Any = _cgutils

#: a uint64, as Numba has it
Word = Any


def _loader(bits: int) -> Any:
    """An intrinsic that reads a little-endian word of `bits` at any byte of a uint8 array."""

    @intrinsic
    def load(typing_context: Any, data: Any, at: Any) -> Any:
        signature = types.uint64(data, types.int64)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0])
            word = ir.IntType(bits)
            address = builder.bitcast(builder.gep(array.data, [arguments[1]]), word.as_pointer())
            value = builder.load(address, align=1)
            return value if bits == 64 else builder.zext(value, ir.IntType(64))

        return signature, generate

    return load


load64 = _loader(64)
load32 = _loader(32)


@intrinsic
def high64(typing_context: Any, a: Any, b: Any) -> Any:
    """The upper half of the 128-bit product of two uint64."""
    signature = types.uint64(types.uint64, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(builder.zext(arguments[0], wide), builder.zext(arguments[1], wide))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return signature, generate


@intrinsic
def store64(typing_context: Any, data: Any, at: Any, value: Any) -> Any:
    """Write a word at any byte of a uint8 array."""
    signature = types.void(data, types.int64, types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(array.data, [arguments[1]]), ir.IntType(64).as_pointer())
        builder.store(arguments[2], address, align=1)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def trailing_zeros(typing_context: Any, value: Any) -> Any:
    """Zero bits below the lowest set one; 64 where there is none."""
    signature = types.int64(types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return signature, generate


@intrinsic
def ones_in(typing_context: Any, value: Any) -> Any:
    """How many bits of a uint64 are set."""
    signature = types.int64(types.uint64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return signature, generate
