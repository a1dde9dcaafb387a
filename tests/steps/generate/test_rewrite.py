"""generate.rewrite"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis._scripted import ScriptedModels
from tamis.core.calls import Reply
from tamis.steps.generate.rewrite import Rewrite
from tamis.testing import run_step

CASES: list[Any] = [
    ({"style": "plain"}, {"prompt": "Why?", "response": "Owing to exigencies."}, None),
    (
        {"in": "prompt", "difficulty": "harder"},
        [{"prompt": "Why is the sky blue?", "response": "Air."}, {"prompt": "x"}],
        ["kept", "kept"],
        lambda role, ask: "How does scattering colour the sky?",
    ),
]
ROW = {"prompt": "Why so late?", "response": "Owing to exigencies of traffic.", "producer": "human"}


def rewritten(said: Any, **settings: Any) -> Any:
    return run_step(Rewrite(**({"style": "plain words"} | settings)), [ROW], replies=lambda role, ask: said)


def test_the_answer_is_replaced_and_the_old_one_kept() -> None:
    models = ScriptedModels(lambda role, ask: "There was much traffic.")
    result = run_step(Rewrite(style="plain words", difficulty="easier"), [ROW], replies=models)
    [row] = result.rows
    assert [m["content"] for m in row["messages"]] == ["Why so late?", "There was much traffic."]
    assert row["generate.rewrite.original"] == "Owing to exigencies of traffic."
    assert row["producer"] == "scripted/generator"
    said = models.asked[0][1].messages[1]["content"]
    assert "plain words" in said
    assert "somebody who begins" in said


def test_an_answer_to_the_question_before_is_taken_off() -> None:
    result = rewritten("For what reason was the arrival delayed?", **{"in": "prompt"})
    assert [m["role"] for m in result.rows[0]["messages"]] == ["user"]
    assert result.rows[0]["producer"] is None


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("", "empty"),
        (Reply("There was", finish="length"), "length"),
        ("Sure! Here is the rewritten text: traffic.", "talk"),
        ("I'm sorry, but I can't rewrite this.", "refused"),
        ("Owing to exigencies of traffic.", "same"),
        ("<data 00ff00ff00ff> traffic", "leaked"),
    ],
)
def test_what_was_not_rewritten_stays_and_is_told(said: Any, problem: str) -> None:
    result = rewritten(said)
    assert result.rows[0]["messages"][-1]["content"] == ROW["response"]
    assert result.rows[0]["producer"] == "human"
    assert result.evidence[0]["problem"] == problem


def test_something_must_be_wanted() -> None:
    with pytest.raises(ValidationError, match="`style` or `difficulty`"):
        Rewrite()
