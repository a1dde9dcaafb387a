"""filter.empty"""

from __future__ import annotations

from typing import Any

import pytest

from tamis.engine.patterns import LONGEST, PLACEHOLDERS
from tamis.steps.filter.empty import Empty
from tamis.testing import run_step

ON = {"placeholders": True}
CASES: list[Any] = [
    ({}, {"response": ""}, "empty"),
    ({}, {"response": " \t\r\n\x00\x1e"}, "empty"),
    ({}, {"response": "\u200b\ufeff\u00ad\u2060\u3000\u2800\ufe0f\U000e0020"}, "empty"),
    ({}, {"response": "\u202e"}, "empty"),
    ({}, {"response": "\u0301"}, "kept"),
    ({}, {"response": "👍"}, "kept"),
    ({}, {"response": "0"}, "kept"),
    ({}, {"response": None}, "kept"),
    ({}, {"response": "N/A"}, "kept"),
    (ON, {"response": "N/A"}, "placeholder"),
    (ON, {"response": "  NaN\n"}, "placeholder"),
    (ON, {"response": "..."}, "placeholder"),
    (ON, {"response": "Test test"}, "placeholder"),
    (ON, {"response": "暂无"}, "placeholder"),
    (ON, {"response": "“Lorem"}, "kept"),
    (
        ON,
        {"response": "Lorem Ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut"},
        "placeholder",
    ),
    (ON, {"response": "What does lorem ipsum mean?"}, "kept"),
    (ON, {"response": "None of them."}, "kept"),
    (ON, {"response": "no"}, "kept"),
    ({"in": "prompt"}, {"prompt": " ", "response": "Yes"}, "empty"),
]


def test_the_placeholder_found_is_told() -> None:
    result = run_step(
        Empty(placeholders=True), [{"response": "TBD "}, {"response": "Lorem ipsum dolor"}, {"response": "Yes"}]
    )
    assert [row["placeholder"] for row in result.evidence] == ["tbd", "lorem ipsum", None]


@pytest.mark.parametrize("word", sorted(PLACEHOLDERS))
def test_every_placeholder_can_be_found(word: str) -> None:
    assert word == word.strip().casefold()
    assert len(word.encode()) <= LONGEST
    assert run_step(Empty(placeholders=True), [{"response": f" {word.upper()} "}]).outcomes == ["placeholder"]
