"""`frames`: rows from objects in memory."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import DataError
from tamis.sources import frames
from tamis.sources.frames import Frames

TABLE = {"id": [1, 2], "text": ["a", None], "score": [0.5, float("nan")]}
READ = [{"id": 1, "text": "a", "score": 0.5}, {"id": 2, "text": None, "score": None}]


def rows(data: Any, **settings: Any) -> list[dict[str, Any]]:
    source = Frames(data=data, **settings)
    (what,), _ = source.inputs(Path())
    found: list[dict[str, Any]] = []
    for batch in source.read(what, source.cut(what).slices):
        assert batch.bad == []
        found += pl.DataFrame([s.alias(n) for n, s in batch.columns.items()]).to_dicts()
    return found


def test_polars_lazy_and_dicts_of_lists() -> None:
    assert rows(pl.DataFrame(TABLE)) == READ
    assert rows(pl.LazyFrame(TABLE)) == READ
    assert rows(TABLE) == READ


def test_pyarrow_and_pandas() -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    assert rows(pyarrow.table(TABLE)) == READ
    assert rows(pandas.DataFrame(TABLE, index=[7, 9])) == READ


def test_anything_with_an_arrow_stream() -> None:
    class Held:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return pl.DataFrame(TABLE).__arrow_c_stream__(requested_schema)

    assert rows(Held()) == READ


def test_dicts_are_read_as_their_json_lines() -> None:
    data = [
        {"id": 1, "tags": ["é", {"x": None}], "day": datetime.date(2024, 2, 29), "n": float("nan")},
        {"id": 2.5, "tags": None, "day": "x\u2028y"},
    ]
    assert rows(data) == [
        {"id": 1.0, "tags": '["é",{"x":null}]', "day": "2024-02-29", "n": None},
        {"id": 2.5, "tags": None, "day": "x\u2028y", "n": None},
    ]
    assert rows(iter(data)) == rows(data)


def test_faults_of_dicts_are_quarantined_by_row() -> None:
    source = Frames(data=[{"a": "x"}, {"a": "\ud800"}, {"a": float("inf")}])
    (what,), _ = source.inputs(Path())
    (batch,) = source.read(what, source.cut(what).slices)
    assert [(bad.line, bad.cause) for bad in batch.bad] == [(2, "lone_surrogate"), (3, "nan")]


def test_chunks_are_slices_and_their_content_is_hashed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SLICE_ROWS", 2)
    for make in (lambda n: pl.DataFrame({"a": range(n)}), lambda n: [{"a": i} for i in range(n)]):
        source, longer = Frames(data=make(5)), Frames(data=make(6))
        (what,), _ = source.inputs(Path())
        before, after = source.cut(what).slices, longer.cut(what).slices
        assert [(part.start, part.stop, part.first_line) for part in before] == [(0, 2, 1), (2, 4, 3), (4, 5, 5)]
        assert before[:2] == after[:2]
        assert before[2] != after[2]
        assert [batch.lines.tolist() for batch in source.read(what, before[1:])] == [[3, 4], [5]]


def test_the_rows_are_not_part_of_the_recipe() -> None:
    assert Frames.of([{"a": 1}], name="inbox").settings() == {"name": "inbox"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("rows.csv", "a str holds no rows"),
        (7, "a int holds no rows"),
        ([{"a": 1}, [2]], "row 2 is a list and not a dict"),
        ([{("a", 1): 1}], "row 1 cannot be written as JSON"),
    ],
)
def test_what_holds_no_rows_is_refused(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(data)
