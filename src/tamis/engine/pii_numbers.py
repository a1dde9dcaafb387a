"""Numbers that tell of people: cards, bank accounts, network addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from .pii_checks import is_card, is_iban, luhn

#: (start, end, kind, certainty) within a window
Span = tuple[int, int, str, int]

_CARD_SAID = re.compile(
    r"\b(?:cards?|cc|visa|master ?card|amex|american express|maestro|discover|diners|jcb|debit|credit|karten?(?:nummer)?|kreditkarte\w*|carte|tarjeta|carta|cartão|kart[ay])\b|карт|カード|卡",
    re.I,
)
_CARD_AFTER = re.compile(r"[\s,;(]{1,3}(?:exp|cvv|cvc|valid (?:thru|until|to)|ablauf|gültig)", re.I)
_CARD_GAPS = {" ", "-", ".", "  ", " - "}
_CARD_SHAPES = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (6, 13), (4, 4, 5), (8, 8)}
_DIGITS = re.compile(r"[0-9]+")
_OTHERS = re.compile(r"[^0-9]+")
_IPV4 = re.compile(r"(?<![\w.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w]|\.\d)(/\d{1,2}(?!\d)|:\d{2,5}(?!\d))?")
_IP_WORDS = re.compile(
    r"\b(?:ip|ipv4|ips|ip ?addr(?:ess(?:es)?)?|hosts?|servers?|ping|gateway|dns|subnet|nameserver|inet|logged in from|x-forwarded-for)\b[^\d\n]{0,16}$",
    re.I,
)
_VERSION = re.compile(
    r"(?:\bv(?:er(?:sion|s)?)?\.?|\bversion\w*:?|\brelease|\bbuild|\brev(?:ision)?\.?|\bsection|\bchapter|\bclause|§|\bpatch|\bfirmware|\bkernel|\bdriver)\s*[=:#]?\s*$",
    re.I,
)
_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2}\d{2}(?:[ \-.\t]?[A-Za-z0-9]){11,30})")


def digits_of(text: str) -> str:
    """Its digits alone."""
    return _OTHERS.sub("", text)


def cards(window: str, at: int, to: int) -> Iterator[Span]:
    """Payment cards. Digits stand together or in the groups that cards have; other lengths than 15 and 16 need words."""
    number = window[at:to]
    if at >= 2 and window[at - 1] in ".," and window[at - 2].isdigit():
        return
    groups = [match.span() for match in _DIGITS.finditer(number)]
    for begin, end in _runs(groups, 12, 19):
        part = number[begin:end]
        digits = digits_of(part)
        gaps = set(_OTHERS.findall(part))
        lengths = tuple(map(len, _OTHERS.split(part))) if gaps else (len(digits),)
        if len(lengths) > 1 and (lengths not in _CARD_SHAPES or not gaps <= _CARD_GAPS or len(gaps) > 1):
            continue
        if window[at + end : at + end + 1].isalnum() or window[max(0, at + begin - 1) : at + begin].isalnum():
            continue
        right, alone, fits = is_card(digits), len(lengths) == 1, len(digits) in (15, 16)
        glued = alone and window[at + begin - 1 : at + begin] in ("/", "-", ".")
        said = False
        if not (right and alone and fits and not glued):
            before = window[max(0, at - 48) : at + begin]
            said = bool(_CARD_SAID.search(before) or _CARD_AFTER.match(window, at + end))
        if not right and not (said and (fits or luhn(digits)) and len(set(digits)) > 1):
            continue
        if not said:
            if glued or (alone and len(digits) in (12, 13, 17, 18)):
                continue
            beside = [
                stop - start for start, stop in groups if stop in (begin - 1, begin - 2) or start in (end + 1, end + 2)
            ]
            if 4 in beside or (gaps == {"."} and lengths != (4, 4, 4, 4)):
                continue  # a list of numbers
        certain = 98 if said or fits else 60 if alone else 85
        if not right:  # mistyped or made up: as private as a right one
            certain = 85 if luhn(digits) else 65
        yield at + begin, at + end, "card", certain
        return


def _runs(groups: list[tuple[int, int]], low: int, high: int) -> Iterator[tuple[int, int]]:
    """Stretches of whole groups with `low` to `high` digits, longest first, from the left."""
    sizes = [end - start for start, end in groups]
    if sum(sizes) <= high:
        if sum(sizes) >= low:
            yield groups[0][0], groups[-1][1]
        if len(groups) < 2:
            return
    if len(groups) > 40:
        groups, sizes = groups[:40], sizes[:40]
    for first in range(len(groups)):
        total, ends = 0, []
        for last in range(first, len(groups)):
            total += sizes[last]
            if total > high:
                break
            if total >= low:
                ends.append(groups[last][1])
        for end in reversed(ends):
            yield groups[first][0], end


def ipv4(window: str, at: int, to: int) -> Iterator[Span]:
    """IPv4 addresses, but no version or section numbers, masks, or the machine itself (127.*, 0.*).

    Private ranges count: they tell of somebody's network, with less certainty.
    """
    if window.count(".", at, to) < 3:
        return
    for match in _IPV4.finditer(window, at):
        if match.start() >= to:
            return
        written = match.groups()[:4]
        parts = [int(part) for part in written]
        if max(parts) > 255 or parts[0] in (0, 127, 255) or any(len(part) > 1 and part[0] == "0" for part in written):
            continue
        before = window[: match.start()]
        if _VERSION.search(before):
            continue
        said = match.group(5) or _IP_WORDS.search(before)
        if ipaddress.IPv4Address(".".join(written)).is_private:
            certain = 70 if said or max(parts) > 19 else 60
        else:
            certain = 95 if said else 40 if max(parts) < 20 else 90
        yield match.start(), match.end(4), "ipv4", certain


def ibans(window: str, at: int, to: int) -> Iterator[Span]:
    """International bank account numbers; what follows the length of their country is not part of them."""
    match = _ACCOUNT.match(window, at)
    if not match:
        return
    from .pii_checks import IBAN_LENGTHS

    wanted = IBAN_LENGTHS.get(window[at : at + 2].upper())
    if wanted is None:
        return
    end, count = at, 0
    while end < match.end() and count < wanted:
        count += window[end].isalnum()
        end += 1
    whole = "".join(char for char in window[at:end].upper() if char.isalnum())
    if count == wanted and not window[end : end + 1].isalnum() and is_iban(whole):
        yield at, end, "iban", 99
        return
    compact = re.match(r"[A-Za-z0-9]{15,34}(?![A-Za-z0-9])", window[at : at + 35])
    if compact and is_iban(compact.group().upper()):  # of a wrong length, as generators of test data make them
        yield at, at + compact.end(), "iban", 75
