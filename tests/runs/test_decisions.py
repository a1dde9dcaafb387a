"""Decisions are durable, append-only, and read up to the last whole line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamis.core.errors import DataError, UsageError
from tamis.runs.decisions import Decision, Decisions, append, read


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "decisions" / "r.jsonl"
    append(path, [Decision("reject", "g", "a" * 32, "h", who="ann", at="t", why="off topic")])
    append(path, [Decision("accept", "g", "a" * 32, "h", who="bob", at="t")])
    found = read(path)
    assert [d.kind for d in found.all] == ["reject", "accept"]
    assert found.rows("g", ("accept", "reject"))["a" * 32].who == "bob"
    assert found.prefix.length == path.stat().st_size
    assert (found.all[0].why, found.all[0].who) == ("off topic", "ann")


def test_a_torn_last_line_was_never_acknowledged_and_does_not_spoil_the_file(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, [Decision("accept", "g", "a")])
    with open(path, "ab") as file:
        file.write(b'{"kind": "rej')
    assert [d.row for d in read(path).all] == ["a"]
    append(path, [Decision("reject", "g", "b")])
    assert [(d.kind, d.row) for d in read(path).all] == [("accept", "a"), ("reject", "b")]


def test_rescues_can_be_taken_back_and_gates_reopened(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(
        path,
        [
            Decision("rescue", "f", "a"),
            Decision("rescue", "f", "b"),
            Decision("unrescue", "f", "a"),
            Decision("close", "g"),
        ],
    )
    assert set(read(path).rescues("f")) == {"b"}
    assert read(path).closed("g")
    append(path, [Decision("open", "g")])
    assert not read(path).closed("g")


def test_an_undone_decision_does_not_stand_and_the_file_still_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    first, second = append(path, [Decision("accept", "g", "a"), Decision("reject", "g", "a", value={"n": 1})])
    assert first.key != second.key
    append(path, [Decision("undo", "g", "a", undoes=second.key)])
    found = read(path)
    assert found.rows("g", ("accept", "reject"))["a"].kind == "accept"
    assert [d.kind for d in found.told] == ["accept", "reject", "undo"]
    assert found.told[1].value == {"n": 1}
    append(path, [Decision("undo", "g", "a", undoes=first.key)])
    assert read(path).all == ()


def test_what_a_check_refuses_is_not_added_and_it_sees_what_others_added(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, [Decision("accept", "g", "a")])
    before = path.read_bytes()
    seen: list[int] = []

    def refuse(found: Decisions) -> None:
        seen.append(len(found.all))
        raise UsageError("somebody decided meanwhile")

    with pytest.raises(UsageError):
        append(path, [Decision("reject", "g", "a")], check=refuse)
    assert (seen, path.read_bytes()) == ([1], before)


def test_rounds_that_test_the_reviewer_decide_nothing_of_the_row(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, [Decision("accept", "g", "a"), Decision("reject", "g", "a", round="repeat")])
    assert read(path).rows("g", ("accept", "reject"))["a"].kind == "accept"


def test_a_file_that_grows_is_read_on_and_one_that_changed_anew(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    append(path, [Decision("accept", "g", "a"), Decision("accept", "g", "b")])
    first = read(path)
    append(path, [Decision("reject", "g", "c")])
    grown = read(path)
    assert grown.told[:2] == first.told
    assert grown.told[0] is first.told[0]  # not parsed again
    assert grown.prefix.length == path.stat().st_size
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0].replace('"row": "a"', '"row": "z"') + lines[1])  # as long as before
    assert [d.row for d in read(path).all] == ["z", "b"]
    path.write_text("".join(lines[:2]) + "x\n")
    with pytest.raises(DataError, match=r"r\.jsonl:3: not a decision"):
        read(path)
    path.unlink()
    assert read(path).told == ()


@pytest.mark.parametrize("line", ["{}", "[]", '{"kind": "maybe", "step": "g"}', "x"])
def test_a_line_that_is_no_decision_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DataError, match=r"r\.jsonl:1: not a decision"):
        read(path)
