"""generate.respond"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis._scripted import ScriptedModels
from tamis.core.calls import CallFailed, Reply
from tamis.steps.generate.respond import Respond
from tamis.testing import run_step

CASES: list[Any] = [
    ({}, {"prompt": "1+1?"}, None),
    ({}, {"prompt": "1+1?"}, ["length"], lambda role, ask: Reply("It is tw", finish="length")),
    ({}, {"prompt": "1+1?"}, ["content_filter"], lambda role, ask: Reply("", finish="content_filter")),
    ({}, {"prompt": "1+1?"}, ["empty"], lambda role, ask: " \n"),
    (
        {"role": ["a", "b"]},
        [{"prompt": "1+1?"}, {"prompt": "2", "response": "x"}],
        ["kept", "kept"],
        lambda role, ask: "2",
    ),
]


def test_the_conversation_is_what_is_sent() -> None:
    models = ScriptedModels(lambda role, ask: "<think>hm</think>\nTwo.")
    result = run_step(Respond(), [{"system": "Be brief.", "prompt": "1+1?"}], replies=models)
    assert models.asked[0][1].messages == (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "1+1?"},
    )
    assert result.rows[0]["messages"][-1]["content"] == "Two."
    assert result.rows[0]["producer"] == "scripted/generator"


def test_a_system_prompt_for_rows_without_one_is_not_kept() -> None:
    models = ScriptedModels(lambda role, ask: "Two.")
    result = run_step(
        Respond(system="Be kind."), [{"prompt": "1+1?"}, {"system": "Own.", "prompt": "2?"}], replies=models
    )
    assert [ask.messages[0]["content"] for _, ask in models.asked] == ["Be kind.", "Own."]
    assert [m["role"] for m in result.rows[0]["messages"]] == ["user", "assistant"]


def test_rows_that_end_on_an_answer_keep_it_and_its_producer() -> None:
    models = ScriptedModels(lambda role, ask: "new")
    rows = [{"prompt": "a", "response": "old", "producer": "human"}, {"prompt": " "}, {"messages": []}]
    result = run_step(Respond(), rows, replies=models)
    assert models.asked == []
    assert result.rows[0]["messages"][-1]["content"] == "old"
    assert result.rows[0]["producer"] == "human"


def test_several_roles_share_the_rows_and_each_row_always_has_the_same() -> None:
    rows = [{"prompt": f"question {k}"} for k in range(4)]
    step = Respond(role=("strong", "weak"))
    told = [run_step(step, rows, seed=s, replies=lambda role, ask: role).column("producer") for s in (3, 3, 259)]
    assert told[0] == told[1]
    assert set(told[0]) | set(told[2]) == {"scripted/strong", "scripted/weak"}
    assert step.roles() == ("strong", "weak")


def test_tool_calls_go_as_the_endpoint_takes_them() -> None:
    models = ScriptedModels(lambda role, ask: "Sunny.")
    chat = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": '[{"id": "1"}]'},
        {"role": "tool", "content": "sun", "tool_call_id": "1"},
        {"role": "user", "content": "So?"},
    ]
    run_step(Respond(), [{"messages": chat}], replies=models)
    assert models.asked[0][1].messages[1] == {"role": "assistant", "tool_calls": [{"id": "1"}]}


def test_a_failed_call_is_never_an_unanswered_row_in_silence() -> None:
    result = run_step(
        Respond(), [{"prompt": "a"}], replies=lambda role, ask: CallFailed("refused", "400", lasting=True)
    )
    assert result.kinds == ["quarantined"]
    with pytest.raises(ValidationError, match="names nobody"):
        Respond(role=())
