"""score.factual"""

from __future__ import annotations

from typing import Any

import pytest
from tests.judges import RUDE, judged, shown

from tamis.core.calls import Ask
from tamis.steps.score.factual import VERDICTS, Factual

ROW = {"prompt": "Capital of France?", "response": "Paris.", "right": "Paris"}
QUIET: dict[str, Any] = {"canaries": 0, "repeat": 0, "reference": "source.right"}


def verdict(word: str) -> Any:
    return lambda role, ask: {"why": "w", "verdict": word}


def fair(role: str, ask: Ask) -> Any:
    return {"why": "w", "verdict": "incorrect" if RUDE.search(shown(ask, "Answer")) else "correct"}


CASES: list[Any] = [
    ({"reference": "source.right", "human": "source.h"}, {**ROW, "h": "correct"}, "kept", fair),
    ({"reference": "source.right", "min": 0.5}, ROW, "incorrect", verdict("incorrect")),
    ({"reference": "source.right", "min": 1, "repeat": 1}, ROW, "below", verdict("partly correct")),
    ({"reference": "source.right", "min": 1}, {**ROW, "right": None}, ["kept"], fair),
]


@pytest.mark.parametrize("word", list(VERDICTS))
def test_verdicts_become_scores(word: str) -> None:
    result, _ = judged(Factual(**QUIET), [ROW], verdict(word))
    assert result.column("score.factual.verdict") == [word]
    assert result.column("score.factual.score") == [VERDICTS[word]]


def test_what_is_shown() -> None:
    _, models = judged(Factual(**QUIET), [ROW, {**ROW, "right": None}], fair)
    assert len(models.asked) == 1
    ask = models.asked[0][1]
    assert [shown(ask, name) for name in ("Request", "Reference", "Answer")] == [
        "Capital of France?",
        "Paris",
        "Paris.",
    ]


def test_canaries_and_people() -> None:
    rows = [{**ROW, "h": "Incorrect"}] * 60
    result, _ = judged(Factual(reference="source.right", human="source.h"), rows, fair)
    assert {one["canary"].rpartition(":")[2] for one in result.evidence} == {"passed"}
    assert result.evidence[0]["human"] == 0.0


def test_a_judge_does_not_judge_its_own_family() -> None:
    result, _ = judged(Factual(**QUIET), [{**ROW, "producer": "claude-opus"}], fair, judge="claude")
    assert result.kinds == ["quarantined"]
