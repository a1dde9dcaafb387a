"""generate.preferences"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tamis._scripted import ScriptedModels
from tamis.core.calls import Ask, CallFailed, Reply
from tamis.core.errors import UsageError
from tamis.steps.generate.preferences import Preferences
from tamis.testing import run_step

ANSWERS = ["Four.", "Five, I think.", "It is four.", "No idea."]


def judged(ratings: dict[str, int | Any], answers: list[Any] = ANSWERS) -> Any:
    """Answers by their number; ratings by what the rated answer says, the same for every aspect."""

    def replies(role: str, ask: Ask) -> Any:
        if role != "judge":
            return answers[ask.sample]
        said = ask.messages[1]["content"].split("The answer:")[1]
        found = next(rating for text, rating in ratings.items() if text in said)
        return found if isinstance(found, Exception) else {"rationale": "so", "rating": found}

    return replies


GOOD = judged({"Four.": 5, "Five": 1, "It is four.": 4, "No idea": 2})
CASES: list[Any] = [
    ({}, {"prompt": "2+2?"}, None),
    ({}, {"prompt": "2+2?"}, ["kept"], GOOD),
    ({}, {"prompt": "2+2?"}, ["too_few"], judged({"Four.": 5}, ["Four.", "Four."])),
    ({"margin": 1.0}, {"prompt": "2+2?"}, ["too_close"], judged({"Four": 4, "Five": 4})),
]


def pair(result: Any) -> tuple[str, str]:
    [row] = result.rows
    return row["messages"][-1]["content"], row["rejected"][-1]["content"]


def test_best_against_worst() -> None:
    result = run_step(Preferences(samples=4), [{"system": "s", "prompt": "2+2?"}], replies=GOOD)
    assert pair(result) == ("Four.", "Five, I think.")
    [row] = result.rows
    told = {name: row[f"generate.preferences.{name}"] for name in ("margin", "chosen_rating", "rejected_rating")}
    assert told == {"margin": 4.0, "chosen_rating": 5.0, "rejected_rating": 1.0}
    assert [m["role"] for m in row["rejected"]] == ["system", "user", "assistant"]
    assert row["producer"] == row["generate.preferences.rejected_producer"] == "scripted/generator"
    kept = json.loads(row["generate.preferences.ratings"])
    assert [one["text"] for one in kept] == ANSWERS
    assert kept[0]["ratings"]["honesty"] == {"rating": 5, "rationale": "so"}


def test_one_text_and_one_aspect_a_call() -> None:
    models = ScriptedModels(GOOD)
    run_step(Preferences(samples=2), [{"prompt": "2+2?"}], replies=models)
    rated = [ask.messages for role, ask in models.asked if role == "judge"]
    assert len(rated) == 2 * 4
    assert all(sum(text in one[1]["content"] for text in ANSWERS) == 1 for one in rated)
    assert len({one[0]["content"] for one in rated}) == 4
    assert all(ask.temperature == 0 for role, ask in models.asked if role == "judge")


@pytest.mark.parametrize("rating", [10, 0, 6, "1", 1.0, True, None])
def test_what_is_no_rating_from_1_to_5_is_none(rating: Any) -> None:
    """A 10 was read as a 1 by others; here it is no rating, and the answer is not compared."""
    result = run_step(
        Preferences(samples=3), [{"prompt": "2+2?"}], replies=judged({"Four.": rating, "Five": 2, "It is": 4})
    )
    assert pair(result) == ("It is four.", "Five, I think.")
    assert result.evidence[0]["rated"] == 2


def test_an_answer_that_was_not_rated_or_cut_off_is_not_compared() -> None:
    lost = CallFailed("schema", "no", lasting=True)
    result = run_step(Preferences(), [{"prompt": "2+2?"}], replies=judged({"Four.": 5, "Five": lost}))
    assert (result.outcomes, result.evidence[0]["answers"], result.evidence[0]["rated"]) == (["too_few"], 2, 1)
    cut = ["Four.", Reply("Fi", finish="length")]
    result = run_step(Preferences(), [{"prompt": "2+2?"}], replies=judged({"Four.": 5}, cut))
    assert (result.outcomes, result.evidence[0]["lost"]) == (["too_few"], 1)
    result = run_step(
        Preferences(), [{"prompt": "2+2?"}], replies=judged({"Four.": 5, "Five": CallFailed("server", "x")})
    )
    assert result.kinds == ["quarantined"]


def test_the_answer_there_is_may_be_one_of_them() -> None:
    rows = [{"prompt": "2+2?", "response": "No idea.", "producer": "human"}]
    result = run_step(Preferences(samples=1, existing=True), rows, replies=GOOD)
    assert pair(result) == ("Four.", "No idea.")
    assert result.rows[0]["generate.preferences.rejected_producer"] == "human"
    result = run_step(Preferences(samples=2), rows, replies=GOOD)
    assert pair(result) == ("Four.", "Five, I think.")
    unknown = [{"prompt": "2+2?", "response": "No idea."}]
    assert pair(run_step(Preferences(samples=1, existing=True), unknown, replies=GOOD)) == ("Four.", "No idea.")
    own = [{"prompt": "2+2?", "response": "No idea.", "producer": "openai/gpt-4o"}]
    with pytest.raises(UsageError, match="what 'openai/gpt-4o' made"):
        run_step(Preferences(samples=1, existing=True), own, replies=ScriptedModels(GOOD, families={"judge": "gpt"}))


def test_ties_are_no_pairs_and_equal_answers_are_one() -> None:
    same = judged({"Four": 4, "Five": 4})
    assert run_step(Preferences(margin=0), [{"prompt": "2+2?"}], replies=same).outcomes == ["too_close"]
    models = ScriptedModels(judged({"Four.": 4}, ["Four.", "Four."]))
    run_step(Preferences(), [{"prompt": "2+2?"}], replies=models)
    assert sum(role == "judge" for role, _ in models.asked) == 4


def test_own_aspects_several_roles_and_a_judge_of_another_family() -> None:
    step = Preferences(role=("a", "b"), samples=1, aspects={"wit": "Is it funny? 1: no. 5: very."}, judge="judge")
    models = ScriptedModels(
        lambda role, ask: (
            {"rationale": "", "rating": 5 if "from a" in ask.messages[1]["content"] else 1}
            if role == "judge"
            else f"from {role}"
        ),
        families={"a": "llama", "b": "qwen", "judge": "qwen"},
    )
    with pytest.raises(UsageError, match="'judge' would judge what 'b' made"):
        run_step(step, [{"prompt": "Joke!"}], replies=models)
    models.families = {"a": "llama", "b": "qwen", "judge": "claude"}
    assert pair(run_step(step, [{"prompt": "Joke!"}], replies=models)) == ("from a", "from b")
    assert step.roles() == ("a", "b", "judge")


def test_settings_that_make_no_pair_are_refused() -> None:
    for settings in ({"samples": 1}, {"aspects": ["charm"]}, {"aspects": {}}):
        with pytest.raises(ValidationError, match=r"two answers|no aspect|names none"):
            Preferences.model_validate(settings)
