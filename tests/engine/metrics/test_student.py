"""Chances computed here against SciPy's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tamis.engine.metrics.student import fisher, kolmogorov, quantile, two_sided


@given(st.floats(-60, 60), st.floats(0.5, 1e6))
def test_two_sided_is_scipys(t: float, df: float) -> None:
    assert two_sided(t, df) == pytest.approx(2 * stats.t.sf(abs(t), df), rel=1e-9, abs=1e-300)


@given(st.floats(0.6, 1e6), st.sampled_from([0.9, 0.95, 0.99]))
@settings(max_examples=60)
def test_quantile_is_scipys(df: float, level: float) -> None:
    assert quantile(df, level) == pytest.approx(stats.t.ppf((1 + level) / 2, df), rel=1e-8)


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_fisher_is_scipys(n: int, m: int, data: st.DataObject) -> None:
    a, b = data.draw(st.integers(0, n)), data.draw(st.integers(0, m))
    assert fisher(a, n, b, m) == pytest.approx(stats.fisher_exact([[a, n - a], [b, m - b]])[1], rel=1e-6)


@given(st.floats(0.0, 1.0), st.floats(5, 1e5))
def test_kolmogorov_is_scipys(distance: float, size: float) -> None:
    assert kolmogorov(distance, size) == pytest.approx(stats.kstwobign.sf(distance * size**0.5), rel=1e-9, abs=1e-12)
