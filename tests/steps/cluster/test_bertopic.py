"""cluster.bertopic"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tamis.steps.cluster.bertopic import Bertopic
from tamis.testing import run_step

for name in ("umap", "hdbscan"):
    pytest.importorskip(name)

V = {"vectors": "column:vector", "name_by": "prompt"}
CASES: list[Any] = [
    ({**V}, [{"prompt": "a", "vector": [1.0, 0.0]}, {"prompt": "b", "vector": None}], "kept"),
    ({"min_size": 2, "topics": 2, "outliers": "leave", **V}, [{"prompt": "a", "vector": [1.0, 0.0]}] * 3, "kept"),
]


def rows(n: int = 150, topics: int = 3, strays: int = 6) -> list[dict[str, Any]]:
    """Tight topics, and rows that are far from all of them."""
    rng = np.random.default_rng(7)
    centres = np.eye(16)[:topics]
    made = [
        {"prompt": f"topic{t} words here", "topic": t, "vector": (centres[t] + rng.normal(0, 0.05, 16)).tolist()}
        for t in rng.integers(0, topics, n).tolist()
    ]
    return made + [{"prompt": "stray", "topic": -1, "vector": rng.normal(0, 1, 16).tolist()} for _ in range(strays)]


def test_topics_are_found_merged_and_outliers_marked() -> None:
    shown = rows()
    result = run_step(Bertopic(min_size=20, **V), shown)
    real = [r for r in result.rows if r["source.topic"] >= 0]
    pairs = {(r["source.topic"], r["cluster.bertopic.cluster"]) for r in real}
    assert len(pairs) == 3
    assert not any(r["cluster.bertopic.outlier"] for r in real)
    assert all(r["cluster.bertopic.cluster"] is not None for r in result.rows)
    assert {f"topic{t}" in r["cluster.bertopic.name"] for r in real for t in [r["source.topic"]]} == {True}
    fewer = run_step(Bertopic(min_size=20, topics=2, **V), shown)
    assert len(set(fewer.column("cluster.bertopic.cluster"))) == 2


def test_outliers_may_be_left_without_a_cluster() -> None:
    few = rows(8, 2, 0)  # fewer than a group
    left = run_step(Bertopic(min_size=20, outliers="leave", **V), few)
    assert left.column("cluster.bertopic.cluster") == [None] * 8
    assert left.column("cluster.bertopic.outlier") == [True] * 8
    assert run_step(Bertopic(min_size=20, **V), few).column("cluster.bertopic.cluster") == [0] * 8
