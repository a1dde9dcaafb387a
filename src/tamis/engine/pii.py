"""Where personal data and secrets stand in texts: a kernel marks places, rules and check digits judge them.

Certainty, 0..100, is a rank and no probability: 90 and more where a check digit, a shape that nothing else has, or
plain words say so; 50 to 90 where it is likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .pii_fold import fold
from .pii_kinds import KINDS
from .pii_known import occurrences, repeated
from .pii_rules import Look, asks, phrase_machine, rules_for, said_machine

__all__ = ["KINDS", "LEAST", "Found", "find"]

if TYPE_CHECKING:
    from .kernels.pii_mark import Marks

#: Finds of less certainty are not told.
LEAST = 50
#: Certainty from which a name is looked for in all of its text: many a greeting and heading names a thing.
SURE = 70

_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_Span = tuple[int, int, int, int, int]  # row, start, end, kind, certainty


class Found(NamedTuple):
    """Spans by row, then start; they never overlap. All arrays have one value for each find.

    start, end: bytes within the row's string; kind: index into `KINDS`; certain: 0..100.
    """

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    kind: NDArray[np.uint8]
    certain: NDArray[np.uint8]


def find(
    text: Text,
    kinds: Sequence[str] = KINDS,
    *,
    region: str | None = None,
    known: Sequence[Text] = (),
    known_kinds: Sequence[str] | None = None,
    ner: str | None = None,
    least: int = LEAST,
) -> Found:
    """Personal data and secrets of some kinds, each stretch of text once.

    region: the country (ISO 3166, two letters) whose national phone numbers are known, see `pii_phones`.
    known: columns of the same rows, whose values are looked for in the row's text, whole and in parts; known_kinds:
    what each column holds, `person` unless said. ner: a model that reads the texts too, see `pii_ner`.
    A name that is sure is found wherever it stands in its text. Where finds overlap, the more certain stays, then the longer.
    """
    wanted = set(kinds)
    for kind in wanted:
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; possible: {', '.join(KINDS)}")
    if region is not None:
        from .pii_phones import check_region

        check_region(region)
    spans = _judged(text, places(text.data, text.offsets, kinds, region), rules_for(frozenset(wanted), region), least)
    spans = [span for span in spans if KINDS[span[3]] in wanted]
    for number, column in enumerate(known):
        kind = known_kinds[number] if known_kinds else "person"
        if kind in wanted:
            spans += [
                (row, start, end, KINDS.index(kind), certain)
                for row, start, end, certain in occurrences(text, column, parts=kind == "person")
            ]
    if ner is not None:
        from .pii_ner import entities

        spans += [
            (row, start, end, KINDS.index(kind), certain)
            for row, start, end, kind, certain in entities(text, ner)
            if kind in wanted and certain >= least
        ]
    if "person" in wanted:
        person = _NUMBERS["person"]
        names = _names(text, [span for span in spans if span[3] == person])
        spans += [(row, start, end, person, certain) for row, start, end, certain in repeated(text, names)]
    return _settled(spans)


def _names(text: Text, spans: list[_Span]) -> dict[int, dict[str, int]]:
    """Names that a title, a label or plain words announce. Row → name → certainty."""
    names: dict[int, dict[str, int]] = {}
    for row, start, end, _, certain in spans:
        if certain >= SURE:
            begin = int(text.offsets[row])
            name = text.data[begin + start : begin + end].tobytes().decode("utf-8", "replace")
            mine = names.setdefault(row, {})
            mine[name] = max(certain, mine.get(name, 0))
    return names


def places(data: NDArray[np.uint8], offsets: NDArray[np.int64], kinds: Sequence[str], region: str | None) -> Marks:
    """The places in n strings at which rules for some kinds may find something. No other place holds any."""
    from .kernels.pii_mark import Marks, mark
    from .kernels.pii_worth import worth

    marks = mark(data, offsets, phrase_machine())
    chosen = np.isin(marks.what, list(rules_for(frozenset(kinds), region)))
    chosen &= worth(data, offsets, marks, asks(), said_machine(), numbers=region is not None)
    return Marks(*(column[chosen] for column in marks))


def _judged(text: Text, marks: Marks, rules: dict[int, Look], least: int) -> list[_Span]:
    """What the rules find at the marks."""
    spans: list[_Span] = []
    view = memoryview(text.data.data)
    rows = marks.row
    begins = text.offsets[rows]
    places = zip(
        rows.tolist(),
        (begins + marks.start).tolist(),
        (begins + marks.end).tolist(),
        marks.what.tolist(),
        begins.tolist(),
        text.offsets[rows + 1].tolist(),
        strict=True,
    )
    for row, start, end, what, begin, stop in places:
        before, behind, tried = rules[what]
        low, high = max(begin, start - before), min(stop, end + behind)
        while low > begin and view[low] & 0xC0 == 0x80:
            low -= 1
        while high < stop and view[high] & 0xC0 == 0x80:
            high += 1
        raw = bytes(view[low:high])
        original = raw.decode("utf-8", "replace")
        plain = len(original) == len(raw)
        window = fold(original)
        at = start - low if plain else len(raw[: start - low].decode("utf-8", "replace"))
        to = at + (end - start if plain else len(raw[start - low : end - low].decode("utf-8", "replace")))
        for rule in tried:
            for s, e, kind, certain in rule(window, at, to):
                if certain < least:
                    continue
                left = low - begin + (s if plain else len(original[:s].encode()))
                spans.append(
                    (row, left, left + (e - s if plain else len(original[s:e].encode())), _NUMBERS[kind], certain)
                )
    return spans


def _settled(spans: list[_Span]) -> Found:
    """Without overlaps: by row and place, the more certain first, then the longer."""
    spans = sorted(set(spans), key=lambda span: (span[0], span[1], -span[2]))
    kept: list[_Span] = []
    cluster: list[_Span] = []
    reach = -1
    for span in spans:
        if cluster and (span[0] != cluster[0][0] or span[1] >= reach):
            kept += _best(cluster)
            cluster, reach = [], -1
        cluster.append(span)
        reach = max(reach, span[2])
    kept += _best(cluster)
    columns = list(zip(*kept, strict=True)) if kept else [(), (), (), (), ()]
    row, start, end = (np.array(column, np.int64) for column in columns[:3])
    kind, certain = (np.array(column, np.uint8) for column in columns[3:])
    return Found(row, start, end, kind, certain)


def _whole(cluster: list[_Span]) -> list[_Span]:
    """A part of a name or address that is certain makes all of it certain: `From: Ada [PERSON]` would tell the rest."""
    kinds = (_NUMBERS["person"], _NUMBERS["address"])
    found = []
    for span in cluster:
        row, start, end, kind, certain = span
        if kind in kinds:
            parts = [other[4] for other in cluster if other[3] == kind and start <= other[1] and other[2] <= end]
            span = (row, start, end, kind, max(certain, *parts))
        found.append(span)
    return found


def _best(cluster: list[_Span]) -> list[_Span]:
    if len(cluster) < 2:
        return cluster
    cluster = _whole(cluster)
    chosen: list[_Span] = []
    for span in sorted(cluster, key=lambda span: (-span[4], span[1] - span[2], span[3], span[1])):
        if all(span[2] <= other[1] or span[1] >= other[2] for other in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda span: span[1])
