"""Columns as groups, and as outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tamis.core.errors import UsageError
from tamis.engine.metrics.cuts import MOST, cut, outcome

CASES: list[tuple[list[Any], str, list[str], list[int]]] = [
    ([True, None, False, True], "values", ["false", "true", "(none)"], [1, 2, 0, 1]),
    (["b", "a", "b"], "values", ["b", "a"], [0, 1, 0]),
    (["10", "9", "10"], "values", ["9", "10"], [1, 0, 1]),
    (["007", "10"], "values", ["007", "10"], [0, 1]),
    ([4, 3, None], "values", ["3", "4", "(none)"], [1, 0, 2]),
    (["2026-03-02 10:00", "2026-01-05", "2026-02-01T09:00:00Z", None], "days", ["2026-01", "2026-02", "2026-03", "(none)"], [2, 0, 1, 3]),
    (["2026-03-02", "2026-03-05"], "days", ["2026-03-02", "2026-03-05"], [0, 1]),
    ([0.5, 1.5, 2.5, 3.5, 4.5, float("nan")], "numbers", ["up to 0.5", "above 0.5, up to 1.5", "above 1.5, up to 2.5", "above 2.5, up to 3.5", "above 3.5", "(none)"], [0, 1, 2, 3, 4, 5]),
    ([1.5] * 4, "numbers", ["all"], [0] * 4),
    ([], "values", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "groups", "codes"), CASES)
def test_a_column_is_cut(values: list[Any], kind: str, groups: list[str], codes: list[int]) -> None:
    found = cut(pl.Series("c", values, strict=False))
    assert (found.kind, found.groups, found.codes.tolist()) == (kind, groups, codes)


def test_cluster_numbers_said_to_be_values_are_not_cut() -> None:
    numbers = pl.Series("cluster", list(range(90)) * 2)
    assert cut(numbers).kind == "numbers"
    found = cut(numbers, said="values")
    assert (found.kind, len(found.groups), found.codes.tolist()) == ("values", 90, list(range(90)) * 2)


def test_rare_values_stand_together() -> None:
    texts = pl.Series("t", [f"v{k:02d}" for k in range(60) for _ in range(100 - k)])
    found = cut(texts)
    assert len(found.groups) == MOST + 1
    assert found.groups[-1] == "(others)"
    assert int((found.codes == MOST).sum()) == sum(100 - k for k in range(MOST, 60))


@pytest.mark.parametrize("series", [pl.Series("x", [[1]]), pl.Series("x", [b"a"]), pl.Series("x", [f"text {n}" for n in range(80)])])  # fmt: skip
def test_what_makes_no_groups_is_refused(series: pl.Series) -> None:
    with pytest.raises(UsageError, match="'x'"):
        cut(series)


@pytest.mark.parametrize(
    ("values", "measure", "read"),
    [
        ([1, 0, None], "share", [1, 0, np.nan]),
        ([True, False], "share", [1, 0]),
        (["yes", "No ", "", None], "share", [1, 0, np.nan, np.nan]),
        (["3", " 4.5", None], "mean", [3, 4.5, np.nan]),
        ([2.0, float("inf"), float("nan")], "mean", [2, np.nan, np.nan]),
    ],
)
def test_an_outcome_is_read(values: list[Any], measure: str, read: list[float]) -> None:
    kind, found = outcome(pl.Series("o", values, strict=False))
    assert kind == measure
    np.testing.assert_array_equal(found, read)


def test_an_outcome_that_is_none_says_which_value() -> None:
    with pytest.raises(UsageError, match="'maybe' is among"):
        outcome(pl.Series("o", ["yes", "maybe"]))
    with pytest.raises(UsageError, match="no value"):
        outcome(pl.Series("o", [None, None], dtype=pl.Float64))
