"""Tamis from Python: what is taken, what comes back, what is said of mistakes."""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import enum
import html.parser
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nanoarrow
import polars as pl
import pytest

import tamis
from tamis._given import given
from tamis.core.errors import DataError, GateWaiting, RecipeError, TamisError, UsageError, WorkspaceBusy
from tamis.core.events import Event, RunDone, StepDone
from tamis.runs.decide import Desk

ROWS: list[dict[str, Any]] = [
    {"prompt": "Where is my parcel?", "completion": "It will arrive tomorrow.", "n": 1},
    {"prompt": "where is my PARCEL", "completion": "It comes tomorrow.", "n": 2},
    {"prompt": "Hi", "completion": "Hello! How can I help you?", "n": 3},
    {"prompt": "Can I return a lamp?", "completion": "Yes", "n": None},
]


def recipe(**more: Any) -> tamis.Recipe:
    steps = [
        tamis.step("map.auto"),
        tamis.step("filter.length", min=2),
        tamis.step("dedup.exact", on="prompt"),
    ]
    return tamis.Recipe(**{"name": "small", "steps": steps, **more})


def bare(data: Any, folder: Path, name: str = "bare") -> list[dict[str, Any]]:
    """The rows as they come out of a recipe without steps."""
    rows: list[dict[str, Any]] = tamis.run(tamis.Recipe(name=name), data, workspace=folder).to_dicts(plain=True)
    return rows


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tamis.Result:
    return tamis.run(recipe(), ROWS, workspace=tmp_path_factory.mktemp("small"))


# -- what is taken ----------------------------------------------------------------------------


TYPED: dict[str, list[Any]] = {
    "text": ["a", None, "ü👩‍👩‍👧"],
    "integer": [1, 2, -3],
    "sparse": [1, None, 3],
    "number": [0.5, float("nan"), -2.0],
    "flag": [True, False, None],
    "when": [dt.datetime(2024, 2, 29, 12, 30), dt.datetime(2024, 2, 29, 12, 30, 0, 5), None],
    "day": [dt.date(2024, 2, 29), None, dt.date(1999, 1, 1)],
    "clock": [dt.time(12, 30), None, dt.time(1)],
    "span": [dt.timedelta(seconds=5), None, dt.timedelta(days=2)],
}
NESTED: dict[str, list[Any]] = {
    "tags": [["a", "é"], [], None],
    "about": [{"x": 1, "y": None}, {"x": 2, "y": "z"}, None],
}
READ: list[dict[str, Any]] = [
    {
        "text": "a", "integer": 1, "sparse": 1, "number": 0.5, "flag": True, "when": "2024-02-29 12:30:00.000000",
        "day": "2024-02-29", "clock": "12:30:00", "span": "PT5S",
    },
    {
        "text": None, "integer": 2, "sparse": None, "number": None, "flag": False, "when": "2024-02-29 12:30:00.000005",
        "day": None, "clock": None, "span": None,
    },
    {
        "text": "ü👩‍👩‍👧", "integer": -3, "sparse": 3, "number": -2.0, "flag": None, "when": None,
        "day": "1999-01-01", "clock": "01:00:00", "span": "P2D",
    },
]  # fmt: skip


class Stream:
    """What a database's result is: nothing but an Arrow stream."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.frame.__arrow_c_stream__(requested_schema)


class Block:
    """Nothing but an Arrow array."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.batch.__arrow_c_array__(requested_schema)


def dicts(data: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(data, values, strict=True)) for values in zip(*data.values(), strict=True)]


def holders(data: dict[str, list[Any]]) -> dict[str, Any]:
    """The same rows, held in every way."""
    frame = pl.DataFrame(data)
    found: dict[str, Any] = {
        "polars": frame,
        "lazy": frame.lazy(),
        "lazy, nanoseconds": frame.lazy().with_columns(pl.col("when").cast(pl.Datetime("ns"))),
        "chunked": pl.concat([frame[:1], frame[1:]], rechunk=False),
        "stream": Stream(frame),
        "nanoarrow": nanoarrow.ArrayStream(frame),
        "milliseconds": frame.with_columns(pl.col("day").cast(pl.Date), pl.col("span").cast(pl.Duration("ms"))),
        "nanoseconds": frame.with_columns(
            pl.col("when").cast(pl.Datetime("ns")), pl.col("span").cast(pl.Duration("ns"))
        ),
    }
    try:
        import pandas as pd
        import pyarrow as pa
    except ImportError:
        return found
    return {
        **found,
        "pyarrow": frame.to_arrow(),
        "record batch": pa.record_batch(frame.to_arrow().to_batches()[0]),
        "block": Block(pa.record_batch(frame.to_arrow().to_batches()[0])),
        "batches": frame.to_arrow().to_reader(1),
        "pandas": pd.DataFrame(data, index=[7, 7, 8]),
        "pandas, nanoseconds": pd.DataFrame(data).assign(when=pd.Series(data["when"]).astype("datetime64[ns]")),
        "pandas, Arrow types": frame.to_pandas(use_pyarrow_extension_array=True),
    }


def values(data: dict[str, list[Any]]) -> dict[str, Any]:
    """The same rows as plain values."""
    return {"dicts": dicts(data), "dict of lists": data, "generator": (row for row in dicts(data))}


def has_pandas() -> bool:
    return "pandas" in holders(TYPED)


def test_every_holder_gives_the_same_rows_and_ids(tmp_path: Path) -> None:
    expected: list[str] = []
    for name, held in {**holders(TYPED), **values(TYPED)}.items():
        rows = bare(held, tmp_path / name)
        ids = [row.pop("id") for row in rows]
        assert rows == READ, name
        expected = expected or ids
        assert ids == expected, name
    assert len(set(expected)) == 3


def test_nested_values_are_json_text_with_one_id_in_every_table(tmp_path: Path) -> None:
    expected: list[str] = []
    for name, held in holders({**TYPED, **NESTED}).items():
        if name == "pandas, Arrow types":
            continue
        rows = bare(held, tmp_path / name)
        assert [row["tags"] for row in rows] == ['["a","é"]', "[]", None], name
        assert [None if row["about"] is None else json.loads(row["about"]) for row in rows] == NESTED["about"], name
        expected = expected or [row["id"] for row in rows]
        assert [row["id"] for row in rows] == expected, name


def test_nested_values_of_dicts_are_json_text(tmp_path: Path) -> None:
    data = [{"q": {"day": dt.date(2024, 2, 29), "none": float("nan"), "t": (1, "é")}}, {"q": [decimal.Decimal("1.50")]}]
    rows = bare(data, tmp_path)
    assert [json.loads(row["q"]) for row in rows] == [{"day": "2024-02-29", "none": None, "t": [1, "é"]}, ["1.50"]]


def test_a_dict_of_lists_loses_no_key_of_its_values(tmp_path: Path) -> None:
    rows = bare({"about": [{"x": 1}, {"y": 2}]}, tmp_path)
    assert [json.loads(row["about"]) for row in rows] == [{"x": 1}, {"y": 2}]


def test_categories_are_text(tmp_path: Path) -> None:
    kinds: list[Any] = [pl.Categorical, pl.Enum(["x", "y"])]
    tables: list[Any] = [pl.DataFrame({"c": pl.Series(["x", None, "y"], dtype=kind)}) for kind in kinds]
    if has_pandas():
        import pandas as pd

        tables.append(pd.DataFrame({"c": pd.Categorical(["x", None, "y"])}))
    expected = [row["id"] for row in bare({"c": ["x", None, "y"]}, tmp_path / "text")]
    for number, table in enumerate(tables):
        rows = bare(table, tmp_path / str(number))
        assert [row["c"] for row in rows] == ["x", None, "y"]
        assert [row["id"] for row in rows] == expected


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "2024-01-01 00:00:00.000000+00:00"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Path("a/b"), "a/b"),
        (Colour.RED, "red"),
        (b"\x00x", "0078"),
        (decimal.Decimal("1.50"), "1.50"),
        (float("nan"), None),
        (10**30, str(10**30)),
        (pl.Series([1, 2]), "[1,2]"),
        ("half \u2028 line", "half \u2028 line"),
    ],
    ids=str,
)
def test_values_of_dicts(value: Any, read: Any, tmp_path: Path) -> None:
    (row,) = bare([{"v": value, "w": 1}], tmp_path)
    assert row["v"] == read


def test_values_of_numpy_and_pandas(tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    data = [
        {"i": np.int16(3), "f": np.float32("nan"), "b": np.bool_(True), "a": np.array([1, 2]), "t": pd.NaT},
        {"i": pd.NA, "f": np.float64(0.5), "b": False, "a": None, "t": pd.Timestamp("2024-01-01")},
        {"i": 4, "f": 1, "b": None, "a": [], "t": np.datetime64("2024-01-01T00:00:00.000001000", "ns")},
    ]
    rows = bare(data, tmp_path)
    for row in rows:
        row.pop("id")
    assert rows == [
        {"i": 3, "f": None, "b": True, "a": "[1,2]", "t": None},
        {"i": None, "f": 0.5, "b": False, "a": None, "t": "2024-01-01 00:00:00.000000"},
        {"i": 4, "f": 1.0, "b": None, "a": "[]", "t": "2024-01-01 00:00:00.000001"},
    ]


def test_nanoseconds_are_not_lost(tmp_path: Path) -> None:
    frame = pl.DataFrame({"t": ["2024-01-01 00:00:00.123456789"]}).select(pl.col("t").str.to_datetime(time_unit="ns"))
    assert [row["t"] for row in bare(frame, tmp_path)] == ["2024-01-01 00:00:00.123456789"]


def test_pandas_without_pyarrow_gives_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pd.DataFrame({name: TYPED[name] for name in ("text", "integer", "sparse", "number", "flag", "when")})
    expected = bare(table, tmp_path / "with")

    def missing(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'pyarrow'")

    monkeypatch.setattr(pl, "from_pandas", missing)
    assert bare(table, tmp_path / "without") == expected


def test_a_pandas_column_of_several_types_is_read_value_by_value(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    rows = bare(pd.DataFrame({"v": [{"a": 1}, [2]], "n": [1, None]}), tmp_path / "nested")
    assert [(json.loads(row["v"]), row["n"]) for row in rows] == [({"a": 1}, 1.0), ([2], None)]
    mixed = pd.DataFrame({"v": ["x"] * 300 + [3], "n": range(301)})
    result = tamis.run(tamis.Recipe(name="mixed"), mixed, workspace=tmp_path / "mixed")
    assert result.outcomes["quarantined"] == 1
    (bad,) = result.quarantined().to_dicts()
    assert (bad["line"], bad["cause"]) == (301, "type_mismatch")
    assert "`v` is not text" in bad["message"]


def test_a_series_is_a_table_of_one_column(tmp_path: Path) -> None:
    assert [row["q"] for row in bare(pl.Series("q", ["a", "b"]), tmp_path / "polars")] == ["a", "b"]
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    assert [row["q"] for row in bare(pd.Series(["a", "b"], name="q"), tmp_path / "pandas")] == ["a", "b"]


def test_names_that_are_numbers_are_text(tmp_path: Path) -> None:
    expected = [{"0": "a", "7": 1}]
    assert [{k: v for k, v in row.items() if k != "id"} for row in bare([{0: "a", 7: 1}], tmp_path / "d")] == expected
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    table = pd.DataFrame([["a", 1]], columns=[0, 7])
    assert [{k: v for k, v in row.items() if k != "id"} for row in bare(table, tmp_path / "p")] == expected


def twice_in_arrow() -> Any:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    return pa.table([[1], [2]], names=["q", "q"])


def twice_in_pandas() -> Any:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    return pd.DataFrame([[1, 2]], columns=["q", "q"])


def levels_in_pandas() -> Any:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    return pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))


def sets_in_pandas() -> Any:
    pd = pytest.importorskip("pandas", reason="pandas is not installed")
    return pd.DataFrame({"q": [{"b", "a"}]})


def read_twice() -> Any:
    rows = iter(ROWS)
    assert len(list(rows)) == 4
    return rows


def deep() -> Any:
    value: Any = "x"
    for _ in range(300):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (twice_in_arrow, "the data has columns of one name: 'q'"),
        (twice_in_pandas, "the data has columns of one name: 'q'"),
        (lambda: [{1: "a", "1": "b"}], "the data has columns of one name: '1'"),
        (levels_in_pandas, "the columns of the pandas table have 2 levels"),
        (lambda: pl.DataFrame(), "the data (polars DataFrame) holds no rows"),
        (lambda: pl.DataFrame({"q": []}), "the data (polars DataFrame) holds no rows"),
        (list, "the data (list) holds no rows"),
        (dict, "the data (dict) holds no rows"),
        (lambda: {"q": []}, "the data (dict) holds no rows"),
        (read_twice, "the data (list_iterator) holds no rows\nHint: a generator or a stream of record batches can be"),
        (lambda: "rows.csv", "'rows.csv' is a name and no data\nHint: files are read by `tamis.source(\"files\", path=…)`"),
        (lambda: Path("rows.csv"), "'rows.csv' is a name and no data"),
        (lambda: 7, "a int holds no rows\nHint: a pandas, Polars or pyarrow table, a list of dicts"),
        (lambda: [{"q": 1}, [2]], "row 2 is a list and not a dict"),
        (lambda: ["a"], "row 1 is a str and not a dict"),
        (lambda: {"q": "text"}, "column 'q' is a str and not a list\nHint: one row is a list of one dict: [row]"),
        (lambda: {"q": [1, 2], "a": [1]}, "the columns are not of one length: 'q' 2, 'a' 1"),
        (lambda: [{"q": 1}, {"q": object()}], "row 2 holds a object, which is no value of JSON"),
        (lambda: [{"q": {"x", "y"}}], "row 1 holds a set, which has no order; give a sorted list"),
        (lambda: [{"q": [{"a": {1}}]}], "row 1 holds a set, which has no order"),
        (sets_in_pandas, "row 1 holds a set, which has no order"),
        (lambda: [{"q": {None: 1}}], "row 1 holds a dict with the key None; keys are text"),
        (lambda: [{"q": deep()}], "row 1 is nested deeper than 200 levels"),
    ],
)  # fmt: skip
def test_what_cannot_be_rows_is_told(make: Any, message: str, tmp_path: Path) -> None:
    data = make()
    with pytest.raises(DataError) as caught:
        tamis.run(tamis.Recipe(name="bare"), data, workspace=tmp_path)
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "runs").exists(), "a run was begun"


def test_a_stream_of_batches_can_be_read_once(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    reader = pl.DataFrame({"q": ["a"]}).to_arrow().to_reader()
    assert len(bare(reader, tmp_path)) == 1
    with pytest.raises(
        DataError, match="holds no rows\nHint: a generator or a stream of record batches can be read once"
    ):
        bare(reader, tmp_path)


def test_what_an_object_prints_as_never_enters_an_id() -> None:
    class Thing:
        def __str__(self) -> str:
            return f"thing at {id(self)}"

    with pytest.raises(DataError, match="Thing, which is no value of JSON; give its text or its fields"):
        given([{"q": Thing()}])


def test_rows_that_cannot_be_are_quarantined_by_number(tmp_path: Path) -> None:
    rows = [{"q": f"question {n}", "x": 0.5} for n in range(200)] + [{"q": "lone \ud800", "x": 1.0}]
    result = tamis.run(tamis.Recipe(name="bad"), rows, workspace=tmp_path)
    assert result.account == "201 in = 200 kept + 1 quarantined"
    assert result.quarantined()["line"].to_list() == [201]
    assert tamis.run(tamis.Recipe(name="good"), rows[:3], workspace=tmp_path).quarantined().height == 0


# -- the same ids and results, again and however cut --------------------------------------------


def test_running_twice_reuses_everything_and_gives_the_same(tmp_path: Path) -> None:
    first = tamis.run(recipe(), ROWS, workspace=tmp_path)
    again = tamis.run(recipe(), pl.DataFrame(ROWS).rechunk(), workspace=tmp_path)
    assert first.folder != again.folder
    assert again.to_dicts() == first.to_dicts()
    third = tamis.run(recipe(), pl.DataFrame(ROWS), workspace=tmp_path)
    assert third.steps["reused"].to_list() == third.steps["in"].to_list() == [4, 4, 3]
    fresh = tamis.run(recipe(), pl.DataFrame(ROWS), workspace=tmp_path, fresh=True)
    assert fresh.steps["reused"].to_list() == [0, 0, 0]
    assert fresh.to_dicts() == first.to_dicts()


def test_slices_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tamis.sources import frames

    rows = [{"prompt": f"Question number {n % 40}?", "completion": "An answer of some length."} for n in range(100)]
    whole = tamis.run(recipe(), rows, workspace=tmp_path / "whole")
    monkeypatch.setattr(frames, "SLICE_ROWS", 7)
    for name, data in {"dicts": rows, "table": pl.DataFrame(rows)}.items():
        cut = tamis.run(recipe(), data, workspace=tmp_path / name, workers=2)
        assert cut.to_dicts() == whole.to_dicts()
        assert cut.account == whole.account == "100 in = 40 kept + 60 merged"


def test_ids_follow_rows_and_not_places(tmp_path: Path) -> None:
    ids = {row["prompt"]: row["id"] for row in bare(ROWS, tmp_path / "a")}
    assert {row["prompt"]: row["id"] for row in bare(ROWS[::-1], tmp_path / "b")} == ids
    assert {row["prompt"]: row["id"] for row in bare([*ROWS, {"prompt": "new"}], tmp_path / "a")}.items() > ids.items()


def test_ids_are_the_same_in_every_recipe_and_after_other_data(tmp_path: Path) -> None:
    ids = [row["id"] for row in bare(ROWS, tmp_path / "a")]
    other = [{"question": "Who?", "stars": 5}, {"question": "Why?", "stars": 5}]
    bare(other, tmp_path / "b", "one")
    assert [row["id"] for row in bare(ROWS, tmp_path / "b", "two")] == ids
    there = {row["question"]: row["id"] for row in bare(other, tmp_path / "c", "bare")}
    assert [row["id"] for row in bare(ROWS, tmp_path / "c", "bare")] == ids
    back = {row["question"]: row["id"] for row in bare(other[::-1], tmp_path / "c", "bare")}
    assert len(set(back.values())) == 2
    assert back == there


# -- data in the place of a recipe's source ---------------------------------------------------------


def test_data_stands_in_the_place_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    auto = tamis.step("map.auto")
    written = recipe(
        steps=[tamis.step("filter.length", min=2)],
        sources=[tamis.source("files", path="rows.jsonl", name="inbox", id=["n"], map=auto, license="CC0-1.0")],
    )
    from_file = run_at(written, tmp_path)
    frame = pl.DataFrame(ROWS[:3])
    from_memory = tamis.run(written, frame, workspace=tmp_path / "memory")
    assert from_file.outcomes["quarantined"] == 1  # its key is null
    assert from_memory.to_dicts() == from_file.to_dicts()
    assert from_memory.manifest["recipe"]["sources"] == [
        {"use": "frames", "name": "inbox", "id": ["n"], "map": [{"use": "map.auto"}], "license": "CC0-1.0"}
    ]
    assert written.sources[0].address() == "files", "the recipe given was changed"


def run_at(what: tamis.Recipe, folder: Path) -> tamis.Result:
    """Run a recipe as if its file stood in the folder."""
    path = folder / "recipe.yaml"
    path.write_text(what.model_copy(update={"max_quarantined": 0.5}).to_yaml(), encoding="utf-8")
    return tamis.run(path)


def test_which_of_two_sources_data_stands_for_must_be_said(tmp_path: Path) -> None:
    frames = [tamis.source("frames", data=ROWS[:2], name="a"), tamis.source("frames", data=ROWS[2:], name="b")]
    two = recipe(sources=frames)
    assert tamis.run(two, workspace=tmp_path).account == "4 in = 2 kept + 1 dropped + 1 merged"
    with pytest.raises(UsageError, match=r"has 2 sources \(a, b\); which one the data stands for is not said"):
        tamis.run(two, ROWS, workspace=tmp_path)


def test_a_result_is_data_for_the_next_recipe(result: tamis.Result, tmp_path: Path) -> None:
    after = tamis.run(
        tamis.Recipe(name="after", steps=[tamis.step("filter.where", keep="n > 1")]), result, workspace=tmp_path
    )
    assert [row["prompt"] for row in after.to_dicts(plain=True)] == ["Hi"]


# -- recipes ------------------------------------------------------------------------------------


YAML = """
tamis: 1
name: small
seed: 7
sources:
  - use: files
    path: rows.jsonl
    map:
      - use: map.prompt_completion
steps:
  - use: filter.length
    id: short
    in: prompt
    min: 2
    where: n > 1
  - use: split.random
    shares: {train: 0.8, test: 0.2}
deliver:
  - use: openai_chat
    path: dist/small
"""


def built(**more: Any) -> tamis.Recipe:
    settings: dict[str, Any] = {
        "name": "small",
        "seed": 7,
        "sources": [tamis.source("files", path="rows.jsonl", map=tamis.step("map.prompt_completion"))],
        "steps": [
            tamis.step("filter.length", id="short", in_="prompt", min=2, where="n > 1"),
            tamis.step("split.random", shares={"train": 0.8, "test": 0.2}),
        ],
        "deliver": [tamis.sink("openai_chat", path="dist/small")],
    }
    return tamis.Recipe(**{**settings, **more})


def test_a_recipe_built_in_code_equals_the_written_one(tmp_path: Path) -> None:
    written = tamis.parse(YAML)
    assert built() == written
    assert hash(built()) == hash(written)
    assert built().fingerprint() == written.fingerprint()
    assert tamis.parse(built().to_yaml()) == written
    assert isinstance(written, tamis.Recipe)
    (tmp_path / "recipe.yaml").write_text(YAML, encoding="utf-8")
    assert tamis.load(tmp_path / "recipe.yaml") == tamis.load(tmp_path) == written
    assert built(seed=8) != written
    assert built(seed=8).fingerprint() != written.fingerprint()


def test_steps_may_be_mappings_as_in_the_file() -> None:
    mappings = [
        {"use": "filter.length", "id": "short", "in": "prompt", "min": 2, "where": "n > 1"},
        {"use": "split.random", "shares": {"train": 0.8, "test": 0.2}},
    ]
    assert built(steps=mappings) == built(steps=tuple(mappings)) == built()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tamis.step("filter.lenght"), "tamis.step: 1 problem\n  no step 'filter.lenght'; did you mean 'filter.length'?"),
        (lambda: tamis.step("filter.length", mni=2), "tamis.step: 1 problem\n  filter.length: unknown field 'mni'; did you mean 'min'?"),
        (lambda: tamis.step("filter.length", min=-1), "tamis.step: 1 problem\n  filter.length: `min`: input should be greater than or equal to 0 (it is -1)"),
        (lambda: tamis.step("filter.length", in_="promt"), "tamis.step: 1 problem\n  filter.length: `in`: unknown view 'promt'; possible: response, prompt,"),
        (lambda: tamis.step("filter.listed"), "tamis.step: 2 problems\n  filter.listed: `file` is missing\n  filter.listed: `columns` is missing"),
        (lambda: tamis.source("file", path="x"), "tamis.source: 1 problem\n  no source 'file'; did you mean 'files'?"),
        (lambda: tamis.source("files", pth="x"), "tamis.source: 1 problem\n  files: unknown field 'pth'; did you mean 'path'?"),
        (lambda: tamis.sink("jsonl"), "tamis.sink: 1 problem\n  jsonl: `path` is missing"),
        (lambda: built(sed=1), "tamis.Recipe: 1 problem\n  unknown key 'sed'; did you mean 'seed'?"),
        (lambda: built(seed=-1, name="a b"), "tamis.Recipe: 2 problems\n  `name`: string should match"),
        (lambda: built(steps=[1]), "tamis.Recipe: 1 problem\n  expected a mapping with `use: family.step`"),
        (lambda: built(steps=tamis.step("filter.empty")), "tamis.Recipe: 1 problem\n  `steps:` is a list"),
        (lambda: built(steps=[{"use": "filter.empti"}]), "tamis.Recipe: 1 problem\n  no step 'filter.empti'; did you mean"),
        (lambda: built(steps=[tamis.step("filter.empty")] * 2), "tamis.Recipe: 1 problem\n  step 'filter.empty' is used more than once"),
        (lambda: tamis.parse("name: x\nsteps:\n  - use: filter.lenght\n"), "recipe: 1 problem\n  line 3: no step 'filter.lenght'; did you mean"),
    ],
)  # fmt: skip
def test_mistakes_are_told_as_in_a_file(make: Any, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        make()
    assert str(caught.value).startswith(message)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ROWS, "recipe.yaml"), "a recipe is expected first, not a list\nHint: tamis.run(recipe, data): the data second"),
        ((None,), "a recipe is expected first, not a NoneType"),
        (("nowhere.yaml",), "no recipe nowhere.yaml"),
        ((tamis.Recipe(name="x"),), "recipe 'x' has no sources\nHint: tamis.run(recipe, data), or give it `sources`"),
        ((recipe(steps=[tamis.step("filter.where", keep="promt = 'a'")]), ROWS), "recipe 'small': 1 problem\n"),
    ],
)  # fmt: skip
def test_mistakes_of_a_run_are_told(
    arguments: tuple[Any, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        tamis.run(*arguments)
    assert str(caught.value).startswith(message)


def test_progress_that_is_none_of_the_three_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="progress is 'bars'; possible: True, False, \"auto\""):
        tamis.run(recipe(), ROWS, workspace=tmp_path, progress="bars")


def test_paths_of_a_loaded_recipe_are_relative_to_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    (home / "recipe.yaml").write_text(YAML.replace("n > 1", "n > 0"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    loaded = tamis.load("home/recipe.yaml")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    result = tamis.run(loaded)
    assert result.folder == home / "runs/small/1"
    assert (home / "dist/small/train.jsonl").is_file()
    elsewhere = tamis.run(loaded.model_copy(update={"seed": 8}), workspace=tmp_path / "elsewhere")
    assert elsewhere.outcomes == result.outcomes
    assert elsewhere.folder == tmp_path / "elsewhere/runs/small/1"


def test_paths_of_a_built_recipe_are_relative_to_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.jsonl").write_text('{"q": "a"}\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    from_file = tamis.Recipe(name="here", sources=[tamis.source("files", path="rows.jsonl")])
    assert tamis.run(from_file, workspace="away").outcomes["kept"] == 1
    assert tamis.run(from_file).folder == tmp_path / "runs/here/1"


# -- results --------------------------------------------------------------------------------------


def test_the_account(result: tamis.Result) -> None:
    assert result.account == "4 in = 2 kept + 1 dropped + 1 merged"
    assert result.outcomes == {"in": 4, "born": 0, "kept": 2, "dropped": 1, "merged": 1, "held": 0, "quarantined": 0}
    assert result.steps.select("step", "in", "kept", "dropped", "merged", "reasons").rows() == [
        ("map.auto", 4, 4, 0, 0, ""),
        ("filter.length", 4, 3, 1, 0, "too_short 1"),
        ("dedup.exact", 3, 2, 0, 1, "duplicate 1"),
    ]
    assert repr(result) == f"<tamis.Result 4 in = 2 kept + 1 dropped + 1 merged; {result.folder}>"
    assert result.report.is_file()
    assert result.warnings == ["only 2 rows: fewer than 100 are rarely enough to fine-tune on"]


def test_rows_come_back_in_every_form(result: tamis.Result) -> None:
    frame = result.to_polars()
    assert frame["source.prompt"].to_list() == ["Where is my parcel?", "Hi"]
    assert frame["source.n"].to_list() == [1, 3]
    assert [turn["role"] for turn in frame["messages"][0]] == ["user", "assistant"]
    assert result.kept.equals(frame)
    assert result.to_dicts() == frame.to_dicts()
    assert pl.DataFrame(result).equals(frame)
    assert [field.name for field in nanoarrow.ArrayStream(result).schema.fields] == frame.columns


def test_rows_come_back_to_pandas_and_arrow(result: tamis.Result) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    table = result.to_pandas(plain=True)
    assert list(table["prompt"]) == ["Where is my parcel?", "Hi"]
    assert table["n"].tolist() == [1, 3]
    assert result.to_arrow().column("source.prompt").to_pylist() == ["Where is my parcel?", "Hi"]
    assert pyarrow.table(result).num_rows == 2


def test_a_missing_library_is_named(result: tamis.Result, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise ModuleNotFoundError("No module named 'pyarrow'")

    monkeypatch.setattr(pl.DataFrame, "to_arrow", missing)
    monkeypatch.setattr(pl.DataFrame, "to_pandas", missing)
    with pytest.raises(UsageError, match="to_arrow needs pyarrow\nHint: pip install pyarrow"):
        result.to_arrow()
    with pytest.raises(UsageError, match="to_pandas needs pandas and pyarrow\nHint: pip install pandas pyarrow"):
        result.to_pandas()


def test_plain_names_stay_apart(tmp_path: Path) -> None:
    rows = [{"prompt": "Hi", "completion": "Hello", "id": "mine", "messages": "theirs", "split": "x", "a.b": 1, "": 2}]
    found = tamis.run(recipe(steps=[tamis.step("map.prompt_completion")]), rows, workspace=tmp_path)
    frame = found.to_polars(plain=True)
    assert set(frame.columns) == {
        "id", "source.id", "messages", "source.messages", "prompt", "completion", "split", "tools", "a.b", "source.",
    }  # fmt: skip
    assert frame["source.id"].to_list() == ["mine"]
    assert len(frame["id"][0]) == 32


def test_splits(tmp_path: Path) -> None:
    rows = [{"prompt": f"Question {n}?", "completion": "An answer."} for n in range(20)]
    shares = {"train": 0.8, "test": 0.2}
    steps = [tamis.step("map.auto"), tamis.step("split.random", shares=shares)]
    result = tamis.run(recipe(steps=steps), rows, workspace=tmp_path)
    assert {split: frame.height for split, frame in result.splits.items()} == {"train": 16, "test": 4}
    assert result.to_polars("test").equals(result.splits["test"])
    assert len(result.to_dicts("test")) == 4
    with pytest.raises(UsageError, match="no split 'tset'; there are: test, train"):
        result.to_polars("tset")


def test_no_splits(result: tamis.Result) -> None:
    assert result.splits == {}
    with pytest.raises(UsageError, match=r"no split 'train'; there are: none \(no step splits\)"):
        result.to_polars("train")


def test_nothing_kept_is_an_empty_table_with_its_columns(tmp_path: Path) -> None:
    nothing = tamis.run(recipe(steps=[tamis.step("filter.where", drop="n > 0 or n is null")]), ROWS, workspace=tmp_path)
    frame = nothing.to_polars()
    assert frame.height == 0
    assert frame.columns == ["id", "source.prompt", "source.completion", "source.n"]
    assert nothing.account == "4 in = 0 kept + 4 dropped"


BLANK = [{"prompt": "Hi", "completion": ""}, {"prompt": "Hi", "completion": "Hello"}]


def test_who_left_and_why(result: tamis.Result, tmp_path: Path) -> None:
    left = result.dropped("filter.length")
    assert left.columns == ["id", "outcome", "reason", "into", "evidence", "file", "line", "text"]
    (row,) = left.to_dicts()
    assert (row["outcome"], row["reason"], row["line"]) == ("dropped", "too_short", 4)
    assert row["evidence"]["length"] == 1
    assert row["text"] == "Can I return a lamp? ⏎ Yes"
    (merged,) = result.dropped("dedup.exact", reason="duplicate").to_dicts()
    assert merged["into"] == result.to_polars()["id"][0]
    assert result.dropped("filter.length", limit=0).height == 0
    assert result.dropped("filter.length", limit=None).height == 1
    blank = tamis.run(recipe(steps=[tamis.step("map.auto"), tamis.step("filter.empty")]), BLANK, workspace=tmp_path)
    assert blank.dropped("filter.empty").select("reason", "evidence").rows() == [("empty", None)]
    empty = result.dropped("map.auto")
    assert (empty.height, empty.columns) == (0, left.columns)
    with pytest.raises(UsageError, match=r"no step 'filter.lenght' in this run; did you mean 'filter.length'\?"):
        result.dropped("filter.lenght")
    with pytest.raises(UsageError, match="has no reason 'too_shrt'; did you mean 'too_short'"):
        result.dropped("filter.length", reason="too_shrt")


def test_the_life_of_a_row(result: tamis.Result) -> None:
    (life,) = result.why("return a lamp")
    assert (life["outcome"], life["left_at"], life["file"], life["line"]) == ("dropped", "filter.length", "frames", 4)
    assert result.why(life["id"][:12]) == [life]
    assert result.why("frames:4") == [life]
    with pytest.raises(UsageError, match="no row 'nothing of the kind'"):
        result.why("nothing of the kind")


def test_an_earlier_run_is_opened_again(tmp_path: Path) -> None:
    first = tamis.run(recipe(), ROWS, workspace=tmp_path)
    second = tamis.run(recipe(), ROWS[:2], workspace=tmp_path)
    assert tamis.Result.open(tmp_path).folder == second.folder
    again = tamis.Result.open(tmp_path, "small", 1)
    assert again.to_dicts() == first.to_dicts()
    assert again.account == first.account
    with pytest.raises(UsageError, match="recipe 'small' has no run 7; there are: 1, 2"):
        tamis.Result.open(tmp_path, "small", 7)
    (second.folder / "manifest.json").unlink()
    with pytest.raises(DataError, match="has no manifest: the run did not come to its end"):
        tamis.Result.open(tmp_path)


def test_a_gate_waits_and_the_same_call_goes_on(tmp_path: Path) -> None:
    gated = recipe(steps=[tamis.step("map.auto"), tamis.step("review.gate", question="Is it right?", where="n = 1")])
    with pytest.raises(GateWaiting, match=r"gate 'review.gate' waits: 1 of 1 rows are undecided. Is it right\?"):
        tamis.run(gated, ROWS, workspace=tmp_path / "a")
    with pytest.raises(DataError, match="has no manifest: the run did not come to its end"):
        tamis.Result.open(tmp_path / "a")
    Desk(tmp_path / "a").decide("review.gate", "reject", [], every=True, why=None, who="me")
    result = tamis.run(gated, ROWS, workspace=tmp_path / "a")
    assert result.account == "4 in = 3 kept + 1 dropped"
    assert result.folder.name == "1", "the run that waited goes on"
    recorded = tmp_path / "a/decisions/small.jsonl"
    replayed = tamis.run(gated, ROWS, workspace=tmp_path / "b", decisions=recorded)
    assert replayed.to_dicts() == result.to_dicts()


# -- what a notebook shows --------------------------------------------------------------------------


EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>"


class Tags(html.parser.HTMLParser):
    """Every tag, attribute and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.rows = 0
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.rows += tag == "tr"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


HARMLESS = {"p", "b", "i", "br", "table", "thead", "tbody", "tr", "th", "td"}


def check_page(page: str) -> Tags:
    found = Tags(page)
    assert found.tags <= HARMLESS
    assert found.attributes <= {"style"}
    return found


def test_what_is_shown_is_escaped_and_small(tmp_path: Path) -> None:
    rows = [{"prompt": f"{EVIL} {n} \u202e", "completion": EVIL, EVIL: EVIL} for n in range(3)]
    steps = [
        tamis.step("map.auto"),
        tamis.step("filter.where", id="a-b", drop=f"prompt = '{EVIL.replace(chr(39), chr(39) * 2)}'"),
    ]
    made = recipe(steps=steps, description=EVIL)
    result = tamis.run(made, rows, workspace=tmp_path)
    result.manifest["steps"][0]["name"] = EVIL  # ids are letters; a manifest may be anybody's
    result.manifest["steps"][0]["reasons"] = {EVIL: 3}
    result.manifest["warnings"] = [EVIL]
    result.manifest["delivered"] = [{"path": EVIL, "rows": 3, "split": EVIL}]
    shown = check_page(result._repr_html_())
    assert sum(EVIL in text for text in shown.texts) == 4  # the step, its reason, the warning, the delivery
    assert check_page(made._repr_html_()).texts.count(f" {EVIL}") == 1
    lives = result.why(EVIL)
    assert len(lives) == 3
    page = lives._repr_html_()
    assert any(EVIL in text for text in check_page(page).texts)
    assert "\u202e" not in page


def test_long_recipes_and_runs_are_cut(result: tamis.Result) -> None:
    many = recipe(steps=[tamis.step("filter.length", id=f"s{n}") for n in range(80)])
    page = many._repr_html_()
    assert check_page(page).rows == 51
    assert "… and 30 more" in page
    long = tamis.Result.__new__(tamis.Result)
    long.folder = result.folder
    long.manifest = {**result.manifest, "steps": [{**result.manifest["steps"][0], "name": f"s{n}"} for n in range(80)]}
    assert check_page(long._repr_html_()).rows == 51
    lives = tamis.api.Lives(result.why("Hi") * 80)
    page = lives._repr_html_()
    assert "… and 30 more rows" in page
    assert page.count("<table>") == 50


def test_a_long_text_is_cut_before_it_is_escaped() -> None:
    page = recipe(description="&" * 5000)._repr_html_()
    assert page.count("&amp;") == 199
    assert check_page(page)


def test_a_result_shows_its_account(result: tamis.Result) -> None:
    page = result._repr_html_()
    assert "<b>4 in = 2 kept + 1 dropped + 1 merged</b>" in page
    assert "too_short 1" in page
    shown = check_page(result.why("return a lamp")._repr_html_())
    assert "the text is shorter than `min`" in shown.texts
    assert "length 1" in shown.texts
    kept = result.to_polars()["id"][0]
    assert any(f"into {kept[:8]}" in text for text in check_page(result.why("It comes tomorrow")._repr_html_()).texts)


# -- loops, threads, displays -----------------------------------------------------------------------


def test_inside_a_running_loop(tmp_path: Path) -> None:
    async def main() -> list[str]:
        here = tamis.run(recipe(), ROWS, workspace=tmp_path / "here")
        there = await asyncio.to_thread(tamis.run, recipe(), ROWS, workspace=tmp_path / "there")
        assert there.to_dicts() == here.to_dicts()
        return [here.account, there.account]

    assert asyncio.run(main()) == ["4 in = 2 kept + 1 dropped + 1 merged"] * 2


def test_in_threads_beside_each_other(tmp_path: Path) -> None:
    expected = tamis.run(recipe(), ROWS, workspace=tmp_path / "alone").to_dicts()
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        try:
            found[number] = tamis.run(recipe(), ROWS, workspace=tmp_path / str(number)).to_dicts()
        except BaseException as error:
            found[number] = error

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[number] for number in range(3)] == [expected] * 3


def test_two_runs_in_one_workspace_do_not_mix(tmp_path: Path) -> None:
    caught: list[TamisError] = []

    def intrude(event: Event) -> None:
        if isinstance(event, StepDone) and not caught:
            try:
                tamis.run(recipe(), ROWS, workspace=tmp_path)
            except TamisError as error:
                caught.append(error)

    outer = tamis.run(recipe(), ROWS, workspace=tmp_path, emit=intrude)
    assert [type(error) for error in caught] == [WorkspaceBusy]
    assert outer.account == "4 in = 2 kept + 1 dropped + 1 merged"


def test_signals_are_as_before(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    tamis.run(recipe(), ROWS, workspace=tmp_path)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False), ("auto", False)])
def test_progress_is_on_stderr_and_only_when_asked(
    progress: Any, shown: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    tamis.run(recipe(), ROWS, workspace=tmp_path, progress=progress)
    told = capsys.readouterr()
    assert told.out == ""
    assert ("filter.length: 4 in = 3 kept + 1 dropped (too_short 1)" in told.err) is shown
    assert (told.err != "") is shown


def test_in_a_notebook_only_long_stages_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    tamis.run(recipe(), ROWS, workspace=tmp_path / "short")
    assert capsys.readouterr().err == ""
    ticks: Iterator[int] = iter(range(0, 100_000, 60))
    monkeypatch.setattr("tamis.runner.display.time.monotonic", lambda: next(ticks))
    tamis.run(recipe(), ROWS, workspace=tmp_path / "long")
    told = capsys.readouterr().err
    assert "rows/s" in told
    assert "kept" not in told


def test_events_reach_their_listener(tmp_path: Path) -> None:
    events: list[Event] = []
    tamis.run(recipe(), ROWS, workspace=tmp_path, emit=events.append)
    assert [event.step for event in events if isinstance(event, StepDone)] == [
        "map.auto",
        "filter.length",
        "dedup.exact",
    ]
    assert isinstance(events[-1], RunDone)


SCRIPT = """
import tamis
rows = [{"q": f"question {n}", "tags": ["b", "a"]} for n in range(5)]
print([row["id"] for row in tamis.run(tamis.Recipe(name="s"), rows).to_dicts()])
"""


def test_ids_are_the_same_in_every_process(tmp_path: Path) -> None:
    told = set()
    for seed in ("0", "7"):
        folder = tmp_path / seed
        folder.mkdir()
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Pacific/Auckland" if seed == "7" else "UTC"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        told.add(done.stdout)
    assert len(told) == 1
    assert told.pop().count(",") == 4


def test_nested_values_have_the_same_ids_from_dicts_and_from_a_table(tmp_path: Path) -> None:
    rows = [{"prompt": "q", "completion": "a", "tags": ["x", "é"], "more": {"k": 1}}]
    recipe = tamis.Recipe(name="nested", steps=[tamis.step("map.auto")])
    ids = [
        tamis.run(recipe, data, workspace=tmp_path / name).to_polars()["id"].to_list()
        for name, data in (("dicts", rows), ("table", pl.DataFrame(rows)))
    ]
    assert ids[0] == ids[1]
