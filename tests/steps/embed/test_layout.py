"""embed.layout"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import UsageError
from tamis.steps.embed.layout import Layout
from tamis.testing import run_step

V = {"vectors": "column:vector"}
CASES: list[Any] = [
    ({"method": "pca", **V}, [{"prompt": "a", "vector": [1.0, 0.0]}, {"prompt": "b", "vector": None}], "kept"),
    ({"method": "pca", **V}, [{"prompt": "a", "vector": [2.0]}, {"prompt": "b", "vector": [1.0]}], "kept"),
]


def topics(rows: int = 160, seed: int = 7) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    topic = rng.integers(0, 4, rows).tolist()
    return [{"prompt": "a", "topic": t, "vector": (np.eye(16)[t] + rng.normal(0, 0.1, 16)).tolist()} for t in topic]


def places(result: Any) -> Any:
    return np.array([result.column("embed.layout.x"), result.column("embed.layout.y")], float).T


@pytest.mark.parametrize("method", ["umap", "pca"])
def test_rows_of_one_topic_stand_together(method: str) -> None:
    if method == "umap":
        pytest.importorskip("umap")
    rows = topics()
    found = places(run_step(Layout(method=method, **V), rows))
    topic = np.array([row["topic"] for row in rows])
    near = np.argsort(((found[:, None] - found[None]) ** 2).sum(axis=2), axis=1)[:, 1:6]
    assert (topic[near] == topic[:, None]).mean() > 0.95


def test_rows_without_a_vector_have_no_place_and_stay() -> None:
    rows = [{"prompt": "a", "vector": v} for v in ([1.0, 0.0], None, [0.0, 1.0], [0.0, 0.0])]
    result = run_step(Layout(method="pca", **V), rows)
    assert [x is None for x in result.column("embed.layout.x")] == [False, True, False, True]
    assert result.line == "4 in = 4 kept"


def test_rows_above_the_most_are_placed_where_their_like_are() -> None:
    pytest.importorskip("umap")
    rows = topics(400)
    result = run_step(Layout(most=300, **V), rows)
    away = result.column("embed.layout.map_distance")
    placed = [at for at, one in enumerate(away) if one > 0]
    assert len(placed) == 100
    found, topic = places(result), np.array([row["topic"] for row in rows])
    middle = np.array([np.median(found[topic == t], axis=0) for t in range(4)])
    nearest = ((found[placed, None] - middle[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == topic[placed]).mean() > 0.97


def test_a_column_of_no_vectors_is_refused() -> None:
    with pytest.raises(UsageError, match="holds no vectors"):
        run_step(Layout(method="pca", vectors="column:note"), [{"prompt": "a", "note": "b"}])


def test_a_map_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no layout in"):
        run_step(Layout(fit=tmp_path / "none", **V), topics(3))
