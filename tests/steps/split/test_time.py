"""split.time"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import UsageError
from tamis.engine.splits import instants
from tamis.steps.split.time import Time
from tamis.testing import run_step


def days(*days: Any) -> list[dict[str, Any]]:
    return [{"prompt": f"q{k}", "response": "yes", "day": day, "key": f"k{k}"} for k, day in enumerate(days)]


HALF = {"old": 0.5, "new": 0.5}
CASES: list[tuple[dict[str, Any], Any, Any]] = [
    (
        {"by": "day", "undated": "drop", "shares": HALF},
        days("2024-01-01", None, "2024-01-02", "soon"),
        ["kept", "undated", "kept", "undated"],
    ),
    (
        {"by": "day", "on_leak": "drop", "shares": HALF},
        [{"prompt": p, "response": "y", "day": d} for p, d in (("a", 1), ("b", 2), ("A", 3), ("c", 4))],
        ["leak", "kept", "kept", "kept"],
    ),
    ({"by": "day"}, days(*range(5)), ["kept"] * 5),
]


@pytest.mark.parametrize(("settings", "rows", "expected"), CASES)
def test_cases(settings: dict[str, Any], rows: Any, expected: Any) -> None:
    assert run_step(Time.model_validate(settings), rows).outcomes == expected


def test_the_oldest_train_and_the_newest_test() -> None:
    step = Time(by="day", shares={"train": 0.6, "validation": 0.2, "test": 0.2})
    split = run_step(step, days(30, 10, 50, 20, 40)).column("split")
    assert split == ["train", "train", "test", "train", "validation"]


def test_one_time_is_never_torn() -> None:
    split = run_step(Time(by="day", shares=HALF), days(1, 1, 1, 1, 1, 2)).column("split")
    assert split == ["old"] * 5 + ["new"]


def test_texts_are_read_as_time_not_as_text() -> None:
    rows = days("2024-03-01T10:00:00+02:00", "2024-03-01 09:30", "2024-03-01T08:15Z", "2024-03-01T09:00:00.5")
    assert run_step(Time(by="day", shares=HALF), rows).column("split") == ["old", "new", "old", "new"]


def test_a_format_of_ones_own() -> None:
    rows = days("31.01.2024", "01.02.2024", "15.12.2023", "02.02.2024")
    assert run_step(Time(by="day", format="%d.%m.%Y", shares=HALF), rows).column("split") == [
        "old",
        "new",
        "old",
        "new",
    ]


def test_undated_rows_go_to_the_first_split() -> None:
    assert run_step(Time(by="day", shares=HALF), days("2024-01-01", None, "2024-01-02", "2024-01-03")).column(
        "split"
    ) == ["old", "old", "new", "new"]


def test_rows_named_earlier_stay_and_count(tmp_path: Path) -> None:
    path = tmp_path / "earlier.csv"
    path.write_text("id,split\nk5,old\n")
    split = run_step(Time(by="day", shares=HALF, earlier=path, ids="key"), days(1, 2, 3, 4, 5, 6)).column("split")
    assert split == ["old", "old", "new", "new", "new", "old"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series([3, 1, None]), [3, 1, None]),
        (pl.Series([0.5, float("nan")]), [0.5, None]),
        (pl.Series([dt.date(1970, 1, 2)]), [86_400_000_000]),
        (pl.Series([dt.datetime(1970, 1, 1, 0, 0, 1)]), [1_000_000]),
        (
            pl.Series(["1970-01-01T00:00:00.000002", "1970-01-01T01:00:00+01:00", "1970-01-01", "", "never", None]),
            [2, 0, 0, None, None, None],
        ),
        (pl.Series(["1970-01-01 00:00:01z", "1970-01-01T00:01", "1970-01-01T01:00+0100"]), [1_000_000, 60_000_000, 0]),
        (pl.Series([], dtype=pl.String), []),
        (pl.Series([None, None]), [None, None]),
    ],
)
def test_instants(column: pl.Series, expected: list[Any]) -> None:
    assert instants(column).to_list() == expected


def test_each_text_is_read_by_itself() -> None:
    mixed = ["2024-01-01", "2024-01-01T00:00:00Z", "x", "2024-01-01 05:00"]
    alone = [instants(pl.Series([text])).to_list()[0] for text in mixed]
    assert instants(pl.Series(mixed)).to_list() == alone
    assert alone[0] == alone[1] != alone[3]


def test_too_few_rows_are_told() -> None:
    with pytest.raises(UsageError, match="1 rows are too few"):
        run_step(Time(by="day"), days(1))
