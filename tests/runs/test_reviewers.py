"""How far reviewers agree, with each other, themselves and known answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tamis.core.errors import UsageError
from tamis.engine.agreement.labels import cohen
from tamis.engine.agreement.raters import agreement as raters_agree
from tamis.runs.reviewers import agreement, reviewers, topics

from .reviewed import Reviewed

SETTINGS = """
reviewers: 3
rate: true
labels: {mood: [calm, cross]}
questions: [{id: aware, text: "Aware?"}]
repeat: 1.0
calibration: known.jsonl
"""

#: what each says of ten rows; ann is right throughout, cat guesses
ANN, BOB, CAT = "kkkkkkdddd", "kkkkkkddkk", "kdkdkdkdkd"


@pytest.fixture
def desk(tmp_path: Path) -> Reviewed:
    desk = Reviewed(tmp_path, SETTINGS, 10)
    known = [{"text": "hi", "expected": "accept"}, {"text": "pay me", "expected": "reject"}]
    (tmp_path / "known.jsonl").write_text("".join(json.dumps(one) + "\n" for one in known))
    desk.wait()
    queue = desk.queue()
    for who, fates in (("ann", ANN), ("bob", BOB), ("cat", CAT)):
        for one, fate in zip(desk.ids(), fates, strict=True):
            value = {"answers": {"aware": "yes" if fate == "k" else "no"}}
            queue.decide(who, one, "accept" if fate == "k" else "reject", value=value, seconds=3)
    return desk


def test_agreement_is_that_of_the_engine_on_the_same_labels(desk: Reviewed) -> None:
    words = {"k": "keep", "d": "drop"}
    order = sorted(range(10), key=desk.ids().__getitem__)  # resampling draws rows in the order of their ids
    columns = [[words[fates[n]] for n in order] for fates in (ANN, BOB, CAT)]
    told = agreement(desk.queue(), resamples=200)
    expected = raters_agree(columns, labels=("keep", "drop"), resamples=200)
    figures = {one.name: one for one in told.figures}
    assert told.rows == 10
    for name, one in expected.items():
        assert (figures[name].value, figures[name].low, figures[name].high) == (one.value, one.low, one.high)
    pair = cohen(columns[0], columns[1], labels=("keep", "drop"), resamples=200)
    assert (figures["cohen ann / bob"].value, figures["cohen ann / bob"].n) == (pair.value, 10)
    assert figures["cohen ann / cat"].value == pytest.approx(0.0, abs=0.25)


def test_agreement_is_told_of_all_that_the_gate_asks(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    assert topics(queue) == ["decision", "rating", "column:mood", "answer:aware"]
    assert agreement(queue, "rating").rows == 0
    for who, points in (("ann", 5), ("bob", 4)):
        queue.decide(who, ids[0], "rate", value=points)
        queue.decide(who, ids[1], "rate", value=2)
    rating = agreement(queue, "rating", resamples=50)
    assert rating.rows == 2
    assert "ac2" in {one.name for one in rating.figures}
    assert {one.name: one.value for one in agreement(queue, "answer:aware", resamples=0).figures}["agreement"] == {
        one.name: one.value for one in agreement(queue, resamples=0).figures
    }["agreement"]
    with pytest.raises(UsageError, match="did you mean 'answer:aware'"):
        agreement(queue, "answer:awar")


def test_each_reviewer_is_measured_against_the_others_not_against_themselves(desk: Reviewed) -> None:
    told = {one.who: one for one in reviewers(desk.queue())}
    with_others = {who: one.with_others and (one.with_others.value, one.with_others.n) for who, one in told.items()}
    # ann: rows on which bob and cat say the same; and so on
    same = dict.fromkeys(told, 0)
    of = dict(same)
    for a, b, c in zip(ANN, BOB, CAT, strict=True):
        for who, mine, others in (("ann", a, (b, c)), ("bob", b, (a, c)), ("cat", c, (a, b))):
            if others[0] == others[1]:
                of[who] += 1
                same[who] += mine == others[0]
    assert with_others == {who: (same[who] / of[who], of[who]) for who in told}
    assert told["ann"].weight > told["cat"].weight  # type: ignore[operator]
    assert (told["ann"].decided, told["ann"].median_seconds) == (10, 3)
    assert told["ann"].with_self is None


def test_the_last_word_is_what_reviewers_are_measured_against(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    before = {one.who: one.with_others for one in reviewers(queue)}["ann"]
    queue.decide("lead", ids[0], "adjudicate", value={"kind": "reject"})  # all three kept it
    after = {one.who: one.with_others for one in reviewers(queue)}["ann"]
    assert before is not None
    assert after is not None
    assert after.value * after.n == before.value * before.n - 1  # type: ignore[operator]


def test_repeats_tell_of_agreement_with_oneself(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    for one, kind in ((ids[0], "accept"), (ids[1], "accept"), (ids[2], "reject")):
        queue.decide("ann", one, kind, round="repeat")
    [ann] = [one for one in reviewers(queue) if one.who == "ann"]
    assert ann.with_self is not None
    assert (ann.with_self.value, ann.with_self.n) == (pytest.approx(2 / 3), 3)
    assert ann.with_self.low < 2 / 3 < ann.with_self.high  # type: ignore[operator]
    assert ann.decided == 10


def test_known_answers_tell_who_is_right(desk: Reviewed) -> None:
    queue = desk.queue()
    for card in queue.next("ann", 5):
        queue.decide("ann", card.row, "accept", round=card.round)
    told = {one.who: one.known for one in reviewers(queue)}
    assert told["ann"] is not None
    assert (told["ann"].value, told["ann"].n, told["bob"]) == (0.5, 2, None)
