"""Which strings are worth a closer look: cheap signs, found in one pass over the strings where they stand.

For the strings' places (views, inline, addresses, sizes, selected) see `clean`.
"""

from __future__ import annotations

import numpy as np

from .clean import string_at
from .jit import njit


@njit(nogil=True, cache=True)
def _letter(b: int) -> bool:
    return 0x41 <= b <= 0x5A or 0x61 <= b <= 0x7A


@njit(nogil=True, cache=True)
def _markup(part: np.ndarray) -> bool:
    """Whether a tag, a comment or a character reference may stand in a string."""
    n = part.shape[0]
    for k in range(n - 1):
        b = part[k]
        if b != 0x3C and b != 0x26:
            continue
        c = part[k + 1]
        if b == 0x3C:
            if _letter(c) or c == 0x2F or c == 0x21:
                return True
        elif _letter(c) or c == 0x23:
            for j in range(k + 2, min(n, k + 34)):
                if part[j] == 0x3B:
                    return True
                if not (_letter(part[j]) or 0x30 <= part[j] <= 0x39):
                    break
    return False


@njit(nogil=True, cache=True)
def mark_markup(
    views: np.ndarray,
    inline: np.ndarray,
    addresses: np.ndarray,
    sizes: np.ndarray,
    selected: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill out (n,) bool: the selected strings that may hold HTML."""
    for i in range(views.shape[0]):
        out[i] = False
        if not selected[i]:
            continue
        out[i] = _markup(string_at(views, inline, addresses, sizes, i))


@njit(nogil=True, cache=True)
def _any(part: np.ndarray, needles: np.ndarray, bounds: np.ndarray, buckets: np.ndarray) -> bool:
    """Whether one of the needles stands in a string, ASCII letters compared without case."""
    n = part.shape[0]
    for k in range(n):
        b = np.int64(part[k])
        if 0x41 <= b <= 0x5A:
            b += 0x20
        for needle in range(buckets[b], buckets[b + 1]):
            length = bounds[needle + 1] - bounds[needle]
            if k + length > n:
                continue
            equal = True
            for j in range(1, length):
                c = np.int64(part[k + j])
                if 0x41 <= c <= 0x5A:
                    c += 0x20
                if c != needles[bounds[needle] + j]:
                    equal = False
                    break
            if equal:
                return True
    return False


@njit(nogil=True, cache=True)
def mark_any(
    views: np.ndarray, inline: np.ndarray, addresses: np.ndarray, sizes: np.ndarray, selected: np.ndarray,
    needles: np.ndarray, bounds: np.ndarray, buckets: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    """Fill out (n,) bool: the selected strings in which one of the needles stands (see `packed`)."""
    for i in range(views.shape[0]):
        out[i] = False
        if not selected[i]:
            continue
        out[i] = _any(string_at(views, inline, addresses, sizes, i), needles, bounds, buckets)


def packed(needles: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Needles as `mark_any` reads them: (bytes, bounds (k + 1,), buckets (257,): the first needle by first byte)."""
    parts = sorted({needle.lower().encode() for needle in needles})
    bounds = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    firsts = np.array([part[0] for part in parts], np.int64)
    buckets = np.searchsorted(firsts, np.arange(257)).astype(np.int64)
    return np.frombuffer(b"".join(parts), np.uint8), bounds, buckets
