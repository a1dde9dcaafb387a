"""jsonl: every column under its own name."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import DataError, UsageError
from tamis.core.row import MESSAGES
from tamis.sinks.jsonl import Jsonl

FIELDS = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]
CHAT = [{**dict.fromkeys(FIELDS), "role": "user", "content": "é"}]

FRAME = pl.DataFrame(
    [
        pl.Series("id.high", [1], dtype=pl.UInt64),
        pl.Series("at.line", [7], dtype=pl.UInt64),
        pl.Series("messages", [CHAT], dtype=MESSAGES),
        pl.Series("tools", ["[]"]),
        pl.Series("source.topic", ["a"]),
        pl.Series("source.a.b", [1.5]),
        pl.Series("source.extra", ['{"k":[1,2]}']),
        pl.Series("filter.length.length", [3], dtype=pl.Int32),
        pl.Series("split", ["train"]),
        pl.Series("id", ["0f" * 16]),
    ]
)


def encode(sink: Jsonl, frame: pl.DataFrame = FRAME, json_columns: tuple[str, ...] = ("source.extra",)) -> list[Any]:
    wanted = frame.select(sink.columns(frame.columns))
    return [json.loads(line) for line in bytes(sink.encode(wanted, json_columns=json_columns)).split(b"\n")[:-1]]


def test_every_column_is_delivered_under_its_own_name() -> None:
    (row,) = encode(Jsonl(path="out"))
    assert row == {
        "messages": [{"role": "user", "content": "é"}],
        "tools": [],
        "topic": "a",
        "a.b": 1.5,
        "extra": {"k": [1, 2]},
        "length": 3,
        "split": "train",
    }


def test_json_text_is_embedded_only_where_it_is_said_to_be_json() -> None:
    (row,) = encode(Jsonl(path="out"), json_columns=())
    assert row["extra"] == '{"k":[1,2]}'


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"columns": ["topic", "length"]}, ["topic", "length"]),
        ({"columns": ["length", "source.topic"]}, ["length", "topic"]),
        ({"columns": {"label": "topic", "n": "filter.length.length"}}, ["label", "n"]),
        ({"without": ["topic", "messages", "tools", "a.b", "extra"]}, ["length", "split"]),
        ({"columns": ["topic"], "row_id": "row"}, ["row", "topic"]),
    ],
)
def test_columns_are_chosen(options: dict[str, Any], names: list[str]) -> None:
    sink = Jsonl(path="out", **options)
    assert Jsonl.model_validate(sink.model_dump(by_alias=True)) == sink
    (row,) = encode(sink)
    assert list(row) == names


def test_the_id_is_delivered_on_demand() -> None:
    (row,) = encode(Jsonl(path="out", columns=["topic"], row_id="id"))
    assert row == {"id": "0f" * 16, "topic": "a"}


def test_two_columns_of_one_name_are_refused_and_both_named() -> None:
    frame = FRAME.with_columns(pl.lit("x").alias("source.length"))
    with pytest.raises(
        UsageError, match=r"'filter\.length\.length' and 'source\.length' would both be delivered as 'length'"
    ):
        Jsonl(path="out").columns(frame.columns)
    (row,) = encode(Jsonl(path="out", without=["length"]), frame)
    assert row["length"] == 3
    (row,) = encode(Jsonl(path="out", columns={"length": "filter.length.length", "was": "source.length"}), frame)
    assert row == {"length": 3, "was": "x"}
    with pytest.raises(UsageError, match="would both be delivered as 'id'"):
        Jsonl(path="out", row_id="id").columns(["source.id", "source.x"])


def test_a_column_that_is_not_there_is_said() -> None:
    for options in ({"columns": ["topci"]}, {"without": ["topci"]}, {"columns": {"x": "topci"}}):
        with pytest.raises(UsageError, match="no column 'topci'; did you mean 'topic'"):
            Jsonl(path="out", **options).columns(FRAME.columns)
    with pytest.raises(UsageError, match="no column is left to deliver"):
        Jsonl(path="out", columns=[]).columns(FRAME.columns)


def test_every_row_has_every_key() -> None:
    frame = pl.DataFrame({"source.a": [1, None], "source.b": [None, "x"]})
    assert bytes(Jsonl(path="out").encode(frame)) == b'{"a": 1, "b": null}\n{"a": null, "b": "x"}\n'


def test_what_json_cannot_hold_is_found_row_by_row() -> None:
    frame = pl.DataFrame({"source.x": [1.0, float("inf"), float("nan"), None], "source.j": ["{", "[]", "{", None]})
    sink = Jsonl(path="out")
    found = dict(sink.check(frame, json_columns=["source.j"]))
    assert sorted(found) == [0, 1, 2]
    assert "column 'j' is no JSON" in found[0]
    assert "column 'x' is NaN or infinite" in found[1]
    assert dict(sink.check(frame)).keys() == {1, 2}
    with pytest.raises(DataError, match="row 1: column 'x' is NaN"):
        sink.encode(frame)


def test_the_columns_are_described_beside_the_files() -> None:
    files = Jsonl(path="out").sidecars(dict(FRAME.schema), json_columns=["source.extra"])
    columns = json.loads(files["features.json"])["columns"]
    assert {c["name"]: c["type"] for c in columns} == {
        "messages": "messages",
        "tools": "json",
        "topic": "text",
        "a.b": "number",
        "extra": "json",
        "length": "integer",
        "split": "text",
    }


def test_ascii() -> None:
    frame = pl.DataFrame({"source.ä": ["é😀"]})
    assert bytes(Jsonl(path="out", ascii=True).encode(frame)) == json.dumps({"ä": "é😀"}).encode() + b"\n"


def test_the_column_that_messages_were_made_of_is_not_delivered_twice() -> None:
    from tamis.sinks._columns import delivered_names

    names = ["messages", "text", "source.messages", "source.text", "source.topic"]
    assert delivered_names("jsonl", names, None) == {"messages": "messages", "text": "text", "topic": "source.topic"}
    assert delivered_names("jsonl", ["messages", "source.text"], None) == {
        "messages": "messages",
        "text": "source.text",
    }
