"""csv: what another CSV reader gets back."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import UsageError
from tamis.core.row import MESSAGES
from tamis.sinks.csv import Csv

FIELDS = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]


def turn(role: str, content: str | None) -> dict[str, Any]:
    return {**dict.fromkeys(FIELDS), "role": role, "content": content}


def whole(sink: Csv, frame: pl.DataFrame) -> str:
    return (bytes(sink.head(frame)) + bytes(sink.encode(frame))).decode()


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


texts = st.text(
    st.one_of(st.sampled_from("\",\n\r;\t'=é😀\u2028 "), st.characters(exclude_categories=["Cs"])), max_size=20
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(texts, st.none() | st.integers(-9, 9)), max_size=5), st.booleans())
def test_another_reader_gets_the_texts_back(rows: list[tuple[str, int | None]], crlf: bool) -> None:
    frame = pl.DataFrame(
        {"source.a,b": [r[0] for r in rows], "source.n": [r[1] for r in rows]},
        schema={"source.a,b": pl.String, "source.n": pl.Int64},
    )
    expected = [["a,b", "n"], *([a, "" if n is None else str(n)] for a, n in rows)]
    assert read(whole(Csv(path="out", crlf=crlf), frame)) == expected


def test_the_bytes() -> None:
    frame = pl.DataFrame(
        {
            "source.t": ["a", "", None, 'q"', "c,d", "l\nm", "007", " x "],
            "source.f": [1e-5, 0.1, None, 1e22, 3.0, -0.0, 1.5, 2.0],
        }
    )
    expected = 't,f\na,1e-05\n"",0.1\n,\n"q""",1e+22\n"c,d",3.0\n"l\nm",-0.0\n007,1.5\n x ,2.0\n'
    assert whole(Csv(path="out"), frame) == expected
    assert whole(Csv(path="out", crlf=True), frame).count("\r\n") == 9


FORMULAS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "=cmd|' /C calc'!A0"]


def test_formulas_are_left_alone_unless_told() -> None:
    frame = pl.DataFrame({"source.t": [*FORMULAS, "a=1", "", None], "source.n": [-1] * 9 + [None]})
    assert [row[0] for row in read(whole(Csv(path="out"), frame))[1:]] == [*FORMULAS, "a=1", "", ""]
    safe = read(whole(Csv(path="out", excel_safe=True), frame))[1:]
    assert [row[0] for row in safe] == [*(f"'{formula}" for formula in FORMULAS), "a=1", "", ""]
    assert [row[1] for row in safe] == ["-1"] * 9 + [""]


def test_formulas_in_column_names_and_messages_are_made_safe_too() -> None:
    frame = pl.DataFrame(
        [pl.Series("source.=x", ["1"]), pl.Series("messages", [[turn("assistant", "=A1")]], dtype=MESSAGES)]
    )
    assert read(whole(Csv(path="out", excel_safe=True, messages="text"), frame)) == [
        ["'=x", "system", "prompt", "response"],
        ["1", "", "", "'=A1"],
    ]


CHAT = [
    turn("system", "Be kind"),
    turn("user", "Hi"),
    turn("assistant", "Yes?"),
    turn("user", "A, b"),
    turn("assistant", 'So "be" it'),
]
CHATS = pl.DataFrame([pl.Series("messages", [CHAT, None, []], dtype=MESSAGES), pl.Series("source.x", [1, 2, 3])])


def test_messages_as_json() -> None:
    head, first, *rest = read(whole(Csv(path="out"), CHATS))
    assert head == ["messages", "x"]
    assert json.loads(first[0]) == [{"role": m["role"], "content": m["content"]} for m in CHAT]
    assert rest == [["", "2"], ["[]", "3"]]


def test_messages_as_text() -> None:
    assert read(whole(Csv(path="out", messages="text"), CHATS)) == [
        ["system", "prompt", "response", "x"],
        ["Be kind", "Hi\n\nYes?\n\nA, b", 'So "be" it', "1"],
        ["", "", "", "2"],
        ["", "", "", "3"],
    ]


def test_a_source_column_named_like_a_view_is_refused() -> None:
    names = ["messages", "source.prompt", "source.x"]
    with pytest.raises(UsageError, match=r"same name as 'prompt' \(source\.prompt\)"):
        Csv(path="out", messages="text").columns(names)
    assert Csv(path="out").columns(names) == names
    assert Csv(path="out", messages="text", without=["prompt"]).columns(names) == ["messages", "source.x"]


def test_the_header_does_not_depend_on_the_rows() -> None:
    frame = pl.DataFrame(
        {"source.a": ["x"], "source.b": [None]}, schema={"source.a": pl.String, "source.b": pl.Float64}
    )
    assert Csv(path="out").head(frame) == Csv(path="out").head(frame.clear()) == b"a,b\n"


def test_one_column_of_nulls_keeps_its_rows(tmp_path: Path) -> None:
    frame = pl.DataFrame({"source.a": ["x", None, ""], "source.b": [None, None, None]})
    (tmp_path / "a.csv").write_text(whole(Csv(path="out", columns=["a"]), frame.select("source.a")))
    assert (tmp_path / "a.csv").read_text() == 'a\nx\n""\n""\n'
    assert Csv(path="out").count(tmp_path / "a.csv") == 3


def test_rows_are_counted_as_rows_and_not_as_lines(tmp_path: Path) -> None:
    frame = pl.DataFrame({"source.a": ["l\nm", 'q"\n"', "x"], "source.b": [1, 2, 3]})
    (tmp_path / "a.csv").write_text(whole(Csv(path="out"), frame))
    assert Csv(path="out").count(tmp_path / "a.csv") == 3


def test_booleans_and_lists() -> None:
    frame = pl.DataFrame({"source.b": [True, None], "source.l": [["é", None], None]})
    assert read(whole(Csv(path="out"), frame)) == [["b", "l"], ["true", '["é", null]'], ["", ""]]
