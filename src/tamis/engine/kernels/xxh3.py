"""XXH3 with 128 bits and seed 0, over many strings without leaving the kernel.

Written from the published specification of the algorithm; little-endian machines.
"""

from __future__ import annotations

import numpy as np

from .jit import njit
from .words import Word, high64, load32, load64

SECRET = np.frombuffer(
    bytes.fromhex(
        "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
        "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
        "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
        "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
    ),
    np.uint8,
)


def _u(value: int) -> Word:
    """A 64-bit constant: a plain integer beside a uint64 would make Numba compute in floats."""
    return np.uint64(value)


_P32_1, _P32_2, _P32_3 = _u(0x9E3779B1), _u(0x85EBCA77), _u(0xC2B2AE3D)
_P64_1, _P64_2, _P64_3 = _u(0x9E3779B185EBCA87), _u(0xC2B2AE3D27D4EB4F), _u(0x165667B19E3779F9)
_P64_4, _P64_5 = _u(0x85EBCA77C2B2AE63), _u(0x27D4EB2F165667C5)
_MX1, _MX2 = _u(0x165667919E3779F9), _u(0x9FB21C651E98DF25)
_LOW32, _uff, _uff00 = _u(0xFFFFFFFF), _u(0xFF), _u(0xFF00)
_u0, _u1, _u2, _u3, _u8, _u13, _u16, _u19, _u24, _u28, _u29, _u32, _u33, _u35, _u37, _u47, _u54 = (
    _u(k) for k in (0, 1, 2, 3, 8, 13, 16, 19, 24, 28, 29, 32, 33, 35, 37, 47, 54)
)


@njit(nogil=True, cache=True)
def _fold(a: Word, b: Word) -> Word:
    return (a * b) ^ high64(a, b)


@njit(nogil=True, cache=True)
def _avalanche(h: Word) -> Word:
    h ^= h >> _u37
    h *= _MX1
    return h ^ (h >> _u32)


@njit(nogil=True, cache=True)
def _avalanche64(h: Word) -> Word:
    h ^= h >> _u33
    h *= _P64_2
    h ^= h >> _u29
    h *= _P64_3
    return h ^ (h >> _u32)


@njit(nogil=True, cache=True)
def _swap32(x: Word) -> Word:
    return ((x & _uff) << _u24) | ((x & _uff00) << _u8) | ((x >> _u8) & _uff00) | ((x >> _u24) & _uff)


@njit(nogil=True, cache=True)
def _secret(at: int) -> Word:
    return load64(SECRET, at)


@njit(nogil=True, cache=True)
def _mix16(data: np.ndarray, at: int, secret: int) -> Word:
    return _fold(load64(data, at) ^ _secret(secret), load64(data, at + 8) ^ _secret(secret + 8))


@njit(nogil=True, cache=True)
def _mix32(low: Word, high: Word, data: np.ndarray, a: int, b: int, secret: int) -> tuple[Word, Word]:
    low = (low + _mix16(data, a, secret)) ^ (load64(data, b) + load64(data, b + 8))
    high = (high + _mix16(data, b, secret + 16)) ^ (load64(data, a) + load64(data, a + 8))
    return low, high


@njit(nogil=True, cache=True)
def _up_to_16(data: np.ndarray, at: int, size: int) -> tuple[Word, Word]:
    length = np.uint64(size)
    if size == 0:
        return _avalanche64(_secret(64) ^ _secret(72)), _avalanche64(_secret(80) ^ _secret(88))
    if size <= 3:
        first, middle = np.uint64(data[at]), np.uint64(data[at + (size >> 1)])
        low = (first << _u16) | (middle << _u24) | np.uint64(data[at + size - 1]) | (length << _u8)
        swapped = _swap32(low)
        high = ((swapped << _u13) | (swapped >> _u19)) & _LOW32
        low ^= load32(SECRET, 0) ^ load32(SECRET, 4)
        high ^= load32(SECRET, 8) ^ load32(SECRET, 12)
        return _avalanche64(low), _avalanche64(high)
    if size <= 8:
        keyed = (load32(data, at) + (load32(data, at + size - 4) << _u32)) ^ (_secret(16) ^ _secret(24))
        factor = _P64_1 + (length << _u2)
        low, high = keyed * factor, high64(keyed, factor)
        high += low << _u1
        low ^= high >> _u3
        low = (low ^ (low >> _u35)) * _MX2
        return low ^ (low >> _u28), _avalanche(high)
    head, tail = load64(data, at), load64(data, at + size - 8)
    mixed = head ^ tail ^ (_secret(32) ^ _secret(40))
    low, high = mixed * _P64_1, high64(mixed, _P64_1)
    low += (length - _u1) << _u54
    tail ^= _secret(48) ^ _secret(56)
    high += tail + (tail & _LOW32) * (_P32_2 - _u1)
    low ^= (_swap32(high & _LOW32) << _u32) | _swap32(high >> _u32)
    return _avalanche(low * _P64_2), _avalanche(high64(low, _P64_2) + high * _P64_2)


@njit(nogil=True, cache=True)
def _up_to_240(data: np.ndarray, at: int, size: int) -> tuple[Word, Word]:
    low, high = np.uint64(size) * _P64_1, _u0
    end = at + size
    if size <= 128:
        for k in range((size - 1) // 32, -1, -1):
            low, high = _mix32(low, high, data, at + 16 * k, end - 16 * (k + 1), 32 * k)
    else:
        for k in range(4):
            low, high = _mix32(low, high, data, at + 32 * k, at + 32 * k + 16, 32 * k)
        low, high = _avalanche(low), _avalanche(high)
        for k in range(4, size // 32):
            low, high = _mix32(low, high, data, at + 32 * k, at + 32 * k + 16, 3 + 32 * (k - 4))
        low, high = _mix32(low, high, data, end - 16, end - 32, 103)
    folded = low * _P64_1 + high * _P64_4 + np.uint64(size) * _P64_2
    return _avalanche(low + high), _u0 - _avalanche(folded)


@njit(nogil=True, cache=True)
def _stripe(acc: np.ndarray, data: np.ndarray, at: int, secret: int) -> None:
    for i in range(8):
        value = load64(data, at + 8 * i)
        key = value ^ _secret(secret + 8 * i)
        acc[i ^ 1] += value
        acc[i] += (key & _LOW32) * (key >> _u32)


@njit(nogil=True, cache=True)
def _merge(acc: np.ndarray, secret: int, start: Word) -> Word:
    for i in range(4):
        start += _fold(acc[2 * i] ^ _secret(secret + 16 * i), acc[2 * i + 1] ^ _secret(secret + 16 * i + 8))
    return _avalanche(start)


@njit(nogil=True, cache=True)
def _long(data: np.ndarray, at: int, size: int, acc: np.ndarray) -> tuple[Word, Word]:
    acc[0], acc[1], acc[2], acc[3] = _P32_3, _P64_1, _P64_2, _P64_3
    acc[4], acc[5], acc[6], acc[7] = _P64_4, _P32_2, _P64_5, _P32_1
    blocks = (size - 1) // 1024
    for b in range(blocks):
        for s in range(16):
            _stripe(acc, data, at + 1024 * b + 64 * s, 8 * s)
        for i in range(8):
            acc[i] = (acc[i] ^ (acc[i] >> _u47) ^ _secret(128 + 8 * i)) * _P32_1
    for s in range((size - 1 - 1024 * blocks) // 64):
        _stripe(acc, data, at + 1024 * blocks + 64 * s, 8 * s)
    _stripe(acc, data, at + size - 64, 121)
    length = np.uint64(size)
    return _merge(acc, 11, length * _P64_1), _merge(acc, 117, ~(length * _P64_2))


@njit(nogil=True, cache=True)
def xxh3_128(data: np.ndarray, at: int, size: int, acc: np.ndarray) -> tuple[Word, Word]:
    """(low, high) of the hash of data[at : at + size]; `acc` is room for 8 uint64."""
    if size <= 16:
        return _up_to_16(data, at, size)
    if size <= 240:
        return _up_to_240(data, at, size)
    return _long(data, at, size, acc)


@njit(nogil=True, cache=True)
def xxh3_rows(data: np.ndarray, offsets: np.ndarray, high: np.ndarray, low: np.ndarray) -> None:
    """The hash of each string into high, low: (n,) uint64."""
    acc = np.empty(8, np.uint64)
    for i in range(offsets.shape[0] - 1):
        low[i], high[i] = xxh3_128(data, offsets[i], offsets[i + 1] - offsets[i], acc)
