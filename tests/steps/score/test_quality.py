"""score.quality"""

from __future__ import annotations

from typing import Any

import pytest
from tests.judges import judged, shown

from tamis.core.calls import Ask, Reply, Token
from tamis.steps.score.quality import Quality


def says(role: str, ask: Ask) -> Reply:
    name = "6" if "good" in shown(ask, "Response") else "1"
    return Reply(name, tokens=(Token(name, -0.01, ((name, -0.01),)),))


CASES: list[Any] = [
    ({}, {"prompt": "a", "response": "good"}, "kept", says),
    ({"min": 3}, {"prompt": "a", "response": "b"}, "below", says),
    ({}, {"prompt": "a"}, ["kept"], says),
]


def chat(*turns: tuple[str, str]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def test_every_answered_turn_is_scored_with_its_answer() -> None:
    row = chat(
        ("system", "s"), ("user", "one"), ("assistant", "good"), ("user", "two"), ("assistant", "calls a tool"),
        ("tool", "t"), ("assistant", "x"), ("user", "three"),
    )  # fmt: skip
    result, models = judged(Quality(), [row], says)
    assert [(shown(ask, "Prompt"), shown(ask, "Response")) for _, ask in models.asked] == [
        ("one", "good"),
        ("two", "x"),
    ]
    assert result.column("score.quality.turns") == [pytest.approx([6.0, 1.0])]
    assert result.column("score.quality.mean") == pytest.approx([3.5])


def test_a_scorer_does_not_score_its_own_family() -> None:
    row = {"prompt": "a", "response": "good", "producer": "gpt-4o"}
    result, models = judged(Quality(), [row], says, scorer="gpt")
    assert result.kinds == ["quarantined"]
    assert models.asked == []
    result, _ = judged(Quality(same_family="it was trained to score"), [row], says, scorer="gpt")
    assert result.kinds == ["kept"]
