"""BLAKE2b with a digest of 16 bytes (RFC 7693), for many short messages without a call each."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from .jit import njit, plain
from .words import intrinsic

_IV = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)

_SIGMA = (
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
)

#: the words mixed with each other, in the order of a round
_QUARTERS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)

#: digest of 16 bytes, no key, one leaf
_PARAMETERS = np.uint64(0x01010010)


_WORD = ir.IntType(64)


@intrinsic
def _rounds(typing_context: Any, state: Any, message: Any) -> Any:
    """The twelve rounds on the 16 words at `state`, with the 16 words at `message`: written out, without a loop, so that
    which word goes where is settled when it is compiled."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        places = [builder.inttoptr(address, _WORD.as_pointer()) for address in arguments]

        def place(which: int, k: int) -> Any:
            return builder.gep(places[which], [ir.Constant(_WORD, k)])

        def right(x: Any, n: int) -> Any:
            low = builder.lshr(x, ir.Constant(_WORD, n))
            return builder.or_(low, builder.shl(x, ir.Constant(_WORD, 64 - n)))

        v = [builder.load(place(0, k)) for k in range(16)]
        m = [builder.load(place(1, k)) for k in range(16)]
        for order in _SIGMA:
            for k, (a, b, c, d) in enumerate(_QUARTERS):
                v[a] = builder.add(builder.add(v[a], v[b]), m[order[2 * k]])
                v[d] = right(builder.xor(v[d], v[a]), 32)
                v[c] = builder.add(v[c], v[d])
                v[b] = right(builder.xor(v[b], v[c]), 24)
                v[a] = builder.add(builder.add(v[a], v[b]), m[order[2 * k + 1]])
                v[d] = right(builder.xor(v[d], v[a]), 16)
                v[c] = builder.add(v[c], v[d])
                v[b] = right(builder.xor(v[b], v[c]), 63)
        for k in range(16):
            builder.store(v[k], place(0, k))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@plain
def _compress(h: np.ndarray, message: int, v: np.ndarray, total: int, last: bool) -> None:
    """Take the 128 bytes at the address `message` into h. v: (16,) scratch."""
    for k in range(8):
        v[k], v[k + 8] = h[k], _IV[k]
    v[12] ^= np.uint64(total)
    if last:
        v[14] = ~v[14]
    _rounds(v.ctypes.data, message)
    for k in range(8):
        h[k] ^= v[k] ^ v[k + 8]


@plain
def _swap(x: np.uint64) -> np.uint64:
    """The eight bytes in the other order."""
    x = ((x & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)) | ((x >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF))
    x = ((x & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)) | ((x >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF))
    return (x << np.uint64(32)) | (x >> np.uint64(32))


@plain
def blake2b_128(data: np.ndarray, length: int, h: np.ndarray, v: np.ndarray) -> tuple[np.uint64, np.uint64]:
    """The digest of data[:length] as two big-endian halves.

    `data` has room up to the next multiple of 128 bytes (at least 128) and is zeroed there; it is 8-byte aligned.
    h: (8,), v: (16,) uint64 scratch.
    """
    blocks = max(1, (length + 127) // 128)
    for k in range(length, blocks * 128):
        data[k] = 0
    for i in range(8):
        h[i] = _IV[i]
    h[0] ^= _PARAMETERS
    for block in range(blocks):
        last = block == blocks - 1
        _compress(h, data.ctypes.data + 128 * block, v, length if last else (block + 1) * 128, last)
    return _swap(h[0]), _swap(h[1])


@njit(nogil=True, cache=True)
def repeat_ids(high: np.ndarray, low: np.ndarray, occurrence: np.ndarray) -> None:
    """In place, for ids with occurrence n ≥ 1: the digest of the id's 32 hexadecimal digits, `#` and n."""
    data, h, v = np.zeros(128, np.uint8), np.empty(8, np.uint64), np.empty(16, np.uint64)
    for i in range(high.shape[0]):
        n = np.int64(occurrence[i])
        if n == 0:
            continue
        for k in range(32):
            half = high[i] if k < 16 else low[i]
            digit = np.int64((half >> np.uint64(60 - 4 * (k % 16))) & np.uint64(15))
            data[k] = digit + 48 if digit < 10 else digit + 87
        data[32] = 0x23
        size, left = 0, n
        while left > 0:
            size += 1
            left //= 10
        for k in range(size):
            data[32 + size - k] = 48 + n % 10
            n //= 10
        high[i], low[i] = blake2b_128(data, 33 + size, h, v)


@plain
def count_repeats(
    high: np.ndarray, low: np.ndarray, table: np.ndarray, counts: np.ndarray, occurrence: np.ndarray, firsts: np.ndarray
) -> int:
    """How many rows before each row have its id, into occurrence (n,) uint32, and the first of them (or
    itself) into firsts (n,) int32; returns how many rows have any.

    table: int32, -1 everywhere, its size a power of two above n; counts: (n,) uint32 of zeros.
    """
    mask = np.uint64(table.shape[0] - 1)
    repeats = 0
    for i in range(high.shape[0]):
        slot = np.int64(low[i] & mask)
        while table[slot] >= 0 and (low[table[slot]] != low[i] or high[table[slot]] != high[i]):
            slot = np.int64(np.uint64(slot + 1) & mask)
        if table[slot] < 0:
            table[slot] = i
            firsts[i] = i
            occurrence[i] = 0
            continue
        first = table[slot]
        firsts[i] = first
        counts[first] += np.uint32(1)
        occurrence[i] = counts[first]
        repeats += 1
    return repeats
