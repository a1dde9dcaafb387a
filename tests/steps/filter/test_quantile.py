"""filter.quantile"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.filter.quantile import Quantile
from tamis.testing import run_step


def scored(*scores: float | None, **columns: list[Any]) -> list[dict[str, Any]]:
    return [{"prompt": "?", "score": score, **{k: v[i] for k, v in columns.items()}} for i, score in enumerate(scores)]


DROPPED = "below_quantile"
CASES: list[Any] = [
    ({"column": "score", "share": 0.5}, scored(1, 4, 3, 2), [DROPPED, "kept", "kept", DROPPED]),
    ({"column": "score", "share": 0.5, "order": "lowest"}, scored(1, 4, 3, 2), ["kept", DROPPED, DROPPED, "kept"]),
    ({"column": "score", "count": 1}, scored(1, 4, 4, 2), [DROPPED, "kept", DROPPED, DROPPED]),
    ({"column": "score", "count": 9}, scored(1, 4), ["kept", "kept"]),
    ({"column": "score", "share": 0.1}, scored(7), ["kept"]),
    (
        {"column": "score", "count": 1, "nulls": "drop"},
        scored(None, 1.0, float("nan")),
        ["no_value", "kept", "no_value"],
    ),
    ({"column": "score", "count": 1}, scored(None, 1.0, 2.0), ["kept", DROPPED, "kept"]),
    (
        {"column": "score", "count": 1, "by": ["tag"]},
        scored(1, 2, 3, 4, tag=["a", "b", "a", None]),
        [DROPPED, "kept", "kept", "kept"],
    ),
]


def test_no_row_is_lost_to_binary_fractions() -> None:
    """0.07 × 100 is 7.000000000000001 in binary; eight rows would stay."""
    result = run_step(Quantile(column="score", share=0.07), scored(*range(100)))
    assert result.line == "100 in = 7 kept + 93 dropped (below_quantile 93)"
    assert result.evidence[99] == {"rank": 1, "group_rows": 100}
    assert result.evidence[0] == {"rank": 100, "group_rows": 100}


def test_ties_break_by_row_order_in_many_rows() -> None:
    frame = pl.DataFrame({"source.score": [n % 3 for n in range(30_000)]})
    outcomes = run_step(Quantile(column="score", share=0.5), frame).outcomes
    best, middle = outcomes[2::3], outcomes[1::3]
    assert best == ["kept"] * 10_000
    assert middle == ["kept"] * 5_000 + [DROPPED] * 5_000


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.integers(-3, 3)), st.sampled_from("abc")), max_size=30),
    st.sampled_from([0.05, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0]),
    st.booleans(),
)
def test_against_a_slow_twin(rows: list[tuple[int | None, str]], share: float, highest: bool) -> None:
    expected = ["kept"] * len(rows)
    for group in "abc":
        ranked = [i for i, (score, tag) in enumerate(rows) if tag == group and score is not None]
        ranked.sort(key=lambda i: (-rows[i][0] if highest else rows[i][0], i))  # type: ignore[operator]
        for i in ranked[ceil(Fraction(str(share)) * len(ranked)) :]:
            expected[i] = DROPPED
    step = Quantile(column="score", share=share, by=("tag",), order="highest" if highest else "lowest")
    table = scored(*(float(score) if score is not None else None for score, _ in rows), tag=[tag for _, tag in rows])
    if table:
        if all(row["score"] is None for row in table):
            table[0]["score"], expected = 0.0, ["kept"] * len(rows)
        assert run_step(step, table).outcomes == expected


def test_words_are_not_ranked() -> None:
    with pytest.raises(UsageError, match=r"column 'source\.score' holds String, not numbers"):
        run_step(Quantile(column="score", share=0.5), [{"prompt": "?", "score": "high"}])


def test_one_measure_is_asked_for() -> None:
    with pytest.raises(ValidationError, match="give either `share`"):
        Quantile(column="score")
    with pytest.raises(ValidationError, match="give either `share`"):
        Quantile(column="score", share=0.5, count=3)
