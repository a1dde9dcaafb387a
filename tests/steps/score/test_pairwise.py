"""score.pairwise: both orders, and only what both say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from tests.judges import RUDE, judged, shown

from tamis.core.calls import Ask
from tamis.steps.score.pairwise import Pairwise

REJECTED = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "bad"}]
ROW = {
    "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "good one"}],
    "rejected": REJECTED,
}
QUIET: dict[str, Any] = {"canaries": 0, "repeat": 0}


def fair(role: str, ask: Ask) -> Any:
    """The answer with `good` in it, or the polite one."""
    one, two = (shown(ask, name) for name in ("Answer 1", "Answer 2"))
    better = [
        name for name, text in (("Answer 1", one), ("Answer 2", two)) if "bad" not in text and not RUDE.search(text)
    ]
    return {"why": "w", "better": better[0] if len(better) == 1 else "tie"}


def always_first(role: str, ask: Ask) -> Any:
    return {"why": "w", "better": "Answer 1"}


def in_words(role: str, ask: Ask) -> str:
    return f"Answer 1 is longer. Verdict: {fair(role, ask)['better']}"


CASES: list[Any] = [
    ({}, ROW, "kept", fair),
    ({"keep": "first"}, ROW, "kept", fair),
    ({"keep": "first"}, ROW, "not_better", always_first),
    ({"reply": "text", "repeat": 1, "human": "source.h"}, {**ROW, "h": "first"}, "kept", in_words),
    ({"reply": "text"}, ROW, ["quarantined"], lambda role, ask: "Who knows."),
    ({}, {"prompt": "a", "response": "b"}, ["kept"], fair),
]


def test_both_orders_are_asked() -> None:
    result, models = judged(Pairwise(**QUIET), [ROW], fair)
    seen = [(shown(ask, "Answer 1"), shown(ask, "Answer 2")) for _, ask in models.asked]
    assert seen == [("good one", "bad"), ("bad", "good one")]
    assert result.column("score.pairwise.winner") == ["first"]
    assert result.column("score.pairwise.consistent") == [True]
    assert result.evidence[0]["longer"] == 5
    assert result.evidence[0]["orders"] == "first/first"


def test_a_verdict_that_depends_on_the_order_is_a_tie() -> None:
    result, _ = judged(Pairwise(**QUIET), [ROW], always_first)
    assert result.column("score.pairwise.winner") == ["tie"]
    assert result.column("score.pairwise.consistent") == [False]
    assert result.evidence[0]["orders"] == "first/second"


def test_the_second_can_win_and_a_tie_agrees_with_a_tie() -> None:
    swapped = {"messages": ROW["rejected"], "rejected": ROW["messages"]}
    same = {**ROW, "rejected": [*REJECTED[:1], {"role": "assistant", "content": "good, too"}]}
    result, _ = judged(Pairwise(**QUIET), [swapped, same], fair)
    assert result.column("score.pairwise.winner") == ["second", "tie"]
    assert result.column("score.pairwise.consistent") == [True, True]


def test_replies_in_words_name_the_answers_as_they_were_shown() -> None:
    result, _ = judged(Pairwise(reply="text", **QUIET), [ROW], in_words)
    assert result.column("score.pairwise.winner") == ["first"]


def test_canaries_of_pairs() -> None:
    result, _ = judged(Pairwise(repeat=0, canaries=3), [ROW] * 60, fair)
    assert {one["canary"].rpartition(":")[2] for one in result.evidence} == {"passed"}
    assert len({one["canary"] for one in result.evidence}) == 3
    result, _ = judged(Pairwise(repeat=0, canaries=3), [ROW] * 60, always_first)
    assert {one["canary"].rpartition(":")[2] for one in result.evidence} == {"failed"}


def test_two_different_answers_and_one_rubric() -> None:
    with pytest.raises(ValidationError, match="two different"):
        Pairwise(first="response", second="response")
    with pytest.raises(ValidationError, match="one rubric"):
        Pairwise.model_validate({"rubric": ["honesty", "truthfulness"]})
