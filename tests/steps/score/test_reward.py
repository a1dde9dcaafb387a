"""score.reward"""

from __future__ import annotations

from typing import Any

import pytest
from tests.judges import judged

from tamis.core.calls import Ask, CallFailed
from tamis.steps.score.reward import Reward


def says(role: str, ask: Ask) -> Any:
    return 2.5 if "good" in ask.messages[-1]["content"] else -1.0


def pair(chosen: str, rejected: str | None) -> dict[str, Any]:
    def chat(text: str) -> list[dict[str, str]]:
        return [{"role": "user", "content": "a"}, {"role": "assistant", "content": text}]

    return {"messages": chat(chosen), "rejected": None if rejected is None else chat(rejected)}


CASES: list[Any] = [
    ({}, {"prompt": "a", "response": "good"}, "kept", says),
    ({"min": 0}, {"prompt": "a", "response": "no"}, "below", says),
    ({"min_margin": 1}, pair("no", "good"), "margin", says),
    ({}, {"prompt": "a"}, ["kept"], says),
    ({}, {"prompt": "a", "response": "b"}, ["quarantined"], lambda role, ask: CallFailed("unreadable", "no reward")),
]


def test_both_answers_are_scored_and_the_margin_kept() -> None:
    result, _ = judged(Reward(min_margin=1), [pair("good", "no"), pair("good", "good"), pair("no", None)], says)
    assert result.column("score.reward.score") == [2.5, 2.5, -1.0]
    assert result.column("score.reward.rejected_score") == [-1.0, 2.5, None]
    assert result.column("score.reward.margin") == [3.5, 0.0, None]
    assert result.outcomes == ["kept", "margin", "kept"]


@pytest.mark.parametrize("row", [{"prompt": "a"}, {"messages": []}, {"messages": None}])
def test_a_conversation_without_an_answer_is_not_asked_about(row: dict[str, Any]) -> None:
    result, _ = judged(Reward(), [row], lambda role, ask: CallFailed("server", "must not be asked"))
    assert result.kinds == ["kept"]
    assert result.column("score.reward.score") == [None]
