"""Groups of rows with bad labels: planted ones are found, broader and narrower ones not told again, noise is silent."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from tamis.core.errors import UsageError
from tamis.engine.agreement.slices import _Tail, find_slices


def rows(n: int, seed: int, columns: int = 12) -> pl.DataFrame:
    """Columns that mean nothing: values, numbers, flags, skewed counts, texts."""
    random = np.random.default_rng(seed)
    made: dict[str, list[object]] = {}
    for c in range(columns):
        kind = c % 5
        if kind == 0:
            made[f"topic{c}"] = random.choice(list("abcdefgh"), n).tolist()
        elif kind == 1:
            made[f"score{c}"] = random.normal(size=n).tolist()
        elif kind == 2:
            made[f"flag{c}"] = (random.random(n) < 0.3).tolist()
        elif kind == 3:
            made[f"turns{c}"] = np.minimum(random.geometric(0.4, n), 9).tolist()
        else:
            made[f"text{c}"] = ["x" * int(size) for size in random.integers(1, 300, n)]
    return pl.DataFrame(made)


def wrong(inside: pl.Series, seed: int, bad: float = 0.6, else_: float = 0.08) -> np.ndarray:
    chance = np.random.default_rng(seed).random(len(inside))
    return chance < np.where(inside.to_numpy(), bad, else_)


@pytest.mark.parametrize("seed", range(8))
def test_a_planted_value_is_found_and_nothing_else(seed: int) -> None:
    frame = rows(501, seed)
    found = find_slices(frame, wrong(frame["topic5"] == "c", 100 + seed))
    assert [one.name for one in found.slices] == ["topic5 = c"]


def test_a_planted_pair_is_told_not_the_values_it_is_made_of() -> None:
    frame = rows(2000, 3)
    found = find_slices(frame, wrong((frame["topic0"] == "b") & frame["flag2"], 5, bad=0.7, else_=0.05))
    assert [one.name for one in found.slices] == ["topic0 = b and flag2 = true"]


def test_two_planted_groups_are_told_apart_also_where_they_overlap() -> None:
    frame = rows(3000, 4)
    inside = (frame["topic0"] == "b") | (frame["topic5"] == "g")
    found = find_slices(frame, wrong(inside, 9))
    assert {one.name for one in found.slices} == {"topic0 = b", "topic5 = g"}


def test_short_texts_are_found_by_length_and_large_numbers_by_fifths() -> None:
    frame = rows(2000, 6)
    short = find_slices(frame, wrong(frame["text4"].str.len_chars() <= 40, 1)).slices[0]
    assert short.where[0][0] == "length of text4"
    assert short.where[0][1].startswith("up to ")
    high = find_slices(frame, wrong(frame["score1"] > 0.9, 2)).slices[0]
    assert high.where[0][0] == "score1"
    assert high.where[0][1].startswith("above 0.8")


def test_missing_values_are_a_group() -> None:
    frame = pl.DataFrame({"language": ["en"] * 150 + [None] * 50})
    found = find_slices(frame, [False] * 140 + [True] * 60)
    assert found.slices[0].name == "language = (null)"


def test_a_copy_of_a_column_is_not_told_again() -> None:
    frame = rows(501, 7).with_columns(copy=pl.col("topic5"))
    found = find_slices(frame, wrong(frame["topic5"] == "c", 3))
    assert len(found.slices) == 1


def test_figures_of_a_group() -> None:
    frame = pl.DataFrame({"language": ["de"] * 40 + ["en"] * 160})
    one = find_slices(frame, [True] * 30 + [False] * 10 + [True] * 16 + [False] * 144).slices[0]
    assert (one.rows, one.errors, one.rate) == (40, 30, 0.75)
    assert (one.low, one.high) == pytest.approx((0.5981, 0.8581), abs=1e-4)
    assert one.difference == pytest.approx(0.75 - 0.1)
    assert one.adjusted >= one.p


def test_small_groups_are_not_told() -> None:
    frame = pl.DataFrame({"language": ["de"] * 19 + ["en"] * 181})
    is_wrong = [True] * 19 + [False] * 181
    assert find_slices(frame, is_wrong, support=20).slices == []  # and `en` is better than the rest, not worse
    assert find_slices(frame, is_wrong, support=19).slices[0].name == "language = de"


def test_noise_is_silent() -> None:
    """At most 5 of 100 sets of noise say anything; 60 sets of 501 rows, more than seven would be chance of 1%."""
    told = sum(bool(find_slices(rows(501, seed), np.random.default_rng(seed).random(501) < 0.15).slices) for seed in range(60))  # fmt: skip
    assert told <= 7


def test_ids_and_lists_say_nothing() -> None:
    frame = pl.DataFrame({"id": [f"row-{k:05}" for k in range(100)], "tags": [["a"]] * 100})
    found = find_slices(frame, [True] * 30 + [False] * 70)
    assert found.slices == []
    assert set(found.skipped) >= {"tags"}


def test_all_right_or_all_wrong_has_no_worst() -> None:
    frame = rows(100, 1)
    assert find_slices(frame, [False] * 100).slices == find_slices(frame, [True] * 100).slices == []
    assert find_slices(pl.DataFrame(), [True, False]).slices == []


def test_lengths_must_fit() -> None:
    with pytest.raises(UsageError, match="3 rows of columns and 2 of errors"):
        find_slices({"a": [1, 2, 3]}, [True, False])


def test_fishers_test_is_a_sum_of_binomials() -> None:
    n, all_errors, size, errors = 40, 12, 15, 8
    right = sum(math.comb(all_errors, k) * math.comb(n - all_errors, size - k) for k in range(errors, 13)) / math.comb(
        n, size
    )
    assert _Tail(n)(size, errors, n, all_errors) == pytest.approx(right, rel=1e-12)


def test_a_pair_that_is_worse_by_luck_gives_way_to_its_broader_group() -> None:
    """Half of `b` has 20 of 50 wrong, the other 6 of 50: less likely by chance than `b` itself, yet no other group."""
    frame = pl.DataFrame({"topic": ["b"] * 100 + ["a"] * 500, "flag": [True] * 50 + [False] * 50 + [True, False] * 250})
    is_wrong = [True] * 20 + [False] * 30 + [True] * 6 + [False] * 44 + [True] * 30 + [False] * 470
    assert [one.name for one in find_slices(frame, is_wrong).slices] == ["topic = b"]
