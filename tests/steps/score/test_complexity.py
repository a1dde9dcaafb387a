"""score.complexity: the expected value over the score tokens, turn by turn."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError
from tests.judges import judged, shown

from tamis.core.calls import Ask, Reply, Token
from tamis.steps.score.complexity import Complexity


def scored(**shares: float) -> Reply:
    """A reply whose first place has these probabilities: scored(s3=0.5, s4=0.5)."""
    top = tuple((name.removeprefix("s"), math.log(share)) for name, share in shares.items())
    return Reply(top[0][0], tokens=(Token(*top[0], top),))


def by_length(role: str, ask: Ask) -> Reply:
    return scored(s2=0.5, s3=0.5) if len(shown(ask, "Prompt")) < 10 else scored(s5=0.9, s6=0.1)


def chat(*texts: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[k % 2], "content": text} for k, text in enumerate(texts)]}


CASES: list[Any] = [
    ({}, {"prompt": "a", "response": "b"}, "kept", by_length),
    ({"min": 4}, {"prompt": "a", "response": "b"}, "below", by_length),
    ({"turns": "sum", "min": 4}, chat("a", "b", "c", "d"), "kept", by_length),
    ({"template": "##Query: {prompt}"}, {"prompt": "a"}, "kept", lambda role, ask: scored(s4=1.0)),
    ({}, {"prompt": "a"}, ["quarantined"], lambda role, ask: "4"),
    ({}, {"response": "a"}, ["kept"], by_length),
]


def test_sums_and_means_of_turns() -> None:
    row = chat("short", "x", "a rather long question", "y", "short")
    result, models = judged(Complexity(), [row], by_length)
    assert [shown(ask, "Prompt") for _, ask in models.asked] == ["short", "a rather long question", "short"]
    assert result.column("score.complexity.turns") == [pytest.approx([2.5, 5.1, 2.5])]
    assert result.column("score.complexity.sum")[0] == pytest.approx(10.1)
    assert result.column("score.complexity.mean")[0] == pytest.approx(10.1 / 3)
    assert result.column("score.complexity.score") == result.column("score.complexity.mean")
    summed, _ = judged(Complexity(turns="sum"), [row], by_length)
    assert summed.column("score.complexity.score") == result.column("score.complexity.sum")


def test_what_is_asked() -> None:
    _, models = judged(Complexity(), [{"prompt": "a", "response": "secret"}], by_length)
    ask = models.asked[0][1]
    assert (ask.logprobs, ask.temperature, ask.max_tokens, ask.schema) == (20, 0.0, 4, None)
    assert "secret" not in str(ask.messages)


def test_a_place_that_was_hardly_one_of_a_score_is_told() -> None:
    says = [scored(s3=0.3, Well=0.7), scored(s3=0.6, s4=0.2)]
    result, _ = judged(
        Complexity(), [{"prompt": "a"}, {"prompt": "b"}], lambda role, ask: says[shown(ask, "Prompt") == "b"]
    )
    assert result.column("score.complexity.unsure") == [True, False]
    assert result.column("score.complexity.score") == pytest.approx([3.0, 3.25])
    assert [one["missing"] for one in result.evidence] == [5, 4]


@pytest.mark.parametrize("reply", ["4", Reply("hm", tokens=(Token("hm", -0.1),)), Reply("", tokens=())])
def test_no_score_is_made_up(reply: Any) -> None:
    result, _ = judged(Complexity(), [{"prompt": "a"}], lambda role, ask: reply)
    assert result.kinds == ["quarantined"]


def test_row_text_fills_no_placeholder() -> None:
    step = Complexity(template="Query: {prompt}\nEnd: {response}")
    row = {"prompt": "what does {response} mean, or {0}?", "response": "secret"}
    _, models = judged(step, [row], lambda role, ask: scored(s4=1.0))
    assert models.asked[0][1].messages[0]["content"] == "Query: what does {response} mean, or {0}?\nEnd: secret"


def test_settings_that_cannot_be_meant() -> None:
    with pytest.raises(ValidationError, match="does not show"):
        Complexity(template="no place for it")
    with pytest.raises(ValidationError, match="above 1"):
        Complexity(min=7)
