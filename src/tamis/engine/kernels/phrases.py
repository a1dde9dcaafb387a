"""Which strings hold one of many phrases, anywhere in them.

Every phrase is looked for by its rarest few bytes (a *gram*): at each byte of a text a hash of the next bytes asks one
bit, and only where the bit is set are phrases compared. The look-ups of neighbouring bytes do not wait for each other,
so whole texts are read at about half a nanosecond a byte, however many phrases there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit

from .words import load32

BITS = 18  # of a gram's hash: a table of 32 KB, which stays in the nearest cache
LEFT, RIGHT = 1, 2  # the phrase must begin, end, where a word does
_SHIFT = np.uint64(32 - BITS)
_PRIME = np.uint64(0x9E3779B1)
_FOLD = np.uint64(0x20202020)
_LOW32 = np.uint64(0xFFFFFFFF)
#: letters of English text, most frequent first; what is not among them is rarer
_FREQUENT = " etaoinshrdlucmfwypvbgkjqxz"


class Phrases(NamedTuple):
    """Phrases to look for.

    width: bytes of a gram; fold: whether ASCII letters are compared without case; bits: one per hash of a gram;
    first: (2**BITS + 1,) the entries of each hash; order: phrase of each entry; data, starts: the phrases' bytes;
    at: where in its phrase the gram stands; edges: LEFT | RIGHT per phrase.
    """

    width: int
    fold: bool
    bits: np.ndarray
    first: np.ndarray
    order: np.ndarray
    data: np.ndarray
    starts: np.ndarray
    at: np.ndarray
    edges: np.ndarray


def _hash(gram: bytes) -> int:
    word = int.from_bytes(gram, "little") | int(_FOLD) & ((1 << 8 * len(gram)) - 1)
    return ((word * int(_PRIME)) & 0xFFFFFFFF) >> (32 - BITS)


def _rarity(gram: bytes) -> int:
    return sum(_FREQUENT.find(chr(byte | 0x20)) if chr(byte | 0x20) in _FREQUENT else 40 for byte in gram)


def phrases(texts: Sequence[bytes], *, width: int = 4, fold: bool = True, edges: Sequence[int] = ()) -> Phrases:
    """The table of some phrases, each of at least `width` bytes (3 or 4)."""
    given = [text.lower() if fold else text for text in texts]
    if not given or any(len(text) < width for text in given) or width not in (3, 4):
        raise ValueError(f"every phrase needs at least {width} bytes")
    at = [max(range(len(text) - width + 1), key=lambda k, t=text: (_rarity(t[k : k + width]), -k)) for text in given]
    hashes = np.array([_hash(text[k : k + width]) for text, k in zip(given, at, strict=True)], np.int64)
    order = np.argsort(hashes, kind="stable")
    bits = np.zeros(1 << (BITS - 3), np.uint8)
    np.bitwise_or.at(bits, hashes >> 3, (1 << (hashes & 7)).astype(np.uint8))
    starts = np.concatenate([[0], np.cumsum([len(text) for text in given])]).astype(np.int64)
    return Phrases(
        width,
        fold,
        bits,
        np.searchsorted(hashes[order], np.arange((1 << BITS) + 1)).astype(np.int32),
        order.astype(np.int32),
        np.frombuffer(b"".join(given), np.uint8),
        starts,
        np.array(at, np.int64),
        np.array(edges if len(edges) else [0] * len(given), np.uint8),
    )


@njit(nogil=True, cache=True)
def _letter(data: np.ndarray, k: int) -> bool:
    """Whether the character that begins at `k` is part of a word: ASCII letters and digits, and what is no sign."""
    b = data[k]
    if b < 0x80:
        return bool(0x30 <= b <= 0x39 or 0x41 <= b <= 0x5A or 0x61 <= b <= 0x7A)
    return bool(b != 0xC2 and b != 0xE2 and b != 0xF0)  # Latin-1 signs, quotation marks and symbols, emoji


@njit(nogil=True, cache=True)
def _letter_before(data: np.ndarray, k: int, start: int) -> bool:
    """Whether the character that ends just before `k` is part of a word."""
    if k <= start:
        return False
    k -= 1
    while k > start and (data[k] & 0xC0) == 0x80:
        k -= 1
    return _letter(data, k)


@njit(nogil=True, cache=True)
def _stands(
    data: np.ndarray, start: int, end: int, k: int, phrase: np.ndarray, fold: bool, edges: int
) -> bool:  # fmt: skip
    """Whether a phrase begins at `k`."""
    stop = k + phrase.shape[0]
    if k < start or stop > end:
        return False
    for j in range(phrase.shape[0]):
        b = data[k + j]
        if fold and 0x41 <= b <= 0x5A:
            b += 0x20
        if b != phrase[j]:
            return False
    if edges & 1 and _letter_before(data, k, start):
        return False
    return not (edges & 2 and stop < end and _letter(data, stop))


@njit(nogil=True, cache=True)
def _mark(
    data: np.ndarray, offsets: np.ndarray, width: int, fold: bool, bits: np.ndarray, first: np.ndarray,
    order: np.ndarray, bytes_: np.ndarray, starts: np.ndarray, at: np.ndarray, edges: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    keep = _LOW32 if width == 4 else np.uint64(0xFFFFFF)
    folded = _FOLD & keep
    safe = data.shape[0] - 4  # where four bytes can be read
    for i in range(offsets.shape[0] - 1):
        start, end = offsets[i], offsets[i + 1]
        out[i] = -1
        last = end - width
        k = start
        while k <= last:
            h = np.uint64(0)
            hit = False
            while k <= min(last, safe):
                h = (((load32(data, k) & keep | folded) * _PRIME) & _LOW32) >> _SHIFT
                if bits[h >> np.uint64(3)] >> np.uint8(h & np.uint64(7)) & 1:
                    hit = True
                    break
                k += 1
            if not hit:
                if k > last:
                    break
                word = np.uint64(0)  # the last bytes of all: no room for a whole machine word
                for j in range(width):
                    word |= np.uint64(data[k + j]) << np.uint64(8 * j)
                h = (((word & keep | folded) * _PRIME) & _LOW32) >> _SHIFT
            for entry in range(first[h], first[h + np.uint64(1)]):
                p = order[entry]
                phrase = bytes_[starts[p] : starts[p + 1]]
                if _stands(data, start, end, k - at[p], phrase, fold, edges[p]):
                    out[i] = p
                    break
            if out[i] >= 0:
                break
            k += 1


def mark_phrases(data: np.ndarray, offsets: np.ndarray, table: Phrases, out: np.ndarray) -> None:
    """out (n,) int32: a phrase that stands in each string (the one whose gram is met first), -1 where none does."""
    _mark(
        data, offsets, table.width, table.fold, table.bits, table.first, table.order, table.data, table.starts,
        table.at, table.edges, out,
    )  # fmt: skip
