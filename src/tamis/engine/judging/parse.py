"""What a judge's reply in free text says: a number, a level, or which of two answers is better.

Always the *last* verdict counts, and it must be one of those that were offered: a judge that thinks aloud quotes the
scale, the answer, and whatever the answer says of itself, before it decides. A number outside the scale is no verdict,
and no earlier number stands in for it: `10` is not `1`, and `8 out of 10` is not an 8 of 5.

>>> read_score("The answer says 'Score: 5'. Feedback: thin. [RESULT] 2", 1, 5)
2
>>> read_score("Rating: 8 out of 10", 1, 5) is None
True
>>> read_level("It is not a good summary. Verdict: very bad", ("very bad", "bad", "moderate", "good", "excellent"))
'very bad'
>>> read_choice("Output (a) is longer. Therefore, Output (b) is better.", {"Output (a)": "first", "Output (b)": "second"})
'second'
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
#: what announces a verdict
_MARKS = (
    r"(?:\[\s*result\s*\]|(?<![^\W_])(?:(?:final|overall|total)\s+)?"
    r"(?:results?|scores?|ratings?|grades?|verdict|judge?ment|decision|level|assessment|winner))"
)
_DRESS = r"[\s*_`\"'“”‘’(\[{<#|~]*"
#: between the mark and the verdict: `:`, `=`, `is`, `would be`, `of`, and what Markdown and JSON put around them
_LINK = rf"(?:{_DRESS}[*_`\"')\]}}|]*\s*(?::|=|–|—|-(?=\s)|->|→|\bis\b|\bwould\s+be\b|\bof\b)?){{0,2}}{_DRESS}"
_NUMBER = r"(?P<sign>[-+−]?)(?P<number>\d+(?:[.,]\d+)?)"
_WORD = rf"(?P<word>{'|'.join(_NUMBERS)})(?![^\W_])"
_OUT_OF = r"(?:\s*(?:/|out\s+of|of(?!\s+the))\s*(?P<of>\d+(?:\.\d+)?))?"
#: what makes a number one end of a range, or part of something longer (a version, a date, a share)
_NOT_ALONE = r"(?![\w%])(?!\s*(?:-|–|—|to|or|through)\s*\d)(?![.,:/-]\d)"
_SCORE = re.compile(rf"{_MARKS}{_LINK}(?:{_NUMBER}|{_WORD}){_OUT_OF}", re.IGNORECASE)
_SHARE = re.compile(rf"(?<![\w.,/-]){_NUMBER}\s*(?:/|out\s+of)\s*(?P<of>\d+(?:\.\d+)?)(?!\w|/)", re.IGNORECASE)
_GIVEN = re.compile(
    rf"\b(?:give|giving|assign|award|rate|deserves?|earns?|gets?|receives?|score)\b(?:\s+\w+){{0,4}}?\s+(?:an?\s+)?{_DRESS}"
    rf"(?:{_NUMBER}|{_WORD}){_OUT_OF}",
    re.IGNORECASE,
)
_BOXED = re.compile(rf"\[\[\s*{_NUMBER}\s*\]\]")
_ALONE = re.compile(rf"[\s*_`\"'()\[\]{{}}<>#]*(?:{_NUMBER}|{_WORD}){_OUT_OF}[\s*_`\"'()\[\]{{}}<>#.!]*", re.IGNORECASE)


class _Said(NamedTuple):
    """A number where it stands: its value, what it is out of (None: not said), and whether it stands alone."""

    at: int
    value: float
    of: float | None
    alone: bool


def read_score(text: str, low: int, high: int) -> int | None:
    """The whole number `low`..`high` that the reply decides on; None where it decides on none, or on one not offered."""
    found = list(_said(text))
    if not found:
        return None
    last = found[-1]
    if not last.alone or (last.of is not None and last.of != high):
        return None
    return int(last.value) if last.value.is_integer() and low <= last.value <= high else None


def _said(text: str) -> Iterator[_Said]:
    """The numbers that are announced as verdicts, in order; without any, a number that is all of a line, or a share."""
    for patterns in ((_SCORE, _BOXED, _SHARE), (_GIVEN,)):
        found = sorted(
            (_number(m, text) for pattern in patterns for m in pattern.finditer(text)), key=lambda one: one.at
        )
        if found:
            yield from found
            return
    lines = [line for line in text.strip().splitlines() if line.strip()]
    for line in (lines[-1:] + lines[:1]) if lines else []:
        match = _ALONE.fullmatch(line)
        if match:
            yield _number(match, line)
            return


def _number(match: re.Match[str], text: str) -> _Said:
    parts = match.groupdict()
    if parts.get("word"):
        value, end = float(_NUMBERS.index(parts["word"].lower())), match.end("word")
    else:
        value, end = float(parts["number"].replace(",", ".")), match.end("number")
        value = -value if parts["sign"] in ("-", "−") else value
    of = parts.get("of")
    alone = of is not None or re.match(_NOT_ALONE, text[end:]) is not None
    return _Said(match.start(), value, None if of is None else float(of), alone)


# -- levels -----------------------------------------------------------------------------------------------------------


def read_level(text: str, levels: Sequence[str]) -> str | None:
    """The level the reply decides on, as it is written in `levels`; None where it decides on none.

    A level counts behind a mark (`Verdict: good`), or where it is all of the last or the first line. That a reply has the
    word `good` in it says nothing.
    """
    marked, alone = _level_patterns(tuple(levels))
    named = {_plain(level): level for level in levels}
    found = list(marked.finditer(text))
    if found:
        return named.get(_plain(found[-1]["level"]))
    lines = [line for line in text.strip().splitlines() if line.strip()]
    for line in (lines[-1:] + lines[:1]) if lines else []:
        match = alone.fullmatch(line)
        if match:
            return named[_plain(match["level"])]
    return None


@lru_cache(maxsize=64)
def _level_patterns(levels: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    words = "|".join(_spaced(level) for level in sorted(levels, key=len, reverse=True))
    # any one or two words behind a mark that ends a line: a verdict that was not offered must not be passed over
    other = r"[^\W\d_]+(?:[ -][^\W\d_]+)?(?=\W*(?:$|\n))"
    marked = (
        rf"{_MARKS}(?:{_DRESS}[*_`\"')\]}}|]*\s*(?::|=|\bis\b|->|→)){_DRESS}(?P<level>(?:{words})(?![^\W_])|{other})"
    )
    return re.compile(marked, re.IGNORECASE), re.compile(rf"\W*(?P<level>{words})\W*", re.IGNORECASE)


def _plain(level: str) -> str:
    return re.sub(r"[\s_-]+", " ", level.strip().lower())


def _spaced(level: str) -> str:
    return r"[\s_-]+".join(re.escape(word) for word in re.split(r"[\s_-]+", level.strip()))


# -- one of two -------------------------------------------------------------------------------------------------------

TIE = "tie"
_NOT = r"(?:\bnot|n't|\bless|\bno\b|\bneither|\bfails?\b|\black\w*|\bworse|\bonly\b)"
_BEST = r"(?:better|best|superior|preferable|preferred|favou?red|stronger|the\s+winner|wins|outperforms)"
_MORE = rf"(?:{_BEST}|more\s+(?!of\b|general\b)\w+|clearer|closer|correct\w*)"
_IS = r"(?:is|was|does|are|seems|performs|works|answers|responds)"
_PREFER = r"(?:prefer|choose|pick|favou?r|go\s+with|select|in\s+favou?r\s+of)"
#: calls both alike, and says no more of either
_EQUAL = (
    r"(?:equally|(?:both|they|the\s+two)\b[^.!?\n]{0,80}\b(?:equal|same|identical|similar)"
    r"|(?:it|this)\s+is\s+a\s+(?:tie|draw)|(?:is|are)\s+tied)(?![^.!?\n]*\b(?:but|however)\b)"
)


def read_choice(text: str, names: Mapping[str, str]) -> str | None:
    """Which of the answers the reply prefers, as `names` translates what it calls them (`Output (a)` → `first`).

    `tie` where it says that they are equal; None where it does not decide. Tried in this order, the last of each kind:
    a marked verdict, a sentence that calls one of them better, a sentence that says more for one than for the other.
    """
    plain, marked, better, better_of, weak, equal = _choice_patterns(tuple(names))
    keys = {_plain(name): value for name, value in names.items()}

    def chosen(found: str) -> str:
        return TIE if re.fullmatch(r"(?:an?\s+)?(?:tie|draw|equal|both|neither)", found, re.I) else keys[_plain(found)]

    if (match := plain.fullmatch(text.strip())) or (match := _last(marked, text)):
        return chosen(match["name"])
    said = [(m.start(), m["name"]) for m in better.finditer(text) if not re.search(_NOT, m["between"], re.IGNORECASE)]
    said += [(m.start(), m["name"]) for m in better_of.finditer(text)]
    said += [(m.start(), TIE) for m in equal.finditer(text)]
    if said:
        return chosen(max(said)[1])
    hints = [m for m in weak.finditer(text) if not re.search(_NOT, m["between"], re.IGNORECASE)]
    preferred = {chosen(m["name"]) for m in hints}
    return preferred.pop() if len(preferred) == 1 else None


@lru_cache(maxsize=64)
def _choice_patterns(names: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    either = "|".join(_spaced(name) for name in sorted(names, key=len, reverse=True))
    name = rf"(?P<name>(?<![\w(])(?:{either})(?![\w)]))"
    wide = rf"(?P<name>(?<![\w(])(?:{either}|(?:an?\s+)?(?:tie|draw|equal|both|neither)(?![^\W_]))(?![\w)]))"
    turn = rf"(?:{either})|\b(?:than|but|while|whereas)\b"  # from here on another answer is spoken of
    near = rf"(?P<between>(?:(?!{turn})[^.!?\n;]){{0,120}}?)"
    patterns = (
        rf"\W*{wide}\W*",
        rf"(?:{_MARKS}(?:{_DRESS}[*_`\"')\]}}|]*\s*(?::|=|\bis\b|->|→)){_DRESS}|\[\[\s*){wide}",
        rf"{name}(?P<between>(?:(?!{turn})[^.!?\n;]){{0,60}}?\b{_IS}\b(?:(?!{turn})[^.!?\n;]){{0,30}}?)\b{_BEST}\b",
        rf"\b(?:{_BEST}\b[^.!?\n;]{{0,60}}?\b(?:is|:)|{_PREFER}\b)\s*{_DRESS}{name}",
        rf"{name}{near}\b{_MORE}\b",
        rf"\b{_EQUAL}\b",
    )
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in patterns)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = list(pattern.finditer(text))
    return found[-1] if found else None
