"""split.group"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.split.group import Group
from tamis.testing import run_step


def users(*sizes: int) -> list[dict[str, Any]]:
    return [{"prompt": f"{u}/{k}", "response": "yes", "user": u} for u, size in enumerate(sizes) for k in range(size)]


TORN = [{"prompt": p, "response": "yes", "user": u} for u, p in enumerate(["a", "A"])]
CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({"by": "user", "together": [], "on_leak": "drop"}, TORN, "leak"),
    ({"by": "user"}, users(2, 2, 1), ["kept"] * 5),
    ({"by": ["user"], "together": []}, users(2, 2, 1), ["kept"] * 5),
]


@pytest.mark.parametrize(("settings", "rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], rows: Any, expected: Any) -> None:
    outcomes = run_step(Group.model_validate(settings), rows).outcomes
    assert outcomes == expected if isinstance(expected, list) else outcomes.count(expected) == 1


@given(st.lists(st.integers(1, 9), min_size=2, max_size=40), st.integers(0, 2**32))
@limits(max_examples=60)
def test_no_group_is_torn_and_none_is_missing(sizes: list[int], seed: int) -> None:
    rows = users(*sizes)
    split = run_step(Group(by="user"), rows, seed=seed).column("split")
    homes = {(row["user"], name) for row, name in zip(rows, split, strict=True)}
    assert len(homes) == len(sizes)
    assert set(split) == {"train", "validation"}


@given(st.lists(st.integers(1, 9), min_size=30, max_size=60), st.integers(0, 2**32))
@limits(max_examples=60)
def test_shares_are_met_within_one_small_group(sizes: list[int], seed: int) -> None:
    found = Counter(run_step(Group(by="user"), users(*sizes), seed=seed).column("split"))
    assert abs(found["validation"] - sum(sizes) * 0.2) <= max(sizes)


def test_groups_that_share_a_prompt_stay_together() -> None:
    rows = users(3, 3, 3, 3, 3, 3, 3, 3)
    rows[0]["prompt"], rows[4]["prompt"], rows[5]["prompt"], rows[9]["prompt"] = "Hi!", "hi", "Bye", "bye"
    for seed in range(8):
        split = run_step(Group(by="user"), rows, seed=seed).column("split")
        assert len({split[0], split[3], split[9]}) == 1
    apart = [run_step(Group(by="user", together=()), rows, seed=seed).column("split") for seed in range(8)]
    assert any(len({split[0], split[3], split[9]}) == 2 for split in apart)


def test_rows_without_a_group_stand_alone() -> None:
    rows = [{"prompt": f"q{k}", "response": "yes", "user": None} for k in range(10)]
    assert Counter(run_step(Group(by="user"), rows).column("split")) == {"train": 8, "validation": 2}


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(UsageError, match="6 rows form 1 groups that must stay together, too few for train, validation"):
        run_step(Group(by="user"), users(6))


def test_no_column_no_step() -> None:
    with pytest.raises(ValidationError, match="names no column"):
        Group(by=())
