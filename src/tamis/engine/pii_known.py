"""Where values of a row's own columns stand in its text: a customer's name, whole and in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tamis.core.columns import Text

_PARTS = re.compile(r"[^\W\d_](?:[^\W_]|['’\-.](?=[^\W_]))*")
_SHORTEST = 3  # letters of a part that is looked for alone
#: Parts of names that are words of every text.
_COMMON = frozenset(
    [
        "the",
        "and",
        "von",
        "van",
        "der",
        "den",
        "dos",
        "del",
        "de",
        "la",
        "di",
        "mrs",
        "miss",
        "herr",
        "frau",
        "for",
        "was",
        "not",
        "you",
        "are",
        "has",
        "his",
        "her",
        "inc",
        "ltd",
        "llc",
        "gmbh",
        "company",
    ]
)


def occurrences(text: Text, column: Text) -> Iterator[tuple[int, int, int, int]]:
    """(row, start, end, certainty) of the column's values in the same rows' texts, without regard to case."""
    view, values = memoryview(text.data.data), memoryview(column.data.data)
    for row in range(len(text.offsets) - 1):
        low, high = int(column.offsets[row]), int(column.offsets[row + 1])
        begin, end = int(text.offsets[row]), int(text.offsets[row + 1])
        if high - low < _SHORTEST or end - begin < _SHORTEST:
            continue
        value = bytes(values[low:high]).decode("utf-8", "replace").strip()
        original = bytes(view[begin:end]).decode("utf-8", "replace")
        lowered = _lower(original)
        plain = len(original) == end - begin
        for word, certain in _needles(value):
            at = lowered.find(word)
            while at >= 0:
                to = at + len(word)
                if not (lowered[at - 1 : at].isalnum() and word[0].isalnum()) and not (
                    lowered[to : to + 1].isalnum() and word[-1].isalnum()
                ):
                    start = at if plain else len(original[:at].encode())
                    yield row, start, start + (to - at if plain else len(original[at:to].encode())), certain
                at = lowered.find(word, to)


def _needles(value: str) -> Iterator[tuple[str, int]]:
    """What is looked for, whole value first."""
    whole = _lower(value)
    if sum(char.isalnum() for char in whole) < _SHORTEST:
        return
    yield whole, 95
    parts = [part.rstrip(".") for part in _PARTS.findall(whole)]
    if len(parts) > 6:
        return
    for part in dict.fromkeys(parts):
        if len(part) >= _SHORTEST and part not in _COMMON and part != whole:
            yield part, 85


def _lower(text: str) -> str:
    """In lower case, character by character, so that places do not move."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
