"""review.clusters"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis.steps.review.clusters import Clusters
from tamis.testing import run_step

FINE, COARSE = "clusterings/fine-0000000000000001", "clusterings/coarse-0000000000000002+ab12cd34"


def rows() -> list[dict[str, Any]]:
    return [
        {
            "prompt": str(n), "fine.cluster": n, "fine.name": f"fine {n}", "fine.distance": 0.1, "coarse.cluster": n // 2,
            "coarse.name": f"coarse {n // 2}", "coarse.distance": 0.5,
        }
        for n in range(4)
    ]  # fmt: skip


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({"candidates": ["fine"]}, rows(), ["undecided"] * 4),
    ({"candidates": ["fine", "coarse"], "look": "none", "shortlist": 0}, rows(), ["undecided"] * 4),
]


@pytest.mark.parametrize(("settings", "given", "expected"), CASES)
def test_cases(settings: dict[str, Any], given: Any, expected: Any) -> None:
    result = run_step(Clusters.model_validate(settings), given)
    assert result.outcomes == expected
    assert set(result.kinds) == {"held"}


def said(kind: str, clustering: str, **value: Any) -> dict[str, Any]:
    return {"kind": kind, "value": {"clustering": clustering, **value}, "who": "ann", "at": "2026", "why": "it fits"}


def decided(*decisions: dict[str, Any], **fields: Any) -> Clusters:
    step = Clusters(candidates=("fine", "coarse"), **fields)
    return step.with_recordings({"fine": (FINE,), "coarse": (COARSE,)}).with_decisions(decisions)


ALL = [
    said("look", "fine-0000000000000001"),
    said("look", "coarse-0000000000000002", clusters=[0, 1]),
    said("shortlist", "fine-0000000000000001"),
    said("shortlist", "coarse-0000000000000002"),
    said("choose", "coarse-0000000000000002"),
]


def test_the_chosen_one_s_columns_are_set() -> None:
    result = run_step(decided(*ALL), rows())
    assert set(result.kinds) == {"kept"}
    assert result.column("review.clusters.cluster") == [0, 0, 1, 1]
    assert result.column("review.clusters.name") == ["coarse 0", "coarse 0", "coarse 1", "coarse 1"]
    assert result.column("review.clusters.distance") == [0.5] * 4


@pytest.mark.parametrize("left_out", range(5))
def test_nothing_may_be_missing(left_out: int) -> None:
    made = [one for at, one in enumerate(ALL) if at != left_out]
    assert set(run_step(decided(*made), rows()).kinds) == {"held"}


def test_a_cluster_that_nobody_saw_holds_the_gate_unless_none_must_be_seen() -> None:
    made = [said("look", "coarse-0000000000000002", cluster=0) if at == 1 else one for at, one in enumerate(ALL)]
    assert set(run_step(decided(*made), rows()).kinds) == {"held"}
    assert set(run_step(decided(*made, look="none"), rows()).kinds) == {"kept"}


def test_the_last_choice_counts_and_must_be_shortlisted() -> None:
    again = [*ALL, said("choose", "fine-0000000000000001")]
    assert run_step(decided(*again), rows()).column("review.clusters.cluster") == [0, 1, 2, 3]
    only = [one for one in ALL if one["kind"] != "shortlist"] + [said("shortlist", "fine-0000000000000001")]
    assert set(run_step(decided(*only, shortlist=1), rows()).kinds) == {"held"}


def test_a_choice_of_what_was_fitted_anew_does_not_count() -> None:
    old = [{**one, "value": {**one["value"], "clustering": "coarse-000000000000000f"}} for one in ALL]
    assert set(run_step(decided(*old), rows()).kinds) == {"held"}


@pytest.mark.parametrize(
    "settings", [{"candidates": []}, {"candidates": ["a"], "shortlist": -1}, {"candidates": ["a"], "look": "some"}]
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Clusters.model_validate(settings)
