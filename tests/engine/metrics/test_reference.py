"""A selection against a reference: SciPy's distances, and chance that is told as such."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from tamis.engine.metrics.cuts import cut
from tamis.engine.metrics.outcomes import newcombe
from tamis.engine.metrics.reference import against, by_chance, distances, farthest


def test_distances_are_scipys() -> None:
    random = np.random.default_rng(1)
    for _ in range(50):
        p, q = random.dirichlet([0.4] * 7, 2)
        p[random.integers(7)] = 0
        p /= p.sum()
        variation, divergence = distances(p, q)
        assert variation == pytest.approx(abs(p - q).sum() / 2)
        assert divergence == pytest.approx(jensenshannon(p, q, 2) ** 2)


def test_the_farthest_distance_is_kolmogorovs_and_smirnovs() -> None:
    random = np.random.default_rng(2)
    for size in (5, 50, 500):
        a, b = random.integers(0, 40, size).astype(float), random.integers(5, 45, 2 * size).astype(float)
        assert farthest(a, b) == pytest.approx(stats.ks_2samp(a, b).statistic)


def test_chance_by_drawing_again_is_near_to_chi_square_where_there_are_many() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        share = random.dirichlet([5] * 6)
        a, b = random.multinomial(400, share), random.multinomial(900, share)
        known = stats.chi2_contingency([a, b], correction=False).pvalue
        assert by_chance(a, b, resamples=4000) == pytest.approx(known, abs=0.04)


def test_chance_holds_where_groups_are_tiny() -> None:
    """Forty groups of two rows: chi-square's own distribution would be wrong."""
    told = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        chosen = random.permutation(80) < 20
        groups = np.arange(80) % 40
        a = np.bincount(groups[chosen], minlength=40)
        told += by_chance(a, 2 - a, resamples=400, seed=seed) <= 0.05
    assert told < 22


def test_a_selection_of_the_reference_is_compared_with_what_was_left() -> None:
    topic = cut(pl.Series("topic", ["a"] * 60 + ["b"] * 40))
    selected = np.r_[np.ones(30), np.zeros(30), np.ones(10), np.zeros(30)].astype(bool)
    (found,) = against([topic], selected, np.ones(100, bool))
    a = found.portions[0]
    assert (a.share, a.reference_share, a.difference, a.ratio) == pytest.approx((0.75, 0.6, 0.15, 1.25))
    low, high = newcombe(30 / 40, 40, 30 / 60, 60)
    assert (a.low, a.high) == pytest.approx((0.6 * low, 0.6 * high))
    assert found.p == pytest.approx(stats.fisher_exact([[30, 10], [30, 30]])[1], abs=0.02)


def test_all_of_the_reference_is_like_it() -> None:
    (found,) = against([cut(pl.Series("t", ["a", "b", "b"]))], np.ones(3, bool), np.ones(3, bool))
    assert (found.total_variation, found.jensen_shannon, found.p) == (0, 0, None)
    assert [(one.low, one.high) for one in found.portions] == [(0, 0), (0, 0)]


def test_another_sample_is_compared_as_such() -> None:
    topic = pl.Series("topic", ["a"] * 30 + ["b"] * 70 + ["a"] * 50 + ["b"] * 40 + ["c"] * 10)
    first = np.arange(200) < 100
    (found,) = against([cut(topic)], first, ~first)
    told = {one.group: one for one in found.portions}
    assert (told["b"].low, told["b"].high) == pytest.approx(newcombe(0.7, 100, 0.4, 100))
    assert (told["c"].share, told["c"].ratio) == (0, 0)
    assert found.total_variation == pytest.approx(0.3)
    assert found.p is not None
    assert found.p < 0.01
    (back,) = against([cut(topic)], ~first, first)
    assert {one.group: one.ratio for one in back.portions}["c"] is None


def test_numbers_have_quantiles_and_a_distance() -> None:
    random = np.random.default_rng(4)
    length = np.r_[random.gamma(2, 60, 300), random.gamma(2, 50, 700)]
    first = np.arange(1000) < 300
    (found,) = against([cut(pl.Series("length", length))], first, ~first)
    assert found.selected is not None
    assert found.selected.quantiles is not None
    assert found.selected.quantiles[2] == pytest.approx(np.median(length[:300]))
    assert found.kolmogorov_smirnov == pytest.approx(stats.ks_2samp(length[:300], length[300:]).statistic)
    assert found.p == pytest.approx(stats.ks_2samp(length[:300], length[300:]).pvalue, rel=0.15)


def test_columns_are_adjusted_together() -> None:
    random = np.random.default_rng(5)
    first = np.arange(400) < 100
    cuts = [cut(pl.Series(f"c{k}", random.integers(0, 4, 400))) for k in range(12)]
    found = against(cuts, first, ~first)
    least = min(found, key=lambda one: one.p or 1)
    assert least.p is not None
    assert least.adjusted == pytest.approx(min(1.0, 12 * least.p))
    assert against(cuts, first, ~first) == found  # the same seed draws the same


def test_nothing_selected_is_told_as_nothing() -> None:
    (found,) = against([cut(pl.Series("t", ["a"]))], np.zeros(1, bool), np.ones(1, bool))
    assert (found.portions, found.p) == ([], None)
