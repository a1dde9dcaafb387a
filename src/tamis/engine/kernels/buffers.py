"""Copies between Arrow's string views and contiguous bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np import arrayobj as _arrayobj

from .jit import plain
from .words import cgutils

#: numba's annotations do not reach its inner parts
_arrays: Any = _arrayobj


@intrinsic
def _pointer(typing_context: Any, address: Any) -> Any:
    """An address as an untyped pointer, for `carray`."""
    signature = types.voidptr(types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return signature, generate


@intrinsic
def bytes_at(typing_context: Any, address: Any, size: Any) -> Any:
    """The bytes at an address, as a uint8 array that nobody counts: `carray` for kernels that are `plain`."""
    kind = types.Array(types.uint8, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(kind)(context, builder)
        one = context.get_constant(types.intp, 1)
        data = builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())
        _arrays.populate_array(array, data=data, shape=[arguments[1]], strides=[one], itemsize=one, meminfo=None)
        return array._getvalue()

    return kind(types.int64, types.int64), generate


@intrinsic
def copy_bytes(typing_context: Any, target: Any, source: Any, size: Any) -> Any:
    """Copy bytes between addresses whose ranges do not overlap."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        goal, origin = (builder.inttoptr(address, ir.IntType(8).as_pointer()) for address in arguments[:2])
        cgutils.raw_memcpy(builder, goal, origin, arguments[2], context.get_constant(types.intp, 1))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@plain
def view_offsets(views: np.ndarray, valid: np.ndarray, offsets: np.ndarray) -> None:
    """Fill offsets (n + 1,) int64 from the lengths in `views` (n, 4) uint32; nulls have length 0."""
    total = 0
    for i in range(views.shape[0]):
        offsets[i] = total
        if valid[i]:
            total += np.int64(views[i, 0])
    offsets[views.shape[0]] = total


@plain
def gather_views(
    views: np.ndarray,
    inline: np.ndarray,
    addresses: np.ndarray,
    sizes: np.ndarray,
    offsets: np.ndarray,
    out: np.ndarray,
) -> None:
    """Copy each string's bytes to its place in `out`.

    views: (n, 4) uint32 as Arrow lays them out; inline: the same memory as (n, 16) uint8;
    addresses, sizes: of the data buffers, (k,) int64.
    """
    for i in range(views.shape[0]):
        start = offsets[i]
        length = offsets[i + 1] - start
        if length == 0:
            continue
        if length <= 12:
            for k in range(length):
                out[start + k] = inline[i, 4 + k]
        else:
            source = addresses[np.int64(views[i, 2])] + np.int64(views[i, 3])
            copy_bytes(out.ctypes.data + start, source, length)


@plain
def join_selected(
    data: np.ndarray,
    offsets: np.ndarray,
    starts: np.ndarray,
    selected: np.ndarray,
    separator: np.uint8,
    out: np.ndarray,
    out_offsets: np.ndarray,
    out_valid: np.ndarray,
) -> int:
    """Join the selected messages of each row with `separator`; rows with none selected are null.

    starts: (n + 1,) int64 into the messages; selected: (m,) bool. Returns the bytes written;
    `out` must have room for all selected bytes plus one per message.
    """
    at = 0
    for i in range(starts.shape[0] - 1):
        out_offsets[i] = at
        first = True
        for j in range(starts[i], starts[i + 1]):
            if not selected[j]:
                continue
            if not first:
                out[at] = separator
                at += 1
            first = False
            length = offsets[j + 1] - offsets[j]
            copy_bytes(out.ctypes.data + at, data.ctypes.data + offsets[j], length)
            at += length
        out_valid[i] = not first
    out_offsets[starts.shape[0] - 1] = at
    return at


@plain
def take_rows(
    data: np.ndarray, offsets: np.ndarray, rows: np.ndarray, out: np.ndarray, out_offsets: np.ndarray
) -> None:
    """Copy the strings at `rows` one after another; out_offsets (k + 1,) must be filled already."""
    for k in range(rows.shape[0]):
        i = rows[k]
        copy_bytes(out.ctypes.data + out_offsets[k], data.ctypes.data + offsets[i], offsets[i + 1] - offsets[i])


@plain
def scatter_rows(data: np.ndarray, offsets: np.ndarray, starts: np.ndarray, out: np.ndarray) -> None:
    """Copy each string to its place in `out`; starts: (n,)."""
    for i in range(starts.shape[0]):
        copy_bytes(out.ctypes.data + starts[i], data.ctypes.data + offsets[i], offsets[i + 1] - offsets[i])
