"""Shares, signs, ranks and means: against scipy's and statsmodels' figures."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.engine.agreement.paired import benjamini_hochberg, mcnemar, mean, paired_difference, sign_test, wilson
from tamis.engine.agreement.rank import correlation


@pytest.mark.parametrize(
    ("wins", "losses", "p"),
    [(9, 1, 0.021484375), (3, 17, 0.0025768280029296875), (5, 5, 1.0), (120, 180, 0.0006342200069283609), (0, 0, 1.0)],
)
def test_the_sign_test_is_the_exact_binomial_test(wins: int, losses: int, p: float) -> None:
    assert sign_test(wins, losses) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0.0, 0.277533), (5, 10, 0.236593, 0.763407), (480, 501, 0.936773, 0.972423), (10, 10, 0.722467, 1.0)],
)
def test_wilson_is_that_of_statsmodels(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of)[1:] == pytest.approx((low, high), abs=1e-6)


def test_mcnemar_looks_at_rows_where_the_two_differ() -> None:
    a = [True] * 50 + [True] * 9 + [False] * 1 + [False] * 40
    b = [True] * 50 + [False] * 9 + [True] * 1 + [False] * 40
    told = mcnemar(a, b)
    assert (told.only_a, told.only_b) == (9, 1)
    assert told.p == pytest.approx(0.021484375)
    assert told.chi2 == pytest.approx(4.9)


def test_bca_is_that_of_scipy() -> None:
    """scipy.stats.bootstrap, 20,000 resamples: 9.83 to 13.90, and for the skewed one 154.9 to 267.9."""
    values = np.array([(i * i * 7) % 31 for i in range(60)], float)
    assert mean(values, resamples=20_000)[1:3] == pytest.approx((9.833, 13.90), abs=0.1)
    assert mean(values**2, resamples=20_000)[1:3] == pytest.approx((154.9, 267.9), abs=3)


def test_paired_differences_are_surer_than_two_means() -> None:
    a = np.arange(100.0)
    told = paired_difference(a, a + 0.5 + np.arange(100) % 2)
    assert told.value == pytest.approx(1.0)
    assert 0.89 < told.low < told.high < 1.11  # type: ignore[operator]


def test_adjusted_probabilities_are_those_of_statsmodels() -> None:
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216]
    right = [0.01, 0.04, 0.084, 0.084, 0.084, 0.1, 0.10571428571428572, 0.216, 0.216, 0.216]
    assert benjamini_hochberg(p).tolist() == pytest.approx(right)


def test_correlations_are_those_of_scipy() -> None:
    x = [i * 37 % 101 + (i % 7) for i in range(120)]
    y = [(i * 37 % 101) // 9 + (i * i % 23) for i in range(120)]
    told = correlation(x, y)
    right = {"pearson": 0.5380396226298892, "spearman": 0.5232953634154449, "kendall": 0.3781628503904906}
    assert {name: one.value for name, one in told.items()} == pytest.approx(right, abs=1e-12)
    for one in told.values():
        assert one.low < one.value < one.high  # type: ignore[operator]


def test_correlation_of_what_never_varies_is_unknown() -> None:
    assert correlation([1, 1, 1], [1, 2, 3])["kendall"].value is None
    assert correlation([1.0, None, 2.0], [3.0, 4.0, 5.0], resamples=0)["pearson"].value == pytest.approx(1.0)
    assert correlation([None], [1])["pearson"].value is None


def test_bca_moves_with_the_skew() -> None:
    """scipy.stats.bootstrap on 1 to the fourth up to 20 to the fourth, 30,000 resamples; percentiles: 17,204 to 58,240."""
    told = mean([float(k**4) for k in range(1, 21)], resamples=30_000)
    assert told.method == "bca"
    assert told[1:3] == pytest.approx((19_341, 62_582), rel=0.015)
