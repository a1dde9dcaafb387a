"""Typos in prose: unknown lower-case words that one slip of the finger away are a frequent one.

Looked at are runs of 2 to 16 ASCII letters, all small, that stand free: not in Markdown code, not in lines that look like
code, and not next to a digit, a hyphen, an apostrophe, a bracket that opens, or another sign of a name or an address.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .jit import njit

CHECKED, KNOWN, TYPOS, FIRST = range(4)
SHOWN = 4  # typos whose places are told: columns FIRST … FIRST + SHOWN - 1
FIGURES = FIRST + SHOWN
LONGEST = 16
_BITS = 18
_MASK = np.uint64((1 << _BITS) - 1)
_P1, _P2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ONES = np.uint64(0xFFFFFFFFFFFFFFFF)
_0, _8, _56 = np.uint64(0), np.uint64(8), np.uint64(56)

_SPACE, _SMALL, _OPENS, _CLOSES, _STOP, _CODE, _JOINS = range(7)


def _kinds() -> np.ndarray:
    """What each byte is beside a word; what is in no list joins the word to something."""
    kinds = np.full(256, _JOINS, np.uint8)
    for text, kind in (
        (" \t\r\n", _SPACE),
        ('("[*', _OPENS),
        (',;:!?)"]*', _CLOSES),
        (".", _STOP),
        ("{}=<>_\\$|^~#", _CODE),
    ):
        for c in text:
            kinds[ord(c)] = kind
    kinds[ord('"')] = kinds[ord("*")] = _OPENS  # both open and close
    kinds[0x61:0x7B] = _SMALL
    return kinds


_KINDS = _kinds()


class Words(NamedTuple):
    """A hash table of words: fingerprints (2**18,) uint32, 0 where free; levels (2**18,) uint8, 4 most frequent."""

    prints: np.ndarray
    levels: np.ndarray


@njit(nogil=True, cache=True)
def _mixed(low: np.uint64, high: np.uint64) -> np.uint64:
    mixed = (low * _P1) ^ ((high + np.uint64(1)) * _P2)
    return mixed ^ (mixed >> np.uint64(32))


@njit(nogil=True, cache=True)
def _level(low: np.uint64, high: np.uint64, prints: np.ndarray, levels: np.ndarray) -> int:
    """How frequent a word is, 1..4; 0 where it is unknown."""
    h = _mixed(low, high)
    mark = np.uint32(h >> np.uint64(32)) | np.uint32(1)
    slot = h & _MASK
    while prints[slot] != 0:
        if prints[slot] == mark:
            return int(levels[slot])
        slot = (slot + np.uint64(1)) & _MASK
    return 0


@njit(nogil=True, cache=True)
def _packed(data: np.ndarray, a: int, b: int) -> tuple[np.uint64, np.uint64]:
    low, high = _0, _0
    for k in range(a, min(b, a + 8)):
        low |= np.uint64(data[k]) << np.uint64(8 * (k - a))
    for k in range(a + 8, b):
        high |= np.uint64(data[k]) << np.uint64(8 * (k - a - 8))
    return low, high


@njit(nogil=True, cache=True)
def fill(data: np.ndarray, offsets: np.ndarray, given: np.ndarray, prints: np.ndarray, levels: np.ndarray) -> None:
    """Put words of at most LONGEST letters, with their levels, into an empty table."""
    for i in range(offsets.shape[0] - 1):
        low, high = _packed(data, offsets[i], offsets[i + 1])
        h = _mixed(low, high)
        slot = h & _MASK
        while prints[slot] != 0:
            slot = (slot + np.uint64(1)) & _MASK
        prints[slot] = np.uint32(h >> np.uint64(32)) | np.uint32(1)
        levels[slot] = given[i]


def listed() -> dict[str, int]:
    """The English words that come with the project, as strings, with their levels."""
    with np.load(Path(__file__).parent / "data" / "spelling_en.npz", allow_pickle=False) as file:
        text, levels = file["words"].tobytes().decode(), file["levels"].tolist()
    return dict(zip(text.split("\n"), levels, strict=True))


@cache
def words() -> Words:
    """The English words that come with the project."""
    with np.load(Path(__file__).parent / "data" / "spelling_en.npz", allow_pickle=False) as file:
        data, given = file["words"], file["levels"]
    ends = np.concatenate([[-1], np.flatnonzero(data == 10), [len(data)]]).astype(np.int64)
    kept = data[data != 10]
    offsets = ends - np.arange(len(ends)) + 1
    offsets[0] = 0
    table = Words(np.zeros(1 << _BITS, np.uint32), np.zeros(1 << _BITS, np.uint8))
    fill(kept, offsets, given, *table)
    return table


@njit(nogil=True, cache=True)
def _below(i: int) -> tuple[np.uint64, np.uint64]:
    """Masks of the bytes before the i-th."""
    if i <= 0:
        return _0, _0
    if i < 8:
        return (np.uint64(1) << np.uint64(8 * i)) - np.uint64(1), _0
    if i == 8:
        return _ONES, _0
    if i >= 16:
        return _ONES, _ONES
    return _ONES, (np.uint64(1) << np.uint64(8 * (i - 8))) - np.uint64(1)


@njit(nogil=True, cache=True)
def _is_typo(
    low: np.uint64, high: np.uint64, size: int, prints: np.ndarray, levels: np.ndarray
) -> bool:  # fmt: skip
    """Whether an unknown word of three letters or more is one slip away from a frequent one."""
    wanted = 4 if size == 3 else 3 if size == 4 else 2
    letters = np.empty(18, np.uint64)
    for i in range(size):
        letters[i] = (low >> np.uint64(8 * i) if i < 8 else high >> np.uint64(8 * (i - 8))) & np.uint64(0xFF)
    for i in range(size - 1):  # two letters changed places
        if letters[i] != letters[i + 1]:
            flip = letters[i] ^ letters[i + 1]
            one, two = low, high
            if i < 8:
                one ^= flip << np.uint64(8 * i)
            else:
                two ^= flip << np.uint64(8 * (i - 8))
            if i + 1 < 8:
                one ^= flip << np.uint64(8 * (i + 1))
            else:
                two ^= flip << np.uint64(8 * (i - 7))
            if _level(one, two, prints, levels) >= wanted:
                return True
    if size == 3:
        return False
    last = letters[size - 1]
    ending = last == 0x73 or last == 0x64 or last == 0x72 or last == 0x6E or last == 0x79  # s d r n y
    for i in range(size - 1 if ending else size):  # a letter too many
        m, h = _below(i)
        one = (low & m) | (((low >> _8) | (high << _56)) & ~m)
        two = (high & h) | ((high >> _8) & ~h)
        if _level(one, two, prints, levels) >= wanted:
            return True
    if size < LONGEST:
        for i in range(1, size + 1):  # a letter left out, but not the first
            m, h = _below(i)
            base_one = (low & m) | ((low << _8) & ~m)
            base_two = (high & h) | (((high << _8) | (low >> _56)) & ~h)
            if i < 8:
                base_one &= ~(np.uint64(0xFF) << np.uint64(8 * i))
            else:
                base_two &= ~(np.uint64(0xFF) << np.uint64(8 * (i - 8)))
            for c in range(0x61, 0x7B):
                if i < 8:
                    found = _level(base_one | np.uint64(c) << np.uint64(8 * i), base_two, prints, levels)
                else:
                    found = _level(base_one, base_two | np.uint64(c) << np.uint64(8 * (i - 8)), prints, levels)
                if found >= wanted:
                    return True
    if size == 4:
        return False
    wanted = 3 if size == 5 else 2
    for i in range(1, size):  # another letter, but not the first
        for c in range(0x61, 0x7B):
            flip = letters[i] ^ np.uint64(c)
            if flip == 0:
                continue
            if i < 8:
                found = _level(low ^ flip << np.uint64(8 * i), high, prints, levels)
            else:
                found = _level(low, high ^ flip << np.uint64(8 * (i - 8)), prints, levels)
            if found >= wanted:
                return True
    return False


@njit(nogil=True, cache=True)
def _is_compound(data: np.ndarray, a: int, b: int, prints: np.ndarray, levels: np.ndarray) -> bool:
    """Whether a word is two frequent ones of at least three letters written together (webpage, coursework)."""
    if b - a < 7:
        return False
    for k in range(a + 3, b - 2):
        low, high = _packed(data, a, k)
        if _level(low, high, prints, levels) >= 3:
            low, high = _packed(data, k, b)
            if _level(low, high, prints, levels) >= 3:
                return True
    return False


@njit(nogil=True, cache=True)
def _is_plural(data: np.ndarray, a: int, b: int, prints: np.ndarray, levels: np.ndarray) -> bool:
    """Whether a word is a known one of three letters or more with an s."""
    if b - a < 4 or data[b - 1] != 0x73 or data[b - 2] == 0x73:
        return False
    low, high = _packed(data, a, b - 1)
    return _level(low, high, prints, levels) > 0


@njit(nogil=True, cache=True)
def _is_code(data: np.ndarray, k: int, stop: int, kinds: np.ndarray) -> bool:
    """Whether a line looks like code: several signs of it, or one of its line ends."""
    signs = 0
    for j in range(k, stop):
        signs += kinds[data[j]] == _CODE
    while stop > k and data[stop - 1] <= 0x20:
        stop -= 1
    return signs >= 2 or (stop > k and (data[stop - 1] == 0x3B or data[stop - 1] == 0x7B or data[stop - 1] == 0x7D))


@njit(nogil=True, cache=True)
def _check(
    data: np.ndarray, start: int, end: int, kinds: np.ndarray, prints: np.ndarray, levels: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    out[:FIRST] = 0
    out[FIRST:] = -1
    fenced = False
    k = start
    while k < end:
        stop = k
        while stop < end and data[stop] != 0x0A:
            stop += 1
        if stop - k >= 3 and (data[k] == 0x60 or data[k] == 0x7E) and data[k + 1] == data[k] and data[k + 2] == data[k]:
            fenced = not fenced
        elif not fenced and not _is_code(data, k, stop, kinds):
            j = k
            while j < stop:
                b = data[j]
                if b == 0x60:  # a code span, if it is closed in its line
                    close = j + 1
                    while close < stop and data[close] != 0x60:
                        close += 1
                    j = close + 1 if close < stop else j + 1
                    continue
                if not 0x61 <= b <= 0x7A:
                    j += 1
                    continue
                a = j
                low, high = _0, _0
                while j < stop and kinds[data[j]] == _SMALL:
                    if j - a < 8:
                        low |= np.uint64(data[j]) << np.uint64(8 * (j - a))
                    elif j - a < 16:
                        high |= np.uint64(data[j]) << np.uint64(8 * (j - a - 8))
                    j += 1
                size = j - a
                if size < 2 or size > LONGEST:
                    continue
                before = kinds[data[a - 1]] if a > k else _SPACE
                if before != _SPACE and before != _OPENS:
                    continue
                after = kinds[data[j]] if j < stop else _SPACE
                if after == _STOP:
                    after = kinds[data[j + 1]] if j + 1 < stop else _SPACE
                    if after == _STOP:
                        after = _SPACE
                if after == _OPENS and (data[j] == 0x28 or data[j] == 0x5B):
                    continue
                if after != _SPACE and after != _OPENS and after != _CLOSES:
                    continue
                out[CHECKED] += 1
                if _level(low, high, prints, levels) or _is_plural(data, a, j, prints, levels):
                    out[KNOWN] += 1
                elif (
                    size >= 3
                    and _is_typo(low, high, size, prints, levels)
                    and not _is_compound(data, a, j, prints, levels)
                ):
                    if out[TYPOS] < SHOWN:
                        out[FIRST + out[TYPOS]] = a - start
                    out[TYPOS] += 1
        k = stop + 1


@njit(nogil=True, cache=True)
def _check_all(
    data: np.ndarray, offsets: np.ndarray, kinds: np.ndarray, prints: np.ndarray, levels: np.ndarray, out: np.ndarray
) -> None:  # fmt: skip
    for i in range(offsets.shape[0] - 1):
        _check(data, offsets[i], offsets[i + 1], kinds, prints, levels, out[i])


def check_spelling(data: np.ndarray, offsets: np.ndarray, table: Words, out: np.ndarray) -> None:
    """out (n, FIGURES) int64: words CHECKED, KNOWN, TYPOS, and where (bytes) the first SHOWN typos begin, else -1."""
    _check_all(data, offsets, _KINDS, table.prints, table.levels, out)
