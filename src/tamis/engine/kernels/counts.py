"""Lengths of text: characters, words, lines."""

from __future__ import annotations

import numpy as np

from .jit import njit


@njit(nogil=True, cache=True)
def count_characters(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """Code points of each string into out (n,) int64: bytes that are no continuation bytes."""
    for i in range(offsets.shape[0] - 1):
        n = 0
        for k in range(offsets[i], offsets[i + 1]):
            n += (data[k] & 0xC0) != 0x80
        out[i] = n


@njit(nogil=True, cache=True)
def _space(data: np.ndarray, k: int, end: int) -> int:
    """Bytes of the white-space character at `k` (Unicode White_Space), 0 if there is none."""
    b = data[k]
    if b == 0x20 or (0x09 <= b <= 0x0D) or (0x1C <= b <= 0x1F):
        return 1
    if b < 0xC2:
        return 0
    if b == 0xC2 and k + 1 < end:
        return 2 if data[k + 1] == 0x85 or data[k + 1] == 0xA0 else 0
    if k + 2 >= end:
        return 0
    c, d = data[k + 1], data[k + 2]
    if b == 0xE1 and c == 0x9A and d == 0x80:
        return 3
    if b == 0xE2 and c == 0x80 and (0x80 <= d <= 0x8A or d == 0xA8 or d == 0xA9 or d == 0xAF):
        return 3
    if b == 0xE2 and c == 0x81 and d == 0x9F:
        return 3
    if b == 0xE3 and c == 0x80 and d == 0x80:
        return 3
    return 0


@njit(nogil=True, cache=True)
def _wide(data: np.ndarray, k: int, end: int) -> bool:
    """Whether a character of a script written without spaces begins at `k`: Han, kana; each counts as a word."""
    b = data[k]
    if b < 0xE3 or k + 2 >= end:
        return False
    if b >= 0xF0:
        return bool(b == 0xF0 and 0xA0 <= data[k + 1] <= 0xB2)
    point = ((b & 0x0F) << 12) | ((data[k + 1] & 0x3F) << 6) | (data[k + 2] & 0x3F)
    return bool(
        (0x3040 <= point <= 0x30FF)
        or (0x3400 <= point <= 0x4DBF)
        or (0x4E00 <= point <= 0x9FFF)
        or (0xF900 <= point <= 0xFAFF)
    )


@njit(nogil=True, cache=True)
def count_words(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """Words of each string into out (n,) int64: runs between white space; each Han or kana character counts as one."""
    for i in range(offsets.shape[0] - 1):
        n = 0
        inside = False
        k, end = offsets[i], offsets[i + 1]
        while k < end:
            b = data[k]
            if b < 0x80:
                if b == 0x20 or (0x09 <= b <= 0x0D) or (0x1C <= b <= 0x1F):
                    inside = False
                elif not inside:
                    inside = True
                    n += 1
                k += 1
                continue
            step = _space(data, k, end)
            if step:
                inside = False
                k += step
                continue
            if _wide(data, k, end):
                n += 1
                inside = False
            elif not inside:
                inside = True
                n += 1
            k += 1
            while k < end and (data[k] & 0xC0) == 0x80:
                k += 1
        out[i] = n
