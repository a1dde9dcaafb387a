"""Figures of clusterings."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tamis.engine.cluster_measures import npmi, silhouette, stability
from tamis.engine.kmeans import kmeans
from tamis.engine.quantised import LENGTH, nearest, quantise


def blobs(each: int = 30, spread: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    points = np.concatenate([np.eye(4)[c] + rng.normal(0, spread, (each, 4)) for c in range(3)])
    return quantise(points)[0], np.repeat(np.arange(3, dtype=np.int32), each)


def test_the_silhouette_is_scikit_learn_s() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    vectors, label = blobs()
    label[::11] = -1
    label[5] = 7  # alone in its cluster
    kept = label >= 0
    away = 1 - (vectors[kept].astype(np.int64) @ vectors[kept].astype(np.int64).T) / LENGTH**2
    np.fill_diagonal(away, 0)
    right = metrics.silhouette_score(away, label[kept], metric="precomputed")
    assert silhouette(vectors, label, 1) == pytest.approx(right, abs=2e-6)


def test_the_silhouette_of_some_rows_is_near_that_of_all() -> None:
    vectors, label = blobs(400)
    whole, some = silhouette(vectors, label, 1), silhouette(vectors, label, 1, most=300)
    assert whole is not None
    assert some == pytest.approx(whole, abs=0.05)
    assert some != whole


def test_one_cluster_has_no_silhouette() -> None:
    vectors, label = blobs()
    assert silhouette(vectors, np.zeros_like(label), 1) is None


def test_what_comes_back_is_stable_and_what_does_not_is_not() -> None:
    vectors, label = blobs()

    def refit(k: int):  # type: ignore[no-untyped-def]
        return lambda some, seed: nearest(vectors, kmeans(some, k, seed))[0]

    good = stability(vectors, label, refit(3), 1, 5)
    assert good is not None
    assert (good.mean, good.low, good.high) == (1.0, 1.0, 1.0)
    bad = stability(vectors, np.arange(90, dtype=np.int32) % 9, refit(9), 1, 5)
    assert bad is not None
    assert bad.low <= bad.mean < 0.3
    assert stability(vectors, label, refit(3), 1, 1) is None


def test_phrases_that_stand_together_have_a_high_npmi() -> None:
    texts = pl.Series(["lost card", "lost card today", "late refund", "refund, late", "hotel"])
    assert npmi(texts, [["lost", "card"], ["late", "refund"]]) == 1.0
    assert npmi(texts, [["lost", "refund"]]) == -1.0
    assert npmi(texts, [["lost"], []]) is None
    assert npmi(pl.Series(["a b", "a", "b", "c"]), [["a", "b"]]) == pytest.approx(0.0, abs=1e-9)
