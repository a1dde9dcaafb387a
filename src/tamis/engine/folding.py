"""How texts are compared that may be written differently: the table that folds each character.

Case, Unicode forms (composed or not, full width, ligatures), accents, vowel points, invisible characters and apostrophes
make no difference; letters, digits and their order do.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: code points of the table; beyond it stand emoji (they separate) and rare Han (each is a word)
TABLE = 0x1E000
#: what a character is: it ends a word, it is as if not there, it is part of a word, of a number, or a word of its own
SEPARATES, IGNORED, LETTER, DIGIT, SINGLE, MORE = 0, -1, 1, 2, 3, 4
KIND = 24  # bits of a code point below its kind

_APOSTROPHES = frozenset("'‘’ʼ′＇ʹ")
#: marks without which a word is the same word: accents, Hebrew points, Arabic vowel signs
_DROPPED = (
    (0x0300, 0x036F), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06ED),
    (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F),
)  # fmt: skip
#: writing without spaces between words: each character is a word (Thai, Lao, Burmese, Khmer, kana, Han)
_SINGLES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x3098), (0x309B, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
)  # fmt: skip


class Folds(NamedTuple):
    """The table. codes: (TABLE,) int32: 0, -1, or kind << 24 | code point, or MORE << 24 | k: the codes
    `more[bounds[k]:bounds[k + 1]]` stand in its place."""

    codes: NDArray[np.int32]
    more: NDArray[np.int32]
    bounds: NDArray[np.int64]


def folded(character: str) -> str | None:
    """What a character stands for, without case, form and accents: '' where it is ignored, None where it ends a word."""
    if character in _APOSTROPHES:
        return ""
    category = unicodedata.category(character)
    if category == "Cf":
        return ""
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category == "No":
        return character
    if category[0] not in "LMN":
        return None
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character.casefold()).casefold())
    kept = "".join(c for c in plain if not _within(c, _DROPPED))
    return kept if all(unicodedata.category(c)[0] in "LMN" for c in kept) else None


def kind(character: str) -> int:
    """LETTER, DIGIT or SINGLE of a folded character."""
    if "0" <= character <= "9":
        return DIGIT
    if unicodedata.category(character) == "No" or _within(character, _SINGLES) or ord(character) >= 0x20000:
        return SINGLE
    return LETTER


def _within(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    point = ord(character)
    return any(low <= point <= high for low, high in ranges)


#: signs that are words where words alone do not tell texts apart
SIGNS = "()[]{}<>=+*/^|&\\_$%#@~"


@lru_cache(maxsize=1)
def signed_folds() -> Folds:
    """The table in which each of SIGNS is a word of its own."""
    plain = folds()
    codes = plain.codes.copy()
    for sign in SIGNS:
        codes[ord(sign)] = SINGLE << KIND | ord(sign)
    return plain._replace(codes=codes)


@lru_cache(maxsize=1)
def folds() -> Folds:
    """The table, made once a process."""
    codes = np.zeros(TABLE, np.int32)
    more: list[int] = []
    bounds = [0]
    for point in range(TABLE):
        if 0xD800 <= point < 0xF900:  # surrogates and private use
            continue
        character = chr(point)
        if 0x3400 <= point < 0xA000 and not 0x4DC0 <= point < 0x4E00:  # Han, but for hexagrams, which are signs
            codes[point] = SINGLE << KIND | point
            continue
        told = folded(character)
        if told is None:
            continue
        parts = [kind(c) << KIND | ord(c) for c in told]
        if len(parts) == 1:
            codes[point] = parts[0]
        elif not parts:
            codes[point] = IGNORED
        else:
            codes[point] = MORE << KIND | (len(bounds) - 1)
            more += parts
            bounds.append(len(more))
    return Folds(codes, np.array(more, np.int32), np.array(bounds, np.int64))
