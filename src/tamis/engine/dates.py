"""Dates in texts, and moving them by a number of days so that they are written as they were.

Numbers alone are read as the text's region has them: 03/04/2024 is March 4 in the US and April 3 elsewhere; with a full
stop between, the day always comes first; where only one reading is a date, that one. Days between two dates of one
style stay the same.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import NamedTuple

_MONTHS = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
_SHORT = {
    "en": "jan feb mar apr may jun jul aug sep oct nov dec",
    "de": "jan feb mär apr mai jun jul aug sep okt nov dez",
}
#: word → (month, the twelve words of its list)
_WORDS: dict[str, tuple[int, list[str]]] = {}
for _list in (*_SHORT.values(), *reversed(_MONTHS.values())):
    _names = _list.split()
    _WORDS |= {name: (number, _names) for number, name in enumerate(_names, 1)}
_WORDS |= {"sept": (9, _SHORT["en"].split())}

_MONTH = "|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True))
DATE = re.compile(
    r"(?<![\w./-])(?:"
    r"(?P<y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<s2>[-/.])(?P<b>\d{1,2})(?P=s2)(?P<y2>\d{4}|\d{2})"
    rf"|(?P<d3>\d{{1,2}})(?P<o3>st|nd|rd|th|\.|º|er)?(?P<t3> (?:de |of )?|-)(?P<n3>{_MONTH})(?P<u3>\.?(?: de |, | |-))(?P<y3>\d{{4}})"
    rf"|(?P<n4>{_MONTH})(?P<t4>\.? )(?P<d4>\d{{1,2}})(?P<o4>st|nd|rd|th)?(?P<u4>,? )(?P<y4>\d{{4}})"
    r")(?![\w]|[-/.]\d)",
    re.IGNORECASE,
)


class Date(NamedTuple):
    """A date found: where it stands, and what it is."""

    start: int
    end: int
    day: dt.date


def find_dates(text: str, region: str | None = None) -> list[Date]:
    """The dates of a text, in order.

    >>> [str(d.day) for d in find_dates("From 2024-02-28 to 1.3.2024, or 3/4/24, or March 5th, 2024", "US")]
    ['2024-02-28', '2024-03-01', '2024-03-04', '2024-03-05']
    """
    found = []
    for match in DATE.finditer(text):
        day = _read(match, region)
        if day is not None:
            found.append(Date(match.start(), match.end(), day))
    return found


def moved(text: str, days: int, region: str | None = None) -> str | None:
    """A date's text `days` later, in the same writing; None where it is no date, or would leave the calendar.

    >>> moved("28.02.2024", 2), moved("March 31st, 2024", 1), moved("5. März 1990", -5), moved("1/2/24", 30, "US")
    ('01.03.2024', 'April 1st, 2024', '28. Februar 1990', '2/1/24')
    """
    match = DATE.fullmatch(unicodedata.normalize("NFC", text.strip()))
    day = None if match is None else _read(match, region)
    if match is None or day is None:
        return None
    try:
        new = day + dt.timedelta(days=days)
    except OverflowError:
        return None
    g = match.groupdict()
    if g["y1"]:
        s = g["s1"]
        return f"{new.year:04}{s}{_wide(new.month, g['m1'])}{s}{_wide(new.day, g['d1'])}"
    if g["a"]:
        s = g["s2"]
        year = f"{new.year:04}" if len(g["y2"]) == 4 else f"{new.year % 100:02}"
        pair = (new.day, new.month) if _day_first(int(g["a"]), int(g["b"]), s, region) else (new.month, new.day)
        wide = len(g["a"]) == 2 and len(g["b"]) == 2
        both = [f"{n:02}" if wide else str(n) for n in pair]
        return f"{both[0]}{s}{both[1]}{s}{year}"
    if g["n3"]:
        ordinal = _ordinal(new.day, g["o3"])
        return f"{_padded(new.day, g['d3'])}{ordinal}{g['t3']}{_named(new.month, g['n3'])}{g['u3']}{new.year:04}"
    return f"{_named(new.month, g['n4'])}{g['t4']}{_padded(new.day, g['d4'])}{_ordinal(new.day, g['o4'])}{g['u4']}{new.year:04}"


def _wide(number: int, old: str) -> str:
    return f"{number:02}" if len(old) == 2 else str(number)


def _read(match: re.Match[str], region: str | None) -> dt.date | None:
    g = match.groupdict()
    try:
        if g["y1"]:
            return dt.date(int(g["y1"]), int(g["m1"]), int(g["d1"]))
        if g["a"]:
            a, b, year = int(g["a"]), int(g["b"]), int(g["y2"])
            if len(g["y2"]) == 2:
                year += 1900 if year > 40 else 2000
            day, month = (a, b) if _day_first(a, b, g["s2"], region) else (b, a)
            return dt.date(year, month, day)
        if g["n3"]:
            return dt.date(int(g["y3"]), _WORDS[g["n3"].lower()][0], int(g["d3"]))
        return dt.date(int(g["y4"]), _WORDS[g["n4"].lower()][0], int(g["d4"]))
    except ValueError:
        return None


def _day_first(a: int, b: int, sign: str, region: str | None) -> bool:
    if a > 12 or b > 12:
        return b <= 12
    return sign == "." or region != "US"


def _padded(number: int, old: str) -> str:
    """As wide as the old one: a zero in front only where it had two digits."""
    return f"{number:02}" if len(old) == 2 and (old[0] == "0" or number >= 10) else str(number)


def _named(month: int, old: str) -> str:
    name = _WORDS[old.lower()][1][month - 1]
    return name.upper() if old.isupper() else name.capitalize() if old[0].isupper() else name


def _ordinal(day: int, old: str | None) -> str:
    if not old or old.lower() not in ("st", "nd", "rd", "th"):
        return old or ""
    return "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
