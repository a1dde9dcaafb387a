"""BLAKE2b with a digest of 16 bytes (RFC 7693), for many short messages without a call each."""

from __future__ import annotations

import numpy as np

from .jit import njit

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

_SIGMA = np.array(
    [
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
    ],
    np.uint64,
)

#: digest of 16 bytes, no key, one leaf
_PARAMETERS = np.uint64(0x01010010)


@njit(nogil=True, cache=True)
def _right(x: np.uint64, n: int) -> np.uint64:
    return (x >> np.uint64(n)) | (x << np.uint64(64 - n))


@njit(nogil=True, cache=True)
def _mix(a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64, x: np.uint64, y: np.uint64) -> tuple:
    a = a + b + x
    d = _right(d ^ a, 32)
    c = c + d
    b = _right(b ^ c, 24)
    a = a + b + y
    d = _right(d ^ a, 16)
    c = c + d
    b = _right(b ^ c, 63)
    return a, b, c, d


@njit(nogil=True, cache=True)
def _compress(h: np.ndarray, m: np.ndarray, total: int, last: bool) -> None:
    v0, v1, v2, v3, v4, v5, v6, v7 = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]
    v8, v9, v10, v11, v12, v13, v14, v15 = (
        _IV[0],
        _IV[1],
        _IV[2],
        _IV[3],
        _IV[4] ^ np.uint64(total),
        _IV[5],
        _IV[6],
        _IV[7],
    )
    if last:
        v14 = ~v14
    for r in range(12):
        v0, v4, v8, v12 = _mix(v0, v4, v8, v12, m[_SIGMA[r, 0]], m[_SIGMA[r, 1]])
        v1, v5, v9, v13 = _mix(v1, v5, v9, v13, m[_SIGMA[r, 2]], m[_SIGMA[r, 3]])
        v2, v6, v10, v14 = _mix(v2, v6, v10, v14, m[_SIGMA[r, 4]], m[_SIGMA[r, 5]])
        v3, v7, v11, v15 = _mix(v3, v7, v11, v15, m[_SIGMA[r, 6]], m[_SIGMA[r, 7]])
        v0, v5, v10, v15 = _mix(v0, v5, v10, v15, m[_SIGMA[r, 8]], m[_SIGMA[r, 9]])
        v1, v6, v11, v12 = _mix(v1, v6, v11, v12, m[_SIGMA[r, 10]], m[_SIGMA[r, 11]])
        v2, v7, v8, v13 = _mix(v2, v7, v8, v13, m[_SIGMA[r, 12]], m[_SIGMA[r, 13]])
        v3, v4, v9, v14 = _mix(v3, v4, v9, v14, m[_SIGMA[r, 14]], m[_SIGMA[r, 15]])
    h[0] ^= v0 ^ v8
    h[1] ^= v1 ^ v9
    h[2] ^= v2 ^ v10
    h[3] ^= v3 ^ v11
    h[4] ^= v4 ^ v12
    h[5] ^= v5 ^ v13
    h[6] ^= v6 ^ v14
    h[7] ^= v7 ^ v15


@njit(nogil=True, cache=True)
def _swap(x: np.uint64) -> np.uint64:
    """The eight bytes in the other order."""
    x = ((x & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)) | ((x >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF))
    x = ((x & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)) | ((x >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF))
    return (x << np.uint64(32)) | (x >> np.uint64(32))


@njit(nogil=True, cache=True)
def blake2b_128(data: np.ndarray, length: int, h: np.ndarray, m: np.ndarray) -> tuple[np.uint64, np.uint64]:
    """The digest of data[:length] as two big-endian halves.

    `data` has room up to the next multiple of 128 bytes (at least 128) and is zeroed there; it is 8-byte aligned.
    h: (8,), m: (16,) uint64 scratch.
    """
    words = data.view(np.uint64)
    blocks = max(1, (length + 127) // 128)
    for k in range(length, blocks * 128):
        data[k] = 0
    for i in range(8):
        h[i] = _IV[i]
    h[0] ^= _PARAMETERS
    for block in range(blocks):
        for i in range(16):
            m[i] = words[block * 16 + i]
        last = block == blocks - 1
        _compress(h, m, length if last else (block + 1) * 128, last)
    return _swap(h[0]), _swap(h[1])


@njit(nogil=True, cache=True)
def repeat_ids(high: np.ndarray, low: np.ndarray, occurrence: np.ndarray) -> None:
    """In place, for ids with occurrence n ≥ 1: the digest of the id's 32 hexadecimal digits, `#` and n."""
    data, h, m = np.zeros(128, np.uint8), np.empty(8, np.uint64), np.empty(16, np.uint64)
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
        high[i], low[i] = blake2b_128(data, 33 + size, h, m)


@njit(nogil=True, cache=True)
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
