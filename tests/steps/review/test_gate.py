"""review.gate"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from tamis.engine.allocate import seeded_order
from tamis.steps.review.gate import Gate
from tamis.testing import run_step


def rows(n: int) -> list[dict[str, Any]]:
    return [{"prompt": f"q{k}", "response": "yes", "topic": "x"} for k in range(n)]


#: `rejected` is given by people, so no row alone leads to it
CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({}, rows(1), "undecided"),
    ({"question": "Right?", "show": ["prompt", "column:topic"]}, rows(2), ["undecided"] * 2),
    ({"sample": 5, "undecided": "drop"}, rows(3), ["undecided"] * 3),
    ({"guidelines": "Be kind.", "edit": True, "rate": True, "reviewers": 3, "consensus": "all"}, rows(1), "undecided"),
    ({"labels": {"mood": ["calm", "cross"]}, "order": "random", "repeat": 0.1}, rows(2), ["undecided"] * 2),
]


@pytest.mark.parametrize(("settings", "given", "expected"), CASES)
def test_cases(settings: dict[str, Any], given: Any, expected: Any) -> None:
    result = run_step(Gate.model_validate(settings), given)
    assert result.outcomes == (expected if isinstance(expected, list) else [expected])
    assert set(result.kinds) == {"held"}


def test_the_sample_is_the_first_of_the_seeded_order() -> None:
    ids = np.random.default_rng(2).integers(0, 2**63, (30, 2)).astype(np.uint64)
    frame = pl.DataFrame({"id.high": ids[:, 0], "id.low": ids[:, 1], "text": ["t"] * 30})
    asked = [k for k, kind in enumerate(run_step(Gate(sample=4), frame, seed=8).kinds) if kind == "held"]
    assert asked == sorted(np.argsort(seeded_order(8, ids[:, 0], ids[:, 1]))[:4].tolist())


def test_a_sample_shrinks_by_the_rows_that_left_and_no_others_join() -> None:
    ids = np.arange(40, dtype=np.uint64)
    frame = pl.DataFrame({"id.high": ids, "id.low": ids, "text": ["t"] * 40})
    few = {k for k, kind in enumerate(run_step(Gate(sample=3), frame).kinds) if kind == "held"}
    more = {k for k, kind in enumerate(run_step(Gate(sample=9), frame).kinds) if kind == "held"}
    assert len(few) == 3
    assert few < more


def test_what_it_asks_and_reads() -> None:
    gate = Gate(question="Kind enough?", show=("prompt", "column:topic"))
    assert gate.question_text() == "Kind enough?"
    assert gate.reads() == ("topic",)


@pytest.mark.parametrize("settings", [{"question": ""}, {"sample": 0}, {"undecided": "maybe"}])
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Gate.model_validate(settings)


def test_no_rows_ask_nothing() -> None:
    assert run_step(Gate(sample=2), []).kinds == []


def test_all_that_it_reads_is_known_beforehand() -> None:
    gate = Gate(
        show=("column:topic",),
        blind=("score",),
        order="cluster",
        order_by="topic",
        labels={"mood": ("a", "b"), "a.label": ("x", "y")},
    )
    assert gate.reads() == ("topic", "score", "a.label")
    assert Gate(guidelines="Be kind.", calibration="known.jsonl").files() == ("known.jsonl",)
    assert Gate(guidelines="rules.md").files() == ("rules.md",)
    assert Gate(guidelines="See rules.md\nand more.md").files() == ()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"order": "cluster"}, "needs `order_by`"),
        ({"order_by": "score"}, "has no effect with `order: row`"),
        ({"consensus": "all"}, "has no effect with one reviewer"),
        ({"reject_reasons": ["rude", "rude"]}, "names one twice"),
        ({"reject_reasons": ["Very rude"]}, "pattern"),
        ({"questions": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]}, "names one twice"),
        ({"labels": {"mood": ["calm"]}}, "fewer than two values"),
        ({"repeat": 1.5}, "less than or equal to 1"),
        ({"reviewers": 0}, "greater than or equal to 1"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Gate.model_validate(settings)
