"""What people decide at a gate becomes what the run does: kept, dropped, changed, and told in the ledger."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import DataError, RecipeError, UsageError
from tamis.runner._people import difference, swapped
from tamis.runs.decisions import Decision, append, read
from tamis.runs.questions import dropped_rows

from ..runs.reviewed import ALL, Reviewed, row

BETTER = [{"role": "user", "content": "question 0"}, {"role": "assistant", "content": "a better answer"}]


@pytest.fixture
def desk(tmp_path: Path) -> Reviewed:
    """Six rows that wait at a gate that takes everything."""
    desk = Reviewed(tmp_path, ALL)
    desk.wait()
    return desk


def test_an_edited_row_goes_on_with_its_new_messages(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "edit", value={"messages": BETTER, "answers": {"aware": "no"}})
    queue.decide(
        "ann",
        ids[1],
        "edit",
        value={"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "one"}]},
    )
    desk.accept_rest()
    account = desk.run().summary()["steps"]
    first = desk.delivered()[0]
    assert first["messages"] == BETTER
    assert first["completion"] == "answer number 0"  # the source's own column is as it was
    said = desk.said(ids[0])
    assert said["outcome"] == "kept"
    assert said["evidence"]["who"] == "ann"
    assert said["evidence"]["edited"] == "assistant: {+a better +}answer[- number 0-]"
    assert said["evidence"]["answers"] == "aware: no"
    assert said["changed"]["messages"][0][1]["content"] == "answer number 0"
    assert account["look"]["changed"] == 2
    assert account["filter.length"]["reasons"] == {"too_short": 1}  # later steps see what was written
    assert len(desk.delivered()) == 5


def test_labels_and_ratings_become_columns(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "relabel", value={"kind": "old", "mood": "cross"})
    queue.decide("ann", ids[1], "rate", value=4)
    desk.accept_rest()
    desk.run()
    rows = desk.delivered()
    assert [one["kind"] for one in rows] == ["old"] + ["new"] * 5
    assert [one["mood"] for one in rows] == ["cross"] + [None] * 5
    assert [one["rating"] for one in rows] == [None, 4] + [None] * 4
    assert desk.said(ids[0])["evidence"]["relabelled"] == "source.kind: new → old; look.mood: cross"
    assert desk.said(ids[1])["evidence"]["rating"] == 4


def test_a_later_step_can_read_what_people_set(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, ALL)
    drop = """{use: filter.where, drop: '"look.rating" < 3 or "look.mood" = ''cross'''}"""
    desk.text = desk.text.replace("{use: filter.length, in: response, min: 2}", drop)
    desk.wait()
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "rate", value=2)
    queue.decide("ann", ids[1], "rate", value=3)
    queue.decide("ann", ids[2], "relabel", value={"mood": "cross"})
    desk.accept_rest()
    desk.run()
    assert [one["n"] for one in desk.delivered()] == [1, 3, 4, 5]


def test_columns_of_a_gate_are_there_when_nobody_set_them(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, "rate: true\nwhere: n > 100")
    desk.run()
    assert desk.delivered()[0]["rating"] is None


def test_a_rejected_rows_reason_is_told_and_counted(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "reject", reason="rude", why="not like this")
    queue.decide_many("ann", ids[1:3], "reject", reason="invented")
    queue.decide("ann", ids[3], "reject")
    desk.accept_rest()
    result = desk.run()
    step = result.summary()["steps"]["look"]
    assert (step["reasons"], step["rejected_for"]) == ({"rejected": 4}, {"invented": 2, "rude": 1})
    lines, total = dropped_rows(queue._reader() and queue._ledger, "look", "rejected", 10)
    assert total == 4
    assert [line["evidence"].get("reason") for line in lines] == ["rude", "invented", "invented", None]
    assert "invented 2, rude 1" in (result.folder / "report.html").read_text(encoding="utf-8")


PAIRS = """
tamis: 1
name: reviewed
sources: [{use: files, path: rows.jsonl, id: [n], map: [{use: map.preference}]}]
steps: [{use: review.gate, id: look, pair: true}]
deliver: [{use: jsonl, path: dist/reviewed}]
"""


def pair(n: int) -> dict[str, Any]:
    return {"n": n, "prompt": f"question {n}", "chosen": f"yes {n}", "rejected": f"no {n}"}


def test_the_better_answer_becomes_the_chosen_one(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, recipe=PAIRS)
    desk.write([pair(n) for n in range(3)])
    desk.wait()
    queue, ids = desk.queue(), desk.ids()
    for one, letter in zip(ids, ("a", "b", "tie"), strict=True):
        queue.decide("ann", one, "prefer", value=letter)
    desk.run()
    told = [
        (r["messages"][-1]["content"], r["rejected"][-1]["content"], len(r["messages"]), r["preferred"])
        for r in desk.delivered()
    ]
    assert told == [("yes 0", "no 0", 2, "a"), ("no 1", "yes 1", 2, "b"), ("yes 2", "no 2", 2, "tie")]


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def test_a_rejected_conversation_changes_places_as_a_whole() -> None:
    chosen, other = [turn("user", "a"), turn("assistant", "b")], [turn("user", "c"), turn("assistant", "d")]
    new, old = swapped(chosen, other)
    assert [t["content"] for t in new] == ["c", "d"]
    assert [t["content"] for t in old] == ["a", "b"]
    long = [turn("user", "a"), turn("assistant", "b"), turn("user", "c"), turn("assistant", "d")]
    new, old = swapped(long, [turn("assistant", "e"), turn("tool", "f")])
    assert [t["content"] for t in new] == ["a", "b", "c", "e", "f"]
    assert [t["content"] for t in old] == ["d"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ([turn("user", "a b c")], [turn("user", "a x c")], "user: a [-b-]{+x+} c"),
        ([turn("user", "a")], [turn("user", "a"), turn("assistant", "b")], "assistant: {+b+}"),
        ([turn("user", "a"), turn("assistant", "b")], [turn("user", "a")], "assistant: [-b-]"),
        ("old text", "new text", "[-old-]{+new+} text"),
        (None, [turn("user", "a")], "user: {+a+}"),
    ],
)
def test_differences_are_told_word_by_word(before: Any, after: Any, told: str) -> None:
    assert difference(before, after) == told


def test_an_edit_of_a_very_long_row_is_told_and_cut(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, "edit: true", 1)
    desk.write([row(0, "word " * 200_000)])
    desk.wait()
    [one] = desk.ids()
    desk.queue().decide(
        "ann", one, "edit", value={"messages": [turn("user", "q"), turn("assistant", "other " * 200_000)]}
    )
    desk.run()
    assert desk.delivered()[0]["messages"][1]["content"] == "other " * 200_000
    assert len(desk.said(one)["evidence"]["edited"]) <= 2000


# -- several reviewers --------------------------------------------------------------------------------


def test_three_reviewers_decide_together(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, "reviewers: 3\nrate: true", 4)
    desk.wait()
    queue, (a, b, c, d) = desk.queue(), desk.ids()
    for who, points in (("ann", 1), ("bob", 4), ("cat", 5)):
        queue.decide(who, a, "rate", value=points)
        queue.decide(who, b, "reject" if who != "ann" else "accept")
    queue.decide("ann", c, "accept")
    queue.decide("bob", d, "accept")
    queue.decide("bob", d, "accept")
    assert "2 of 4 rows are undecided" in desk.wait()
    for who in ("dan", "eve", "fay"):
        queue.decide(who, c, "accept" if who == "dan" else "reject")
        queue.decide(who, d, "accept")
    message = desk.wait()
    assert "1 of 4 rows are undecided" in message
    assert "1 of them because reviewers differ" in message
    queue.decide("lead", c, "adjudicate", value={"kind": "accept"})
    desk.run()
    assert [(one["n"], one["rating"], one["reviewers"]) for one in desk.delivered()] == [
        (0, 4, 3),
        (2, None, 5),
        (3, None, 4),
    ]
    assert desk.said(a)["evidence"]["who"] == "ann, bob, cat"
    told = desk.said(c)["evidence"]
    assert (told["adjudicated"], told["who"]) == (True, "ann, dan, eve, fay, lead")
    assert desk.life(b)["left_at"] == "look"


def test_closing_leaves_a_disagreement_as_undecided(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, "reviewers: 2\nundecided: drop", 2)
    desk.wait()
    queue, (a, b) = desk.queue(), desk.ids()
    for who in ("ann", "bob"):
        queue.decide(who, a, "accept" if who == "ann" else "reject")
        queue.decide(who, b, "accept")
    append(desk.decisions, [Decision("close", "look")])
    step = desk.run().summary()["steps"]["look"]
    assert step["reasons"] == {"undecided": 1}
    assert desk.said(a)["evidence"]["differ"] == "decision"


def test_repeats_and_known_answers_decide_nothing_of_the_row(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "accept")
    queue.decide("ann", ids[0], "reject", round="repeat")
    queue.decide("ann", ids[1], "reject", round="calibration")
    desk.wait()
    assert desk.queue().undecided() == ids[1:]
    desk.accept_rest()
    desk.run()
    assert len(desk.delivered()) == 6


# -- the same bytes, whatever happens -----------------------------------------------------------------


def mixed(desk: Reviewed) -> None:
    """A hundred decisions of every kind."""
    queue = desk.queue()
    for n, one in enumerate(desk.ids()):
        kind = ("accept", "reject", "edit", "relabel", "rate", "skip", "accept", "edit", "relabel", "flag")[n % 10]
        value: Any = {
            "edit": {"messages": [turn("user", f"question {n}"), turn("assistant", f"edited answer {n}")]},
            "relabel": {"kind": "old", "mood": "calm", "answers": {"aware": "yes"}},
            "rate": n % 5 + 1,
        }.get(kind)
        queue.decide("ann", one, kind, value=value, reason="rude" if kind == "reject" else None, seconds=1.5)


def hundred(folder: Path) -> Reviewed:
    desk = Reviewed(folder, ALL + "undecided: keep", 100)
    desk.wait()
    return desk


def bytes_of(desk: Reviewed) -> bytes:
    return (desk.folder / "dist/reviewed/data.jsonl").read_bytes()


def test_a_hundred_decisions_flow_into_the_outcome(tmp_path: Path) -> None:
    desk = hundred(tmp_path / "a")
    mixed(desk)
    assert len(read(desk.decisions).told) == 100
    assert "20 of 100 rows are undecided" in desk.wait()  # those skipped and flagged
    append(desk.decisions, [Decision("close", "look")])
    result = desk.run()
    step = result.summary()["steps"]["look"]
    assert (step["in"], step["kept"], step["dropped"], step["held"]) == (100, 90, 10, 0)
    assert (step["changed"], step["rejected_for"]) == (50, {"rude": 10})
    rows = {one["n"]: one for one in desk.delivered()}
    assert len(rows) == 90
    for n, one in rows.items():
        edited, relabelled, rated = n % 10 in (2, 7), n % 10 in (3, 8), n % 10 == 4
        assert one["messages"][1]["content"] == (f"edited answer {n}" if edited else f"answer number {n}")
        assert (one["kind"], one["mood"]) == (("old", "calm") if relabelled else ("new", None))
        assert one["rating"] == (n % 5 + 1 if rated else None)
    # resumed from nothing, replayed elsewhere, on one worker and many partitions: the same bytes
    first = bytes_of(desk)
    shutil.rmtree(desk.folder / ".tamis")
    desk.run()
    assert bytes_of(desk) == first
    other = Reviewed(tmp_path / "b", ALL + "undecided: keep", 100)
    other.run(decisions=desk.decisions, workers=1)
    assert bytes_of(other) == first
    assert not other.decisions.exists()


def test_a_second_run_with_the_same_decisions_judges_nothing_again(desk: Reviewed) -> None:
    queue, ids = desk.queue(), desk.ids()
    queue.decide("ann", ids[0], "edit", value={"messages": BETTER})
    desk.accept_rest()
    desk.run()
    again = desk.run()
    assert again.manifest["reused_rows"] == {"map.auto": 6, "look": 6, "filter.length": 6}
    queue.decide("ann", ids[0], "edit", value={"messages": [*BETTER[:1], turn("assistant", "the best answer")]})
    other = desk.run()
    assert desk.delivered()[0]["messages"][1]["content"] == "the best answer"
    assert desk.said(ids[0])["evidence"]["edited"].startswith("assistant: {+the best +}")
    assert other.manifest["reused_rows"]["map.auto"] == 6


KILLED = """
import os, signal, sys
from pathlib import Path
from tamis.runs.queue import Queue
queue = Queue(Path(sys.argv[1]), "look")
for card in queue.next("ann", 3):
    queue.decide("ann", card.row, "reject", reason="rude", expected_version=card.version)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_was_appended_is_there_after_kill_9(desk: Reviewed) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(desk.run_folder)], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert [d.kind for d in read(desk.decisions).all] == ["reject"] * 3
    with open(desk.decisions, "ab") as file:  # and a write that was cut
        file.write(b'{"kind": "accept", "step": "look", "ro')
    desk.accept_rest()
    assert desk.run().summary()["steps"]["look"]["rejected_for"] == {"rude": 3}


# -- what cannot be -----------------------------------------------------------------------------------


def test_a_label_that_the_column_cannot_hold_is_told_with_what_to_do(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, "labels: {source.confidence: [high, low]}")
    desk.wait()
    desk.queue().decide("ann", desk.ids()[0], "relabel", value={"source.confidence": "high"})
    with pytest.raises(DataError, match=r"'high' cannot stand in the column source\.confidence") as told:
        desk.run()
    assert "--undo" in (told.value.hint or "")
    desk.queue().undo("ann")
    desk.accept_rest()
    desk.run()


def test_numbers_can_be_labels(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, 'labels: {source.confidence: ["0.5", "1"]}')
    desk.wait()
    desk.queue().decide("ann", desk.ids()[0], "relabel", value={"source.confidence": "0.5"})
    desk.accept_rest()
    desk.run()
    assert desk.delivered()[0]["confidence"] == 0.5


@pytest.mark.parametrize(
    "settings", ["blind: [topik]", "order: cluster\norder_by: topik", "labels: {source.kin: [a, b]}"]
)
def test_columns_that_are_not_there_are_told_before_anything_runs(tmp_path: Path, settings: str) -> None:
    with pytest.raises(RecipeError, match="did you mean"):
        Reviewed(tmp_path, settings).run()


def test_guidelines_can_be_a_file(tmp_path: Path) -> None:
    desk = Reviewed(tmp_path, "guidelines: rules.md")
    with pytest.raises(UsageError, match=r"reads .*rules\.md"):
        desk.run()
    (tmp_path / "rules.md").write_text("# Be kind\n", encoding="utf-8")
    desk.wait()
    assert desk.queue().gate.guidelines == "# Be kind\n"
    assert json.loads((desk.run_folder / "gates/look.json").read_text())["asked"] == 6
