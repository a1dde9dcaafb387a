"""Who must not judge whom."""

from __future__ import annotations

from tamis.llm.judges import family_doubts, family_problems
from tamis.steps.filter.length import Length
from tamis.steps.generate.preferences import Preferences
from tamis.steps.score.judge import Judge
from tamis.steps.score.quality import Quality


def test_a_judge_of_the_annotators_family_is_refused() -> None:
    families = {"judge": "gpt", "annotator": "gpt", "other": "claude"}
    problems = family_problems(Judge(), families, ["annotator"])
    assert len(problems) == 1
    assert "'annotator'" in problems[0]
    assert "same_family" in problems[0]
    assert family_problems(Judge(), families, ["other"]) == []
    assert family_problems(Judge(), families, []) == []
    assert family_problems(Judge(same_family="offline demo"), families, ["annotator"]) == []
    assert family_problems(Quality(), {"scorer": "llama", "annotator": "llama+gpt"}, ["annotator"]) != []


def test_a_role_that_writes_does_not_judge_even_of_no_known_family() -> None:
    assert "judge itself" in family_problems(Judge(role="writer"), {"writer": None}, ["writer"])[0]


def test_the_judges_inside_generating_steps_are_judges_too() -> None:
    step = Preferences(role=("a", "b"))
    assert (step.roles(), step.writers(), step.judging()) == (("a", "b", "judge"), ("a", "b"), ("judge",))
    [problem] = family_problems(step, {"a": "claude", "b": "gpt", "judge": "gpt"}, step.writers())
    assert "as 'b' is" in problem


def test_unknown_families_are_doubts_and_no_problems() -> None:
    assert family_problems(Judge(), {"judge": None, "annotator": "gpt"}, ["annotator"]) == []
    assert "family: " in family_doubts(Judge(), {"judge": None, "annotator": "gpt"})[0]
    assert family_doubts(Judge(), {"judge": "gpt"}) == []
    assert family_doubts(Judge(same_family="a demo"), {"judge": None}) == []


def test_steps_that_do_not_judge_are_let_be() -> None:
    assert family_problems(Length(min=1), {"judge": "gpt", "annotator": "gpt"}, ["annotator"]) == []
    assert family_doubts(Length(min=1), {}) == []
