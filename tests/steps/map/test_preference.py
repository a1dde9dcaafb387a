"""map.preference; the dresses pairs come in are in tests/engine/test_shapes.py."""

from __future__ import annotations

from typing import Any

from tamis.steps.map.preference import Preference
from tamis.testing import run_step

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({}, {"source.prompt": "q", "chosen": "a", "source.rejected": "b"}, "kept"),
    ({}, {"source.prompt": "q", "chosen": None, "source.rejected": "b"}, "not_this_shape"),
]


def test_fields() -> None:
    step = Preference(prompt="q", chosen="good", rejected="bad", system="s", tools="t")
    row = run_step(step, [{"q": "Q", "good": "G", "bad": "B", "s": "S", "t": "[]"}]).rows[0]
    assert [(m["role"], m["content"]) for m in row["messages"]] == [("system", "S"), ("user", "Q"), ("assistant", "G")]
    assert [(m["role"], m["content"]) for m in row["rejected"]] == [("assistant", "B")]
    assert row["tools"] == "[]"


def test_without_a_prompt_column_answers_must_bring_their_own() -> None:
    step = Preference(prompt=None, chosen="good", rejected="bad")
    rows = [
        {"good": f"\n\nHuman: q\n\nAssistant: {a}", "bad": f"\n\nHuman: q\n\nAssistant: {b}"}
        for a, b in (("x", "y"), ("", " z"))
    ]
    result = run_step(step, [*rows, {"good": "x", "bad": "y"}])
    assert result.outcomes == ["kept", "kept", "not_this_shape"]
    assert [row["rejected"][0]["content"] for row in result.rows[:2]] == ["y", " z"]
    assert result.evidence[2]["problem"] == "chosen is an answer without a prompt"
