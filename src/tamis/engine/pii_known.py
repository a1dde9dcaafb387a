"""Where values of a row's own columns stand in its text: a customer's name, whole and in parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tamis.core.columns import Text

_PARTS = re.compile(r"[^\W\d_](?:[^\W_]|['’\-.](?=[^\W_]))*")
_PART = 85  # certainty of a part found alone
_SHORTEST = 3  # letters of a part that is looked for alone
#: Parts of names that tell of nobody.
_COMMON_LINE = """
    the and von van der den dos del des mrs miss prof herr frau señor señora monsieur madame for not you are has
    his her inc ltd llc gmbh company
"""
_COMMON = frozenset(_COMMON_LINE.split())
#: Names that are words too: they count alone only where they are written with a capital.
_WORDS_LINE = """
    will mark may grant hope joy art bill rich grace rose summer april june august frank chase drew pat sue ray
    dean young long white black brown green gray king price page day stone wood woods hill field fields ford
    cook baker faith dawn eve ivy lily daisy pearl ruby amber crystal sky river reed heath miles victor max guy
    gene jack john jimmy rob nick dick harry tony major marshal judge sterling destiny harmony melody charity
    patience prudence constance carol holly hazel olive ginger sandy rusty dusty rocky buddy skip chip chuck
    wade pierce lance rod cliff glen dale forest brook bush rush marsh lake snow winter frost rain storm park
    parks banks mills bridges waters rivers west north south east early best good love wise noble sharp strong
    swift small little short large hall house church temple bishop pope abbot monk knight duke prince earl baron
    lord queen page carpenter cooper mason miller taylor tanner turner weaver fisher hunter shepherd farmer
    gardener potter porter archer fox wolf lamb bull bird crane drake swan finch robin jay martin wren bell horn
    harper singer bond cash penny nichols rice bean berry cherry apple lemon pepper salt sage basil post case
    cross power powers gold silver diamond steel glass ball battle fight hand head foot foote back bloom flowers
    moon sun star stern hart hope chance lucky angel christian jesus
"""
_WORDS = frozenset(_WORDS_LINE.split())


def occurrences(text: Text, column: Text, *, parts: bool = True) -> Iterator[tuple[int, int, int, int]]:
    """(row, start, end, certainty) of the column's values in the same rows' texts, without regard to case.

    parts: whether words of a value count alone, as they do in names of people.
    """
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
        for word, certain in _needles(value, parts):
            at = lowered.find(word)
            while at >= 0:
                to = at + len(word)
                apart = not (lowered[at - 1 : at].isalnum() and word[0].isalnum()) and not (
                    lowered[to : to + 1].isalnum() and word[-1].isalnum()
                )
                if apart and (certain > _PART or word not in _WORDS or original[at].isupper()):
                    start = at if plain else len(original[:at].encode())
                    yield row, start, start + (to - at if plain else len(original[at:to].encode())), certain
                at = lowered.find(word, to)


def repeated(text: Text, names: Mapping[int, Mapping[str, int]]) -> Iterator[tuple[int, int, int, int]]:
    """(row, start, end, certainty) wherever names that were found in a row's text stand in it, letter by letter.

    names: row → name → how certain it is. Words of a name of several words count alone, but for those that are words too.
    """
    for row, some in names.items():
        raw = text.data[text.offsets[row] : text.offsets[row + 1]].tobytes()
        needles: dict[str, int] = {}
        for name, certain in some.items():
            words = [part.rstrip(".") for part in _PARTS.findall(name)]
            parts = words if 2 <= len(words) <= 6 else []
            for word in (name, *(w for w in parts if len(w) >= _SHORTEST and w[0].isupper() and not _is_word(w))):
                needles[word] = max(certain, needles.get(word, 0))
        for word, certain in needles.items():
            needle = word.encode()
            at = raw.find(needle)
            while at >= 0:
                to = at + len(needle)
                before = raw[max(0, at - 4) : at].decode("utf-8", "ignore")[-1:]
                if not before.isalnum() and not raw[to : to + 4].decode("utf-8", "ignore")[:1].isalnum():
                    yield row, at, to, certain
                at = raw.find(needle, to)


def _is_word(part: str) -> bool:
    low = part.lower()
    return low in _WORDS or low in _COMMON


def _needles(value: str, parts: bool) -> Iterator[tuple[str, int]]:
    """What is looked for, whole value first."""
    whole = _lower(value)
    if sum(char.isalnum() for char in whole) < _SHORTEST:
        return
    yield whole, 95
    if not parts:
        return
    words = [part.rstrip(".") for part in _PARTS.findall(whole)]
    if len(words) > 6:
        return
    for part in dict.fromkeys(words):
        if len(part) >= _SHORTEST and part not in _COMMON and part != whole:
            yield part, _PART


def _lower(text: str) -> str:
    """In lower case, character by character, so that places do not move."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)
