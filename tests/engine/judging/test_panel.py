"""What is told of a judge, on judges whose faults are known."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
import pytest

from tamis.engine.judging.panel import judge_figures, told_in_words


def rated(n: int = 200, **columns: Any) -> pl.DataFrame:
    draw = random.Random(7)
    made = {"score": [float(draw.randint(0, 4)) for _ in range(n)], "length": [draw.randint(10, 900) for _ in range(n)]}
    return pl.DataFrame({**made, **columns})


def test_a_judge_of_lengths_is_found_out() -> None:
    fair = judge_figures(rated())
    assert abs(fair["length"]["spearman"]["value"]) < 0.2
    assert fair["warnings"] == []
    frame = rated().with_columns(score=(pl.col("length") // 200).cast(pl.Float64))
    biased = judge_figures(frame)
    assert biased["length"]["spearman"]["value"] > 0.9
    assert biased["length"]["spearman"]["low"] > 0.8
    assert any("longer answers" in one for one in biased["warnings"])


def test_a_judge_that_prefers_the_first_place_is_found_out() -> None:
    orders = ["first/second"] * 30 + ["first/first"] * 15 + ["second/second"] * 5
    frame = pl.DataFrame({"score": [0.5] * 30 + [1.0] * 15 + [0.0] * 5, "orders": orders, "longer": [1] * 50})
    told = judge_figures(frame)
    assert told["position"]["consistent"]["value"] == pytest.approx(0.4)
    assert told["position"]["first_shown"]["value"] == 1.0
    assert told["length"]["longer_wins"] == {"value": 0.75, "low": 0.5313, "high": 0.8881, "of": 20}
    assert any("60% of the pairs" in one for one in told["warnings"])


def test_repeats_people_and_families() -> None:
    frame = rated(40).with_columns(
        again=pl.when(pl.int_range(40) < 20).then(pl.col("score")),
        human=pl.when(pl.int_range(40) < 30).then((pl.col("score") + 1).clip(0, 4)),
        family=pl.when(pl.int_range(40) < 5).then(pl.lit("unknown")).otherwise(pl.lit("other")),
    )
    told = judge_figures(frame)
    assert told["repeat"]["same"]["of"] == 20
    assert told["repeat"]["same"]["value"] == 1.0
    assert told["human"]["spearman"]["value"] > 0.9
    assert told["human"]["bias"]["value"] < -0.5
    assert told["families"] == {"other": 35, "unknown": 5}
    assert any("5 rows" in one for one in told["warnings"])


def test_canaries_are_counted_once_and_named() -> None:
    canary = ["a/good:passed", "a/injection:failed", "b/bad:unread", "a/good:passed"] * 3
    told = judge_figures(rated(12).with_columns(canary=pl.Series(canary)))
    assert told["canaries"] == {"judged": 3, "passed": 1, "failed": ["a/injection"], "unread": ["b/bad"]}
    assert any("talk this judge round" in one for one in told["warnings"])
    assert "Answers of known worth: 1 of 3 judged as they must be." in told_in_words(told)


def test_a_judge_that_always_says_the_same() -> None:
    told = judge_figures(rated().with_columns(score=pl.lit(4.0)))
    assert told["length"]["spearman"]["value"] is None
    assert any("tells nothing apart" in one for one in told["warnings"])
    assert told_in_words(told)


def test_nothing_judged() -> None:
    for frame in (pl.DataFrame(), rated(3).with_columns(score=pl.lit(None, pl.Float64))):
        told = judge_figures(frame)
        assert told["rows"] == 0
        assert told_in_words(told)
