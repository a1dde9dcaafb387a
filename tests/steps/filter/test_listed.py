"""filter.listed"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.errors import DataError
from tamis.steps.filter.listed import Listed
from tamis.testing import run_step

LABELS = str(Path(__file__).with_name("listed_labels.csv"))
BOTH = {"file": LABELS, "columns": ["category", "sub_category"]}
CASES: list[Any] = [
    (BOTH, {"category": "billing", "sub_category": "refund"}, "kept"),
    (BOTH, {"category": "account", "sub_category": "refund"}, "not_listed"),
    (BOTH, {"category": "Billing", "sub_category": "refund"}, "not_listed"),
    ({**BOTH, "ignore_case": True}, {"category": " Billing", "sub_category": "REFUND"}, "kept"),
    (BOTH, {"category": "other", "sub_category": None}, "kept"),
    (BOTH, {"category": "other", "sub_category": ""}, "kept"),
    (BOTH, {"category": "billing", "sub_category": None}, "not_listed"),
    ({"file": LABELS, "columns": ["source.category"]}, {"category": "account"}, "kept"),
]


def test_the_evidence_names_the_value_and_the_nearest_one() -> None:
    rows = [
        {"category": "billing", "sub_category": "refund"},
        {"category": "biling", "sub_category": "refunds"},
        {"category": "zzz", "sub_category": "9"},
        {"category": None, "sub_category": None},
    ]
    evidence = run_step(Listed(**BOTH), rows).evidence
    assert evidence == [
        {"value": None, "nearest": None},
        {"value": "biling / refunds", "nearest": "billing / refund"},
        {"value": "zzz / 9", "nearest": None},
        {"value": "– / –", "nearest": None},
    ]


def test_numbers_are_compared_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "ids.jsonl"
    file.write_text('{"n": 7}\n{"n": 12}\n')
    assert run_step(Listed(file=file, columns=("n",)), [{"n": 12}, {"n": 1}]).outcomes == ["kept", "not_listed"]


def test_a_changed_list_is_read_again(tmp_path: Path) -> None:
    file, rows = tmp_path / "tags.csv", [{"tag": "a"}, {"tag": "bb"}]
    step = Listed(file=file, columns=("tag",))
    file.write_text("tag\na\n")
    assert run_step(step, rows).outcomes == ["kept", "not_listed"]
    file.write_text("tag\na\nbb\n")
    assert run_step(step, rows).outcomes == ["kept", "kept"]
    assert step.files() == (str(file),)


def test_what_is_wrong_with_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no file '/nowhere/labels\.csv'"):
        run_step(Listed(file=Path("/nowhere/labels.csv"), columns=("tag",)), [{"tag": "a"}])
    with pytest.raises(DataError, match="has no column 'categry'; did you mean 'category'"):
        run_step(Listed(file=Path(LABELS), columns=("categry",)), [{"categry": "a"}])
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        run_step(Listed(file=broken, columns=("tag",)), [{"tag": "a"}])


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="named twice"):
        Listed(file=Path(LABELS), columns=("category", "source.category"))
