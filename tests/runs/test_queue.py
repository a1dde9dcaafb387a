"""The queue of a gate: who sees which row when, what is taken, what is refused, what is taken back."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import Conflict, DataError, UsageError
from tamis.engine.allocate import seeded_order
from tamis.runs import queue as module
from tamis.runs.decisions import Decision, append, read
from tamis.runs.queue import Queue

from .reviewed import ALL, Reviewed, row


@pytest.fixture
def desk(tmp_path: Path) -> Reviewed:
    """Six rows that wait at a gate that takes everything."""
    desk = Reviewed(tmp_path, ALL)
    desk.wait()
    return desk


def waiting(tmp_path: Path, settings: str, rows: int = 6) -> Reviewed:
    desk = Reviewed(tmp_path, settings, rows)
    desk.wait()
    return desk


def order_of(queue: Queue, who: str, limit: int = 50) -> list[str]:
    return [card.row for card in queue.next(who, limit)]


# -- cards and orders ---------------------------------------------------------------------------------


def test_a_card_is_the_row_as_it_is_at_the_gate(desk: Reviewed) -> None:
    card = desk.queue().next("ann")[0]
    assert (card.row, card.version, card.round) == (desk.ids()[0], 0, None)
    assert card.record["messages"][1]["content"] == "answer number 0"
    assert card.record["source.kind"] == "new"
    assert not [name for name in card.record if name.startswith(("id.", "at."))]


def test_rows_come_in_row_order_and_once(desk: Reviewed) -> None:
    queue = desk.queue()
    seen = []
    for _ in range(6):
        [card] = queue.next("ann")
        seen.append(card.row)
        queue.decide("ann", card.row, "accept")
    assert seen == desk.ids()
    assert queue.next("ann") == []
    assert queue.met()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("order: uncertainty\norder_by: confidence", [0, 3, 6, 9, 2, 5, 8, 1, 4, 7]),
        ("order: disagreement\norder_by: confidence", [7, 4, 1, 8, 5, 2, 9, 6, 3, 0]),
    ],
)
def test_rows_can_come_by_a_column(tmp_path: Path, settings: str, expected: list[int]) -> None:
    desk = waiting(tmp_path, settings, 10)
    assert order_of(desk.queue(), "ann") == [desk.ids()[n] for n in expected]


def test_rows_of_a_cluster_come_together_and_in_no_order_within(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "order: cluster\norder_by: topic", 30)
    ids = desk.ids()
    places = [ids.index(one) for one in order_of(desk.queue(), "ann")]
    assert [n % 3 for n in places] == [0] * 10 + [1] * 10 + [2] * 10
    assert places[:10] != sorted(places[:10])


def test_chance_is_the_seed_and_the_ids_alone(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "order: random", 20)
    queue = desk.queue()
    gate = queue.gate
    expected_ids = [gate.id(int(k)) for k in np.argsort(seeded_order(gate.seed, gate.high, gate.low))]
    assert order_of(queue, "ann") == expected_ids
    other = desk.queue()
    assert [card.row for card in other.next("bob", 50, order="row")] == desk.ids()
    assert order_of(other, "bob") == expected_ids  # another order is that one question's


def test_empty_values_come_last(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, "order: uncertainty\norder_by: confidence", 4)
    rows = [row(n) for n in range(4)]
    rows[0]["confidence"] = None
    desk.write(rows)
    desk.wait()
    assert [desk.ids().index(one) for one in order_of(desk.queue(), "ann")] == [3, 2, 1, 0]


def test_hidden_columns_are_not_on_the_card_but_for_who_has_the_last_word(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "blind: [topic, source.kind]")
    queue = desk.queue()
    card = queue.next("ann")[0]
    assert {"source.topic", "source.kind"}.isdisjoint(card.record)
    assert "source.prompt" in card.record
    assert queue.card(card.row, "lead", reveal=True).record["source.topic"] == "t0"


def test_what_others_said_is_hidden_until_they_differ(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "reviewers: 2")
    queue, first = desk.queue(), desk.ids()[0]
    queue.decide("ann", first, "accept")
    assert queue.card(first, "bob").others == ()
    queue.decide("bob", first, "reject")
    assert [d.who for d in queue.card(first, "bob").others] == ["ann", "bob"]
    assert queue.card(first, "cat").others == ()
    assert [d.who for d in queue.card(first, "lead", reveal=True).others] == ["ann", "bob"]


# -- several people -----------------------------------------------------------------------------------


def test_two_people_are_not_shown_the_same_row(desk: Reviewed) -> None:
    queue = desk.queue()
    ann, bob = order_of(queue, "ann", 3), order_of(queue, "bob", 3)
    assert set(ann) | set(bob) == set(desk.ids())
    assert order_of(queue, "ann", 3) == ann  # asked again, it is the same
    assert queue.next("cat") == []


def test_a_row_shown_and_left_comes_to_others_after_a_while(desk: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = desk.queue()
    assert len(order_of(queue, "ann")) == 6
    monkeypatch.setattr(module.time, "monotonic", lambda: 1e12)
    assert len(order_of(queue, "bob")) == 6


def test_each_row_goes_to_as_many_of_a_team_as_the_gate_wants(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "reviewers: 2", 40)
    team = ("ann", "bob", "cat", "dan")
    queue = desk.queue(*team)
    shares = {who: set(order_of(queue, who, 100)) for who in team}
    for one in desk.ids():
        assert sum(one in share for share in shares.values()) == 2
    assert min(map(len, shares.values())) > 10
    again = desk.queue(*reversed(team))  # whatever the order of names, and whoever asks first
    assert {who: set(order_of(again, who, 100)) for who in team} == shares
    assert queue.progress("ann").left == len(shares["ann"])
    assert len(order_of(desk.queue(*team), "ann", 100)) < 40 == len(desk.queue(*team).next("ann", 100, every=True))


def test_without_a_team_everybody_sees_a_row_until_enough_have_decided(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "reviewers: 2", 1)
    queue, [only] = desk.queue(), desk.ids()
    queue.decide("ann", only, "accept")
    assert (queue.next("ann"), [card.row for card in queue.next("bob")]) == ([], [only])
    queue.decide("bob", only, "accept")
    assert queue.next("cat") == []


def test_three_reviewers_and_a_last_word(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "reviewers: 3\nconsensus: all", 3)
    queue, (a, b, c) = desk.queue(), desk.ids()
    for who in ("ann", "bob", "cat"):
        queue.decide(who, a, "accept")
        queue.decide(who, b, "reject" if who == "cat" else "accept")
    assert (queue.undecided(), queue.disagreements()) == ([b, c], [b])
    progress = queue.progress()
    assert (progress.asked, progress.decided, progress.differing, progress.open) == (3, 1, 1, 1)
    assert [card.row for card in queue.next("dan", 5)] == [c]  # a row that waits for a word is nobody else's
    queue.decide("lead", b, "adjudicate", value={"kind": "reject"})
    assert (queue.disagreements(), queue.settled(b).adjudicated) == ([], True)


# -- what is taken ------------------------------------------------------------------------------------


REFUSED: list[tuple[str, Any, str | None, str]] = [
    ("rescue", None, None, "is no decision on a row"),
    ("approve", None, None, "no decision 'approve'"),
    ("reject", None, "rud", "did you mean 'rude'"),
    ("rate", 6, None, "a rating is 1 to 5"),
    ("rate", "4", None, "a rating is 1 to 5"),
    ("rate", True, None, "a rating is 1 to 5"),
    ("prefer", "c", None, "preferred 'c' is not possible"),
    ("relabel", {"kinds": "new"}, None, "did you mean 'kind'"),
    ("relabel", {"kind": "ancient"}, None, "kind 'ancient' is not possible"),
    ("relabel", {"answers": {"aware": "no"}}, None, "relabel needs a column"),
    ("edit", {}, None, "edit needs messages"),
    ("edit", {"messages": []}, None, "are a list of messages"),
    ("edit", {"messages": [{"role": "robot", "content": "x"}]}, None, "role 'robot'"),
    ("edit", {"messages": [{"role": "user", "content": 3}]}, None, "is a text, not 3"),
    ("accept", {"answers": {"aware": "maybe"}}, None, "answer to aware 'maybe'"),
    ("accept", {"answers": {"awar": "no"}}, None, "did you mean 'aware'"),
    ("adjudicate", {"kind": "skip"}, None, "adjudicate needs a value"),
    ("adjudicate", {"kind": "rate", "value": 9}, None, "a rating is 1 to 5"),
]


@pytest.mark.parametrize(("kind", "value", "reason", "message"), REFUSED)
def test_what_does_not_fit_the_gate_is_refused_and_not_written(
    desk: Reviewed, kind: str, value: Any, reason: str | None, message: str
) -> None:
    queue, first = desk.queue(), desk.ids()[0]
    with pytest.raises(UsageError, match=message):
        queue.decide("ann", first, kind, value=value, reason=reason)
    with pytest.raises(UsageError, match="does not ask about row"):
        queue.decide("ann", "f" * 32, "accept")
    assert not desk.decisions.exists()


def test_a_gate_that_takes_no_edits_refuses_them(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "")
    with pytest.raises(UsageError, match="takes no edits"):
        desk.queue().decide("ann", desk.ids()[0], "edit", value={"messages": [{"role": "user", "content": "x"}]})


def test_who_decides_on_what_others_decided_meanwhile_is_told_and_nothing_is_written(desk: Reviewed) -> None:
    mine, theirs = desk.queue(), desk.queue()
    card = mine.next("ann")[0]
    theirs.decide("bob", card.row, "reject", reason="rude")
    before = desk.decisions.read_bytes()
    with pytest.raises(Conflict, match="bob said 'reject' of row"):
        mine.decide("ann", card.row, "accept", expected_version=card.version)
    assert desk.decisions.read_bytes() == before
    again = mine.card(card.row, "ann")
    assert again.version == 1
    mine.decide("ann", card.row, "accept", expected_version=1)
    assert theirs.version(card.row) == 2


def test_of_many_who_decide_at_once_exactly_one_is_first(desk: Reviewed) -> None:
    card = desk.queue().next("ann")[0]
    told: list[str] = []

    def decide(who: str) -> None:
        try:
            desk.queue().decide(who, card.row, "accept", expected_version=0)
            told.append("made")
        except Conflict:
            told.append("late")

    threads = [threading.Thread(target=decide, args=(f"w{k}",)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["late"] * 7 + ["made"]


def test_one_queue_serves_many_threads(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "", 60)
    queue = desk.queue()

    undone: set[str] = set()

    def work(who: str) -> None:
        while cards := queue.next(who):
            card = cards[0]
            queue.decide(who, card.row, "accept", expected_version=card.version)
            if card.row[-1] in "0123" and card.row not in undone:
                undone.add(card.row)
                queue.undo(who)

    threads = [threading.Thread(target=work, args=(f"w{k}",), daemon=True) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert queue.met()
    assert undone
    found = read(desk.decisions)
    assert len(found.rows("look", ("accept",))) == 60
    assert len(found.told) == 60 + 2 * len(undone)


# -- taking back --------------------------------------------------------------------------------------


def test_undo_goes_back_across_rows_and_restarts_and_takes_ones_own_alone(desk: Reviewed) -> None:
    queue, (a, b, c, *_) = desk.queue(), desk.ids()
    for one in (a, b):
        queue.decide("ann", one, "accept")
    queue.decide("bob", c, "accept")
    again = desk.queue()
    assert [d.row for d in again.undo("ann")] == [b]
    assert [d.row for d in again.undo("ann")] == [a]
    assert again.undo("ann") == []
    assert again.progress().decided == 1
    assert [card.row for card in again.next("ann", 2)] == [a, b]
    assert queue.settled(c).status == "decided"  # the other queue sees it too
    assert queue.settled(a).status == "open"


def test_undo_brings_back_what_was_said_before(desk: Reviewed) -> None:
    queue, first = desk.queue(), desk.ids()[0]
    queue.decide("ann", first, "reject", reason="rude")
    queue.decide("ann", first, "accept")
    queue.undo("ann")
    said = queue.settled(first).said
    assert said is not None
    assert (said.fate, said.reason) == ("drop", "rude")
    assert queue.version(first) == 3


def test_many_decided_at_once_are_taken_back_at_once(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "accept")
    made = queue.decide_many("ann", ids[1:], "reject", reason="rude")
    assert len({d.content for d in made}) == 5  # each knows what its row says
    assert queue.met()
    assert len(queue.undo("ann")) == 5
    assert queue.undecided() == ids[1:]


def test_all_or_none_of_many_are_written(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("bob", ids[3], "accept")
    with pytest.raises(Conflict):
        queue.decide_many("ann", ids, "reject", expected_versions=dict.fromkeys(ids, 0))
    with pytest.raises(UsageError):
        queue.decide_all("ann", [Decision("accept", "look", ids[0]), Decision("rate", "look", ids[1], value=7)])
    assert queue.progress().decided == 1


def test_decisions_are_taken_back_by_their_keys(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    first = queue.decide("ann", ids[0], "accept")
    queue.decide("ann", ids[1], "accept")
    theirs = queue.decide("bob", ids[2], "accept")
    with pytest.raises(UsageError, match="no decision"):
        queue.undo("ann", keys=[theirs.key])
    assert [d.row for d in queue.undo("ann", keys=[first.key])] == [ids[0]]
    assert queue.undecided() == [ids[0], *ids[3:]]


# -- skipping, time, repeats, known answers -----------------------------------------------------------


def test_a_skipped_row_comes_last_and_comments_decide_nothing(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "skip")
    queue.decide("ann", ids[1], "comment", why="odd")
    queue.decide("ann", ids[1], "flag")
    assert queue.next("ann")[0].row == ids[1]
    assert (queue.progress("ann").left, queue.progress("ann").skipped) == (6, 1)
    queue.decide_many("ann", ids[1:], "accept")
    assert [card.row for card in queue.next("ann", 3)] == [ids[0]]


def test_progress_tells_how_long_the_rest_takes(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    assert queue.progress("ann").seconds_left is None
    for one, seconds in zip(ids, (2.0, 4.0, 90.0), strict=False):
        queue.decide("ann", one, "accept", seconds=seconds)
    progress = queue.progress("ann")
    assert (progress.mine, progress.left, progress.median_seconds, progress.seconds_left) == (3, 3, 4.0, 12.0)


def test_rows_are_asked_again_unsaid_and_decide_nothing_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPEAT_AFTER", 3)
    desk = waiting(tmp_path, "repeat: 1.0", 6)
    queue, ids = desk.queue(), desk.ids()
    asked: list[tuple[str, str | None]] = []
    while cards := queue.next("ann"):
        card = cards[0]
        asked.append((card.row, card.round))
        if card.round == "repeat":
            assert card.mine == ()
        queue.decide("ann", card.row, "reject" if card.round else "accept", round=card.round)
    first = [one for one, round_ in asked if round_ is None]
    again = [one for one, round_ in asked if round_ == "repeat"]
    assert (first, again) == (ids, ids[:-1])  # the last one would be asked twice in a row
    for one in again:
        assert asked.index((one, "repeat")) > asked.index((one, None)) + 1
    assert all(queue.settled(one).said.fate == "keep" for one in ids)  # type: ignore[union-attr]
    assert queue.progress().decided == 6


def test_the_share_of_repeats_is_about_what_was_asked_and_differs_between_people(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "repeat: 0.25", 400)
    queue = desk.queue()
    ids = desk.ids()
    told = {who: {one for one in ids if queue._asked_twice(one, who)} for who in ("ann", "bob")}
    assert all(70 < len(some) < 130 for some in told.values())
    assert told["ann"] != told["bob"]


def known(tmp_path: Path, *lines: dict[str, Any] | str) -> Reviewed:
    desk = Reviewed(tmp_path, "calibration: known.jsonl")
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in lines)
    (tmp_path / "known.jsonl").write_text(text, encoding="utf-8")
    return desk


def test_known_answers_come_first_and_decide_nothing(tmp_path: Path) -> None:
    desk = known(tmp_path, {"text": "pay me", "expected": "reject"}, {"text": "hello", "expected": "accept"})
    desk.wait()
    queue = desk.queue()
    cards = queue.next("ann", 5)
    assert [(card.record["text"], card.round) for card in cards] == [
        ("pay me", "calibration"),
        ("hello", "calibration"),
    ]
    for card in cards:
        queue.decide("ann", card.row, "reject", round=card.round)
    assert queue.next("ann")[0].row == desk.ids()[0]
    assert queue.next("bob")[0].round == "calibration"
    assert queue.progress().decided == 0


def test_a_known_answer_can_be_a_row_of_the_run(tmp_path: Path) -> None:
    first = Reviewed(tmp_path / "a", "")
    first.wait()
    one = first.ids()[2]
    desk = known(tmp_path / "b", {"id": one, "expected": "accept"})
    desk.wait()
    queue = desk.queue()
    [card] = queue.next("ann", 5)
    assert card.record["source.n"] == 2
    queue.decide("ann", one, "reject", round=card.round)
    assert queue.settled(one).status == "open"
    assert one in order_of(queue, "ann")  # it is asked as any other


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ((), "holds no known answers"),
        (("x",), r"known\.jsonl:1: not a known answer"),
        (("[]",), r"known\.jsonl:1: not a known answer"),
        (({"text": "a", "expected": "accept"}, {"text": "b"}), r"known\.jsonl:2: expected is None"),
        (({"text": "a", "id": "b", "expected": "accept"},), "either an id or a text"),
        (({"id": "3f9a", "expected": "accept"},), "no id of 32 hexadecimal digits"),
    ],
)
def test_known_answers_that_are_none_are_named(tmp_path: Path, lines: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        known(tmp_path, *lines).run()


# -- the run and the file -----------------------------------------------------------------------------


def test_a_row_that_changed_is_asked_again(desk: Reviewed) -> None:
    desk.accept_rest()
    rows = [row(n) for n in range(6)]
    rows[2] = row(2, "another answer")
    desk.write(rows)
    assert "1 of 6 rows are undecided" in desk.wait()
    queue = desk.queue()
    assert queue.undecided() == [desk.ids()[2]]
    assert [card.row for card in queue.next("ann", 5)] == [desk.ids()[2]]


def test_more_rows_wait_than_a_list_would_hold(tmp_path: Path) -> None:
    desk = waiting(tmp_path, "", 10_100)
    queue = desk.queue()
    assert len(queue.undecided()) == 10_100
    queue.decide_many("ann", queue.undecided(), "accept")
    desk.run()
    assert len(desk.delivered()) == 10_100


def test_what_is_no_gate_of_the_run_is_told(desk: Reviewed) -> None:
    with pytest.raises(UsageError, match="did you mean 'look'"):
        Queue(desk.run_folder, "lok")


def test_a_file_changed_by_hand_is_read_anew(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide_many("ann", ids[:3], "accept")
    lines = desk.decisions.read_text().splitlines(keepends=True)
    desk.decisions.write_text("".join(lines[:1]))
    assert queue.progress().decided == 1
    desk.decisions.unlink()
    assert queue.progress().decided == 0


def test_others_steps_and_runs_are_not_this_gates_matter(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    append(desk.decisions, [Decision("accept", "other", ids[0], who="ann"), Decision("close", "other")])
    assert (queue.progress().decided, queue.progress().closed, queue.told("ann")) == (0, False, [])
    append(desk.decisions, [Decision("close", "look")])
    assert queue.met()


def test_cards_read_together_are_those_read_one_by_one(tmp_path: Path) -> None:
    made = Reviewed(tmp_path / "w", ALL)
    made.wait()
    queue, rows = made.queue(), made.ids()
    together = queue.cards(rows, "ann")
    assert together == [queue.card(row, "ann") for row in rows]
    assert [card.record["source.n"] for card in together] == list(range(6))
    assert len({card.content for card in together}) == 6
