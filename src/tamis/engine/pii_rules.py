"""Which rules are tried at which marks, and the phrases that are marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import pii_ids, pii_mail, pii_network, pii_numbers, pii_people, pii_phones, pii_places, pii_secrets
from .pii_numbers import Span

if TYPE_CHECKING:
    from .kernels.pii_phrases import Machine

Rule = Callable[[str, int, int], Iterator[Span]]

(
    _KEY, _JWT, _PEM, _SAID, _SEGWIT, _BIRTH, _NAMED, _TITLE, _GREETED, _SIGNED, _NUMBERED, _COMPOUND, _ROMANCE, _BOX, _CODE, _UNIT,
    _LOCATED,
    _LABEL, _HEADER,
) = range(19)  # fmt: skip


class Look(NamedTuple):
    """How a mark is looked at: bytes before and behind it that rules see, and the rules."""

    before: int
    behind: int
    rules: tuple[Rule, ...]


@cache
def phrase_machine() -> Machine:
    """All phrases as one machine."""
    from .kernels.pii_phrases import BEGINS, DIGIT_BEFORE, DIGIT_BEHIND, ENDS, machine

    lists = (
        (_KEY, BEGINS, tuple(pii_secrets.KEYS)),
        (_JWT, 0, ("eyj",)),
        (_PEM, 0, ("-----begin",)),
        (_SAID, 0, pii_secrets.SAID),
        (_SEGWIT, BEGINS, ("bc1", "tb1")),
        (_BIRTH, BEGINS | DIGIT_BEHIND, pii_people.BIRTH),
        (_NAMED, BEGINS | ENDS, pii_people.NAMED),
        (_LABEL, BEGINS, pii_people.LABELS),
        (_HEADER, BEGINS, pii_people.HEADERS),
        (_TITLE, BEGINS, pii_people.TITLES),
        (_GREETED, BEGINS, pii_people.GREETED),
        (_SIGNED, BEGINS | ENDS, pii_people.SIGNED),
        (_NUMBERED, BEGINS | ENDS | DIGIT_BEFORE, pii_places.STREETS_AFTER_NUMBER),
        (_COMPOUND, DIGIT_BEHIND, pii_places.STREETS_BEFORE_NUMBER),
        (_ROMANCE, BEGINS, pii_places.STREETS_FIRST),
        (_BOX, BEGINS | DIGIT_BEHIND, pii_places.BOXES),
        (_CODE, BEGINS | DIGIT_BEHIND, pii_places.CODES),
        (_UNIT, BEGINS | ENDS | DIGIT_BEHIND, pii_places.UNITS),
        (_LOCATED, BEGINS | DIGIT_BEHIND, pii_places.LOCATED),
    )
    return machine([(phrase.encode(), group, needs) for group, needs, phrases in lists for phrase in phrases])


@cache
def said_machine() -> Machine:
    """The words of which one stands before each number that is one only because words say so."""
    from .kernels.pii_phrases import machine

    return machine([(word.encode(), 0, 0) for word in pii_phones.TELLING])


@cache
def asks() -> NDArray[np.uint8]:
    """(256,) uint8, by mark: what must stand around it for its rules to find anything (`kernels.pii_worth`)."""
    from .kernels.pii_phrases import GROUPS
    from .kernels.pii_worth import CAPITAL, NAME_BEHIND

    table = np.zeros(256, np.uint8)
    for group in (_NAMED, _LABEL, _HEADER, _TITLE, _GREETED, _SIGNED):
        table[GROUPS + group] = NAME_BEHIND
    for group in (_TITLE, _GREETED):
        table[GROUPS + group] |= CAPITAL
    return table


Fits = Callable[[str, int, str], bool]  # the window, where the number ends, the digits of the number


def _of_numbers(region: str | None) -> tuple[tuple[str, Fits, Rule], ...]:
    """(kind, whether a number could be one, rule)."""
    return (
        ("card", lambda window, to, digits: len(digits) >= 12, pii_numbers.cards),
        ("ipv4", lambda window, to, digits: len(digits) >= 4, pii_numbers.ipv4),
        ("us_ssn", lambda window, to, digits: len(digits) >= 9, pii_ids.ssns),
        ("national_id", lambda window, to, digits: len(digits) in (9, 11, 12, 15), pii_ids.numbers),
        (
            "national_id",
            lambda window, to, digits: (
                len(digits) < 10 and (window[to : to + 1].isalpha() or window[to + 1 : to + 2].isalpha())
            ),
            pii_ids.words,
        ),
        ("api_key", lambda window, to, digits: window[to : to + 1] == ":", pii_secrets.telegrams),
        (
            "phone",
            lambda window, to, digits: len(digits) >= 7 and (len(digits) < 16 or not window[to - 16 : to].isdigit()),
            partial(pii_phones.phones, region=region),
        ),
    )


def _numbers(rules: tuple[tuple[Fits, Rule], ...], window: str, at: int, to: int) -> Iterator[Span]:
    """What the rules find, each tried only on numbers that fit."""
    digits = pii_numbers.digits_of(window[at:to])
    for fits, rule in rules:
        if fits(window, to, digits):
            for span in rule(window, at, to):
                yield span
                if span[3] >= 95 and span[0] <= at and span[1] >= to:
                    return  # nothing could be more certain


@cache
def rules_for(kinds: frozenset[str], region: str | None) -> dict[int, Look]:
    """The rules that find `kinds`, by mark; marks without any are left out."""
    from .kernels.pii_mark import ACCOUNT, AT, COLONS, LINK, NUMBER, POSTAL, WORD
    from .kernels.pii_phrases import GROUPS

    table: list[tuple[int, int, int, tuple[tuple[str, Rule], ...]]] = [
        (AT, 4, 4, (("email", pii_mail.emails),)),
        (LINK, 4, 4, (("url_credentials", pii_mail.links),)),
        (COLONS, 4, 24, (("ipv6", pii_network.ipv6), ("mac", pii_network.macs))),
        (WORD, 64, 24, (("national_id", pii_ids.words), ("crypto_address", pii_network.bitcoins))),
        (ACCOUNT, 64, 24, (("iban", pii_numbers.ibans), ("national_id", pii_ids.words))),
        (POSTAL, 100, 8, (("address", pii_places.coded), ("us_ssn", pii_ids.ssns))),
        (GROUPS + _KEY, 1, 256, (("api_key", pii_secrets.keys),)),
        (GROUPS + _JWT, 1, 8192, (("jwt", pii_secrets.jwts),)),
        (GROUPS + _PEM, 1, 16384, (("pem", pii_secrets.pems),)),
        (GROUPS + _SAID, 1, 600, (("api_key", pii_secrets.said),)),
        (GROUPS + _SEGWIT, 1, 90, (("crypto_address", pii_network.segwits),)),
        (GROUPS + _BIRTH, 1, 80, (("date_of_birth", pii_people.births),)),
        (GROUPS + _NAMED, 1, 120, (("person", pii_people.named),)),
        (GROUPS + _LABEL, 8, 120, (("person", pii_people.labelled),)),
        (GROUPS + _HEADER, 8, 200, (("person", pii_people.headed),)),
        (GROUPS + _TITLE, 1, 120, (("person", pii_people.titled),)),
        (GROUPS + _GREETED, 8, 120, (("person", pii_people.greeted),)),
        (GROUPS + _SIGNED, 1, 120, (("person", pii_people.signed),)),
        (GROUPS + _NUMBERED, 100, 120, (("address", pii_places.numbered),)),
        (GROUPS + _COMPOUND, 80, 80, (("address", pii_places.compound),)),
        (GROUPS + _ROMANCE, 20, 120, (("address", pii_places.romance),)),
        (GROUPS + _BOX, 32, 90, (("address", pii_places.boxes),)),
        (GROUPS + _UNIT, 150, 130, (("address", pii_places.units),)),
        (GROUPS + _LOCATED, 1, 160, (("address", pii_places.located),)),
        (GROUPS + _CODE, 1, 40, (("address", pii_places.postal),)),
    ]  # fmt: skip
    looks = {}
    for what, before, behind, pairs in table:
        chosen = tuple(rule for kind, rule in pairs if kind in kinds)
        if chosen:
            looks[what] = Look(before, behind, chosen)
    of_numbers = tuple((fits, rule) for kind, fits, rule in _of_numbers(region) if kind in kinds)
    if of_numbers:
        looks[NUMBER] = Look(80, 48, (partial(_numbers, of_numbers),))
    return looks
