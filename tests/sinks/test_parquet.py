"""parquet: typed, deterministic, cut by rows and bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import DataError
from tamis.core.row import MESSAGES
from tamis.sinks import parquet
from tamis.sinks.parquet import Parquet

FIELDS = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]
CHAT = [{**dict.fromkeys(FIELDS), "role": "assistant", "content": "é\x00😀", "tool_calls": '[{"id":"1"}]', "weight": 1}]

FRAME = pl.DataFrame(
    [
        pl.Series("id", ["0f" * 16, "1f" * 16, "2f" * 16]),
        pl.Series("messages", [CHAT, None, []], dtype=MESSAGES),
        pl.Series("source.day", ["2024-01-31", "", None]),
        pl.Series("source.n", [1, None, -(2**63)]),
        pl.Series("source.x", [0.1, float("nan"), None]),
        pl.Series("source.b", [True, None, False]),
        pl.Series("filter.length.length", [1, 2, 3], dtype=pl.Int32),
    ]
)


def test_what_is_written_is_what_is_read() -> None:
    frame = FRAME.drop("id")
    back = pl.read_parquet(io.BytesIO(bytes(Parquet(path="out").encode(frame))))
    names = ["messages", "day", "n", "x", "b", "length"]
    assert back.columns == names
    assert back.dtypes == frame.dtypes
    assert back.equals(frame.rename(dict(zip(frame.columns, names, strict=True))))


def test_the_id_stands_first_on_demand() -> None:
    sink = Parquet(path="out", row_id="row", columns=["n"])
    assert sink.columns(FRAME.columns) == ["id", "source.n"]
    back = pl.read_parquet(io.BytesIO(bytes(sink.encode(FRAME.select("id", "source.n")))))
    assert back.to_dict(as_series=False) == {"row": ["0f" * 16, "1f" * 16, "2f" * 16], "n": [1, None, -(2**63)]}


def test_the_bytes_depend_on_the_rows_alone() -> None:
    frame = FRAME.drop("id")
    pieces = pl.concat([frame[:1], frame[1:2], frame[2:]], rechunk=False)
    assert pieces.n_chunks() == 3
    sink = Parquet(path="out")
    assert bytes(sink.encode(pieces)) == bytes(sink.encode(frame))


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_files_are_cut_by_rows_and_bytes_whatever_the_chunks(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "FILE_BYTES", 100)
    frame = pl.DataFrame({"source.t": ["a" * (i % 40) for i in range(100)]})
    assert files(Parquet(path="out", rows_per_file=4), frame, size) == expected_files(
        [8 + i % 40 for i in range(100)], 4, 100
    )


def expected_files(sizes: list[int], rows: int, room: int) -> list[int]:
    """The slow twin: a file ends after `rows` rows, or with the row that fills it."""
    found, held, used = [], 0, 0
    for size in sizes:
        held, used = held + 1, used + size
        if held == rows or used >= room:
            found.append(held)
            held = used = 0
    return found + [held] * (held > 0)


def files(sink: Parquet, frame: pl.DataFrame, size: int) -> list[int]:
    """Rows of each file, rows coming in chunks of `size`."""
    found: list[int] = []
    begun = (0, 0)
    for begin in range(0, frame.height, size):
        chunk = frame.slice(begin, size)
        while chunk.height:
            fitting, begun = sink.cut(chunk, begun)
            chunk = chunk.slice(fitting)
            if chunk.height:
                found.append(begun[0])
                begun = (0, 0)
    return found + [begun[0]] * (begun[0] > 0)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 300), max_size=30), st.integers(1, 5), st.integers(1, 9))
def test_cutting_against_the_slow_twin(lengths: list[int], rows: int, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "FILE_BYTES", 200)
        frame = pl.DataFrame({"source.t": ["a" * n for n in lengths]}, schema={"source.t": pl.String})
        expected = expected_files([8 + n for n in lengths], rows, 200)
        assert files(Parquet(path="out", rows_per_file=rows), frame, size) == expected


def test_messages_count_with_their_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "FILE_BYTES", 100)
    long = [{**dict.fromkeys(FIELDS), "role": "user", "content": "a" * 60}]
    frame = pl.DataFrame([pl.Series("messages", [long, None, [], long, long], dtype=MESSAGES)])
    assert files(Parquet(path="out"), frame, 5) == [4, 1]


def test_names_follow_the_hub() -> None:
    sink = Parquet(path="out")
    assert sink.file_name("train", 2, 12) == "data/train-00002-of-00012.parquet"
    assert sink.file_name(None, 0, 1) == "data/data-00000-of-00001.parquet"


def test_a_broken_file_is_said(tmp_path: Path) -> None:
    data = bytes(Parquet(path="out").encode(FRAME))
    (tmp_path / "x.parquet").write_bytes(data)
    assert Parquet(path="out").count(tmp_path / "x.parquet") == 3
    (tmp_path / "x.parquet").write_bytes(data[:-9])
    with pytest.raises(DataError, match=r"x\.parquet"):
        Parquet(path="out").count(tmp_path / "x.parquet")


def test_no_rows() -> None:
    empty: Any = FRAME.clear()
    assert pl.read_parquet(io.BytesIO(bytes(Parquet(path="out").encode(empty)))).height == 0
