"""filter.where"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.steps.filter.where import Where
from tamis.testing import run_step

ROW = {"prompt": "How?", "response": "So.", "rating": 4, "tag": "new", "none": None}
CASES: list[Any] = [
    ({"keep": "rating >= 3"}, ROW, "kept"),
    ({"keep": "rating > 4"}, ROW, "not_matching"),
    ({"drop": "rating > 3"}, ROW, "matching"),
    ({"keep": "none > 3"}, {**ROW, "none": None}, "not_matching"),
    ({"drop": "none = 'x'"}, ROW, "kept"),
    ({"keep": "\"source.tag\" IN ('new', 'old') AND length(response) = 3"}, ROW, "kept"),
    ({"keep": "rating < 5", "drop": "tag = 'new'"}, ROW, "matching"),
    ({"keep": "system IS NULL"}, ROW, "kept"),
]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give `keep` or `drop`"),
        ({"keep": "lenght(tag) > 2"}, "character 1: no function 'lenght'; did you mean 'length'"),
        ({"drop": "rating >"}, "cannot be read"),
        ({"keep": "rating IN (SELECT 1)"}, "without sub-queries"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_load(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Where(**settings)
    assert message in str(caught.value)


def test_an_unknown_column_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no column 'ratng'; did you mean 'rating'"):
        run_step(Where(keep="ratng > 3"), [ROW])


def test_what_it_reads() -> None:
    assert Where(keep="rating > 3", drop="tag = 'x' OR rating < 0").reads() == ("tag", "rating")
    assert Where(keep="length(response) > 3").reads() is None, "a view's name may also be a column's"
