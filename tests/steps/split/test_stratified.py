"""split.stratified"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.split.stratified import Stratified
from tamis.testing import run_step


def classes(**sizes: int) -> list[dict[str, Any]]:
    return [
        {"prompt": f"{name} {k}", "response": "yes", "label": name} for name, size in sizes.items() for k in range(size)
    ]


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    (
        {"by": "label", "together": [], "shares": {"train": 0.5, "test": 0.5}, "on_leak": "drop"},
        [{"prompt": "a", "response": "x", "label": 1}, {"prompt": "A", "response": "y", "label": 1}],
        "leak",
    ),
    ({"by": "label"}, classes(a=5, b=5), ["kept"] * 10),
    ({"by": ["label", "label"]}, classes(a=5, b=5), ["kept"] * 10),
]


@pytest.mark.parametrize(("settings", "rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], rows: Any, expected: Any) -> None:
    outcomes = run_step(Stratified.model_validate(settings), rows).outcomes
    assert outcomes == expected if isinstance(expected, list) else outcomes.count(expected) == 1


def table(rows: list[dict[str, Any]], splits: list[str]) -> Counter[tuple[Any, str]]:
    return Counter((row["label"], split) for row, split in zip(rows, splits, strict=True))


def test_totals_are_exact_and_every_class_has_its_share() -> None:
    rows = classes(a=61, b=57, c=49, d=83, e=50, f=44, g=52, h=51, i=53)
    split = run_step(Stratified(by="label"), rows, seed=42).column("split")
    assert Counter(split) == {"train": 400, "validation": 100}
    found = table(rows, split)
    for name, size in Counter(row["label"] for row in rows).items():
        assert abs(found[name, "validation"] - size * 0.2) < 1


def test_three_splits_are_exact_too() -> None:
    rows = classes(a=13, b=29, c=7, d=101)
    split = run_step(Stratified(by="label", shares={"train": 0.7, "validation": 0.2, "test": 0.1}), rows).column(
        "split"
    )
    assert Counter(split) == {"train": 105, "validation": 30, "test": 15}
    found = table(rows, split)
    for name, size in Counter(row["label"] for row in rows).items():
        assert abs(found[name, "test"] - size * 0.1) < 1
        assert abs(found[name, "validation"] - size * 0.2) < 1


def test_a_class_of_one_row_is_for_training() -> None:
    rows = classes(a=18, rare=1, odd=1)
    split = run_step(Stratified(by="label"), rows).column("split")
    assert split[18:] == ["train", "train"]
    assert split.count("validation") == 4


def test_rows_without_a_label_are_one_class() -> None:
    rows = [{"prompt": f"q{k}", "response": "yes", "label": None if k < 10 else "a"} for k in range(20)]
    split = run_step(Stratified(by="label"), rows).column("split")
    assert split[:10].count("validation") == 2
    assert split[10:].count("validation") == 2


def test_numbers_are_classes() -> None:
    rows = [{"prompt": f"q{k}", "response": "yes", "label": k % 3} for k in range(30)]
    found = table(rows, run_step(Stratified(by="label"), rows).column("split"))
    assert [found[k, "validation"] for k in range(3)] == [2, 2, 2]


def test_copies_share_a_split_across_classes_and_totals_stay_exact() -> None:
    rows = classes(a=40, b=60)
    for k in range(0, 20, 2):
        rows[k]["prompt"] = rows[99 - k]["prompt"].upper()
    split = run_step(Stratified(by="label"), rows).column("split")
    assert Counter(split) == {"train": 80, "validation": 20}
    assert all(split[k] == split[99 - k] for k in range(0, 20, 2))


def test_golden_rows_leave_the_rest_exact() -> None:
    rows = classes(a=30, b=30)
    step = Stratified(by="label", golden=("a 1", "b 2"), ids="name")
    split = run_step(step, [{**row, "name": row["prompt"]} for row in rows]).column("split")
    assert (split[1], split[32]) == ("test", "test")
    assert Counter(split) == {"train": 46, "validation": 12, "test": 2}


def test_no_column_no_step() -> None:
    with pytest.raises(ValidationError, match="names no column"):
        Stratified(by=())
    with pytest.raises(UsageError, match="no column 'lable'; did you mean"):
        run_step(Stratified(by="lable"), classes(a=3))


def test_what_it_reads() -> None:
    assert Stratified(by=("a", "b"), ids="c").reads() == ("messages", "a", "b", "c")
