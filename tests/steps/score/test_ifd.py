"""score.ifd"""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError
from tests.judges import judged

from tamis.core.calls import Ask, CallFailed
from tamis.steps.score.ifd import Ifd


def script(behind: list[float], alone: list[float]) -> Any:
    return lambda role, ask: behind if len(ask.messages) > 1 else alone


def at(ratio: float) -> Any:
    return script([-2.0] * 6, [-2.0 + math.log(ratio)] * 6)


CASES: list[Any] = [
    ({}, {"prompt": "a", "response": "b"}, "kept", at(0.5)),
    ({"max": 1}, {"prompt": "a", "response": "b"}, "above", at(1.2)),
    ({"min": 0.2}, {"prompt": "a", "response": "b"}, "below", at(0.1)),
    ({}, {"prompt": "a"}, ["kept"], at(1)),
    ({}, {"prompt": "a", "response": "b"}, ["quarantined"], lambda role, ask: CallFailed("refused", "too long")),
]


def score(script: Any, **settings: Any) -> Any:
    result, _ = judged(Ifd(**settings), [{"prompt": "a", "response": "b"}], script)
    return result.column("score.ifd.score")[0]


def test_perplexity_behind_the_request_over_perplexity_alone() -> None:
    assert score(script([-1.0] * 6, [-2.0] * 6)) == pytest.approx(math.exp(-1), abs=1e-5)
    assert score(at(1.25)) == pytest.approx(1.25)


def test_both_are_taken_over_the_same_tokens() -> None:
    """Alone, the first token has no log-probability; behind a request it has one, and may be a surprise."""
    assert score(script([-90.0, -1.0, -1.0, -1.0], [-2.0, -2.0, -2.0])) == pytest.approx(
        score(script([-0.0, -1.0, -1.0, -1.0], [-2.0, -2.0, -2.0]))
    )


def test_what_is_asked() -> None:
    asked: list[Ask] = []

    def says(role: str, ask: Ask) -> list[float]:
        asked.append(ask)
        return [-1.0] * 6

    row = {"system": "s", "prompt": "a", "response": "b", "producer": "x"}
    judged(Ifd(), [row], says)
    assert [[one["content"] for one in ask.messages] for ask in asked] == [["s", "a", "b"], ["b"]]


def test_short_answers_have_no_score() -> None:
    assert score(script([-1.0] * 3, [-2.0] * 3)) is None
    assert score(script([-1.0] * 3, [-2.0] * 3), min_tokens=2) is not None
    assert score(script([], [])) is None


def test_figures_of_other_texts_are_refused() -> None:
    result, _ = judged(Ifd(), [{"prompt": "a", "response": "b"}], script([-1.0] * 40, [-1.0] * 6))
    assert result.kinds == ["quarantined"]


def test_every_row_would_be_dropped() -> None:
    with pytest.raises(ValidationError, match="every row would be dropped"):
        Ifd(min=1, max=0.5)
