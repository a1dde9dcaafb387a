"""Is an instruction in a text aimed at the model that will read it? The rules of `injection_rules`, weighed.

The surest rule that matches counts, and each other family that matches makes it surer. A text *about* attacks (it explains,
quotes, reports or asks for them) is less sure, and so are words within quotation marks. What is hidden is looked at as the
model would read it: without the invisible characters, with reversed runs turned round, with base64 decoded.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Columns, Text

from .injection_rules import (
    BEFORE,
    DISCUSSION,
    FAMILIES,
    INVISIBLE,
    OVERRIDES,
    PHRASES,
    QUOTE_MARKS,
    RULES,
    TAGS,
)
from .spans import Place, locate

if TYPE_CHECKING:
    from .kernels.patterns import Automaton

MORE = 0.15  # each other family makes it surer
ABOUT, QUOTED = 0.35, 0.15  # what a discussion takes off, and quotation marks in one
HIDDEN = 0.25  # what hiding adds
PHRASE = 200  # characters of a match that are told
AROUND = 250  # characters before and after a word of a rule within which its pattern must match
OCCURRENCES = 20  # of one word that are looked at one by one
TAG_BYTES = (b"\xf3\xa0\x80", b"\xf3\xa0\x81")  # what the tag characters begin with
_NEEDS = tuple(sorted({need for rule in RULES for need in rule.needs}))
_BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}")
_BETWEEN = re.compile(f"(?<=[A-Za-z])[{INVISIBLE}]+(?=[A-Za-z])")
_STRIP = re.compile(f"[{INVISIBLE}]")


class Injection(NamedTuple):
    """How sure it is (0..1), the family of the surest rule, where its match stands, and every family that matched."""

    score: float
    family: str
    start: int
    end: int
    families: tuple[str, ...]


class Injections(NamedTuple):
    """Per row: score (Float32, 0 where nothing is found), family, phrase, and where it stands: message, start, end."""

    score: pl.Series
    family: pl.Series
    phrase: pl.Series
    message: pl.Series
    start: pl.Series
    end: pl.Series


def find_injections(rows: Columns, view: str) -> Injections:
    """What the rules find in a view. A kernel marks the few rows in which they can find anything."""
    marked = np.flatnonzero(candidates(rows.buffers(view)))
    texts = rows.text(view).gather(pl.Series(marked, dtype=pl.UInt32)).to_list()
    found = [(row, text, judge_text(text)) for row, text in zip(marked.tolist(), texts, strict=True)]
    some = [(row, text, one) for row, text, one in found if one is not None]
    places = locate(rows, view, [Place(row, one.start, one.end) for row, _, one in some])

    def column(values: list[object], dtype: type[pl.DataType], empty: object) -> pl.Series:
        out = pl.Series([empty], dtype=dtype).new_from_index(0, rows.height)
        return out.scatter([row for row, _, _ in some], pl.Series(values, dtype=dtype)) if some else out

    return Injections(
        column([one.score for _, _, one in some], pl.Float32, 0.0),
        column([one.family for _, _, one in some], pl.String, None),
        column([text[one.start : one.end][:PHRASE] for _, text, one in some], pl.String, None),
        column([place.message for place in places], pl.Int32, None),
        column([place.start for place in places], pl.Int32, None),
        column([place.end for place in places], pl.Int32, None),
    )


def candidates(text: Text) -> np.ndarray:
    """(n,) bool: rows that hold one of `PHRASES`."""
    from .kernels.patterns import first_phrase

    found = np.empty(len(text.offsets) - 1, np.int16)
    first_phrase(text.data, text.offsets, 1 << 62, _machine(), found)
    return found >= 0


@cache
def _machine() -> Automaton:
    from .kernels.patterns import automaton

    return automaton([*(phrase.encode() for phrase in sorted(set(_spellings()))), *TAG_BYTES])


def _spellings() -> Iterator[str]:
    """The phrases with typographic apostrophes too, and those that are not ASCII with capitals, which the machine tells apart."""
    for phrase in PHRASES:
        for one in (phrase, phrase.capitalize(), phrase.upper()) if not phrase.isascii() else (phrase,):
            folded = "".join(character.lower() if character.isascii() else character for character in one)
            yield folded
            yield folded.replace("'", "’")


def judge_text(text: str) -> Injection | None:
    """How sure it is that a text holds an instruction aimed at the model; None where no rule matches."""
    plain = text.replace("’", "'")
    found = _match(plain)
    hidden = _hidden(plain)
    if hidden is not None:
        found.append(hidden)
    if not found:
        return None
    best = max(found, key=lambda one: (one[0], -one[2]))
    families = {family for _, family, _, _ in found}
    score = best[0] + MORE * (len(families) - 1)
    line = plain[: best[2]].rsplit("\n", 1)[-1]
    if DISCUSSION.search(plain) or BEFORE.search(line):
        score -= ABOUT + QUOTED * _quoted(line)
    return Injection(
        min(1.0, max(0.0, round(score, 2))),
        best[1],
        best[2],
        best[3],
        tuple(family for family in FAMILIES if family in families),
    )


def _match(plain: str) -> list[tuple[float, str, int, int]]:
    """The first match of each rule: (weight, family, start, end)."""
    lower = plain.lower()
    if len(lower) != len(plain):  # U+0130 becomes two
        lower = "".join(one if len(one := character.lower()) == 1 else character for character in plain)
    there = _present(lower)
    out = []
    for rule in RULES:
        if there.isdisjoint(rule.needs):
            continue
        match = None
        for need in sorted(there & rule.needs):
            match = _near(rule.pattern, plain, lower, need) or match
        if match is not None:
            out.append((rule.weight, rule.family, match.start(), match.end()))
    return out


def _present(lower: str) -> set[str]:
    """Which words of the rules stand in a text."""
    from .kernels.phrase_list import list_phrases

    machine, lengths, containing = _needs_machine()
    seen = np.zeros(len(lengths), np.bool_)
    list_phrases(np.frombuffer(lower.encode("utf-8", "replace"), np.uint8), machine, lengths, seen)
    return {need for k in np.flatnonzero(seen).tolist() for need in containing[k] if need in lower}


@cache
def _needs_machine() -> tuple[Automaton, np.ndarray, list[tuple[str, ...]]]:
    """A machine over the words of the rules, their lengths in bytes, and, for each, those that contain it."""
    from .kernels.patterns import automaton

    codes = [need.encode() for need in _NEEDS]
    containing = [tuple(other for other in _NEEDS if need in other) for need in _NEEDS]
    return automaton(codes), np.array([len(code) for code in codes], np.int64), containing


def _near(pattern: re.Pattern[str], plain: str, lower: str, need: str) -> re.Match[str] | None:
    """A match of a pattern around an occurrence of `need`, which is there; after many of them, anywhere."""
    at = lower.find(need)
    for _ in range(OCCURRENCES):
        match = pattern.search(plain, max(0, at - AROUND), at + len(need) + AROUND)
        if match is not None:
            return match
        at = lower.find(need, at + len(need))
        if at < 0:
            return None
    return pattern.search(plain)


def _quoted(line: str) -> bool:
    """Whether a quotation is open at the end of a line."""
    marks = [character for character in line if character in QUOTE_MARKS]
    return len(marks) % 2 == 1


def _hidden(plain: str) -> tuple[float, str, int, int] | None:
    """An instruction that people do not see: in tag characters, between invisible ones, reversed, or in base64."""
    tags = [k for k, character in enumerate(plain) if ord(character) in TAGS] if _has_tags(plain) else []
    if tags and plain[max(0, tags[0] - 1)] != "\U0001f3f4" and len(tags) >= 4:
        return 0.7, "hidden_text", tags[0], tags[-1] + 1
    if len(_BETWEEN.findall(plain)) >= 2:
        first = _BETWEEN.search(plain)
        inner = _match(_STRIP.sub("", plain))
        if inner and first is not None:
            return min(1.0, max(inner)[0] + HIDDEN), "hidden_text", max(0, first.start() - 1), len(plain)
    if any(mark in plain for mark in OVERRIDES):
        for match in re.finditer(f"[{OVERRIDES}]([^\u202c\n]+)", plain):
            inner = _match(match[1][::-1])
            if inner:
                return min(1.0, max(inner)[0] + HIDDEN), "hidden_text", match.start(), match.end()
    for match in _BASE64.finditer(plain):
        inner = _match(_decoded(match[0]))
        if inner:
            return min(1.0, max(inner)[0] + HIDDEN), "hidden_text", match.start(), match.end()
    return None


def _has_tags(plain: str) -> bool:
    return not plain.isascii() and max(plain) >= "\U000e0020"


def _decoded(code: str) -> str:
    """What base64 stands for, where it is text; else ''."""
    code = code.rstrip("=")
    try:
        raw = base64.b64decode(code[: len(code) - (len(code) % 4 == 1)] + "=" * (-len(code) % 4), validate=True)
        text = raw.decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text if text.isprintable() or "\n" in text else ""
