"""The JSON kernel against the standard library's reader."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.core.origin import Batch
from tamis.sources._cells import Bad
from tamis.sources._json_slow import problem
from tamis.sources._jsonl import lines_of, read_records


def parse(text: bytes, **settings: Any) -> Batch:
    data = np.frombuffer(text + bytes(64), np.uint8)
    options: dict[str, Any] = {"max_depth": 128, "types": {}, "wanted": None, "cut_short": not text.endswith(b"\n")}
    return read_records(data, lines_of(data, len(text), 1), bad=Bad(), where="x.jsonl", **{**options, **settings})


def rows(batch: Batch) -> list[dict[str, Any]]:
    columns = {name: series.to_list() for name, series in batch.columns.items()}
    return [{name: values[i] for name, values in columns.items()} for i in range(len(batch.lines))]


def causes(batch: Batch) -> list[tuple[int, str]]:
    return [(bad.line, bad.cause) for bad in batch.bad]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXTS, children, max_size=4),
    max_leaves=12,
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "text": TEXTS | st.none(),
        "ключ": TEXTS,
        'a"b\\': TEXTS,
        "whole": st.integers(-(2**63), 2**63 - 1),
        "number": st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.booleans(),
        "deep": st.lists(NESTED, max_size=3),
    },
)


@settings(deadline=None, max_examples=60)
@given(
    objects=st.lists(OBJECTS, min_size=1, max_size=6),
    ascii_only=st.booleans(),
    spaced=st.booleans(),
    crlf=st.booleans(),
)
@example(objects=[{"text": "x" * 100_000 + "é\n\u2028\x7f😀"}], ascii_only=True, spaced=True, crlf=True)
def test_what_json_writes_is_read_as_it_was(
    objects: list[dict[str, Any]], ascii_only: bool, spaced: bool, crlf: bool
) -> None:
    separators = (" ,\t", " : ") if spaced else (",", ":")
    end = "\r\n" if crlf else "\n"
    text = "".join(json.dumps(row, ensure_ascii=ascii_only, separators=separators) + end for row in objects)
    batch = parse(text.encode())
    assert batch.bad == []
    assert batch.lines.tolist() == list(range(1, len(objects) + 1))
    for row, written in zip(rows(batch), objects, strict=True):
        if "deep" in written:
            assert json.loads(row.pop("deep")) == written.pop("deep")
        assert {k: v for k, v in row.items() if v is not None} == {k: v for k, v in written.items() if v is not None}


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_lines_are_accepted_exactly_when_the_slow_reader_accepts_them(data: st.DataObject) -> None:
    line = bytearray(json.dumps(data.draw(OBJECTS), ensure_ascii=data.draw(st.booleans())).encode())
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(line)))
        line[at : at + data.draw(st.integers(0, 2))] = data.draw(
            st.sampled_from(
                [
                    b"",
                    b'"',
                    b"\\",
                    b"{",
                    b"}",
                    b"[",
                    b"]",
                    b",",
                    b":",
                    b"\x00",
                    b"\xff",
                    b"\xed\xa0\x80",
                    b"0",
                    b"-",
                    b"1e999",
                    b"NaN",
                ]
            )
        )
    line = bytearray(bytes(line).replace(b"\n", b" "))
    if not line.strip():
        return
    verdict = problem(bytes(line).strip(b"\r"), 128)
    is_object = bytes(line).strip(b" \t\r").startswith(b"{")
    batch = parse(bytes(line) + b"\n")
    assert bool(batch.bad_counts) == (verdict is not None or not is_object), (bytes(line), verdict, batch.bad)
    if verdict is not None and batch.bad:
        assert batch.bad[0].cause == verdict.cause


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": {"b": 1, "b": 2}}', "duplicate_key"),
        (b'{"a": [{"b": 1, "\\u0062": 2}]}', "duplicate_key"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate_key"),
        (b'{"a": {' + b", ".join(b'"k%d": 0' % i for i in range(40)) + b', "k3": 1}}', "duplicate_key"),
        (b'{"a": NaN}', "nan"),
        (b'{"a": -Infinity}', "nan"),
        (b'{"a": [Infinity]}', "nan"),
        (b'{"a": 1e400}', "nan"),
        (b'{"a": [-1e400]}', "nan"),
        (b'{"a": ' + b"9" * 250 + b"e99}", "nan"),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", "too_deep"),
        (b'{"a": ' + b"[" * 100_000, "too_deep"),
        (b"[1, 2]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"12", "not_an_object"),
        (b"null", "not_an_object"),
        (b'{"a": "\\ud800"}', "lone_surrogate"),
        (b'{"a": "\\udc00\\ud800"}', "lone_surrogate"),
        (b'{"a": "\\ud800\\ue000"}', "lone_surrogate"),
        (b'{"a": ["\\ud83d x"]}', "lone_surrogate"),
        (b'{"a": "\x00"}', "control_character"),
        (b'{"a": "x\ty"}', "control_character"),
        (b'{"a": "\xff"}', "invalid_utf8"),
        (b'{"a": "\xed\xa0\x80"}', "invalid_utf8"),
        (b'{"a": "\xc0\xaf"}', "invalid_utf8"),
        (b'{"\xff": 1}', "invalid_utf8"),
        (b'{"a": 01}', "invalid_json"),
        (b'{"a": 1.}', "invalid_json"),
        (b'{"a": +1}', "invalid_json"),
        (b'{"a": 1,}', "invalid_json"),
        (b'{"a": "\\x41"}', "invalid_json"),
        (b"{'a': 1}", "invalid_json"),
        (b'{"a": tru}', "invalid_json"),
        (b'{"a": 1} {"b": 2}', "invalid_json"),
        (b'{"a": 1', "invalid_json"),
        (b'{"' + b"k" * 70_000 + b'": 1}', "invalid_json"),
    ],
)
def test_each_fault_is_named_and_the_lines_around_it_are_read(line: bytes, cause: str) -> None:
    batch = parse(b'{"x": "before"}\n' + line + b'\n{"x": "after"}\n')
    assert causes(batch) == [(2, cause)]
    assert batch.bad[0].raw == line
    assert batch.bad_counts == {cause: 1}
    assert rows(batch) == [{"x": "before"}, {"x": "after"}], "the bad line's keys make no column"
    assert batch.lines.tolist() == [1, 3]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": {"b": {"x": 1}, "x": 2, "c": [{"x": 3}, {"x": 4}]}}',
        '{"a": {"x": 1}, "x": 2}',
        '{"a": [], "b": {}, "": 0, "c": [[], {"": {}}]}',
        '{"a": -0, "b": 0e0, "c": 1E+2, "d": 99999999999999999999e10}',
        '{"a": "\\/\\b\\f\\n\\r\\t\\u0000\\uD83D\\uDE00"}',
        "{}",
    ],
)
def test_unusual_lines_are_fine(line: str) -> None:
    batch = parse(line.encode() + b"\n")
    assert batch.bad == []
    (row,) = rows(batch) or [{}]
    expected = json.loads(line)
    assert {k: json.loads(v) if batch.readings[k] == "json" else v for k, v in row.items()} == expected


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"b":', "}")])
def test_the_depth_allowed_is_exact(opening: str, closing: str) -> None:
    for depth, bad in ((9, []), (10, [(1, "too_deep")])):  # the row itself is the first level
        line = '{"a": ' + opening * depth + "0" + closing * depth + "}\n"
        assert causes(parse(line.encode(), max_depth=10)) == bad


def test_a_last_line_without_end_is_truncated_only_if_it_does_not_parse() -> None:
    assert causes(parse(b'{"a": 1}\n{"a": "hal')) == [(2, "truncated")]
    assert causes(parse(b'{"a": 1}\n{"a": "\xf0\x9f')) == [(2, "truncated")]
    assert rows(parse(b'{"a": 1}\n{"a": 2}')) == [{"a": 1}, {"a": 2}]


def test_blank_lines_count_but_are_no_rows_and_u2028_ends_no_line() -> None:
    batch = parse('{"a": "x\u2028y\x85z"}\n\n  \t\r\n{"a": "b"}\r\n\r\n'.encode())
    assert rows(batch) == [{"a": "x\u2028y\x85z"}, {"a": "b"}]
    assert batch.lines.tolist() == [1, 4]


def test_integers_beyond_64_bits_keep_every_digit() -> None:
    huge = "9" * 5000
    batch = parse(f'{{"a": 1}}\n{{"a": {huge}}}\n{{"a": -9223372036854775809}}\n{{"a": 2.50}}\n'.encode())
    assert [row["a"] for row in rows(batch)] == ["1", huge, "-9223372036854775809", "2.50"]
    assert batch.readings == {"a": "digits"}
    ends = parse(b'{"a": 9223372036854775807}\n{"a": -9223372036854775808}\n')
    assert [row["a"] for row in rows(ends)] == [2**63 - 1, -(2**63)]


@settings(deadline=None, max_examples=200)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
@example("0.1e1")
@example("18446744073709551617e0")
@example("1e-23")
@example("123456789012345678e-22")
@example("9007199254740993.0")
@example("4.35e-5")
def test_numbers_round_as_python_rounds_them(number: str) -> None:
    batch = parse(f'{{"a": {number}}}\n{{"a": 0.5}}\n'.encode())
    expected = json.loads(number)
    if isinstance(expected, int) and not -(2**63) <= expected < 2**63:
        assert batch.readings["a"] == "digits"
    elif isinstance(expected, int) and int(float(expected)) != expected:
        assert causes(batch) == [(1, "type_mismatch")], "a double does not hold it"
    else:
        assert rows(batch)[0]["a"] == float(expected)


def test_integers_join_numbers_and_the_majority_kind_wins() -> None:
    assert [row["a"] for row in rows(parse(b'{"a": 1}\n{"a": 1.5}\n'))] == [1.0, 1.5]
    mixed = parse(b'{"a": "x"}\n{"a": 1}\n{"a": "y"}\n')
    assert mixed.mixed
    assert mixed.columns == {}
    assert mixed.found == {"a": {"text": (2, 1), "integer": (1, 2)}}
    read = parse(b'{"a": "x"}\n{"a": 1}\n{"a": "y"}\n', wanted={"a": "text"})
    assert rows(read) == [{"a": "x"}, {"a": "y"}]
    assert [(bad.line, bad.cause, bad.column, bad.raw) for bad in read.bad] == [(2, "type_mismatch", "a", b'{"a": 1}')]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("text", ["x", "1", "1.50", "true", '{"b": [1]}', None]),
        ("json", ['"x"', "1", "1.50", "true", '{"b": [1]}', None]),
    ],
)
def test_types_asked_for_take_values_as_they_are_written(kind: Any, values: list[str | None]) -> None:
    text = b'{"a": "x"}\n{"a": 1}\n{"a": 1.50}\n{"a": true}\n{"a": {"b": [1]}}\n{"a": null}\n'
    batch = parse(text, types={"a": kind})
    assert [row["a"] for row in rows(batch)] == values


def test_types_asked_for_refuse_what_does_not_fit() -> None:
    batch = parse(b'{"a": "12"}\n{"a": 3}\n{"a": "x"}\n{"a": 1.5}\n{"a": ""}\n', types={"a": "integer"})
    assert [row["a"] for row in rows(batch)] == [12, 3, None]
    assert causes(batch) == [(3, "type_mismatch"), (4, "type_mismatch")]


def test_many_values_and_many_bad_lines_grow_the_buffers() -> None:
    wide = b"{" + b", ".join(b'"c%d": %d' % (i, i) for i in range(300)) + b"}\n"
    batch = parse(wide * 400 + b"oops\n" * 5000 + wide)
    assert len(batch.lines) == 401
    assert batch.columns["c299"].to_list() == [299] * 401
    assert batch.bad_counts == {"invalid_json": 5000}
    assert len(batch.bad) == 1000, "the first thousand are kept"


def test_a_mapping_is_not_taken_for_rows() -> None:
    from tamis.core.errors import DataError

    text = b"{" + b", ".join(b'"id%d": 1' % i for i in range(1200)) + b"}\n"
    with pytest.raises(DataError, match=r"1000 or more different keys; this looks like a mapping"):
        parse(text)
