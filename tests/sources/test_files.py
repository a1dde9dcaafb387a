"""`files`: every format and compression, what is refused, where slices end."""

from __future__ import annotations

import gzip
import json
import lzma
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from pydantic import ValidationError

from tamis.core.errors import DataError
from tamis.core.origin import Batch, Cut
from tamis.sources import _open, _table, _text
from tamis.sources.files import Files

ROWS: list[dict[str, Any]] = [
    {"id": 1, "text": "Grüße, 😀", "score": 0.5, "ok": True, "tags": ["a", {"b": None}]},
    {"id": 2, "text": 'say "hi"\nand go', "score": None, "ok": False, "tags": None},
    {"id": 3, "text": "", "score": 2.0, "ok": None, "tags": []},
]


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes | str], Path]:
    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def cuts(root: Path, **settings: Any) -> list[Cut]:
    source = Files(**settings)
    return [source.cut(what) for what in source.inputs(root)[0]]


def read(root: Path, **settings: Any) -> list[Batch]:
    source = Files(**settings)
    return [batch for what in source.inputs(root)[0] for batch in source.read(what, source.cut(what).slices)]


def rows(root: Path, **settings: Any) -> list[dict[str, Any]]:
    found = []
    for batch in read(root, **settings):
        assert batch.bad == []
        found += pl.DataFrame([s.alias(n) for n, s in batch.columns.items()]).to_dicts()
    return found


def faults(root: Path, **settings: Any) -> list[tuple[int, str]]:
    return [(bad.line, bad.cause) for batch in read(root, **settings) for bad in batch.bad]


def jsonl(objects: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in objects)


def as_json_text(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "tags": None if row["tags"] is None else json.dumps(row["tags"])}


class TestFormats:
    def test_jsonl(self, put: Any, tmp_path: Path) -> None:
        put("a.jsonl", jsonl(ROWS))
        assert rows(tmp_path, path="a.jsonl") == [as_json_text(row) for row in ROWS]

    @pytest.mark.parametrize("indent", [None, 2])
    def test_json_array_counts_elements(self, put: Any, tmp_path: Path, indent: int | None) -> None:
        put("a.json", json.dumps(ROWS, indent=indent, ensure_ascii=False))
        found = rows(tmp_path, path="a.json")
        assert [{**row, "tags": row["tags"] and json.loads(row["tags"])} for row in found] == ROWS
        assert read(tmp_path, path="a.json")[0].lines.tolist() == [1, 2, 3]

    def test_json_array_with_brackets_and_quotes_in_its_text(self, put: Any, tmp_path: Path) -> None:
        objects = [{"a": 'one quote " ], [ and } more \\'}, {"a": "\\\\", "b": "{"}, {}, {"a": "end"}]
        put("a.json", " [" + " ,\n".join(json.dumps(row) for row in objects) + "]\n")
        assert [row["a"] for row in rows(tmp_path, path="a.json")] == [objects[0]["a"], "\\\\", None, "end"]

    def test_json_arrays_with_bad_elements(self, put: Any, tmp_path: Path) -> None:
        put("a.json", '[{"a": 1}, [2], {"a": nope}, , {"a": 3} x, {"a": 4},]')
        assert faults(tmp_path, path="a.json") == [
            (2, "not_an_object"),
            (3, "invalid_json"),
            (4, "invalid_json"),
            (5, "invalid_json"),
            (7, "invalid_json"),
        ]
        put("b.json", "[]")
        assert rows(tmp_path, path="b.json") == []

    def test_json_name_with_lines_in_it(self, put: Any, tmp_path: Path) -> None:
        put("a.json", jsonl(ROWS))
        assert len(rows(tmp_path, path="a.json")) == 3

    def test_csv_is_text_unless_asked(self, put: Any, tmp_path: Path) -> None:
        put("a.csv", '\ufeffid,text,zip\r\n1,"a, ""b""\nc",00420\r\n2,,NA\r\n')
        assert rows(tmp_path, path="a.csv") == [
            {"id": "1", "text": 'a, "b"\nc', "zip": "00420"},
            {"id": "2", "text": "", "zip": "NA"},
        ]
        typed = rows(tmp_path, path="a.csv", types={"id": "integer"})
        assert [row["id"] for row in typed] == [1, 2]

    def test_csv_types_refuse_what_does_not_fit_and_empty_is_null(self, put: Any, tmp_path: Path) -> None:
        put("a.csv", 'n,f,b,j\n1,1.5,true,[1]\n1x,2,0,{}\n,,,\n3,1e999,no,"{""a"":"\n007,.5,FALSE,"""x"""\n')
        batch = read(tmp_path, path="a.csv", types={"n": "integer", "f": "number", "b": "boolean", "j": "json"})[0]
        assert [(bad.line, bad.column) for bad in batch.bad] == [(3, "n"), (5, "f")]
        assert {n: s.to_list() for n, s in batch.columns.items()} == {
            "n": [1, None, 7],
            "f": [1.5, None, 0.5],
            "b": [True, None, False],
            "j": ["[1]", None, '"x"'],
        }

    def test_tsv_and_given_delimiters(self, put: Any, tmp_path: Path) -> None:
        put("a.tsv", "a\tb\n1,2\t3\n")
        put("b.txt", "a~b\n1~2\n")
        assert rows(tmp_path, path="a.tsv") == [{"a": "1,2", "b": "3"}]
        assert rows(tmp_path, path="b.txt", format="csv", delimiter="~") == [{"a": "1", "b": "2"}]

    def test_the_header_alone_says_the_delimiter_and_it_is_told(self, put: Any, tmp_path: Path) -> None:
        put("a.csv", 'a;"b,c,d,e"\n1,5;2,5\n')
        put("b.csv", "text\na;b;c\n")
        assert rows(tmp_path, path="a.csv") == [{"a": "1,5", "b,c,d,e": "2,5"}]
        assert "separated by semicolons" in cuts(tmp_path, path="a.csv")[0].warnings[0]
        assert rows(tmp_path, path="b.csv") == [{"text": "a;b;c"}]
        assert cuts(tmp_path, path="b.csv")[0].warnings == ()

    def test_parquet_and_arrow(self, tmp_path: Path) -> None:
        nested = {**ROWS[0], "tags": [{"b": [1.5, None]}, None]}
        frame = pl.DataFrame([nested]).with_columns(
            day=pl.date(2024, 2, 29), money=pl.lit("1.50").cast(pl.Decimal(9, 2))
        )
        frame.write_parquet(tmp_path / "a.parquet")
        frame.write_ipc(tmp_path / "a.arrow", compression="zstd")
        frame.write_ipc_stream(tmp_path / "b.arrow")
        expected = {**nested, "day": "2024-02-29", "money": "1.50"}
        for name in ("a.parquet", "a.arrow", "b.arrow"):
            (row,) = rows(tmp_path, path=name)
            assert {**row, "tags": json.loads(row["tags"])} == expected

    def test_parquet_types_that_json_has_no_word_for(self, tmp_path: Path) -> None:
        pl.DataFrame(
            {
                "wide": pl.Series([2**63, 1], dtype=pl.UInt64),
                "nan": [float("nan"), 1.0],
                "raw": [b"\xff\x00", b"ok"],
                "cat": pl.Series(["x", None], dtype=pl.Categorical),
                "none": pl.Series([None, None], dtype=pl.Null),
            }
        ).write_parquet(tmp_path / "a.parquet")
        batch = read(tmp_path, path="a.parquet")[0]
        assert {n: s.to_list() for n, s in batch.columns.items()} == {
            "wide": [str(2**63), "1"],
            "nan": [None, 1.0],
            "raw": ["ff00", "6f6b"],
            "cat": ["x", None],
            "none": [None, None],
        }
        assert "hexadecimal" in batch.warnings[0]
        forced = read(tmp_path, path="a.parquet", types={"raw": "text"})[0]
        assert forced.columns["raw"].to_list() == ["ok"]
        assert [(bad.line, bad.cause, bad.column) for bad in forced.bad] == [(1, "type_mismatch", "raw")]

    def test_infinite_numbers_of_a_table_are_bad(self, tmp_path: Path) -> None:
        pl.DataFrame({"x": [1.0, float("inf")]}).write_parquet(tmp_path / "a.parquet")
        assert faults(tmp_path, path="a.parquet") == [(2, "nan")]

    def test_parquet_is_read_in_slices_of_rows(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_table, "SLICE_ON_DISK", 1)
        pl.DataFrame({"i": range(2500)}).write_parquet(tmp_path / "a.parquet", row_group_size=700)
        batches = read(tmp_path, path="a.parquet")
        assert [len(batch.lines) for batch in batches] == [1000, 1000, 500]
        assert [i for batch in batches for i in batch.columns["i"].to_list()] == list(range(2500))
        assert batches[2].lines.tolist()[0] == 2001
        source = Files(path="a.parquet")
        (what,) = source.inputs(tmp_path)[0]
        last = list(source.read(what, source.cut(what).slices[2:]))
        assert last[0].columns["i"].to_list() == list(range(2000, 2500))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "xz": lzma.compress,
}


class TestCompression:
    @pytest.mark.parametrize("kind", PACKERS)
    @pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
    def test_the_first_bytes_say_it_not_the_name(self, put: Any, tmp_path: Path, kind: str, name: str) -> None:
        put(name, PACKERS[kind](jsonl(ROWS).encode()))
        assert rows(tmp_path, path=name) == [as_json_text(row) for row in ROWS]

    def test_a_name_may_promise_compression_that_is_not_there(self, put: Any, tmp_path: Path) -> None:
        put("a.csv.gz", "a\n1\n")
        assert rows(tmp_path, path="a.csv.gz") == [{"a": "1"}]

    @pytest.mark.parametrize("kind", PACKERS)
    def test_members_one_after_another_are_one_stream(self, put: Any, tmp_path: Path, kind: str) -> None:
        half = jsonl(ROWS).encode()
        put("a.jsonl", PACKERS[kind](half[:50]) + PACKERS[kind](half[50:]) + (b"\0" * 8 if kind != "zstd" else b""))
        assert len(rows(tmp_path, path="a.jsonl")) == 3

    @pytest.mark.parametrize("kind", PACKERS)
    @pytest.mark.parametrize("left", [0.5, 0.98])
    def test_a_stream_that_is_cut_off_stops_the_run(self, put: Any, tmp_path: Path, kind: str, left: float) -> None:
        whole = PACKERS[kind](os.urandom(3000).hex().encode() + b"\n" + jsonl(ROWS).encode())
        put("a.jsonl", whole[: int(len(whole) * left)])
        with pytest.raises(
            DataError, match=rf"a\.jsonl: the {kind} stream is cut off after \d+ bytes, \d+ lines; nothing"
        ):
            cuts(tmp_path, path="a.jsonl")

    def test_a_damaged_stream_stops_the_run(self, put: Any, tmp_path: Path) -> None:
        whole = bytearray(gzip.compress(os.urandom(2000)))
        whole[500] ^= 255
        put("a.jsonl", bytes(whole))
        with pytest.raises(DataError, match="damaged"):
            cuts(tmp_path, path="a.jsonl")

    def test_bombs_are_refused(self, put: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put("a.csv", gzip.compress(b"a\n" + b"x" * 20_000_000))
        with pytest.raises(DataError, match=r"more than 0\.01 GB"):
            cuts(tmp_path, path="a.csv", max_decompressed_gb=0.01)
        monkeypatch.setattr(_open, "RATIO_FROM", 1 << 20)
        with pytest.raises(DataError, match="more than 500 times its size"):
            cuts(tmp_path, path="a.csv")

    @pytest.mark.parametrize(("magic", "word"), [(b"PK\x03\x04", "ZIP"), (b"BZh9", "bzip2"), (b"%PDF-1", "PDF")])
    def test_what_is_not_read_is_named(self, put: Any, tmp_path: Path, magic: bytes, word: str) -> None:
        put("a.jsonl", magic + b"rest")
        with pytest.raises(DataError, match=word):
            cuts(tmp_path, path="a.jsonl")


class TestSlices:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_text, "SLICE", 1000)
        monkeypatch.setattr(_open, "BLOCK", 137)

    def records(self, n: int) -> list[dict[str, Any]]:
        return [{"i": i, "text": f'line "{i}",\n' + "é" * (i % 50)} for i in range(n)]

    def write(self, path: Path, format: str, records: list[dict[str, Any]]) -> None:
        if format == "csv":
            frame = pl.DataFrame(records)
            path.write_text(frame.write_csv(), encoding="utf-8")
        elif format == "json":
            path.write_text(json.dumps(records, indent=1), encoding="utf-8")
        else:
            path.write_text(jsonl(records), encoding="utf-8")

    @pytest.mark.parametrize("format", ["jsonl", "csv", "json"])
    def test_slices_hold_every_record_once_with_its_line(self, tmp_path: Path, format: str) -> None:
        records = self.records(200)
        path = tmp_path / f"a.{format}"
        self.write(path, format, records)
        batches = read(tmp_path, path=path.name)
        assert len(batches) > 5
        found = [row for batch in batches for row in pl.DataFrame(batch.columns).to_dicts()]
        assert [int(row["i"]) for row in found] == list(range(200))
        assert [row["text"] for row in found] == [row["text"] for row in records]
        lines = [line for batch in batches for line in batch.lines.tolist()]
        step = {"jsonl": 1, "csv": 2, "json": 1}[format]
        first = 2 if format == "csv" else 1
        assert lines == list(range(first, first + 200 * step, step))

    def test_slices_start_with_the_first_line_behind_each_multiple(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        self.write(path, "jsonl", self.records(200))
        starts = [0]
        for line in path.read_bytes().splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        first = [min(start for start in starts if start >= k * 1000) for k in range(starts[-1] // 1000 + 1)]
        assert [part.start for part in cuts(tmp_path, path="a.jsonl")[0].slices] == sorted(set(first) - {starts[-1]})

    @pytest.mark.parametrize("format", ["jsonl", "csv"])
    def test_appending_changes_only_the_last_slice(self, tmp_path: Path, format: str) -> None:
        path = tmp_path / f"a.{format}"
        self.write(path, format, self.records(200))
        before = cuts(tmp_path, path=path.name)[0].slices
        self.write(path, format, self.records(230))
        after = cuts(tmp_path, path=path.name)[0].slices
        assert before[:-1] == after[: len(before) - 1]
        assert before[-1].content != after[len(before) - 1].content

    def test_blocks_do_not_move_slices(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for format in ("jsonl", "csv", "json"):
            path = tmp_path / f"a.{format}"
            self.write(path, format, self.records(100))
            slices = [cuts(tmp_path, path=path.name)[0].slices]
            for block in (1, 64, 1 << 20):
                monkeypatch.setattr(_open, "BLOCK", block)
                slices.append(cuts(tmp_path, path=path.name)[0].slices)
            assert slices[0] == slices[1] == slices[2] == slices[3], format

    def test_compressed_slices_equal_plain_ones_and_any_can_be_read_alone(self, tmp_path: Path) -> None:
        self.write(tmp_path / "a.jsonl", "jsonl", self.records(200))
        (tmp_path / "b.jsonl").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
        plain, packed = cuts(tmp_path, path="a.jsonl")[0].slices, cuts(tmp_path, path="b.jsonl")[0].slices
        assert [part.content for part in plain] == [part.content for part in packed]
        source = Files(path="b.jsonl")
        (what,) = source.inputs(tmp_path)[0]
        chosen = [packed[1], packed[4]]
        both = list(source.read(what, chosen))
        assert [batch.lines.tolist()[0] for batch in both] == [part.first_line for part in chosen]

    def test_a_file_that_changes_while_it_is_read_stops_the_run(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        self.write(path, "jsonl", self.records(100))
        source = Files(path="a.jsonl")
        (what,) = source.inputs(tmp_path)[0]
        slices = source.cut(what).slices
        text = path.read_bytes()
        path.write_bytes(text + b"{}\n")
        with pytest.raises(DataError, match=r"a\.jsonl changed while it was read"):
            list(source.read(what, slices))
        path.write_bytes(text.replace(b"line", b"LINE"))
        os.utime(path, ns=(what.stamp, what.stamp))
        with pytest.raises(DataError, match=r"a\.jsonl changed while it was read"):
            list(source.read(what, slices))


class TestLongLines:
    def test_a_40_mb_line_is_quarantined_and_the_stream_goes_on(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jsonl"
        with open(path, "wb") as out:
            out.write(b'{"a": 1}\n{"a": "')
            for _ in range(40):
                out.write(b"x" * (1 << 20))
            out.write(b'"}\n{"a": 2}\n')
        (batch, *rest) = read(tmp_path, path="a.jsonl")
        bad = batch.bad[0]
        assert (bad.line, bad.cause, len(bad.raw)) == (2, "too_long", 1 << 20)
        assert "40.0 MB long, more than `max_line_mb`" in bad.message
        both = [
            (row, line)
            for b in (batch, *rest)
            for row, line in zip(b.columns["a"].to_list(), b.lines.tolist(), strict=True)
        ]
        assert both == [(1, 1), (2, 3)]

    def test_long_records_of_csv_are_left_out_as_a_whole(self, put: Any, tmp_path: Path) -> None:
        put("a.csv", b'a,b\n1,2\n"' + b"x,1\n" * 1_500_000 + b'",3\n' + b"y" * 5_000_000 + b",4\n5,6\n")
        batches = list(read(tmp_path, path="a.csv", max_line_mb=4))
        assert [(bad.line, bad.cause, bad.lines) for batch in batches for bad in batch.bad] == [
            (3, "too_long", 1_500_001),
            (1_500_004, "too_long", 1),
        ]
        counted = sum(batch.bad_counts.get("too_long", 0) for batch in batches)
        assert counted == 1_500_002, "every line is counted"
        kept = [text for batch in batches for text in batch.columns["a"].to_list()]
        assert kept == ["1", "5"], "nothing inside the quotes is taken for a row"
        assert [line for batch in batches for line in batch.lines.tolist()] == [2, 1_500_005]

    def test_an_element_that_never_ends_stops_the_run(self, put: Any, tmp_path: Path) -> None:
        put("a.json", b'[{"a": 1},\n{"a": "' + b"x" * 5_000_000)
        with pytest.raises(DataError, match=r"a\.json:2: element 2 of the array is longer than 4 MB, or not closed"):
            cuts(tmp_path, path="a.json", max_line_mb=4)


def test_readings_over_all_slices_read_what_each_slice_alone_would_not(
    put: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_text, "SLICE", 1)
    put("a.jsonl", '{"x": 1}\n{"x": "a"}\n{"x": "b"}\n')
    source = Files(path="a.jsonl")
    found = [(what, source.cut(what)) for what in source.inputs(tmp_path)[0]]
    wanted = source.readings(found)
    assert wanted == {"x": "text"}
    batches = [batch for what, cut in found for batch in source.read(what, cut.slices, wanted)]
    assert [batch.columns["x"].to_list() for batch in batches] == [[], ["a"], ["b"]]
    assert batches[0].bad_counts == {"type_mismatch": 1}


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    @pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.json"])
    def test_other_encodings_are_named(self, put: Any, tmp_path: Path, encoding: str, name: str) -> None:
        put(name, '[{"a": 1}]'.encode(encoding))
        with pytest.raises(DataError, match=f"encoded in {encoding[:6].upper()}"):
            cuts(tmp_path, path=name)

    @pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
    def test_a_byte_order_mark_is_stripped(self, put: Any, tmp_path: Path, name: str) -> None:
        text = '{"a": 1}' if name == "a.jsonl" else '[{"a": 1}]'
        put(name, "\ufeff" + text)
        assert rows(tmp_path, path=name) == [{"a": 1}]

    def test_replace_keeps_the_line(self, put: Any, tmp_path: Path) -> None:
        put("a.jsonl", b'{"a": "x\xff\xfey"}\n{"a": "z"}\n')
        put("a.csv", b"a\nx\xffy\n")
        assert faults(tmp_path, path="a.jsonl") == [(1, "invalid_utf8")]
        assert rows(tmp_path, path="a.jsonl", encoding="replace") == [{"a": "x\ufffd\ufffdy"}, {"a": "z"}]
        assert rows(tmp_path, path="a.csv", encoding="replace") == [{"a": "x\ufffdy"}]


class TestRefusals:
    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("a.csv", "a,,c\n1,2,3\n", r"a\.csv:1: column 2 of 3 has no name"),
            ("a.csv", "a,b,a\n1,2,3\n", r"a\.csv:1: more than one column is called 'a'"),
            ("a.csv", "a,b\r1,2\r", r"lines end with CR alone"),
            ("a.csv", b"a,\xff\n1,2\n", r"a\.csv:1: the header is no CSV record: .*UTF-8"),
            ("a.json", '{\n "a": [1]\n}', r"a\.json is one JSON object, not rows"),
            ("a.json", '[{"a": 1}, {"b"', r"a\.json: the JSON array is cut off at line 1, after 1 whole elements"),
            ("a.json", '[{"a": 1}] x', r"a\.json:1: text stands behind the array's end"),
            ("a.dat", "hello", r"neither its name nor its first bytes say what it is"),
            ("a.parquet", "hello", r"is no Parquet file: it does not begin with PAR1"),
            ("a.parquet", b"PAR1" + bytes(100), r"no Parquet footer: the file is cut off; 0 rows"),
            ("a.jsonl", "", r"a\.jsonl is empty \(0 bytes\)"),
        ],
    )
    def test_files_that_cannot_be_used_say_why(
        self, put: Any, tmp_path: Path, name: str, content: bytes | str, message: str
    ) -> None:
        put(name, content)
        with pytest.raises(DataError, match=message):
            cuts(tmp_path, path=name)

    def test_arrow_streams_and_files_that_are_cut_off(self, tmp_path: Path) -> None:
        frame = pl.DataFrame({"a": range(5000)})
        for write, name in ((frame.write_ipc_stream, "s.arrow"), (frame.write_ipc, "f.arrow")):
            path = tmp_path / name
            write(path)
            path.write_bytes(path.read_bytes()[:-3000])
            with pytest.raises(DataError, match="cut off"):
                read(tmp_path, path=name)

    def test_a_parquet_file_with_a_damaged_page_stops_the_run(self, tmp_path: Path) -> None:
        path = tmp_path / "a.parquet"
        pl.DataFrame({"a": [os.urandom(20).hex() for _ in range(2000)]}).write_parquet(path, compression="zstd")
        whole = bytearray(path.read_bytes())
        whole[100:2000] = os.urandom(1900)
        path.write_bytes(bytes(whole))
        with pytest.raises(DataError, match=r"a\.parquet cannot be read as Parquet: .*; nothing of it is used"):
            read(tmp_path, path="a.parquet")

    def test_missing_files_name_a_likely_one(self, put: Any, tmp_path: Path) -> None:
        put("data/inquiries.csv", "a\n1\n")
        with pytest.raises(DataError, match=r"no file data/inquiry\.csv .*did you mean 'inquiries\.csv'"):
            cuts(tmp_path, path="data/inquiry.csv")
        with pytest.raises(DataError, match=r"no file matches data/\*\.jsonl"):
            cuts(tmp_path, path="data/*.jsonl")
        assert cuts(tmp_path, path="data/*.jsonl", allow_empty=True) == []
        with pytest.raises(DataError, match="data is a folder"):
            cuts(tmp_path, path="data")

    def test_pipes_broken_links_and_locked_files(self, put: Any, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.jsonl")
        with pytest.raises(DataError, match=r"pipe\.jsonl is a pipe"):
            cuts(tmp_path, path="pipe.jsonl")
        (tmp_path / "link.jsonl").symlink_to(tmp_path / "gone.jsonl")
        with pytest.raises(DataError, match=r"link\.jsonl is a link to a file that is not there"):
            cuts(tmp_path, path="link.jsonl")
        locked = put("locked.jsonl", '{"a": 1}\n')
        locked.chmod(0)
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read everything")
        with pytest.raises(DataError, match="no right to"):
            cuts(tmp_path, path="locked.jsonl")

    def test_settings_that_fit_nothing(self) -> None:
        with pytest.raises(ValidationError, match="one ASCII character"):
            Files(path="a.csv", delimiter=",,")
        with pytest.raises(ValidationError, match="says nothing for jsonl"):
            Files(path="a.jsonl", format="jsonl", delimiter=";")
        with pytest.raises(ValidationError, match="names no file"):
            Files(path=())


class TestInputs:
    def test_globs_are_in_the_order_of_bytes_and_lists_in_theirs(self, put: Any, tmp_path: Path) -> None:
        for name in ("d/b.csv", "d/a10.csv", "d/a9.csv", "d/Z.csv", "d/é.csv", "x.csv"):
            put(name, "a\n1\n")
        found, _ = Files(path=("x.csv", "d/*.csv")).inputs(tmp_path)
        assert [what.path for what in found] == ["x.csv", "d/Z.csv", "d/a10.csv", "d/a9.csv", "d/b.csv", "d/é.csv"]
        deep, _ = Files(path="**/*.csv").inputs(tmp_path)
        assert len(deep) == 6

    def test_the_same_file_twice_is_read_once_and_told(self, put: Any, tmp_path: Path) -> None:
        put("a.csv", "a\n1\n")
        (tmp_path / "b.csv").symlink_to("a.csv")
        found, warnings = Files(path=("a.csv", "*.csv")).inputs(tmp_path)
        assert [what.path for what in found] == ["a.csv"]
        assert warnings == [
            "a.csv is the same file as a.csv; it is read once",
            "b.csv is the same file as a.csv; it is read once",
        ]

    def test_a_name_with_brackets_is_a_file_before_it_is_a_glob(self, put: Any, tmp_path: Path) -> None:
        put("a[1].csv", "a\n1\n")
        assert rows(tmp_path, path="a[1].csv") == [{"a": "1"}]

    def test_what_the_reader_key_takes_in(self) -> None:
        assert Files(path="a.csv").reader() == Files(path="b.csv", id=("x",), name="n", allow_empty=True).reader()
        for other in (
            {"delimiter": ";"},
            {"encoding": "replace"},
            {"types": {"a": "text"}},
            {"max_line_mb": 5},
            {"max_depth": 9},
        ):
            assert Files(path="a.csv").reader() != Files(path="a.csv", **other).reader()  # type: ignore[arg-type]


def test_real_json_lines_are_read_as_python_reads_them(data: Path) -> None:
    """Every JSONL file of the real data, against `json`."""
    paths = sorted(path for path in data.rglob("*.jsonl*") if path.is_file())[:40]
    compared = 0
    for path in paths:
        raw = gzip.decompress(path.read_bytes()) if path.read_bytes()[:2] == b"\x1f\x8b" else path.read_bytes()
        expected = [json.loads(line) for line in raw.split(b"\n") if line.strip()]
        if not all(isinstance(row, dict) for row in expected):
            continue
        for batch in read(data, path=str(path.relative_to(data))):
            if batch.mixed:
                continue
            assert batch.bad == []
            for name, series in batch.columns.items():
                kind = batch.readings[name]
                for value, line in zip(series.to_list(), batch.lines.tolist(), strict=True):
                    want = expected[line - 1].get(name) if len(expected) == len(batch.lines) else value
                    assert (
                        json.loads(value) if kind == "json" and value is not None and want is not value else value
                    ) == want
                    compared += 1
    assert compared > 10_000
