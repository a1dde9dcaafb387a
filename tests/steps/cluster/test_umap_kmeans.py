"""cluster.umap_kmeans"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tamis.steps.cluster.umap_kmeans import UmapKmeans
from tamis.testing import run_step

for name in ("umap", "sklearn"):
    pytest.importorskip(name)

V = {"vectors": "column:vector", "name_by": "prompt"}
CASES: list[Any] = [
    ({"k": 2, **V}, [{"prompt": "a", "vector": [1.0, 0.0]}, {"prompt": "b", "vector": None}], "kept"),
]


def test_topics_are_found() -> None:
    rng = np.random.default_rng(7)
    topics = rng.integers(0, 4, 160).tolist()
    rows = [{"prompt": "a", "topic": t, "vector": (np.eye(16)[t] + rng.normal(0, 0.1, 16)).tolist()} for t in topics]
    result = run_step(UmapKmeans(k=4, **V), rows)
    assert len({(r["source.topic"], r["cluster.umap_kmeans.cluster"]) for r in result.rows}) == 4
