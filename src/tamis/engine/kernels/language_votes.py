"""Adding up the weights of many n-grams: sixteen columns at a time stay in a register while all voters are gone through."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from .words import cgutils, intrinsic

#: columns added at a time, and bytes of a unit of `voters`
COLUMNS = 16

_WORD = ir.IntType(64)
_FOUR = ir.IntType(32)
_SMALL = ir.VectorType(ir.IntType(8), COLUMNS)
_WIDE = ir.VectorType(_FOUR, COLUMNS)


@intrinsic
def add_columns(typing_context: Any, voters: Any, first: Any, last: Any, weights: Any, column: Any, scores: Any) -> Any:
    """scores[column : column + 16] += weights[16 * voter + column :][:16] for each of voters[first:last].

    voters, scores: int32; weights: int8.
    """
    signature = types.void(voters, types.int64, types.int64, weights, types.int64, scores)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def data(position: int) -> Any:
            kind = signature.args[position]
            return cgutils.create_struct_proxy(kind)(context, builder, arguments[position]).data

        mine, table, column = data(0), data(3), arguments[4]
        goal = builder.bitcast(builder.gep(data(5), [column]), _WIDE.as_pointer())
        total = cgutils.alloca_once_value(builder, builder.load(goal, align=4))
        with cgutils.for_range(builder, arguments[2], start=arguments[1], intp=_WORD) as loop:
            unit = builder.zext(builder.load(builder.gep(mine, [loop.index])), _WORD)
            place = builder.add(builder.mul(unit, ir.Constant(_WORD, COLUMNS)), column)
            row = builder.load(builder.bitcast(builder.gep(table, [place]), _SMALL.as_pointer()), align=1)
            builder.store(builder.add(builder.load(total), builder.sext(row, _WIDE)), total)
        builder.store(builder.load(total), goal, align=4)
        return context.get_dummy_value()

    return signature, generate
