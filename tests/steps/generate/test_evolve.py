"""generate.evolve"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis._scripted import ScriptedModels
from tamis.core.calls import Ask, CallFailed, Reply
from tamis.core.errors import UsageError
from tamis.steps.generate.evolve import Evolve
from tamis.testing import run_step

LONGER = "Explain in three steps, for a child, how leaves make sugar."
CASES: list[Any] = [
    ({}, {"prompt": "Explain photosynthesis."}, None),
    ({}, {"prompt": "Explain photosynthesis."}, ["kept"], lambda role, ask: LONGER),
    ({"keep_parents": False}, {"prompt": "Explain photosynthesis."}, ["merged"], lambda role, ask: LONGER),
]
SEED = {"prompt": "Explain photosynthesis to me."}


def evolved(said: Any, **settings: Any) -> Any:
    return run_step(Evolve(**settings), [SEED], replies=lambda role, ask: said)


def test_the_turns_before_stay_and_the_row_ends_on_the_new_question() -> None:
    chat = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "Explain photosynthesis."},
        {"role": "assistant", "content": "Light becomes sugar."},
    ]
    result = run_step(Evolve(operations=("reason",)), [{"messages": chat}], replies=lambda role, ask: LONGER)
    [row] = result.born
    assert [m["content"] for m in row["messages"]] == ["Be kind.", "Hi", "Hello!", LONGER]
    assert (row["operation"], row["round"], row["producer"]) == ("reason", 1, "scripted/generator")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("Explain photosynthesis to me!", "same"),
        ("", "empty"),
        ("<think>Let me see.</think>", "empty"),
        ("What is it to you?", "empty"),
        ("I'm sorry, but I cannot help with that request.", "refused"),
        ("Sure! Here is the rewritten prompt: explain how leaves eat light.", "talk"),
        ("Extend the #Given Prompt# by one condition on light.", "leaked"),
        (Reply("Explain in detail how", finish="length"), "length"),
        (Reply("Explain in detail how", finish="content_filter"), "content_filter"),
    ],
)
def test_elimination(said: Any, problem: str) -> None:
    result = evolved(said)
    assert result.born == []
    assert (result.kinds, result.evidence[0][problem], result.evidence[0]["received"]) == (["kept"], 1, 1)


def test_words_of_ours_that_stood_in_the_original_are_no_leak() -> None:
    seed = [{"prompt": "What makes a new prompt good?"}]
    result = run_step(
        Evolve(), seed, replies=lambda role, ask: "What three things make a new prompt good for children?"
    )
    assert len(result.born) == 1


def test_a_judge_sees_whether_anything_was_gained() -> None:
    def replies(role: str, ask: Ask) -> Any:
        return LONGER if role == "generator" else {"difference": "none", "equal": True}

    result = run_step(Evolve(judge="judge"), [SEED], replies=replies)
    assert (result.born, result.evidence[0]["no_gain"]) == ([], 1)
    kin = ScriptedModels(replies, families={"generator": "llama", "judge": "llama+deepseek"})
    with pytest.raises(UsageError, match="same_family"):
        run_step(Evolve(judge="judge"), [SEED], replies=kin)
    assert run_step(Evolve(judge="judge", same_family="a trial"), [SEED], replies=kin).kinds == ["kept"]


def test_a_round_starts_from_the_last_that_was_good() -> None:
    def replies(role: str, ask: Ask) -> Any:
        return ["Explain photosynthesis to me in rhyme.", "", "Explain photosynthesis to me in rhyme, with two oaks."][
            ask.sample
        ]

    models = ScriptedModels(replies)
    result = run_step(Evolve(rounds=3), [SEED], replies=models)
    assert [row["round"] for row in result.born] == [1, 3]
    assert "in rhyme." in models.asked[2][1].messages[1]["content"]
    assert result.evidence[0]["empty"] == 1


def test_every_operation_is_drawn_and_each_row_draws_the_same_again() -> None:
    def drawn() -> list[str]:
        seeds = [{"prompt": f"Explain thing number {k}."} for k in range(60)]
        result = run_step(
            Evolve(rounds=2),
            seeds,
            seed=5,
            replies=lambda role, ask: f"{LONGER} {ask.messages[1]['content'][-400:-300]} {ask.sample} once more",
        )
        return [row["operation"] for row in result.born]

    assert drawn() == drawn()


def test_what_may_go_better_is_tried_again_and_no_operation_is_refused() -> None:
    assert evolved(CallFailed("timeout", "late")).kinds == ["quarantined"]
    assert evolved(CallFailed("timeout", "late"), failed="keep").kinds == ["kept"]
    with pytest.raises(ValidationError, match="names none"):
        Evolve(operations=())
