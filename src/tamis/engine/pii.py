"""Where personal data and secrets stand in texts: a kernel marks places, rules and check digits judge them.

Certainty, 0..100, is a rank and no probability: 90 and more where a check digit, a shape that nothing else has, or
plain words say so; 50 to 90 where it is likely.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.columns import Text

from .pii_fold import fold

if TYPE_CHECKING:
    from .kernels.pii_mark import Machine

KINDS: tuple[str, ...] = (
    "email", "phone", "iban", "card", "ipv4", "ipv6", "mac", "us_ssn", "national_id", "url_credentials", "api_key",
    "jwt", "pem", "crypto_address", "date_of_birth", "person", "address",
)  # fmt: skip

#: Finds of less certainty are not told.
LEAST = 50

_BEFORE, _AFTER = 64, 32  # bytes around a mark that rules see

Rule = Callable[[str, int, int], Iterator[tuple[int, int, str, int]]]


class Found(NamedTuple):
    """Spans by row, then start; they never overlap. All arrays have one value for each find.

    start, end: bytes within the row's string; kind: index into `KINDS`; certain: 0..100.
    """

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    kind: NDArray[np.uint8]
    certain: NDArray[np.uint8]


@cache
def _rules() -> dict[int, tuple[tuple[str, Rule], ...]]:
    """What is tried at a mark of each sort, with the kind it finds."""
    from .kernels.pii_mark import ACCOUNT, AT, LINK, NUMBER
    from .pii_mail import emails, links
    from .pii_numbers import cards, ibans, ipv4

    return {
        AT: (("email", emails),),
        LINK: (("url_credentials", links),),
        NUMBER: (("card", cards), ("ipv4", ipv4)),
        ACCOUNT: (("iban", ibans),),
    }


@cache
def _machine() -> Machine:
    from .kernels.pii_mark import machine

    return machine([(b"\xff\xff", 0, False)])


def find(
    text: Text,
    kinds: Sequence[str] = KINDS,
    *,
    region: str | None = None,
    known: Sequence[Text] = (),
    known_kinds: Sequence[str] | None = None,
    least: int = LEAST,
) -> Found:
    """Personal data and secrets of some kinds, each stretch of text once.

    region: the country (ISO 3166, two letters) whose national phone numbers are known, see `pii_phones`.
    known: columns of the same rows, whose values are looked for in the row's text, whole and in parts; known_kinds:
    what each column holds, `person` unless said. Where finds overlap, the more certain stays, then the longer.
    """
    from .kernels.pii_mark import mark

    wanted = set(kinds)
    for kind in wanted:
        if kind not in KINDS:
            raise ValueError(f"unknown kind {kind!r}; possible: {', '.join(KINDS)}")
    rules = {what: [rule for kind, rule in pairs if kind in wanted] for what, pairs in _rules().items()}
    marks = mark(text.data, text.offsets, _machine())
    spans: list[tuple[int, int, int, int, int]] = []
    view = memoryview(text.data.data)
    offsets = text.offsets
    chosen = np.isin(marks.what, [what for what, some in rules.items() if some])
    begins = offsets[marks.row[chosen]]
    places = zip(
        marks.row[chosen].tolist(),
        (begins + marks.start[chosen]).tolist(),
        (begins + marks.end[chosen]).tolist(),
        marks.what[chosen].tolist(),
        begins.tolist(),
        offsets[marks.row[chosen] + 1].tolist(),
        strict=True,
    )
    for row, start, end, what, begin, stop in places:
        low, high = max(begin, start - _BEFORE), min(stop, end + _AFTER)
        while low > begin and view[low] & 0xC0 == 0x80:
            low -= 1
        while high < stop and view[high] & 0xC0 == 0x80:
            high += 1
        raw = bytes(view[low:high])
        if raw.isascii():
            window = fold(raw.decode())
            at, to = start - low, end - low
            for rule in rules[what]:
                for s, e, kind, certain in rule(window, at, to):
                    if certain >= least:
                        spans.append((row, low - begin + s, low - begin + e, KINDS.index(kind), certain))
            continue
        original = raw.decode("utf-8", "replace")
        window = fold(original)
        at = len(raw[: start - low].decode("utf-8", "replace"))
        to = at + len(raw[start - low : end - low].decode("utf-8", "replace"))
        for rule in rules[what]:
            for s, e, kind, certain in rule(window, at, to):
                if certain >= least:
                    left = low - begin + len(original[:s].encode())
                    spans.append((row, left, left + len(original[s:e].encode()), KINDS.index(kind), certain))
    return _settled(spans)


def _settled(spans: list[tuple[int, int, int, int, int]]) -> Found:
    """Without overlaps: by row and place, the more certain first, then the longer."""
    spans = sorted(set(spans), key=lambda span: (span[0], span[1], -span[2]))
    kept: list[tuple[int, int, int, int, int]] = []
    cluster: list[tuple[int, int, int, int, int]] = []
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


def _best(cluster: list[tuple[int, int, int, int, int]]) -> list[tuple[int, int, int, int, int]]:
    if len(cluster) < 2:
        return cluster
    chosen: list[tuple[int, int, int, int, int]] = []
    for span in sorted(cluster, key=lambda span: (-span[4], span[1] - span[2], span[3], span[1])):
        if all(span[2] <= other[1] or span[1] >= other[2] for other in chosen):
            chosen.append(span)
    return sorted(chosen, key=lambda span: span[1])
