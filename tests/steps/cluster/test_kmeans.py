"""cluster.kmeans, and what every clustering step shares"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import UsageError
from tamis.steps.cluster.kmeans import Kmeans
from tamis.testing import run_step

V = {"vectors": "column:vector", "name_by": "prompt"}


def rows(*vectors: Any) -> list[dict[str, Any]]:
    return [{"prompt": f"text {n}", "vector": v} for n, v in enumerate(vectors)]


CASES: list[Any] = [
    ({"k": 2, **V}, rows([1.0, 0.0], [0.0, 1.0], [0.9, 0.1], None, [0.0, 0.0]), "kept"),
    ({"k": 1, **V}, rows([1.0, 0.0, 2.0]), "kept"),
]

TOPICS = {
    "card": ("where is my new card", "my card has not come", "card still not here", "new card delivery"),
    "refund": ("refund for an item", "the refund is missing", "a refund please"),
    "pin": ("forgot the pin", "change the pin"),
}


def topics(seed: int = 0, times: int = 10) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    made = []
    for place, (topic, texts) in enumerate(TOPICS.items()):
        for text in texts * times:
            vector = np.eye(8)[place] + rng.normal(0, 0.1, 8)
            made.append({"prompt": text, "topic": topic, "vector": vector.tolist()})
    return [made[at] for at in rng.permutation(len(made))]


def test_clusters_are_numbered_by_size_and_named_by_what_sets_them_apart() -> None:
    result = run_step(Kmeans(k=3, **V), topics())
    found = {(r["source.topic"], r["cluster.kmeans.cluster"]) for r in result.rows}
    assert found == {("card", 0), ("refund", 1), ("pin", 2)}
    for row in result.rows:
        assert row["source.topic"] in row["cluster.kmeans.name"]
        assert 0 < row["cluster.kmeans.distance"] < 0.2
    assert len({r["cluster.kmeans.name"] for r in result.rows}) == 3
    assert "the" not in " ".join(r["cluster.kmeans.name"] for r in result.rows).split()


def test_rows_without_a_vector_belong_nowhere() -> None:
    result = run_step(Kmeans(k=2, **V), rows([1.0, 0.0], None, [0.0, 1.0], [0.0, 0.0], [1.0, 0.1]))
    assert result.column("cluster.kmeans.cluster") == [0, None, 1, None, 0]
    assert result.column("cluster.kmeans.distance")[1] is None
    assert result.line == "5 in = 5 kept"


def test_no_vector_at_all_is_no_error() -> None:
    assert run_step(Kmeans(k=2, **V), rows(None, [0.0, 0.0])).column("cluster.kmeans.cluster") == [None, None]


def test_fewer_rows_than_clusters() -> None:
    assert run_step(Kmeans(k=5, **V), rows([1.0, 0.0], [0.0, 1.0])).column("cluster.kmeans.cluster") == [0, 1]


def test_a_column_that_holds_no_vectors_is_told() -> None:
    with pytest.raises(UsageError, match="no vectors"):
        run_step(Kmeans(k=2, **V), [{"prompt": "a", "vector": 1}])


def test_files_of_an_earlier_fit_are_read(tmp_path: Path) -> None:
    assert [Path(p).name for p in Kmeans(k=2, fit=tmp_path).files()] == [
        "clustering.json",
        "centres.npy",
        "rows.parquet",
    ]
