"""Numbers, times and dates that a text says, in one form whatever the spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
MONTH_OF = {name[:size]: k for k, name in enumerate(MONTHS, 1) for size in (3, len(name))} | {"sept": 9}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_MONTH = rf"(?P<month>{'|'.join(sorted(MONTH_OF, key=len, reverse=True))})\b\.?"
_DATE = re.compile(
    rf"(?P<year>(?:19|20)\d\d)-(?P<m>\d\d?)-(?P<d>\d\d?)(?!\d)|(?<![\d/.])(?P<a>\d\d?)(?P<sep>[/.])(?P<b>\d\d?)(?P=sep)(?P<y>(?:19|20)?\d\d)(?![\d/])"
    rf"|(?<!\d)(?P<day>\d\d?)(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? (?P<year2>(?:19|20)\d\d))?"
    rf"|\b{_MONTH.replace('month', 'month2')} (?:the )?(?P<day2>\d\d?)(?:st|nd|rd|th)?(?![\d:])(?:,? (?P<year3>(?:19|20)\d\d))?|\b{_MONTH.replace('month', 'month3')},? (?P<year4>(?:19|20)\d\d)",
    re.I,
)
NUMBER = re.compile(
    r"(?<![\w.,/-])(?P<digits>\d{1,3}(?:[,'’ \u00a0]\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3}){2,}|\d+(?:[.,]\d+)?)"
    r"(?P<end>st|nd|rd|th)?(?: ?(?P<unit>k|m|bn|thousand|million|billion|trillion|hundred|dozen|am|pm|a\.m\.|p\.m\.)(?!\w))?(?![\w/]|[.:,]\d)",
    re.I,
)
SHORT_DATE = re.compile(r"(?<![\d/.])\d\d?/\d\d?(?![\d/])")
_LOOSE = re.compile(r"(?<![\d,.])\d{1,3}(?: ?, ?\d{3})+(?:[ ]?\.[ ]?\d+)?(?!\d)|(?<![\d,.])\d+ ?\. ?\d+(?!\d)")
_UNITS = {
    "k": 1e3,
    "m": 1e6,
    "bn": 1e9,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "hundred": 100,
    "dozen": 12,
}
TIME = re.compile(r"(?<![\d:])(?P<hour>\d\d?):(?P<minute>[0-5]\d)(?::\d\d)?(?![\d:])(?: ?(?P<half>[ap])\.?m\b)?", re.I)
_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
_ORDINALS = [
    "zeroth",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
]
_VALUES = (
    {word: float(k) for k, word in enumerate(_SMALL)} | {word: float(k) for word, k in _TENS.items()} | {word: float(k) for k, word in enumerate(_ORDINALS)}
    | {"a": 1.0, "an": 1.0, "single": 1.0, "once": 1.0, "twice": 2.0, "both": 2.0, "couple": 2.0, "pair": 2.0, "half": 0.5, "quarter": 0.25, "dozen": 12.0}
)  # fmt: skip
_SCALES = {"hundred": 100.0, "thousand": 1e3, "million": 1e6, "billion": 1e9}

#: (possible (day, month) pairs, 0 where unknown; year or 0)
Day = tuple[frozenset[tuple[int, int]], int]


def values_in(text: str) -> Iterator[float]:
    """Every number that a text says, in digits or letters."""
    for match in NUMBER.finditer(text):
        yield from number_values(match)
    for loose in _LOOSE.findall(text):  # of texts that were tokenised: 235 , 000
        yield float(re.sub("[ ,]", "", loose))
    for match in TIME.finditer(text):
        yield float(match["hour"])
    for match in _DATE.finditer(text):
        yield from (float(n) for n in re.findall(r"\d+", match[0]))
    total = current = 0.0
    inside = False
    for word in [*re.findall(r"[a-z]+", text.lower().replace("half a ", "half ")), "."]:
        value, scale = _VALUES.get(word), _SCALES.get(word)
        if value is not None:
            if inside and not (current >= 20 and current % 10 == 0 and value < 10 and current < 100) and current % 100:
                yield total + current
                total = current = 0.0
            current += value
            inside = True
        elif scale is not None and inside:
            if scale >= 1000:
                total, current = total + (current or 1) * scale, 0.0
            else:
                current = (current or 1) * scale
        elif word == "and" and inside and (total or current >= 100):
            continue
        elif inside:
            yield total + current
            total, current, inside = 0.0, 0.0, False


def number_values(match: re.Match[str]) -> Iterator[float]:
    """The values that a number may have: 1,000 is a thousand, 1,5 one and a half, 3 p.m. fifteen o'clock."""
    digits, unit = re.sub(r"['’ \u00a0]", "", match["digits"]), (match["unit"] or "").lower().replace(".", "")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", digits):
        found = [float(digits.replace(".", ""))]
    elif re.fullmatch(r"\d+,\d+", digits) and not re.fullmatch(r"\d{1,3},\d{3}", digits):
        found = [float(digits.replace(",", "."))]
    else:
        found = [float(digits.replace(",", ""))]
    for value in found:
        yield value
        if unit in _UNITS:
            yield value * _UNITS[unit]
        if unit == "pm" and value < 12:
            yield value + 12


def dates_in(text: str) -> Iterator[tuple[re.Match[str], Day]]:
    """Dates, as (possible (day, month) pairs, 0 where unknown; year or 0)."""
    for match in _DATE.finditer(text):
        part = match.groupdict()
        name = part["month"] or part["month2"] or part["month3"]
        if name:
            day = int(part["day"] or part["day2"] or 0)
            year = int(part["year2"] or part["year3"] or part["year4"] or 0)
            pairs = {(day, MONTH_OF[name.lower()])}
        elif part["a"]:
            a, b, year = int(part["a"]), int(part["b"]), int(part["y"])
            pairs, year = {(a, b), (b, a)}, year + 2000 if year < 100 else year
        else:
            pairs, year = {(int(part["d"]), int(part["m"]))}, int(part["year"])
        if any(d <= 31 and m <= 12 for d, m in pairs):
            yield match, (frozenset(pairs), year)


def day_and_month(text: str) -> Day:
    """The days that 03/04 may be."""
    a, b = map(int, text.split("/"))
    return frozenset({(a, b), (b, a)}), 0


def same_day(one: Day, other: Day) -> bool:
    """Whether what one date says is said by the other."""
    if one[1] and one[1] != other[1]:
        return False
    return any(m == n and (d == 0 or d == e) for d, m in one[0] for e, n in other[0])
