"""map.kto"""

from __future__ import annotations

from typing import Any

import pytest

from tamis.steps.map.kto import Kto
from tamis.testing import run_step

TALK = '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]'

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"source.prompt": "q", "completion": "a", "label": True}, "kept"),
    (
        {},
        [
            {"source.prompt": "q", "completion": "a", "label": True},
            {"source.prompt": "q", "completion": "a", "label": None},
        ],
        ["kept", "not_this_shape"],
    ),
]


def test_prompt_completion_and_label_stay_together() -> None:
    rows = [{"source.prompt": "q", "completion": "a", "good": label} for label in (True, False, None)]
    result = run_step(Kto(label="good"), rows)
    assert result.outcomes == ["kept", "kept", "not_this_shape"]
    assert [(row["messages"][1]["content"], row["source.good"]) for row in result.kept] == [("a", True), ("a", False)]
    assert result.evidence[2]["problem"] == "good is null"


def test_whole_conversations() -> None:
    result = run_step(Kto(messages="talk"), [{"talk": TALK, "label": False}])
    assert [m["content"] for m in result.kept[0]["messages"]] == ["q", "a"]


@pytest.mark.parametrize(("label", "word"), [("true", "a text"), (1, "a number"), (0.5, "a number")])
def test_labels_that_are_no_booleans_are_refused(label: object, word: str) -> None:
    result = run_step(Kto(messages="talk"), [{"talk": TALK, "label": label}])
    assert result.evidence[0]["problem"] == f"label is {word}, not true or false"
    assert result.outcomes == ["not_this_shape"]
