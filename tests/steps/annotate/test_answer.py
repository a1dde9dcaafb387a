"""annotate.answer: replies become the row's answer, or a column."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.calls import Ask, CallFailed, Reply, Token
from tamis.steps.annotate.answer import Answer
from tamis.testing import run_step


def echo(role: str, ask: Ask) -> str:
    return "A short answer."


def failing(role: str, ask: Ask) -> Exception:
    return CallFailed("refused", "no")


CASES = [
    ({"prompt": "Reply to {prompt}"}, [{"prompt": "Hello"}, {"messages": []}], ["kept", "kept"], echo),
    ({"prompt": "Sum up {note}", "into": "summary"}, [{"note": "It rained."}], ["kept"], echo),
    ({"prompt": "Sum up {note}", "into": "summary", "missing": "drop"}, {"note": None}, "missing_value", echo),
    ({"prompt": "Reply to {prompt}"}, {"prompt": "Hello"}, ["quarantined"], failing),
]


def turns(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(m["role"], m["content"]) for m in row["messages"]]


def test_the_answer_ends_the_conversation_and_says_who_wrote_it() -> None:
    rows = [
        {"messages": [{"role": "user", "content": "Why is it hot?"}]},
        {"messages": [{"role": "user", "content": "And now?"}, {"role": "assistant", "content": "an older answer"}]},
    ]
    done = run_step(Answer(prompt="Reply: {prompt}"), rows, replies=echo)
    assert turns(done.rows[0]) == [("user", "Why is it hot?"), ("assistant", "A short answer.")]
    assert turns(done.rows[1]) == [("user", "And now?"), ("assistant", "A short answer.")]
    assert done.column("producer") == ["scripted/annotator"] * 2


def test_rows_without_messages_keep_their_producer_and_are_not_asked() -> None:
    rows = [{"messages": None, "producer": "people", "note": "x"}, {"prompt": "Hi", "producer": "people", "note": "y"}]
    asked = []

    def script(role: str, ask: Ask) -> str:
        asked.append(ask)
        return "said"

    done = run_step(Answer(prompt="Reply to {note}"), rows, replies=script)
    assert len(asked) == 1
    assert done.rows[0]["messages"] is None
    assert done.column("producer") == ["people", "scripted/annotator"]
    assert done.column("annotate.answer.prompt")[0] is None


def test_a_column_of_its_own_leaves_the_messages() -> None:
    rows = [{"prompt": "Hi", "response": "Hello"}]
    done = run_step(Answer(prompt="Sum up {all}", into="summary"), rows, replies=echo)
    assert turns(done.rows[0]) == [("user", "Hi"), ("assistant", "Hello")]
    assert done.column("annotate.answer.summary") == ["A short answer."]


def test_an_empty_reply_is_no_answer() -> None:
    done = run_step(Answer(prompt="Reply: {prompt}"), [{"prompt": "Hi"}], replies=lambda role, ask: " \n")
    assert done.kinds == ["quarantined"]


def test_the_mean_probability_of_tokens() -> None:
    reply = Reply("ab", tokens=(Token("a", -0.1), Token("b", -0.3)))
    step = Answer(prompt="Reply: {prompt}", confidence="logprobs")
    done = run_step(step, [{"prompt": "Hi"}], replies=lambda role, ask: reply)
    assert done.column("annotate.answer.confidence") == [pytest.approx(0.818731, abs=1e-6)]


def test_a_column_that_is_there_already_is_refused() -> None:
    with pytest.raises(ValidationError, match="is a column that is there already"):
        Answer(prompt="{x}", into="prompt")
