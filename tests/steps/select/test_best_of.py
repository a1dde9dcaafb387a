"""select.best_of"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.select.best_of import BestOf
from tamis.testing import run_step


def answer(prompt: str | None, score: Any, **more: Any) -> dict[str, Any]:
    return {"prompt": prompt, "response": "x", "source.score": score, **more}


BEST = {"score": "score"}
FIVE = [answer("a", 1.0), answer("b", 1.0), answer("a", 3.0), answer("a", 3.0), answer("a", None)]

CASES: list[Any] = [
    (BEST, FIVE, ["not_best", "kept", "kept", "not_best", "not_best"]),
    ({**BEST, "others": "drop"}, FIVE, ["not_best", "kept", "kept", "not_best", "not_best"]),
    ({**BEST, "count": 2}, FIVE, ["not_best", "kept", "kept", "kept", "not_best"]),
    ({**BEST, "count": 4}, FIVE, ["kept"] * 5),
    ({**BEST, "order": "lowest"}, FIVE, ["kept", "kept", "not_best", "not_best", "not_best"]),
    # without a prompt nobody is a rival
    (BEST, [answer(None, 1.0), answer(None, 2.0)], ["kept", "kept"]),
    # all without a score: the first stays
    (BEST, [answer("a", None), answer("a", float("nan"))], ["kept", "not_best"]),
    # to the byte
    (BEST, [answer("a", 1.0), answer("A", 2.0)], ["kept", "kept"]),
    (
        {**BEST, "on": "column:group"},
        [answer("a", 1.0, group="g"), answer("b", 2.0, group="g"), answer("b", 0.0, group="h")],
        ["not_best", "kept", "kept"],
    ),
    ({**BEST, "on": ["prompt", "column:group"]}, [answer("a", 1, group="g"), answer("a", 2, group="h")], ["kept"] * 2),
]


@pytest.mark.parametrize(("settings", "rows", "outcomes"), CASES)
def test_outcomes(settings: dict[str, Any], rows: list[dict[str, Any]], outcomes: list[str]) -> None:
    assert run_step(BestOf.model_validate(settings), rows).outcomes == outcomes


def test_the_others_are_merged_into_the_best_or_dropped() -> None:
    merged = run_step(BestOf(**BEST), FIVE)
    assert merged.into == [2, None, None, 2, 2]
    assert merged.line == "5 in = 2 kept + 3 merged (not_best 3)"
    dropped = run_step(BestOf(**BEST, others="drop"), FIVE)
    assert dropped.line == "5 in = 2 kept + 3 dropped (not_best 3)"
    assert run_step(BestOf(**BEST, count=2), FIVE).into == [2, None, None, None, 2]


def test_the_evidence_is_the_rank_among_the_answers() -> None:
    evidence = run_step(BestOf(**BEST), FIVE).evidence
    assert [(e["rank"], e["answers"]) for e in evidence] == [(3, 4), (1, 1), (1, 4), (2, 4), (4, 4)]


def test_what_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match="holds String, not numbers"):
        run_step(BestOf(**BEST), [answer("a", "good")])
    with pytest.raises(ValidationError, match="`on` is empty"):
        BestOf(**BEST, on=())
