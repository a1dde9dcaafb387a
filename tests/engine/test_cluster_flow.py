"""How clusters of two clusterings meet."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.engine import cluster_flow
from tamis.engine.cluster_flow import adjusted_rand, contingency, flow_sentences, matching


def labels(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_the_matching_is_the_best_of_all_not_the_greedy_one() -> None:
    # greedy takes 0 → 0 (4 rows) and leaves 1 without any; together 3 + 3 are more than 4
    a = labels(*[0] * 4, *[0] * 3, *[1] * 3)
    b = labels(*[0] * 4, *[1] * 3, *[0] * 3)
    found = matching(a, b, 2, 2)
    assert [(m.old, m.new, m.rows) for m in found] == [(0, 1, 3), (1, 0, 3)]
    assert found[0].of_old == pytest.approx(3 / 7, abs=1e-6)
    assert found[0].of_new == 1.0


def test_more_clusters_than_can_be_matched_exactly_take_the_largest_overlaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_flow, "EXACT", 1)
    a = labels(*[0] * 4, *[0] * 3, *[1] * 3)
    b = labels(*[0] * 4, *[1] * 3, *[0] * 3)
    assert [(m.old, m.new) for m in matching(a, b, 2, 2)] == [(0, 0)]


def test_outliers_are_matched_with_nothing() -> None:
    found = matching(labels(-1, -1, 0, 0), labels(0, 0, 0, -1), 1, 1)
    assert [(m.rows, m.of_old, m.of_new) for m in found] == [(1, 0.5, pytest.approx(1 / 3, abs=1e-6))]


def test_the_flow_is_told_in_words() -> None:
    a = labels(*[0] * 10, *[1] * 10, *[2] * 10, *[3] * 4, -1)
    b = labels(*[5] * 6, *[9] * 4, *[1] * 10, *[7] * 10, *[7] * 4, 1)
    told = flow_sentences(contingency(a, b), "A", "B")
    assert told == [
        "what are outliers in A goes into 1 (100%) of B",
        "cluster 0 of A splits into 5 (60%), 9 (40%) of B",
        "cluster 1 of A is cluster 1 (100%) of B",
        "cluster 2 of A goes into 7 (100%) of B",
        "cluster 3 of A goes into 7 (100%) of B",
    ]


def test_the_adjusted_rand_index_is_scikit_learn_s() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(3)
    for k in (1, 2, 7):
        a, b = rng.integers(0, k, 200).astype(np.int32), rng.integers(0, 5, 200).astype(np.int32)
        assert adjusted_rand(a, b) == pytest.approx(metrics.adjusted_rand_score(a, b), abs=1e-12)
    assert adjusted_rand(labels(0, 0, 1), labels(4, 4, 2)) == 1.0
