"""Copies between Arrow's string views and contiguous bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from .jit import njit


@intrinsic
def _pointer(typing_context: Any, address: Any) -> Any:
    """An address as an untyped pointer, for `carray`."""
    signature = types.voidptr(types.int64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return signature, generate


@njit(nogil=True, cache=True)
def view_offsets(views: np.ndarray, valid: np.ndarray, offsets: np.ndarray) -> None:
    """Fill offsets (n + 1,) int64 from the lengths in `views` (n, 4) uint32; nulls have length 0."""
    total = 0
    for i in range(views.shape[0]):
        offsets[i] = total
        if valid[i]:
            total += np.int64(views[i, 0])
    offsets[views.shape[0]] = total


@njit(nogil=True, cache=True)
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
            buffer = np.int64(views[i, 2])
            source = carray(_pointer(addresses[buffer]), sizes[buffer], dtype=np.uint8)
            begin = np.int64(views[i, 3])
            out[start : start + length] = source[begin : begin + length]


@njit(nogil=True, cache=True)
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
            out[at : at + length] = data[offsets[j] : offsets[j + 1]]
            at += length
        out_valid[i] = not first
    out_offsets[starts.shape[0] - 1] = at
    return at


@njit(nogil=True, cache=True)
def take_rows(
    data: np.ndarray, offsets: np.ndarray, rows: np.ndarray, out: np.ndarray, out_offsets: np.ndarray
) -> None:
    """Copy the strings at `rows` one after another; out_offsets (k + 1,) must be filled already."""
    for k in range(rows.shape[0]):
        i = rows[k]
        out[out_offsets[k] : out_offsets[k + 1]] = data[offsets[i] : offsets[i + 1]]


@njit(nogil=True, cache=True)
def scatter_rows(data: np.ndarray, offsets: np.ndarray, starts: np.ndarray, out: np.ndarray) -> None:
    """Copy each string to its place in `out`; starts: (n,)."""
    for i in range(starts.shape[0]):
        out[starts[i] : starts[i] + offsets[i + 1] - offsets[i]] = data[offsets[i] : offsets[i + 1]]
