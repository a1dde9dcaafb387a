"""Keys: texts normalised and hashed to 128 bits, so that equal texts can be found among all rows.

What `normalise` means, in this order:

nfkc: compatibility forms become one (full-width letters, ligatures, composed accents);
case: upper and lower case become one (Unicode case folding);
whitespace: a run of white space becomes one blank, both ends are trimmed, invisible characters
    (zero-width, soft hyphen, direction marks, variation selectors) vanish;
punctuation: implies whitespace; quotes, dashes and . , ; : ! ? become a blank and apostrophes vanish,
    except before a digit, so that 1.5 is not 15 and -5 is not 5. Signs that carry meaning stay:
    C, C# and C++ differ, as do 2*3 and 2/3;
digits: a run of ASCII digits becomes one 0.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .text import to_series, to_text

if TYPE_CHECKING:
    from .kernels.hashing import Folds

Rule = Literal["nfkc", "case", "whitespace", "punctuation", "digits"]
Algorithm = Literal["xxh3", "md5", "sha256"]

#: What "much the same text" means unless a recipe says otherwise.
LOOSE: tuple[Rule, ...] = ("nfkc", "case", "whitespace", "punctuation")

_SPACES = [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]
_INVISIBLE = [0xAD, 0x034F, 0x061C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065)]
_INVISIBLE += [*range(0x2066, 0x206A), *range(0xFE00, 0xFE10), 0xFEFF]

#: White space becomes a blank, what cannot be seen goes.
SPACES: dict[int, str] = {**dict.fromkeys(_SPACES, " "), **dict.fromkeys(_INVISIBLE, "")}

#: Marks of all scripts become ASCII ones of the same kind.
MARKS: dict[int, str] = {
    **dict.fromkeys(map(ord, "‘’‚‛ʼ′"), "'"),
    **dict.fromkeys(map(ord, "“”„‟«»‹›″「」『』"), '"'),
    **dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-"),
    **dict.fromkeys(map(ord, "。．…।۔｡"), "."),
    **dict.fromkeys(map(ord, "、，،､"), ","),
    **dict.fromkeys(map(ord, "¿¡؟；：！？؛"), "?"),
}
BLANKED, VANISHING = '"-.,;:!?', "'"

_CODES = 0x20000
_MAYBE_JAMO = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}


class Keys(NamedTuple):
    """high, low: (n,) uint64, the halves of each key; valid: (n,) bool, False where there is nothing to compare."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    valid: NDArray[np.bool_]


def ordered(rules: Iterable[str]) -> tuple[Rule, ...]:
    """The rules in the order they are applied, with what they imply."""
    wanted = set(rules)
    if "punctuation" in wanted:
        wanted.add("whitespace")
    every: tuple[Rule, ...] = ("nfkc", "case", "whitespace", "punctuation", "digits")
    return tuple(rule for rule in every if rule in wanted)


def folded(text: str, rules: Sequence[Rule]) -> str:
    """`text` after the rules that look at characters only: nfkc and case."""
    if "nfkc" in rules:
        text = unicodedata.normalize("NFKC", text)
    if "case" in rules:
        text = text.casefold()
        if "nfkc" in rules:
            text = unicodedata.normalize("NFKC", text)
    return text


@lru_cache(maxsize=16)
def folds(rules: tuple[Rule, ...]) -> Folds:
    """The tables of `rules` for the kernels."""
    from .kernels.hashing import BLANKED as BLANKED_KIND
    from .kernels.hashing import SAME, SLOW, SPECIAL, Folds
    from .kernels.hashing import VANISHING as VANISHING_KIND

    swaps = {**(SPACES if "whitespace" in rules else {}), **(MARKS if "punctuation" in rules else {})}
    plain = np.arange(256, dtype=np.uint8)
    plain[128:] = SPECIAL
    mark = np.zeros(128, np.uint8)
    for b in range(128):
        plain[b] = ord(folded(chr(b), rules).translate(swaps))
        if "digits" in rules and chr(b).isdigit():
            plain[b] = ord("0")
    if "punctuation" in rules:
        for marks, kind in ((BLANKED, BLANKED_KIND), (VANISHING, VANISHING_KIND)):
            mark[[ord(c) for c in marks]] = kind
        plain[:128][mark > 0] = SPECIAL
    runs = np.zeros(256, np.bool_)
    runs[32], runs[48] = "whitespace" in rules, "digits" in rules
    code = np.full(_CODES, SAME, np.int32)
    lead, trail = np.zeros(_CODES, np.uint8), np.zeros(_CODES, np.uint8)
    composing = _composing() if "nfkc" in rules else frozenset()
    pool = bytearray()
    for point, result in _told_apart(rules, composing, swaps):
        character = chr(point)
        if "nfkc" in rules:
            first = unicodedata.normalize("NFKC", character)
            classes = [(unicodedata.combining(s[0]), unicodedata.combining(s[-1])) for s in (first, result)]
            lead[point], trail[point] = classes[1]
            if first[0] in composing or result[0] in composing or classes[0] != classes[1]:
                code[point] = SLOW
                continue
        result = result.translate(swaps)
        if result != character:
            encoded = result.encode()
            code[point] = len(pool) << 6 | len(encoded)
            pool += encoded
    lower = np.uint64(0x8080808080808080 if "case" in rules else 0)
    by_words = "whitespace" in rules and "digits" not in rules
    beyond = SLOW if "nfkc" in rules else SAME
    return Folds(
        plain, mark, runs, code, lead, trail, np.frombuffer(bytes(pool) or b"\0", np.uint8), beyond, by_words, lower
    )


def _told_apart(
    rules: Sequence[Rule], composing: frozenset[str], swaps: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    """The code points that rules, composition or order may change, and what they fold to; all others stay as they are."""
    points = [p for p in range(128, _CODES) if not (0x3400 <= p <= 0x9FFF or 0xAC00 <= p <= 0xF8FF)]
    characters = list(map(chr, points))
    results = folded("\n".join(characters), rules).split("\n")  # nothing melts or moves across a line's end
    orders = map(unicodedata.combining, characters)
    for point, character, result, order in zip(points, characters, results, orders, strict=True):
        if result != character or order or point in swaps or character in composing:
            yield point, result


@lru_cache(maxsize=1)
def _composing() -> frozenset[str]:
    """Characters that may melt into the one before them: a row with one is normalised as a whole."""
    found = set(map(chr, _MAYBE_JAMO))
    for point in range(_CODES):
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    return frozenset(found)


def normalised(text: Text, rules: Iterable[str]) -> Text:
    """Each string after the rules."""
    from .kernels.hashing import normalise_rows

    wanted = ordered(rules)
    if not wanted:
        return text
    n = len(text.offsets) - 1
    offsets, slow = np.empty(n + 1, np.int64), np.empty(n, np.bool_)
    data = normalise_rows(text.data, text.offsets, folds(wanted), offsets, slow)
    if not slow.any():
        return Text(data, offsets, text.valid)
    series = to_series("", Text(data, offsets, np.ones(n, np.bool_)))
    rows = np.flatnonzero(slow)
    rest = to_series("", _by_hand(text, rows, wanted))
    whole = to_text(series.scatter(rows, rest))
    return Text(whole.data, whole.offsets, text.valid)


def _by_hand(text: Text, rows: NDArray[np.int64], wanted: tuple[Rule, ...]) -> Text:
    """The rows that the tables cannot fold: folded one by one in Python, then the rest of the rules."""
    import polars as pl

    data, offsets = text.data, text.offsets
    strings = [folded(bytes(data[offsets[i] : offsets[i + 1]]).decode(), wanted) for i in rows]
    rest = tuple(rule for rule in wanted if rule not in ("nfkc", "case"))
    return normalised(to_text(pl.Series(strings, dtype=pl.String)), rest)


def part_keys(text: Text, rules: Iterable[str], algorithm: Algorithm = "xxh3") -> Keys:
    """The key of each string; not valid where it is null or nothing is left of it."""
    from .kernels.hashing import hash_normalised, hash_rows

    wanted = ordered(rules)
    n = len(text.offsets) - 1
    high, low, full = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.bool_)
    if algorithm != "xxh3":
        text = normalised(text, wanted)
        hash_rows(text.data, text.offsets, high, low, full)
        _digests(text, algorithm, high, low)
        return Keys(high, low, full & text.valid)
    if not wanted:
        hash_rows(text.data, text.offsets, high, low, full)
        return Keys(high, low, full & text.valid)
    slow = np.empty(n, np.bool_)
    hash_normalised(text.data, text.offsets, folds(wanted), high, low, full, slow)
    if slow.any():
        rows = np.flatnonzero(slow)
        rest = _by_hand(text, rows, wanted)
        some = part_keys(rest, (), "xxh3")
        high[rows], low[rows], full[rows] = some.high, some.low, some.valid
    return Keys(high, low, full & text.valid)


def _digests(text: Text, algorithm: Algorithm, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> None:
    """The first 128 bits of each string's digest."""
    new = {"md5": hashlib.md5, "sha256": hashlib.sha256}[algorithm]
    whole = memoryview(text.data.tobytes())
    places = text.offsets.tolist()
    digests = b"".join([new(whole[a:b], usedforsecurity=False).digest()[:16] for a, b in pairwise(places)])
    halves = np.frombuffer(digests, ">u8").reshape(-1, 2)
    high[:], low[:] = halves[:, 0], halves[:, 1]


def keys(parts: Sequence[Text], rules: Iterable[str] = LOOSE, algorithm: Algorithm = "xxh3") -> Keys:
    """The key of each row over one text or several; never equal by where one part ends and the next begins.

    Not valid where every part is null or empty once normalised.
    """
    wanted = ordered(rules)
    found = [part_keys(part, wanted, algorithm) for part in parts]
    if len(found) == 1:
        return found[0]
    n = len(found[0].high)
    record = np.zeros((n, 17 * len(found)), np.uint8)
    for k, (part, text) in enumerate(zip(found, parts, strict=True)):
        record[:, 17 * k] = text.valid
        record[:, 17 * k + 1 : 17 * k + 9] = part.high.astype(">u8").view(np.uint8).reshape(n, 8)
        record[:, 17 * k + 9 : 17 * k + 17] = part.low.astype(">u8").view(np.uint8).reshape(n, 8)
        record[~text.valid, 17 * k + 1 : 17 * k + 17] = 0
    offsets = np.arange(n + 1, dtype=np.int64) * record.shape[1]
    whole = part_keys(Text(record.ravel(), offsets, np.ones(n, np.bool_)), (), algorithm)
    return Keys(whole.high, whole.low, np.logical_or.reduce([part.valid for part in found]))


def first_equal(found: Keys) -> NDArray[np.int64]:
    """(n,) int64: the first row with the same key; the row itself where it has none."""
    from .kernels.hashing import first_equal as kernel

    first = np.empty(len(found.high), np.int64)
    kernel(found.high, found.low, found.valid, first)
    return first
