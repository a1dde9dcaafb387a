"""cluster.evoc"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tamis.steps.cluster.evoc import Evoc
from tamis.testing import run_step

pytest.importorskip("evoc")

V = {"vectors": "column:vector", "name_by": "prompt"}
CASES: list[Any] = [
    ({**V}, [{"prompt": "a", "vector": [1.0, 0.0]}, {"prompt": "b", "vector": None}], "kept"),
    ({"k": 2, "outliers": "leave", **V}, [{"prompt": "a", "vector": [1.0, 0.0]}] * 3, "kept"),
]


def test_all_layers_are_shown_and_the_one_nearest_to_k_taken() -> None:
    rng = np.random.default_rng(7)
    topics = rng.integers(0, 12, 900).tolist()
    coarse, fine = np.eye(32)[:4] * 3, np.eye(32)[4:16]
    rows = [
        {"prompt": "a", "topic": t, "vector": (coarse[t % 4] + fine[t] + rng.normal(0, 0.1, 32)).tolist()}
        for t in topics
    ]
    rows.append({"prompt": "no vector", "topic": None, "vector": None})
    result = run_step(Evoc(k=12, **V), rows)
    layers = [r["cluster.evoc.layers"] for r in result.rows]
    assert layers[-1] is None
    sizes = [len({row[at] for row in layers[:-1]} - {-1}) for at in range(len(layers[0]))]
    assert sizes == sorted(sizes, reverse=True)
    clusters = {r["cluster.evoc.cluster"] for r in result.rows[:-1]}
    assert len(clusters) == min(sizes, key=lambda k: abs(k - 12))
    inside = [r for r in result.rows[:-1] if not r["cluster.evoc.outlier"]]
    found = {(r["source.topic"] % 4, r["cluster.evoc.cluster"]) for r in inside}
    assert len(found) == len({cluster for _, cluster in found})  # no cluster mixes coarse topics
