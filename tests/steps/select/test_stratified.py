"""select.stratified"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.steps.select.stratified import Stratified
from tamis.testing import run_step

OUT = "not_drawn"


def rows(*topics: str | None) -> list[dict[str, Any]]:
    return [{"prompt": str(n), "topic": topic, "n": n} for n, topic in enumerate(topics)]


CASES: list[Any] = [
    ({"rows": 1, "rejected": ["0" * 32]}, rows("a", "b"), ["rejected", "kept"]),
    ({"rows": 1, "prefer": ["-n"]}, rows("a", "b"), [OUT, "kept"]),
    ({"by": "topic", "share": 0.5, "prefer": ["n"]}, rows("a", "a", "b", "b"), ["kept", OUT, "kept", OUT]),
    ({"by": "topic", "rows": 9}, rows("a", None), ["kept", "kept"]),
]


def test_groups_keep_their_parts_and_rare_ones_are_not_lost() -> None:
    many = rows(*(["a"] * 600 + ["b"] * 399 + ["c"]))
    assert Counter(r["source.topic"] for r in run_step(Stratified(by="topic", rows=100), many).kept) == {
        "a": 60,
        "b": 39,
        "c": 1,
    }
    assert Counter(r["source.topic"] for r in run_step(Stratified(by="topic", rows=100, rare=0), many).kept) == {
        "a": 60,
        "b": 40,
    }


def test_one_measure() -> None:
    for settings in ({}, {"rows": 3, "share": 0.5}):
        with pytest.raises(ValidationError, match="either `rows` or `share`"):
            Stratified(**settings)  # type: ignore[arg-type]
