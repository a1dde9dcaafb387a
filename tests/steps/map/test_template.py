"""map.template"""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tamis.core.errors import UsageError
from tamis.engine.frame import Frame
from tamis.engine.template import embedded, parse, quoted
from tamis.steps.map.template import Template
from tamis.testing import run_step

VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({"user": "{a}"}, {"a": "x"}, "kept"),
    ({"user": "{a}"}, {"a": None}, "missing_value"),
    ({"user": "{a}", "missing": "empty"}, {"a": None}, "kept"),
    ({"user": "q", "assistant": {"json": {"k": "{a}"}}, "json_columns": ["a"]}, {"a": "{"}, "not_json"),
]


def contents(step: Template, *rows: dict[str, Any]) -> list[list[tuple[str, str]]]:
    result = run_step(step, list(rows))
    return [[(m["role"], m["content"]) for m in row["messages"] or []] for row in result.rows]


def answer(spec: Any, row: dict[str, Any], **fields: Any) -> str:
    return contents(Template(user="u", assistant=spec, **fields), row)[0][-1][1]


def test_the_turns_in_their_order() -> None:
    step = Template(assistant="{b}", user="Say {a}, {{{a}}}!", system="S")
    assert contents(step, {"a": "x", "b": "y"}) == [[("system", "S"), ("user", "Say x, {x}!"), ("assistant", "y")]]


def test_several_turns() -> None:
    step = Template(
        messages=[{"user": "{q}"}, {"assistant": {"json": {"tool": "{t}"}}}, {"tool": "ok"}, {"assistant": "done"}]
    )
    assert contents(step, {"q": "Q", "t": "T"}) == [
        [("user", "Q"), ("assistant", '{"tool": "T"}'), ("tool", "ok"), ("assistant", "done")]
    ]


ODD_TEXTS = ["{x}", "{{7*7}}", "{0.__class__}", "%s", "$x", "}", "{a}", "\x00", "🙂‮", "\u0301", ""]


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_row_text_is_never_a_template(text: str) -> None:
    assert contents(Template(user="<{a}>"), {"a": text, "x": "SECRET"}) == [[("user", f"<{text}>")]]
    assert json.loads(answer({"json": {"k": "{a}", "m": "<{a}>"}}, {"a": text})) == {"k": text, "m": f"<{text}>"}


@settings(deadline=None, max_examples=60)
@given(VALUES, st.booleans())
def test_json_has_the_bytes_of_json_dumps(text: str, ascii: bool) -> None:
    spec = {
        "json": {"a b": "{a}", "nested": {"list": ["{a}", "<{a}> {{}}", 1, None, True, "é"]}, "é": "{n}"},
        "ascii": ascii,
    }
    value = {"a b": text, "nested": {"list": [text, f"<{text}> {{}}", 1, None, True, "é"]}, "é": 7}
    assert answer(spec, {"a": text, "n": 7}) == json.dumps(value, ensure_ascii=ascii)


TYPED: list[tuple[Any, str]] = [
    (5, "5"),
    (-(2**62), str(-(2**62))),
    (True, "true"),
    (False, "false"),
    (1.0, "1.0"),
    (1e-7, "1e-07"),
    (1e22, "1e+22"),
    (0.1, "0.1"),
    ("5", '"5"'),
    ("true", '"true"'),
    ("", '""'),
]


@pytest.mark.parametrize(("value", "text"), TYPED)
def test_a_single_column_keeps_its_type(value: Any, text: str) -> None:
    assert answer({"json": {"v": "{v}"}}, {"v": value}) == f'{{"v": {text}}}'
    assert json.dumps({"v": value}) == f'{{"v": {text}}}'


def test_a_column_beside_text_is_text() -> None:
    assert answer({"json": {"v": "no {v}"}}, {"v": 5}) == '{"v": "no 5"}'
    assert answer("{f} {b} {i}", {"f": 1e-7, "b": True, "i": 3}) == "1e-07 true 3"


def test_json_columns_are_embedded() -> None:
    spec = {"json": {"v": "{v}"}}
    assert answer(spec, {"v": '{"b":[1,2.50,"é"]}'}) == '{"v": "{\\"b\\":[1,2.50,\\"\\u00e9\\"]}"}'
    assert answer(spec, {"v": '{"b":[1,2.50,"é"]}'}, json_columns=["v"]) == '{"v": {"b": [1, 2.5, "\\u00e9"]}}'


def test_values_without_a_json_form_are_dropped() -> None:
    step = Template(user="u", assistant={"json": {"f": "{f}", "v": "{v}"}}, json_columns=["v"])
    rows = [
        {"f": 1.5, "v": "[]"},
        {"f": float("nan"), "v": "[]"},
        {"f": float("inf"), "v": "[]"},
        {"f": 1.5, "v": "nonsense"},
    ]
    result = run_step(step, rows)
    assert result.outcomes == ["kept", "not_json", "not_json", "not_json"]
    assert [e["not_json"] for e in result.evidence] == [None, "f", "f", "v"]
    assert result.rows[0]["messages"][1]["content"] == '{"f": 1.5, "v": []}'


def test_nulls_drop_the_row_and_name_the_column() -> None:
    step = Template(system="{s}", user="{q}", assistant={"json": {"a": "{a}"}})
    full = {"s": "S", "q": "Q", "a": "A"}
    result = run_step(step, [full, {**full, "q": None}, {**full, "a": None}, {**full, "s": None, "a": None}])
    assert result.outcomes == ["kept", "missing_value", "missing_value", "missing_value"]
    assert [e["missing"] for e in result.evidence] == [None, "q", "a", "s"]
    assert result.line == "4 in = 1 kept + 3 dropped (missing_value 3)"
    assert result.rows[1]["messages"] is None or result.rows[1]["messages"] == []


def test_nulls_may_be_empty_instead() -> None:
    step = Template(user="<{q}>", assistant={"json": {"t": "{t}", "n": "{n}", "m": "{n}!"}}, missing="empty")
    rows = [{"q": None, "t": None, "n": None}, {"q": "a", "t": "b", "n": 1}]
    assert contents(step, *rows) == [
        [("user", "<>"), ("assistant", '{"t": "", "n": null, "m": "!"}')],
        [("user", "<a>"), ("assistant", '{"t": "b", "n": 1, "m": "1!"}')],
    ]


def test_producer_and_tools() -> None:
    result = run_step(
        Template(user="{q}", producer="{m}-x", tools="{t}"), [{"q": "Q", "m": "gpt", "source.tools": "no", "t": "[]"}]
    )
    assert (result.rows[0]["producer"], result.rows[0]["tools"]) == ("gpt-x", "[]")


def test_reads_what_it_names() -> None:
    step = Template(system="{{no}}", user="{a} {b}", assistant={"json": {"k": ["{c}", {"d": "{a}"}]}}, producer="{p}")
    assert step.reads() == ("a", "b", "c", "p")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"user": "{a"}, "the brace at character 1 of '{a' is not closed"),
    ({"user": "a}"}, "the brace at character 2 of 'a}' closes nothing"),
    ({"user": "{}"}, "names no column"),
    ({"user": "{a{b}}"}, "is not closed"),
    ({"user": {"inquiry": None}}, '{inquiry} needs quotes in YAML: "{inquiry}"'),
    ({"user": "{a}", "assistant": {"json": {"k": {"category": None}}}}, "{category} needs quotes in YAML"),
    ({"user": "{a}", "assistant": {"json": {"k": "{"}}}, "is not closed"),
    ({"user": "hello"}, "every row would be the same"),
    ({"system": "{a}"}, "no message: give `user`"),
    ({"user": "{a}", "messages": [{"user": "{a}"}]}, "not both"),
    ({"messages": [{"boss": "{a}"}]}, "with one of the roles system, user, assistant, tool"),
    ({"messages": [{"user": "{a}", "assistant": "b"}]}, "messages[0] is no {role: template}"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_impossible_settings_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Template(**fields)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["inqury", "inquiry.upper", "inquiry!r", "inquiry:>9", "inquiry[0]"])
def test_anything_but_a_column_is_an_unknown_column(name: str) -> None:
    with pytest.raises(UsageError, match=r"no column .*(did you mean 'inquiry'|possible: inquiry)"):
        run_step(Template(user=f"{{{name}}}"), [{"inquiry": "x"}])


def test_messages_are_no_value() -> None:
    with pytest.raises(UsageError, match="holds messages"):
        run_step(Template(user="{messages}"), [{"prompt": "x"}])


def test_no_rows_and_large_rows() -> None:
    step = Template(user="{a}", assistant={"json": {"k": "{a}"}})
    assert run_step(step, pl.DataFrame({"source.a": pl.Series([], dtype=pl.String)})).line == "0 in = 0 kept"
    text = 'ab"é🙂' * 20_000
    assert contents(step, {"a": text}) == [[("user", text), ("assistant", json.dumps({"k": text}))]]


def test_the_same_under_any_batching() -> None:
    step = Template(user="{a}", assistant={"json": {"k": "{a}", "n": "{n}"}})
    table = pl.DataFrame({"source.a": ["x", None, 'é"', "\n"], "source.n": [1, 2, None, 4]})
    whole = step.judge(Frame.of(table))
    for cut in range(5):
        parts = [step.judge(Frame.of(part)) for part in (table[:cut], table[cut:])]
        assert pl.concat([p.changes["messages"] for p in parts]).to_list() == whole.changes["messages"].to_list()
        assert [p for part in parts for p in part.evidence["missing"].to_list()] == [None, "a", "n", None]


def test_round_trips_through_its_settings() -> None:
    step = Template(user="{a}", assistant={"json": {"k": "{b}"}, "ascii": False})
    assert step.settings()["assistant"] == {"json": {"k": "{b}"}, "ascii": False}
    assert Template(**step.settings()) == step


@settings(deadline=None, max_examples=60)
@given(st.lists(st.none() | VALUES, max_size=6), st.booleans())
def test_quoted_is_json_dumps(texts: list[str | None], ascii: bool) -> None:
    made = quoted(pl.Series(texts, dtype=pl.String), ascii).to_list()
    assert made == [None if text is None else json.dumps(text, ensure_ascii=ascii) for text in texts]


def test_embedded_refuses_what_is_no_json() -> None:
    made, bad = embedded(pl.Series(["1", "[1 ,2]", None, "NaN", '{"a":1,"a":2}', '"\\ud800"']), ascii=False)
    assert made.to_list() == ["1", "[1, 2]", None, None, None, None]
    assert bad.to_list() == [False, False, False, True, True, True]


def test_parse() -> None:
    assert parse("{{}} { a b }{c}") == ("{} ", ("a b",), ("c",))
    assert parse("") == ()
