"""select.per_cluster"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tamis.steps.select.per_cluster import PerCluster
from tamis.testing import run_step

OUT = "not_drawn"


def rows(*clusters: int | None) -> list[dict[str, Any]]:
    return [{"prompt": str(n), "cluster": c, "n": n} for n, c in enumerate(clusters)]


CASES: list[Any] = [
    ({"by": "cluster", "n": 1, "rejected": ["0" * 32]}, rows(0, 0), ["rejected", "kept"]),
    ({"by": "cluster", "n": 1, "prefer": ["n"]}, rows(0, 0, 1), ["kept", OUT, "kept"]),
    ({"by": "cluster", "n": 1, "prefer": ["-n"]}, rows(0, 0, 1), [OUT, "kept", "kept"]),
    ({"by": "cluster", "n": 5}, rows(0, 0, None), ["kept"] * 3),
    ({"by": "cluster", "n": 1, "outliers": 0}, rows(0, None, None), ["kept", OUT, OUT]),
]


def test_each_cluster_gives_as_many() -> None:
    result = run_step(PerCluster(by="cluster", n=20), rows(*([0] * 400 + [1] * 30 + [2] * 7)))
    assert Counter(row["source.cluster"] for row in result.kept) == {0: 20, 1: 20, 2: 7}
    assert result.line == "437 in = 47 kept + 390 dropped (not_drawn 390)"
