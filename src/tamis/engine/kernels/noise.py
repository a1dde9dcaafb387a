"""Which short texts may be keyboard mash or stand-ins: a cheap mark, so that the rules are tried on few rows.

A *token* is a run of ASCII letters and digits and of bytes that are not ASCII. It is suspicious where its letters follow
each other as they do in no language (`COSTS`), lie side by side on the keyboard, are a, s, d and f alone, or repeat with a
short period; where it has no letter; where it repeats the token before it; or where it may be one of the words given
(looked up by hash, digits left out).
"""

from __future__ import annotations

import itertools

import numpy as np

from .jit import njit

HEAD = 64  # bytes looked at
SHORT = 3  # texts of so few bytes are always marked
SLOTS = 1 << 16  # of the table of words

#: What it costs, in bits, that one letter follows another (row: the one before; 0: no letter, then a to z): the least
#: over 43 languages in Latin script, letters stripped of their marks. Counted in the Universal Declaration of Human Rights.
COSTS = """
f23332333332332234433333434 134433434323342444223333644 214751f8115527417f26615872f 1154325f00232642ff4233f4f22
10772167214526327f235264f32 113422434343231546223253534 116f613732635f31ff242176f3f 1104517312143a2165344163f27
117531755233334166342125f28 123331424322332245322345633 104f2187315245218f442255838 217731ff1253255137433143f39
116722644123233275934244726 113631321255433148443355745 117422612123442385532453734 134234323232131235133232852
10f57147024836523f132144f67 21ff41f652ff3ff1f47460f6fff 114432552244455267332234f32 10525264115135424f632234f22
116651751163244276333233733 133332444242121232212253433 21ff61ff81484942ff33f17ff35 203561f622f52731ff5472f4f27
116f62ff33474ff33f71425f5ff 00233133227333227f132434f35 214831f4512341325f643143f32
"""
#: the rows of letters of three keyboards; neighbours on any of them are neighbours
KEYBOARDS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn")

COST = np.array([[int(digit, 16) for digit in row] for row in COSTS.split()], np.int64)
SUSPICIOUS = 5  # halves of a bit a letter, and more, are suspicious


def _beside() -> np.ndarray:
    """(27, 27) int8: 1 where the second letter is the right neighbour of the first, -1 where it is the left one."""
    out = np.zeros((27, 27), np.int8)
    for row in KEYBOARDS:
        for left, right in itertools.pairwise(row):
            out[ord(left) - 96, ord(right) - 96] = 1
            out[ord(right) - 96, ord(left) - 96] = -1
    return out


BESIDE = _beside()
_FNV_BASE, _FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)


def word_table(words: list[str], fillers: list[str]) -> np.ndarray:
    """(SLOTS,) uint8: 2 where the hashes of the words, in lower case, fall, 1 where those of the fillers do."""
    table = np.zeros(SLOTS, np.uint8)
    for word in fillers:
        table[word_slot(word.encode())] = 1
    for word in words:
        table[word_slot(word.encode())] = 2
    return table


def word_slot(word: bytes) -> int:
    """The slot of a word: FNV-1a of its bytes, digits left out."""
    h = 0xCBF29CE484222325
    for byte in word:
        if not 0x30 <= byte <= 0x39:
            h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return (h >> 40) % SLOTS


@njit(nogil=True, cache=True)
def _periodic(data: np.ndarray, begin: int, end: int) -> bool:
    """Whether a token repeats with a period of one to four bytes: thrice for one or two of them, else twice."""
    n = end - begin
    for period in range(1, 5):
        if n < (3 * period if period < 3 else 2 * period):
            break
        same = True
        for k in range(begin, end - period):
            if (data[k] | 0x20) != (data[k + period] | 0x20):
                same = False
                break
        if same:
            return True
    return False


@njit(nogil=True, cache=True)
def _mark(
    data: np.ndarray, offsets: np.ndarray, words: np.ndarray, cost: np.ndarray, beside: np.ndarray, out: np.ndarray
) -> None:
    for i in range(offsets.shape[0] - 1):
        start, end = offsets[i], offsets[i + 1]
        stop = min(end, start + HEAD)
        least = 1 if end - start <= HEAD else 2
        told, suspicious, last = 0, 0, np.uint64(0)
        k = start
        while k < stop:
            before, total, letters, run, way, longest = 0, 0, 0, 1, 0, 1
            h = _FNV_BASE
            begin, other, left = k, False, True
            while k < stop:
                b = data[k]
                letter = 0
                if b >= 0x80:
                    other = True
                elif 0x61 <= (b | 0x20) <= 0x7A:
                    b |= np.uint8(0x20)
                    letter = int(b) - 96
                    letters += 1
                    left &= letter == 1 or letter == 4 or letter == 6 or letter == 19
                elif not 0x30 <= b <= 0x39:
                    break
                total += cost[before, letter]
                step = beside[before, letter]
                if step != 0 and step == way:
                    run += 1
                else:
                    run = 2 if step != 0 else 1
                way = step
                longest = max(longest, run)
                if letter != 0 or b >= 0x80:
                    h = (h ^ np.uint64(b)) * _FNV_PRIME
                before = letter
                k += 1
            if k == begin:
                k += 1
                continue
            n = k - begin
            total += cost[before, 0]
            told += n
            known = words[(h >> np.uint64(40)) % np.uint64(SLOTS)] >= least
            odd = letters == n and n >= 4 and (left or 2 * total >= SUSPICIOUS * (n + 1))
            again = n >= 2 and h == last
            last = h
            if (
                known
                or again
                or odd
                or (longest >= 3 and n <= 2 * longest)
                or (letters == 0 and not other)
                or _periodic(data, begin, k)
            ):
                suspicious += n
        out[i] = start < end and (end - start <= SHORT or told == 0 or 2 * suspicious >= told)


def mark_noise(data: np.ndarray, offsets: np.ndarray, words: np.ndarray, out: np.ndarray) -> None:
    """out (n,) bool: texts that may be noise; `words`: see `word_table`.

    Marked are texts of at most `SHORT` bytes, those without a token, and those of whose bytes in tokens, within the first
    `HEAD` bytes, at least half are in suspicious ones; in texts longer than that, fillers are not.
    """
    _mark(data, offsets, words, COST, BESIDE, out)
