"""What an answer says that its source does not: numbers, dates, names, links and e-mail addresses.

Numbers are compared by value (1,000 = 1000 = one thousand; 3.50 = 3.5; 5k = 5000; 3 p.m. = 15:00), dates by day, month
and year in any spelling, links without `https://www.`, names by their words in any case. Numbers written in letters in
the answer, numbers of list items, and a sentence's first word, if English knows it, are not checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Columns, Text

from .quantities import (
    MONTH_OF,
    MONTHS,
    NUMBER,
    SHORT_DATE,
    TIME,
    WEEKDAYS,
    dates_in,
    day_and_month,
    number_values,
    same_day,
    values_in,
)

Kind = Literal["numbers", "dates", "names", "links", "emails"]

_TOKEN = re.compile(r"[^\W_]+(?:(?<=\d)[.,:/](?=\d)[^\W_]+)*")
_ITEM = re.compile(r"(?:^|(?<=\n))[ \t]*(?:[-*(#]+ ?)?\d{1,3}[.):](?=\s|\*)")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.I)
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NAME = re.compile(
    r"(?<![^\W_])(?<![&@/])[A-Z][^\W_]*(?:['’-][A-Z][^\W_]+)*(?:(?: (?:of|de|van|von|da|del|la|bin|al)){0,2} [A-Z][^\W_]+)*"
)
#: capitalised in letters by habit, names of nobody
_TITLES = frozenset(
    re.findall(
        r"\w+",
        "mr mrs ms dr prof sir madam miss ok tv am pm id faq ps re fw fyi asap regards sincerely wishes thanks dear hello hi"
        " team customer service support",
    )
)


class Item(NamedTuple):
    """Something an answer says: its kind, its words, and its span in code points."""

    kind: Kind
    text: str
    start: int
    end: int


class Checked(NamedTuple):
    """The items of an answer that its source lacks, and how many there were in all."""

    ungrounded: list[Item]
    items: int


class Source:
    """What a source says, read once."""

    def __init__(self, text: str) -> None:
        self.low = text.lower().replace("’", "'")
        self.tokens = {match[0].lower() for match in _TOKEN.finditer(text)}
        self.values = set(values_in(text))
        self.dates = [date for _, date in dates_in(text)] + [
            day_and_month(match[0]) for match in SHORT_DATE.finditer(text)
        ]
        self._sums: set[float] | None = None

    def holds(self, text: str) -> bool:
        """Whether every token of a text is one of the source's."""
        return all(match[0].lower() in self.tokens for match in _TOKEN.finditer(text))

    def derives(self, value: float) -> bool:
        """Whether a number is the sum, difference, product or ratio of two of the source's."""
        if self._sums is None:
            some = sorted(self.values)[:40]
            self._sums = {
                round(x, 6) for a in some for b in some for x in (a + b, a - b, a * b, *((a / b,) if b else ()))
            }
        return round(value, 6) in self._sums


def check(answer: str, source: str, kinds: Collection[str], *, derived: bool = False) -> Checked:
    """The items of an answer and those that the source lacks; derived: whether simple sums of its numbers will do."""
    given = Source(source)
    taken: list[tuple[int, int]] = []
    missing: list[Item] = []
    items = 0
    for item, grounded in _items(answer, given, kinds, derived):
        if any(a < item.end and item.start < b for a, b in taken):
            continue
        taken.append((item.start, item.end))
        if item.kind in kinds:
            items += 1
            if not grounded and (item.kind in ("links", "emails") or not given.holds(item.text)):
                missing.append(item)
    return Checked(sorted(missing, key=lambda item: item.start), items)


def _items(answer: str, given: Source, kinds: Collection[str], derived: bool) -> Iterator[tuple[Item, bool]]:
    """Items of all kinds, those first that others must not be part of; and whether each is grounded."""
    for match in _LINK.finditer(answer):
        text = match[0].rstrip(".,;:!?*")
        bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", text.lower()).rstrip("/")
        yield Item("links", text, match.start(), match.start() + len(text)), bare in given.low
    for match in _MAIL.finditer(answer):
        yield Item("emails", match[0], *match.span()), match[0].lower() in given.low
    for match, date in dates_in(answer):
        yield Item("dates", match[0], *match.span()), any(same_day(date, other) for other in given.dates)
    for match in _ITEM.finditer(answer):
        yield Item("numbers", "", *match.span()), True
    for match in TIME.finditer(answer):
        hour, minute = int(match["hour"]), match["minute"]
        same = any(
            f"{h}:{minute}" in given.tokens or f"{h:02}:{minute}" in given.tokens for h in (hour, (hour + 12) % 24)
        )
        whole = minute == "00" and bool({float(hour), float((hour + 12) % 24)} & given.values)
        yield Item("numbers", match[0], *match.span()), same or whole
    for match in NUMBER.finditer(answer):
        values = list(number_values(match))
        grounded = any(value in given.values for value in values) or (derived and any(map(given.derives, values)))
        yield Item("numbers", match[0].strip(), *match.span()), grounded
    for match in _TOKEN.finditer(answer):  # what is left: ids, ratios, versions
        if SHORT_DATE.fullmatch(match[0]) and any(same_day(day_and_month(match[0]), other) for other in given.dates):
            yield Item("dates", match[0], *match.span()), True
        elif any(c.isdigit() for c in match[0]):
            quarter = re.fullmatch(r"Q([1-4])", match[0])
            yield Item("numbers", match[0], *match.span()), bool(quarter and float(quarter[1]) in given.values)
    if "names" in kinds or "dates" in kinds:
        yield from _names(answer, given)


def _names(answer: str, given: Source) -> Iterator[tuple[Item, bool]]:
    english = _english()
    for match in _NAME.finditer(answer):
        line = answer[
            answer.rfind("\n", 0, match.start()) + 1 : answer.find("\n", match.end())
            if "\n" in answer[match.end() :]
            else len(answer)
        ]
        letters = re.findall(r"[^\W\d_]{3,}", line)
        title = line.rstrip()[-1:].isalnum() and sum(word[0].isupper() for word in letters) * 5 > len(letters) * 3 > 6
        begins = _begins(answer, match.start())
        words = re.findall(r"[^\W_]+", match[0])
        start = match.start()
        if begins and words[0].lower() in english and (words[0][1:].islower() or len(words[0]) == 1):
            if len(words) == 1:
                continue
            start += len(words[0]) + 1  # Hello Anna; but Peter is not looked at in: Peter Miller
            words = words[1:]
        text = answer[start : match.end()]
        if words[0].lower() in WEEKDAYS or words[0].lower() in MONTHS:
            yield (
                Item("dates", text, start, match.end()),
                words[0].lower() in given.tokens or words[0][:3].lower() in given.tokens,
            )
            continue
        kept = [word for word in words if len(word) > 1 and word.lower() not in _TITLES and word[0].isupper()]
        if not kept or (title and all(word.lower() in english for word in kept)):
            continue
        yield Item("names", text, start, match.end()), all(_told(word.lower(), given) for word in kept)


def _told(word: str, given: Source) -> bool:
    """Whether the source has a word, or the same with or without an s."""
    return word in given.tokens or f"{word}s" in given.tokens or word.removesuffix("s") in given.tokens


def _begins(text: str, start: int) -> bool:
    before = text[:start].rstrip(' "*(-')
    return not before or before[-1] in ".!?:#" or before[-1] < " "


@cache
def _english() -> dict[str, int]:
    """English words and their levels, 4 for the most frequent."""
    from .kernels.spelling import listed

    return listed()


def candidates(text: Text, source: Text, kinds: Collection[str]) -> np.ndarray:
    """(n,) bool: the rows in which something may be missing from the source."""
    from .kernels import grounding as kernel
    from .kernels.spelling import words

    flags = (
        kernel.NUMBERS * ("numbers" in kinds) | kernel.DATES * ("dates" in kinds) | kernel.NAMES * ("names" in kinds)
    )
    flags |= kernel.ADDRESSES * bool({"links", "emails"} & {*kinds})
    marked = np.empty(len(text.offsets) - 1, np.bool_)
    days = kernel.hashed([*MONTH_OF, *WEEKDAYS])
    kernel.mark_ungrounded(text.data, text.offsets, source.data, source.offsets, flags, days, *words(), marked)
    return marked


class Grounding(NamedTuple):
    """Per row: items the source lacks, as count and share of all checked, as JSON, and the first one's span; else null."""

    ungrounded: pl.Series
    share: pl.Series
    items: pl.Series
    message: pl.Series
    start: pl.Series
    end: pl.Series


def grounding(rows: Columns, view: str, against: str, kinds: Collection[str], *, derived: bool) -> Grounding:
    """What each row's view says that the view `against` does not. Rows without either say nothing wrong."""
    from .marked import messages_of, spread

    text, source = rows.buffers(view), rows.buffers(against)
    marked = candidates(text, source, kinds)
    at = np.flatnonzero(marked & text.valid & source.valid)
    sources = rows.text(against).gather(pl.Series(at, dtype=pl.UInt32)).to_list()
    given = dict(zip(at.tolist(), sources, strict=True))
    found = []
    for message in messages_of(rows, view, at):
        done = check(message.text, given[message.row], kinds, derived=derived)
        if done.ungrounded:
            found.append((message.row, message.number, done))
    n, where = rows.height, [row for row, _, _ in found]
    shown = [json.dumps([item._asdict() for item in done.ungrounded[:20]], ensure_ascii=False) for _, _, done in found]
    return Grounding(
        spread([len(done.ungrounded) for _, _, done in found], where, n, pl.Int32, 0),
        spread([len(done.ungrounded) / done.items for _, _, done in found], where, n, pl.Float64, 0.0),
        spread(shown, where, n, pl.String),
        spread([number for _, number, _ in found], where, n, pl.Int32),
        spread([done.ungrounded[0].start for _, _, done in found], where, n, pl.Int32),
        spread([done.ungrounded[0].end for _, _, done in found], where, n, pl.Int32),
    )
