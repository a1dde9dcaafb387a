"""A blind test of two clusterings: people see rows and never which clustering put them together.

*same topic?* Pairs that one clustering puts together and the other apart, half of each kind, in random order: whoever says
"same" favours the clustering that has them together, so that a person who is quick to say "same" favours neither. *odd one out*: four
rows of one cluster and one of the cluster nearest to it (intrusion, Chang and others 2009); by chance one in five is found.
Which rows are drawn depends on the two clusterings and the rows' ids alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import UsageError
from tamis.core.fingerprint import fingerprint
from tamis.engine.agreement.paired import wilson
from tamis.engine.allocate import seeded_order
from tamis.engine.cluster_edits import root_of
from tamis.engine.cluster_flow import Shared, shared
from tamis.engine.clusterings import Clustering, ids_text
from tamis.engine.quantised import products

from . import decisions as decided
from .cluster_shapes import Example
from .clusterings import Clusterings
from .decisions import Decision
from .figure import Figure

#: questions of each kind: pairs that only one has together (half for each), and quintets of each clustering
PAIRS, QUINTETS = 40, 10
KINDS = ("same_topic", "odd_one_out")
UNSURE = "unsure"


@dataclass(frozen=True)
class Question:
    """One question as people see it. kind: None where nothing is left to ask; token: goes back with the answer; asked, left:
    of this person's."""

    kind: Literal["same_topic", "odd_one_out"] | None
    token: str = ""
    rows: tuple[Example, ...] = ()
    asked: int = 0
    left: int = 0


@dataclass(frozen=True)
class Results:
    """wins: for each clustering the share of pairs where people held with it (a pair counts once, by most answers); odd: the
    share of quintets whose odd row was found. With Wilson intervals."""

    a: str
    b: str
    answers: int
    people: int
    wins: tuple[Figure, ...]
    odd: tuple[Figure, ...]
    verdict: str


class _Asked(NamedTuple):
    """of: the clustering that has a pair together, or that a quintet is of; odd: the odd row's id."""

    kind: Literal["same_topic", "odd_one_out"]
    token: str
    rows: tuple[str, ...]
    of: str
    odd: str | None = None


class BlindTest:
    """The test of two clusterings of a desk. The same questions whichever is named first."""

    def __init__(self, desk: Clusterings, a: str, b: str) -> None:
        self.desk = desk
        self.a, self.b = sorted((desk.known(a).root, desk.known(b).root))
        if self.a == self.b:
            raise UsageError(f"{a!r} and {b!r} are one clustering; a test needs two")

    @property
    def questions(self) -> tuple[_Asked, ...]:
        """All questions, in the order they are asked. Drawn once for a desk."""
        drawn: dict[tuple[str, str], tuple[_Asked, ...]] = self.desk.drawn
        if (self.a, self.b) not in drawn:
            drawn[self.a, self.b] = self._drawn()
        return drawn[self.a, self.b]

    def _drawn(self) -> tuple[_Asked, ...]:
        a, b = self.desk.known(self.a).made, self.desk.known(self.b).made
        rows = shared(a, b)
        inside = np.flatnonzero((rows.a >= 0) & (rows.b >= 0))
        rows = Shared(rows.at_a[inside], rows.at_b[inside], rows.a[inside], rows.b[inside])
        high, low = a.high[rows.at_a], a.low[rows.at_a]
        seed = int(fingerprint("blind", self.a, self.b)[:16], 16)
        order = np.argsort(seeded_order(seed, high, low), kind="stable")
        found = []
        for of, together, apart in ((self.a, rows.a, rows.b), (self.b, rows.b, rows.a)):
            for pair in _pairs(order, together, apart, PAIRS // 2):
                found.append(self._asked("same_topic", ids_text(high, low, pair), of))
        for of, label, made in ((self.a, rows.a, a), (self.b, rows.b, b)):
            for five in _quintets(order, label, made, QUINTETS):
                ids = ids_text(high, low, five)
                found.append(self._asked("odd_one_out", ids, of, ids[-1]))
        return tuple(sorted(found, key=lambda one: one.token))

    def _asked(
        self, kind: Literal["same_topic", "odd_one_out"], ids: Sequence[str], of: str, odd: str | None = None
    ) -> _Asked:
        token = fingerprint(kind, self.a, self.b, sorted(ids), of)[:16]
        shuffled = sorted(ids, key=lambda row: fingerprint(token, row))
        return _Asked(kind, token, tuple(shuffled), of, odd)

    def next(self, who: str = "") -> Question:
        """The next question for somebody."""
        who = who or decided.whose()
        done = {d.value["token"] for d in self._answers() if d.who == who}
        left = [one for one in self.questions if one.token not in done]
        asked = len(self.questions) - len(left)
        for one in left:
            texts = self.desk.texts(self.desk.known(self.a), one.rows)
            rows = tuple(Example(row, texts.get(row, "")) for row in one.rows)
            return Question(one.kind, one.token, rows, asked, len(left))
        return Question(None, asked=asked)

    def answer(self, token: str, said: str, *, who: str = "", seconds: float | None = None) -> Decision:
        """Append an answer: "same", "different" or "unsure" of a pair, an id of the rows or "unsure" of a quintet."""
        made = self.decision(token, said, who=who, seconds=seconds)
        return decided.append(self.desk.path, [made])[0]

    def decision(self, token: str, said: str, *, who: str = "", seconds: float | None = None) -> Decision:
        """An answer as a decision, checked. UsageError where there is no such question or answer."""
        one = next((one for one in self.questions if one.token == token), None)
        if one is None:
            raise UsageError(f"no question {token!r} in the test of {self.a} and {self.b}")
        possible = ("same", "different", UNSURE) if one.kind == "same_topic" else (*one.rows, UNSURE)
        if said not in possible:
            raise UsageError(f"{said!r} is no answer; possible: {', '.join(possible)}")
        value: dict[str, Any] = {
            "clustering": self.a, "other": self.b, "token": token, "rows": list(one.rows), "answer": said, "of": one.of
        }  # fmt: skip
        if one.odd is not None:
            value["odd"] = one.odd
        gate = self.desk.gate_of(self.a)
        step = self.desk.known(self.a).step if gate is None else gate.step
        return Decision(one.kind, step, value=value, who=who, seconds=seconds)

    def results(self) -> Results:
        """What people's answers come to."""
        mine = self._answers()
        votes: dict[str, int] = {}
        found: dict[str, list[int]] = {self.a: [0, 0], self.b: [0, 0]}
        for d in mine:
            value = d.value
            if value["answer"] == UNSURE:
                continue
            if d.kind == "same_topic":
                with_a = (value["answer"] == "same") == (value["of"] == self.a)
                votes[value["token"]] = votes.get(value["token"], 0) + (1 if with_a else -1)
            else:
                found[value["of"]][0] += value["answer"] == value["odd"]
                found[value["of"]][1] += 1
        for_a, for_b = sum(v > 0 for v in votes.values()), sum(v < 0 for v in votes.values())
        wins = (_figure(self.a, for_a, for_a + for_b), _figure(self.b, for_b, for_a + for_b))
        odd = tuple(_figure(name, hits, of) for name, (hits, of) in found.items())
        people = len({d.who for d in mine})
        return Results(self.a, self.b, len(mine), people, wins, odd, self._verdict(wins))

    def _verdict(self, wins: Sequence[Figure]) -> str:
        for one in wins:
            if one.low is not None and one.n and one.low > 0.5:
                return f"people hold with {one.name}, beyond chance"
        return "no difference beyond chance" if wins[0].n else "nobody has answered yet"

    def _answers(self) -> list[Decision]:
        """Each person's last answer to each question."""
        last: dict[tuple[str, str], Decision] = {}
        for d in self.desk.decisions().all:
            if d.kind in KINDS and isinstance(d.value, Mapping) and "token" in d.value:
                names = sorted(root_of(str(d.value.get(part, ""))) for part in ("clustering", "other"))
                if names == [self.a, self.b]:
                    last[d.who, d.value["token"]] = d
        return list(last.values())


def _figure(name: str, hits: int, of: int) -> Figure:
    if not of:
        return Figure(name, None)
    share = wilson(hits, of)
    return Figure(name, share.value, share.low, share.high, of)


def _pairs(
    order: NDArray[np.int64], together: NDArray[np.int32], apart: NDArray[np.int32], many: int
) -> list[tuple[int, int]]:
    """Pairs with one label in `together` and two in `apart`, no row twice: each row, in order, with the first that waits."""
    waiting: dict[int, dict[int, list[int]]] = {}
    found: list[tuple[int, int]] = []
    for row in order.tolist():
        if len(found) == many:
            break
        here, mine = waiting.setdefault(int(together[row]), {}), int(apart[row])
        other = next((label for label, rows in here.items() if label != mine and rows), None)
        if other is None:
            here.setdefault(mine, []).append(row)
        else:
            found.append((here[other].pop(0), row))
    return found


def _quintets(order: NDArray[np.int64], label: NDArray[np.int32], made: Clustering, many: int) -> list[tuple[int, ...]]:
    """Four rows of one cluster and, last, one of the cluster whose centre is nearest to its own; no row twice."""
    rows: dict[int, list[int]] = {}
    for row in order.tolist():
        rows.setdefault(int(label[row]), []).append(row)
    present = sorted(rows)
    if len(present) < 2:
        return []
    near = np.concatenate([some for _, some in products(made.centres[present], made.centres[present])])
    np.fill_diagonal(near, -np.inf)
    sibling = {c: present[int(near[at].argmax())] for at, c in enumerate(present)}
    found: list[tuple[int, ...]] = []
    turns = sorted(present, key=lambda c: (-len(rows[c]), c))
    while turns and len(found) < many:
        for c in list(turns):
            others = rows[sibling[c]]
            if len(rows[c]) < 4 or not others:
                turns.remove(c)
            elif len(found) < many:
                found.append((*rows[c][:4], others[-1]))
                del rows[c][:4], others[-1]
    return found
