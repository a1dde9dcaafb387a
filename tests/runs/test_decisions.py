"""Decisions are durable, append-only, and read up to the last whole line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tamis.core.errors import DataError
from tamis.runs.decisions import Decision, append, read


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


@pytest.mark.parametrize("line", ["{}", "[]", '{"kind": "maybe", "step": "g"}', "x"])
def test_a_line_that_is_no_decision_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DataError, match=r"r\.jsonl:1: not a decision"):
        read(path)
