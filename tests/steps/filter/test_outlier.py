"""filter.outlier"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.filter.outlier import Outlier
from tamis.testing import run_step


def rows(*distances: float | None, groups: str = "") -> list[dict[str, Any]]:
    return [
        {"prompt": "a", "c.distance": far, "c.cluster": int(groups[n]) if groups else 0}
        for n, far in enumerate(distances)
    ]


D = {"distance": "c.distance"}
OUT = "far_from_clusters"
CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({**D, "farther": 0.5}, rows(0.1, 0.5, 0.51, None), ["kept", "kept", OUT, "kept"]),
    ({**D, "farther": 0.5, "nulls": "drop"}, rows(0.1, None, float("nan")), ["kept", "no_distance", "no_distance"]),
    ({**D, "share": 0.5}, rows(0.1, 0.4, 0.3, 0.2), ["kept", OUT, OUT, "kept"]),
    ({**D, "share": 0.5}, rows(0.1, 0.4, None, 0.2), ["kept", OUT, "kept", "kept"]),
    ({**D, "share": 0.5}, rows(0.3, 0.3), ["kept", OUT]),
    ({**D, "share": 0.2}, rows(0.1, 0.4, 0.3), ["kept"] * 3),
    (
        {**D, "share": 0.5, "by": "c.cluster"},
        rows(0.1, 0.2, 0.8, 0.9, 0.7, groups="00111"),
        ["kept", OUT, "kept", OUT, "kept"],
    ),
]


@pytest.mark.parametrize(("settings", "given_rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], given_rows: Any, expected: Any) -> None:
    assert run_step(Outlier.model_validate(settings), given_rows).outcomes == expected


@given(st.lists(st.sampled_from([None, 0.0, 0.1, 0.2, 0.5, 1.5]), max_size=30), st.sampled_from([0.1, 0.29, 0.5, 0.9]))
def test_the_share_is_exact_and_no_row_that_stays_is_farther(distances: list[float | None], share: float) -> None:
    if not distances:
        return
    result = run_step(Outlier(**D, share=share), rows(*distances))
    known = [far for far in distances if far is not None]
    gone = [far for far, kind in zip(distances, result.kinds, strict=True) if kind == "dropped"]
    stay = [far for far, kind in zip(distances, result.kinds, strict=True) if kind == "kept" and far is not None]
    assert len(gone) == round(share * 100) * len(known) // 100
    assert not gone or not stay or min(gone) >= max(stay)
    ranks = [told["rank"] for told in result.evidence if told.get("rank")]
    assert sorted(ranks) == list(range(1, len(known) + 1))


@pytest.mark.parametrize("settings", [{}, {"farther": 0.1, "share": 0.1}, {"farther": 0.1, "by": "c.cluster"}])
def test_settings_that_say_nothing_or_two_things_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Outlier(**settings)


def test_after_a_clustering_in_a_run(tmp_path: Path) -> None:
    angles = [0.0, 0.1, 0.0, 0.1, 0.9]
    data = [{"key": str(n), "text": "a", "vector": [math.cos(a), math.sin(a)]} for n, a in enumerate(angles)]
    recipe = Recipe(
        name="far",
        sources=[Frames(data=data, name="inbox", id=("key",))],
        steps=[Kmeans(k=1, vectors="column:vector", name_by="column:text"), Outlier(share=0.2)],
        deliver=[Jsonl(path="dist/out")],
    )
    execute(recipe, tmp_path)
    lines = (tmp_path / "dist/out/data.jsonl").read_text().splitlines()
    assert [json.loads(line)["key"] for line in lines] == ["0", "1", "2", "3"]


def test_a_column_of_words_is_refused() -> None:
    with pytest.raises(UsageError, match="not distances"):
        run_step(Outlier(distance="c.distance", share=0.1), [{"prompt": "a", "c.distance": "far"}])
