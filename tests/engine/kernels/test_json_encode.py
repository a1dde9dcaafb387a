"""The JSON writer against Python's own `json.dumps`, which is the oracle."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import DataError
from tamis.core.row import MESSAGES
from tamis.engine.encode import bad_values, encode_chats, encode_rows, float_text, messages_text
from tamis.engine.kernels.json_recode import recode_json

FIELDS = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]

ODD = "\x00\x01\x08\t\n\x0b\x0c\r\x1f\x7f\x80\x85\"\\/'\u2028\u2029\ufeff\ud7ff\ue000\uffff\U0001f600\U0010ffffé한"
texts = st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"]), st.just("a")), max_size=60)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def lines(data: memoryview) -> list[str]:
    text = bytes(data).decode()
    assert text.endswith("\n") or not text
    return text.split("\n")[:-1]


def dumps(value: Any, ascii: bool) -> str:
    return json.dumps(value, ensure_ascii=ascii)


def message(**fields: Any) -> dict[str, Any]:
    return {name: fields.get(name) for name in FIELDS}


@settings(deadline=None, max_examples=200)
@given(st.lists(st.none() | texts, max_size=6), st.booleans())
def test_strings_are_written_as_python_writes_them(values: list[str | None], ascii: bool) -> None:
    column = pl.Series('t"\n', values, dtype=pl.String)
    assert lines(encode_rows({column.name: column}, ascii=ascii)) == [dumps({column.name: v}, ascii) for v in values]


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("length", [*range(40), 100_000])
def test_each_character_that_needs_care_at_each_place_of_a_block(length: int, ascii: bool) -> None:
    values = ["a" * length + odd + "b" * (40 - length % 40) for odd in ODD]
    assert lines(encode_rows({"t": pl.Series(values)}, ascii=ascii)) == [dumps({"t": v}, ascii) for v in values]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.none() | st.booleans(),
            st.none() | json_values,
        ),
        max_size=5,
    ),
    st.booleans(),
)
def test_columns_of_every_kind(rows: list[tuple[Any, ...]], ascii: bool) -> None:
    columns = {
        "i": pl.Series([row[0] for row in rows], dtype=pl.Int64),
        "f": pl.Series([row[1] for row in rows], dtype=pl.Float64),
        "b": pl.Series([row[2] for row in rows], dtype=pl.Boolean),
        "j": pl.Series([None if row[3] is None else json.dumps(row[3]) for row in rows], dtype=pl.String),
    }
    expected = [dumps(dict(zip("ifbj", row, strict=True)), ascii) for row in rows]
    assert lines(encode_rows(columns, json_columns=["j"], ascii=ascii)) == expected


@settings(deadline=None, max_examples=200)
@given(json_values, st.sampled_from([None, 0, 3]), st.booleans(), st.booleans())
def test_json_text_is_written_anew_as_python_would(value: Any, indent: int | None, escaped: bool, ascii: bool) -> None:
    separators = None if indent is not None else (",", ":")
    given_text = json.dumps(value, indent=indent, ensure_ascii=escaped, separators=separators)
    column = pl.Series(["[]", given_text, f" {given_text}\t", '{"a":1}'])
    expected = [dumps({"j": v}, ascii) for v in ([], value, value, {"a": 1})]
    assert lines(encode_rows({"j": column}, json_columns=["j"], ascii=ascii)) == expected


#: Texts at the edge of JSON: Python alone decides what they are.
EDGES = [
    "", " ", "nul", "nulll", "tru", "True", "+1", "01", "-", "-0", "-1", "0", "1.", "1.0", "1e3", ".5", "1 2", "[1,]",
    "[,1]", "[1 2]", "{", "}", "[", "]", "[}", "{]", "[[]", "[]]", "{}{}", '{"a"}', '{"a":}', '{"a" 1}', '{"a":1,}',
    '{"a":1 "b":2}', "{1:2}", '{"a":1,"a":2}', '{"a":{"a":1},"b":{"a":2}}', '{"\\u0061":1,"a":2}', '"', '"\\',
    '"\\x"', '"\\/"', '"\\u00e9"', '"\\ud83d\\ude00"', '"a\nb"', '"\\n\\t\\r\\b\\f\\"\\\\"', '"\x7f"', "NaN",
    "-Infinity", "Infinity", "[NaN]", "1e400", '"\\ud800"', "[" * 50 + "]" * 50, "[" * 150 + "]" * 150, "9" * 400,
    '[[],[[]],{},{"a":[]}]', "\xa0[]", "\ufeff[]", '[{"a":[1,{"b":null}]},true , false]',
]  # fmt: skip


@pytest.mark.parametrize("text", EDGES)
@pytest.mark.parametrize("ascii", [False, True])
def test_what_is_json_is_what_python_takes_for_json(text: str, ascii: bool) -> None:
    columns = {"j": pl.Series(["1", text, '"z"'])}

    def constant(word: str) -> None:
        raise ValueError(word)

    try:
        value = json.loads(text, parse_constant=constant)
        expected = dumps({"j": value}, ascii)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        assert [bad.row for bad in bad_values(columns, ["j"])] == [1]
        with pytest.raises(DataError, match="row 1: column 'j' is no JSON"):
            encode_rows(columns, json_columns=["j"], ascii=ascii)
        return
    assert lines(encode_rows(columns, json_columns=["j"], ascii=ascii)) == ['{"j": 1}', expected, '{"j": "z"}']


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"a": {"a": 1, "b": [{"a": 2}]}, "b": {"a": 3}}', False),
        ('[{"name":"é\\n","n":-12},true,null]', False),
        ("[" * 99 + "]" * 99, False),
        ('{"a": 1, "a": 2}', True),
        ("1.0", True),
        ('"\\u00e9"', True),
    ],
)
def test_only_rare_json_is_left_to_python(text: str, left: bool) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    flags = np.zeros(1, np.bool_)
    out, offsets = np.empty(1000, np.uint8), np.empty(2, np.int64)
    recode_json(data, np.array([0, len(data)]), np.ones(1, np.bool_), out, offsets, flags, False)
    assert flags.tolist() == [left]
    if not left:
        assert bytes(out[: offsets[1]]).decode() == json.dumps(json.loads(text), ensure_ascii=False)


def test_nesting_beyond_any_use_is_refused_and_not_a_crash() -> None:
    columns = {"j": pl.Series(["[" * 200_000 + "]" * 200_000])}
    assert [bad.row for bad in bad_values(columns, ["j"])] == [0]


messages_strategy = st.lists(
    st.builds(
        message,
        role=st.sampled_from(["system", "user", "assistant", "tool"]),
        content=st.none() | texts,
        name=st.none() | texts,
        tool_calls=st.none() | json_values.map(json.dumps),
        tool_call_id=st.none() | texts,
        weight=st.none() | st.sampled_from([0, 1]),
    ),
    max_size=3,
)


def as_sent(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The slow, obvious twin: keys in order, nulls left out but for role and content, tool calls as JSON."""
    sent = []
    for one in messages:
        kept = {k: v for k, v in one.items() if v is not None or k in ("role", "content")}
        if "tool_calls" in kept:
            kept["tool_calls"] = json.loads(kept["tool_calls"])
        sent.append(kept)
    return sent


@settings(deadline=None, max_examples=100)
@given(st.lists(st.none() | messages_strategy, max_size=5), st.booleans(), st.integers(0, 2))
def test_chats(rows: list[list[dict[str, Any]] | None], ascii: bool, skipped: int) -> None:
    series = pl.Series("messages", [None] * skipped + rows, dtype=MESSAGES).slice(skipped)
    expected = [None if row is None else {"messages": as_sent(row)} for row in rows]
    assert lines(encode_chats(series, ascii=ascii)) == [dumps(row, ascii) for row in expected if row is not None]
    texts_now = messages_text(series, ascii=ascii).to_list()
    assert texts_now == [None if row is None else dumps(row["messages"], ascii) for row in expected]


def test_tools_stand_only_in_rows_that_have_them() -> None:
    chat = [message(role="user", content="Hi"), message(role="assistant", content=None, tool_calls='[{"id":"1"}]')]
    series = pl.Series("messages", [chat, chat], dtype=MESSAGES)
    written = lines(encode_chats(series, pl.Series("tools", ['[{"type":"function"}]', None])))
    turns = '{"role": "user", "content": "Hi"}, {"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]}'
    start = f'{{"messages": [{turns}]'
    assert written == [start + ', "tools": [{"type": "function"}]}', start + "}"]


def test_optional_columns_are_left_out_where_null_and_others_written_as_null() -> None:
    columns = {"a": pl.Series([1, None]), "b": pl.Series([None, "x"])}
    assert lines(encode_rows(columns, optional=["a"])) == ['{"a": 1, "b": null}', '{"b": "x"}']


def test_no_rows_no_bytes() -> None:
    assert bytes(encode_chats(pl.Series("messages", [], dtype=MESSAGES))) == b""
    assert bytes(encode_rows({"a": pl.Series([], dtype=pl.String)})) == b""


def test_numbers_that_json_lacks_are_named_with_their_row() -> None:
    columns = {"x": pl.Series([0.5, float("nan"), None, float("-inf")])}
    assert [bad.row for bad in bad_values(columns)] == [1, 3]
    with pytest.raises(DataError, match="row 1: column 'x' is NaN or infinite"):
        encode_rows(columns)


def test_lists_structs_and_dates_are_written_as_python_would() -> None:
    columns = {"l": pl.Series([[1.5], None, []]), "s": pl.Series([{"a": "é"}, {"a": None}, None])}
    expected = ['{"l": [1.5], "s": {"a": "é"}}', '{"l": null, "s": {"a": null}}', '{"l": [], "s": null}']
    assert lines(encode_rows(columns)) == expected
    assert lines(encode_rows({"d": pl.Series([date(2024, 2, 29)])})) == ['{"d": "2024-02-29"}']
    bad = {"l": pl.Series([[1.0], [float("nan")]])}
    assert [b.row for b in bad_values(bad)] == [1]
    with pytest.raises(DataError, match="row 1: column 'l' is NaN or infinite"):
        encode_rows(bad)


def test_tool_calls_that_are_no_json_are_named_with_their_row() -> None:
    good, bad = message(role="assistant", tool_calls="[]"), message(role="assistant", tool_calls="[")
    series = pl.Series("messages", [[good], None, [], [bad, good]], dtype=MESSAGES)
    assert [b.row for b in bad_values({"messages": series})] == [3]
    with pytest.raises(DataError, match="row 3: tool_calls of a message in 'messages' is no JSON"):
        encode_chats(series)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_are_written_as_repr_does(values: list[float]) -> None:
    assert float_text(pl.Series(values)).to_list() == [repr(value) for value in values]


def test_floats_where_the_notation_changes() -> None:
    values = [
        sign * v
        for sign in (1, -1)
        for v in (0.0, 1e-4, 9.999e-5, 1e-5, 1e15, 9999999999999998.0, 1e16, 1e17, 5e-324, 1.7e308)
    ]
    values += np.float32([0.1, 1e-5]).astype(float).tolist()
    assert float_text(pl.Series(values)).to_list() == [repr(value) for value in values]
    assert float_text(pl.Series([0.1], dtype=pl.Float32)).to_list() == [repr(float(np.float32(0.1)))]
