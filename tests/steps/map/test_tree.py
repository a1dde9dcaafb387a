"""map.tree"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tamis
from tamis.steps.map.tree import Tree
from tamis.testing import run_step


def said(number: str, parent: str | None, role: str | None, text: str | None, **more: Any) -> dict[str, Any]:
    return {"message_id": number, "parent_id": parent, "role": role, "text": text, **more}


TALK = [said("1", None, "user", "q"), said("2", "1", "assistant", "a"), said("3", "2", "user", "more?")]

CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({}, TALK, ["part_of", "kept", "unanswered"]),
    ({}, [said("1", None, "robot", "q"), said("2", "1", "assistant", "a")], ["not_this_shape", "no_parent"]),
    ({}, [said("1", None, "user", None)], ["not_this_shape"]),
    ({}, [said("1", "9", "user", "q"), said("2", "1", "assistant", "a")], ["no_parent", "no_parent"]),
    ({}, [said("1", "2", "user", "q"), said("2", "1", "assistant", "a")], ["no_parent", "no_parent"]),
    ({}, [*TALK[:2], said("2", "1", "assistant", "b")], ["part_of", "kept", "repeated_id"]),
    (
        {"deleted": "gone"},
        [said("1", None, "user", "q", gone=False), said("2", "1", "assistant", "a", gone=True)],
        ["unanswered", "deleted"],
    ),
    (
        {"paths": "best", "rank": "rank"},
        [
            said("1", None, "user", "q", rank=None),
            said("2", "1", "assistant", "worse", rank=1),
            said("3", "1", "assistant", "best", rank=0),
            said("4", "2", "user", "why?", rank=None),
        ],
        ["part_of", "worse_reply", "kept", "no_parent"],
    ),
]


def talks(step: Tree, rows: list[dict[str, Any]]) -> list[str | None]:
    result = run_step(step, rows)
    return [
        " ".join(f"{m['role'][0]}:{m['content']}" for m in row["messages"]) if outcome == "kept" else outcome
        for row, outcome in zip(result.rows, result.outcomes, strict=True)
    ]


def test_each_last_answer_holds_its_conversation_whatever_the_order_of_rows() -> None:
    rows = [
        said("4", "3", "assistant", "fine"),
        said("5", "3", "assistant", "well"),
        said("2", "1", "assistant", "a"),
        said("1", None, "prompter", "q"),
        said("3", "2", "prompter", "how?"),
        said("6", "1", "assistant", "b"),
        said("7", "6", "prompter", "hm"),
    ]
    assert talks(Tree(), rows) == [
        "u:q a:a u:how? a:fine",
        "u:q a:a u:how? a:well",
        "part_of",
        "part_of",
        "part_of",
        "u:q a:b",
        "unanswered",
    ]


def test_rows_are_merged_into_the_first_conversation_they_are_part_of() -> None:
    rows = [TALK[0], said("8", "1", "assistant", "first"), said("9", "1", "assistant", "second")]
    assert run_step(Tree(), rows).into == [1, None, None]


def test_the_writer_of_the_last_answer_is_the_producer() -> None:
    rows = [said("1", None, "user", "q", by=None), said("2", "1", "assistant", "a", by="some-model")]
    assert run_step(Tree(producer="by"), rows).rows[1]["producer"] == "some-model"


def test_a_table_of_messages_becomes_a_delivery(tmp_path: Path) -> None:
    source = tmp_path / "messages.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in TALK), encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "tamis: 1\nname: talk\nsources: [{use: files, path: messages.jsonl}]\nsteps: [{use: map.tree}]\n"
        "deliver: [{use: openai_chat, path: dist/talk}]\n",
        encoding="utf-8",
    )
    result = tamis.run(recipe)
    assert result.outcomes == {"in": 3, "born": 0, "kept": 1, "dropped": 1, "merged": 1, "held": 0, "quarantined": 0}
    (line,) = (tmp_path / "dist/talk/data.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}


def test_real_conversations(data: Path) -> None:
    rows = json.loads((data / "oasst-samples/realistic_seed_data.json").read_text(encoding="utf-8"))
    step = Tree(message="user_message_id", parent="parent_message_id")
    result = run_step(step, rows)
    kept = [row for row, outcome in zip(result.rows, result.outcomes, strict=True) if outcome == "kept"]
    assert kept
    for row in kept:
        roles = [message["role"] for message in row["messages"]]
        assert roles[0] == "user"
        assert roles[-1] == "assistant"
        assert row["messages"][-1]["content"] == row["text"]
    ids = {row["user_message_id"] for row in rows}
    hanging = [row for row in rows if row["parent_message_id"] is not None and row["parent_message_id"] not in ids]
    assert result.outcomes.count("no_parent") >= len(hanging)


def test_a_lone_question_is_no_conversation() -> None:
    assert run_step(Tree(), TALK[:1]).outcomes == ["unanswered"]
