"""map.prompt_completion"""

from __future__ import annotations

from typing import Any

import pytest

from tamis.steps.map.prompt_completion import PromptCompletion
from tamis.testing import run_step

LISTED = '[{"role": "user", "content": "L"}]'
SHAPES: list[tuple[dict[str, Any], dict[str, Any], list[str] | str]] = [
    ({}, {"source.prompt": "P", "completion": "C"}, ["user P", "assistant C"]),
    ({}, {"source.prompt": LISTED, "completion": "C"}, ["user L", "assistant C"]),
    ({}, {"source.prompt": "P", "completion": '{"role": "assistant", "content": "D"}'}, ["user P", "assistant D"]),
    ({}, {"source.prompt": "P", "completion": None}, "completion is null"),
    ({}, {"source.prompt": None, "completion": "C"}, "prompt is null"),
    ({}, {"source.prompt": '[{"role": "boss", "content": "L"}]', "completion": "C"}, "prompt[0]: unknown role 'boss'"),
    ({"completion": None}, {"source.prompt": "P", "completion": "C"}, ["user P"]),
    (
        {"prompt": "q", "completion": "a", "system": "s"},
        {"q": "P", "a": "C", "s": "S"},
        ["system S", "user P", "assistant C"],
    ),
]

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"source.prompt": "q", "completion": "a"}, "kept"),
    ({}, {"source.prompt": None, "completion": "a"}, "not_this_shape"),
]


@pytest.mark.parametrize(("fields", "row", "expected"), SHAPES)
def test_fields(fields: dict[str, Any], row: dict[str, Any], expected: list[str] | str) -> None:
    result = run_step(PromptCompletion(**fields), [row])
    if isinstance(expected, str):
        assert result.outcomes == ["not_this_shape"]
        assert result.evidence[0]["problem"].startswith(expected)
    else:
        assert [f"{m['role']} {m['content']}" for m in result.rows[0]["messages"]] == expected


def test_tools() -> None:
    row = {"source.prompt": "P", "completion": "C", "t": '[{"name": "f"}]'}
    assert run_step(PromptCompletion(tools="t"), [row]).rows[0]["tools"] == '[{"name": "f"}]'
