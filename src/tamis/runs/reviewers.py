"""How far reviewers agree: with each other, with themselves, with known answers; and how far each can be trusted."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tamis.core.errors import UsageError, did_you_mean
from tamis.engine.agreement.bootstrap import RESAMPLES
from tamis.engine.agreement.crowd import one_coin
from tamis.engine.agreement.labels import cohen
from tamis.engine.agreement.paired import wilson
from tamis.engine.agreement.raters import agreement as raters_agree
from tamis.engine.agreement.reading import read_agreement
from tamis.engine.reviewing import ANSWERS, LEVELS

from .decisions import Decision
from .figure import Figure
from .queue import Queue
from .settle import DECIDING, Stand, stand

Said = Mapping[str, Mapping[str, Stand]]


@dataclass(frozen=True)
class Agreement:
    """of: what was compared; rows: those that two people or more decided on; figures; sentences that read them."""

    of: str
    rows: int
    figures: tuple[Figure, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Reviewer:
    """One reviewer: rows decided, the median seconds a row, shares with intervals, and the weight of their vote.

    with_others: the same as most of the others, or as the last word; with_self: the same when asked again;
    known: right on known answers; accuracy: of the one-coin model, weight: its log-odds. None where nothing can be told.
    """

    who: str
    decided: int
    median_seconds: float | None
    with_others: Figure | None
    with_self: Figure | None
    known: Figure | None
    accuracy: float | None
    weight: float | None


def topics(queue: Queue) -> list[str]:
    """What agreement can be told of: the decision, and what the gate's settings add."""
    setup = queue.setup
    found = ["decision", *(["rating"] if setup.rate else []), *(["preferred"] if setup.pair else [])]
    return found + [f"column:{name}" for name in setup.labels] + [f"answer:{one.id}" for one in setup.questions]


def agreement(queue: Queue, of: str = "decision", *, resamples: int = RESAMPLES) -> Agreement:
    """How far reviewers agree on a topic: share of equal pairs, Fleiss' kappa, Krippendorff's alpha, Gwet's AC1 (for
    ratings ordinal alpha and AC2), and Cohen's kappa of each pair of reviewers, with intervals by resampling rows.

    Repeats and known answers are no part of it. UsageError where the gate has no such topic.
    """
    if of not in topics(queue):
        raise UsageError(f"no topic {of!r} at {queue.step!r}; {did_you_mean(of, topics(queue))}")
    said = {row: some for row, some in sorted(queue.stands().items()) if len(some) > 1}
    who = sorted({name for some in said.values() for name in some})
    columns = [[_value(some[name], of) if name in some else None for some in said.values()] for name in who]
    rated = sum(sum(column[k] is not None for column in columns) > 1 for k in range(len(said)))
    if not rated:
        return Agreement(of, 0, (), ())
    labels = _labels(queue, of)
    scale: Any = "ordinal" if of == "rating" else "nominal"
    told = raters_agree(columns, labels=labels, scale=scale, resamples=resamples)
    figures = [Figure(name, one.value, one.low, one.high, rated) for name, one in told.items()]
    for a, b in combinations(range(len(who)), 2):
        both = [(x, y) for x, y in zip(columns[a], columns[b], strict=True) if x is not None and y is not None]
        if both:
            one = cohen([x for x, _ in both], [y for _, y in both], labels=labels, resamples=resamples)
            figures.append(Figure(f"cohen {who[a]} / {who[b]}", one.value, one.low, one.high, len(both)))
    given = Counter(value for column in columns for value in column if value is not None)
    shares = [(label, count / given.total()) for label, count in sorted(given.items(), key=lambda one: str(one[0]))]
    sentences = read_agreement(told["agreement"].value, told["fleiss"], told["ac1"], shares, rows=rated)
    return Agreement(of, rated, tuple(figures), tuple(sentences))


def _labels(queue: Queue, of: str) -> Sequence[Any] | None:
    if of == "rating":
        return LEVELS
    fixed: dict[str, Sequence[Any]] = {"decision": ("keep", "drop"), "preferred": ("a", "b", "tie")}
    return ANSWERS if of.startswith("answer:") else fixed.get(of)


def _value(said: Stand, of: str) -> Any:
    """What one says of a topic; None where nothing."""
    room, _, name = of.partition(":")
    if room == "decision":
        return said.fate
    if room == "column":
        return said.columns.get(name)
    return said.answers.get(name) if room == "answer" else getattr(said, room)


def reviewers(queue: Queue) -> list[Reviewer]:
    """Everybody who decided, or is to, at a gate."""
    said = queue.stands()
    people = queue.people()
    rows = [row for row, some in said.items() if len(some) > 1]
    trusted: dict[str, tuple[float, float]] = {}
    if rows and len(people) > 1:
        columns = [[said[row][name].fate if name in said[row] else None for row in rows] for name in people]
        told = one_coin(columns, labels=("keep", "drop"))
        trusted = {
            name: (float(a), float(w))
            for name, a, w in zip(people, told.accuracy, told.weights, strict=True)
            if not math.isnan(a)
        }
    return [_reviewer(queue, name, said, trusted.get(name)) for name in people]


def _reviewer(queue: Queue, who: str, said: Said, trusted: tuple[float, float] | None) -> Reviewer:
    mine = [d for d in queue.told(who) if d.kind in DECIDING]
    times = [d.seconds for d in mine if d.seconds is not None]
    return Reviewer(
        who,
        sum(who in some for some in said.values()),
        statistics.median(times) if times else None,
        _share("with others", _against_others(queue, who, said)),
        _share("with self", _against_self(mine)),
        _share("known answers", _against_known(queue, mine)),
        *(trusted or (None, None)),
    )


def _share(name: str, hits: Sequence[bool]) -> Figure | None:
    if not hits:
        return None
    share, low, high = wilson(sum(hits), len(hits))
    return Figure(name, share, low, high, len(hits))


def _against_others(queue: Queue, who: str, said: Said) -> list[bool]:
    """Whether this reviewer said what most others did, or who had the last word; rows without such a word are left out."""
    hits = []
    for row, some in said.items():
        if who not in some:
            continue
        settled = queue.settled(row)
        if settled.adjudicated and settled.said is not None:
            hits.append(some[who].fate == settled.said.fate)
            continue
        fates = Counter(one.fate for name, one in some.items() if name != who)
        if fates and fates.most_common(1)[0][1] * 2 > fates.total():
            hits.append(some[who].fate == fates.most_common(1)[0][0])
    return hits


def _against_self(mine: Sequence[Decision]) -> list[bool]:
    """Whether rows asked a second time were judged as before."""
    rows: dict[str | None, tuple[list[Decision], list[Decision]]] = {}
    for one in mine:
        if one.round in (None, "repeat"):
            rows.setdefault(one.row, ([], []))[one.round == "repeat"].append(one)
    pairs = [(stand(first), stand(again)) for first, again in rows.values() if first and again]
    return [a.parts() == b.parts() for a, b in pairs if a is not None and b is not None]


def _against_known(queue: Queue, mine: Sequence[Decision]) -> list[bool]:
    last = {d.row: d for d in mine if d.round == "calibration"}
    said = {row: stand([one]) for row, one in last.items()}
    fates = {"accept": "keep", "reject": "drop"}
    return [
        one.fate == fates[queue.known[row].expected]
        for row, one in said.items()
        if row is not None and row in queue.known and one is not None
    ]
