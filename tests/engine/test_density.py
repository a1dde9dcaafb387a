"""Neighbours that UMAP is handed, and clusters made fewer."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.engine import density
from tamis.engine.quantised import quantise


def test_neighbours_are_the_nearest_and_each_row_its_own_first() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(0, 1, (200, 12))
    vectors[5] = vectors[150] = vectors[7]  # copies
    whole, _ = quantise(vectors)
    at, away = density._exact(whole, 6)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    true = 1 - unit @ unit.T
    for row in range(200):
        assert at[row, 0] == row
        assert len(set(at[row].tolist())) == 6
        assert away[row] == pytest.approx(np.sort(true[row])[:6], abs=2e-3)


def test_the_search_for_many_rows_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    rng = np.random.default_rng(4)
    whole, _ = quantise(rng.normal(0, 1, (20, 16))[rng.integers(0, 20, 2500)] + 0.4 * rng.normal(0, 1, (2500, 16)))
    exact = density._exact(whole, 8)
    found = density._neighbours(whole, 8, 0, "this")
    assert (exact[1] == found[1]).all()
    assert (exact[0] == found[0]).mean() > 0.999  # but for ties
    monkeypatch.setattr(density, "EXACT", 2_000)
    near = density._neighbours(whole, 8, 0, "this")
    assert (near[0][:, 0] == np.arange(2500)).all()
    shared = np.mean([len(set(a) & set(b)) / 8 for a, b in zip(exact[0].tolist(), near[0].tolist(), strict=True)])
    assert shared > 0.95


def test_the_most_similar_clusters_are_merged() -> None:
    pytest.importorskip("sklearn")
    centres = np.array([[1.0, 0, 0], [0.95, 0.3, 0], [0, 1, 0], [0, 0, 1]])
    label = np.repeat(np.arange(4, dtype=np.int32), 5)
    vectors, _ = quantise(centres[label])
    label[-1] = -1
    found = density.merged(vectors, label, 3)
    assert found[0] == found[5]
    assert len(set(found[:-1].tolist())) == 3
    assert found[-1] == -1
    assert density.merged(vectors, label, 4) is label
