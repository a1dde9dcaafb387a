"""map.alpaca"""

from __future__ import annotations

from typing import Any

import pytest

from tamis.steps.map.alpaca import Alpaca
from tamis.testing import run_step

ROW = {"instruction": "I", "input": "X", "output": "O", "s": "S", "h": '[["a", "b"]]', "answer": "A"}
SHAPES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["user I", "assistant O"]),
    ({"input": "input"}, ["user I\nX", "assistant O"]),
    ({"input": "input", "join": "\n\n### Input:\n"}, ["user I\n\n### Input:\nX", "assistant O"]),
    ({"system": "s"}, ["system S", "user I", "assistant O"]),
    ({"history": "h", "system": "s"}, ["system S", "user a", "assistant b", "user I", "assistant O"]),
    ({"output": "answer"}, ["user I", "assistant A"]),
    ({"instruction": "input"}, ["user X", "assistant O"]),
]

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"instruction": "i", "output": "o"}, "kept"),
    ({}, {"instruction": None, "output": "o"}, "not_this_shape"),
]


@pytest.mark.parametrize(("fields", "messages"), SHAPES, ids=[str(fields) for fields, _ in SHAPES])
def test_fields(fields: dict[str, Any], messages: list[str]) -> None:
    result = run_step(Alpaca(**fields), [ROW])
    assert [f"{m['role']} {m['content']}" for m in result.rows[0]["messages"]] == messages


def test_numbers_are_written_as_texts() -> None:
    result = run_step(Alpaca(), [{"instruction": "1+1?", "output": 2}])
    assert result.rows[0]["messages"][1]["content"] == "2"
