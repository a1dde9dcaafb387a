"""Who must not judge whom."""

from __future__ import annotations

from tamis.llm.judges import family_doubts, family_problems
from tamis.steps.filter.length import Length
from tamis.steps.score.judge import Judge
from tamis.steps.score.quality import Quality


def test_a_judge_of_the_annotators_family_is_refused() -> None:
    problems = family_problems(Judge(), {"judge": "gpt", "annotator": "gpt"})
    assert len(problems) == 1
    assert "'annotator'" in problems[0]
    assert "same_family" in problems[0]
    assert family_problems(Judge(), {"judge": "claude", "annotator": "gpt"}) == []
    assert family_problems(Judge(same_family="offline demo"), {"judge": "gpt", "annotator": "gpt"}) == []
    assert family_problems(Quality(), {"scorer": "llama", "annotator": "llama+gpt"}) != []


def test_unknown_families_are_doubts_and_no_problems() -> None:
    assert family_problems(Judge(), {"judge": None, "annotator": "gpt"}) == []
    assert "family: " in family_doubts(Judge(), {"judge": None, "annotator": "gpt"})[0]
    assert family_doubts(Judge(), {"judge": "gpt"}) == []


def test_steps_that_do_not_judge_are_let_be() -> None:
    assert family_problems(Length(min=1), {"judge": "gpt", "annotator": "gpt"}) == []
    assert family_doubts(Length(min=1), {}) == []
