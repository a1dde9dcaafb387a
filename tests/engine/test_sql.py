"""Users' SQL: what it says, and what it cannot be made to say."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.errors import UsageError
from tamis.engine.frame import Frame
from tamis.engine.sql import FUNCTIONS, MAX_OPERATORS, columns_read, evaluate, expression, names_in
from tamis.testing import rows_frame

ROWS: list[dict[str, Any]] = [
    {
        "prompt": "How?",
        "response": "So.",
        "n": 1,
        "tag": "a",
        "flag": True,
        "number": "1",
        "filter.length.length": 3,
        "odd name": "x",
        "end": 1,
    },
    {
        "prompt": "Why?",
        "response": None,
        "n": 2,
        "tag": None,
        "flag": False,
        "number": "x",
        "filter.length.length": 9,
        "odd name": "y",
        "end": 2,
    },
    {
        "prompt": None,
        "response": "Yes",
        "n": 3,
        "tag": "it's",
        "flag": None,
        "number": None,
        "filter.length.length": None,
        "odd name": None,
        "end": 3,
    },
]
FRAME = Frame.of(rows_frame(ROWS).with_columns(words=pl.Series([["x"], [], None])))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("n > 1", [False, True, True]),
        ("\"source.n\" > 1", [False, True, True]),
        ("tag = 'a'", [True, False, False]),
        ("tag = 'it''s'", [False, False, True]),
        ("NOT tag = 'a'", [False, False, True]),
        ("tag IS NULL", [False, True, False]),
        ("tag <> 'a' OR tag IS NULL", [False, True, True]),
        ("coalesce(tag, '') <> 'a'", [False, True, True]),
        ("flag", [True, False, False]),
        ("NOT coalesce(flag, false)", [False, True, True]),
        ("n BETWEEN 2 AND 3 AND n NOT IN (3)", [False, True, False]),
        ("tag LIKE 'it%' OR tag ILIKE 'A'", [True, False, True]),
        ("regexp_like(tag, '^[a-c]$')", [True, False, False]),
        ("length(response) = 3", [True, False, True]),
        ("prompt IS NULL", [False, False, True]),
        ("system IS NULL", [True, True, True]),
        ("length(\"all\") > 5", [True, False, False]),
        ("CASE WHEN n = 1 THEN true WHEN n = 2 THEN false END", [True, False, False]),
        ("try_cast(number AS integer) > 0", [True, False, False]),
        ("coalesce(tag, '') || 'z' = 'z'", [False, True, False]),
        ("\"filter.length.length\" > 2", [True, True, False]),
        ("\"odd name\" = 'x' AND \"end\" = 1", [True, False, False]),
        ("array_contains(words, 'x')", [True, False, False]),
        ("lower(upper(tag)) = 'a' and round(abs(-1.5)) = 2 and mod(n, 2) = 1", [True, False, False]),
        ("1 = 1", [True, True, True]),
        ("null", [False, False, False]),
    ],
)  # fmt: skip
def test_what_it_says(sql: str, expected: list[bool]) -> None:
    result = evaluate(sql, FRAME)
    assert result.dtype == pl.Boolean
    assert result.to_list() == expected


def test_a_column_comes_before_a_view_of_the_same_name() -> None:
    frame = Frame.of(rows_frame([{"prompt": "long prompt"}]).with_columns(pl.Series("source.prompt", ["x"])))
    assert evaluate("length(prompt) = 1", frame).to_list() == [True]


def test_names_are_resolved() -> None:
    _, used = expression("tag = 'a' AND length(response) > n", FRAME.names)
    assert used == ["source.tag", "view:response", "source.n"]
    assert names_in("tag = 'a' AND length(response) > n") == ("tag", "response", "n")
    assert columns_read("tag = 'a' OR tag = 'b' OR n > 1") == ("tag", "n")
    assert columns_read("length(response) > 1") is None


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "is empty"),
        ("tga = 'a'", "`tga = 'a'`, character 1: no column 'tga'; did you mean 'tag'?"),
        ('n > 1 AND tag = "a"', "character 17: no column 'a'"),
        ('tag = "a"', "a text stands in single quotes"),
        ("source.n > 1", 'stands in quotes, as in "source.category"'),
        ("lenght(tag) > 1", "no function 'lenght'; did you mean 'length'?"),
        ("tag = 'a", "the quote ' is not closed"),
        ("n >", "cannot be read"),
        ("n > 'x'", "source.n is an integer"),
        ("cast(number AS integer) > 0", "`try_cast(x AS double)`"),
        ("n", "gives an integer, not true or false"),
        ("cast(n AS blob) = 1", "no type 'blob'"),
        ("flag IS NOT TRUE", "IS TRUE is not possible\nHint: say what null counts as: `coalesce(x, false)`"),
        ("tag IS DISTINCT FROM 'a' OR flag", "IS DISTINCT is not possible"),
        ("regexp_like(tag, '(')", "regex"),
        ('"sum"(n) > 1', '"sum" is a name and cannot be called'),
    ],
)
def test_mistakes_are_explained(sql: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        evaluate(sql, FRAME)
    assert message in str(caught.value)


FORBIDDEN = [
    "read_csv('/etc/passwd') IS NULL",
    "read_parquet('/etc/passwd') IS NULL",
    "n IN (SELECT n FROM self)",
    "(SELECT count(*) FROM read_csv('/etc/passwd')) > 0",
    "EXISTS (SELECT 1)",
    "n = (WITH x AS (SELECT 1) SELECT * FROM x)",
    "n = (FROM self)",
    "n = (TABLE self)",
    "n = (VALUES (1))",
    "n > 1; DROP TABLE self",
    "n > 1 -- and so on",
    "n > 1 /* and so on */",
    "n > 1 LIMIT 1",
    "sum(n) > 1",
    "count(*) > 1",
    "row_number() OVER (ORDER BY n) > 1",
    "n > first(n)",
    "lag(n) > 1",
    "random() > 0.5",
    "now() IS NULL",
    "current_timestamp() IS NULL",
    "version() = 'x'",
    "columns('.*') > 1",
    '"sum"(n) > 1',
    '"^.*$" > 1',
    '"*" > 1',
    "* > 1",
    "x'41' = 'A'",
    "date '2024-01-01' IS NULL",
    "n = $1",
    "n = ?",
    "`n` = 1",
    "[n] = 1",
    "n = {n}",
    "unnest(words) = 'x'",
    "explode(words) = 'x'",
]


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_what_reaches_beyond_the_row_is_refused(sql: str) -> None:
    frame = Frame.of(rows_frame(ROWS).with_columns(pl.Series("^.*$", [1, 2, 3]), pl.Series("*", [1, 2, 3])))
    with pytest.raises(UsageError):
        evaluate(sql, frame)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_works_row_by_row(name: str) -> None:
    """With some arguments, and so that a row's result depends on that row alone."""
    arguments = (
        "tag",
        "n",
        "tag, 'a'",
        "'a', tag",
        "n, 2",
        "tag, 1",
        "tag, 'a', 'b'",
        "flag, n, 1",
        "words",
        "words, 'x'",
        "number AS integer",
    )
    results = []
    for given_ in arguments:
        try:
            results.append((given_, evaluate(f"{name}({given_}) IS NOT NULL", FRAME)))
        except UsageError:
            continue
        if name == "cast" and given_ == "number AS integer":
            break
    if name == "cast":
        results.append(("n AS text", evaluate("cast(n AS text) IS NOT NULL", FRAME)))
    assert results, f"{name} takes none of the arguments tried"
    for given_, together in results:
        alone = [
            evaluate(f"{name}({given_}) IS NOT NULL", FRAME.take(pl.Series([i]).to_numpy())).to_list()[0]
            for i in range(3)
        ]
        assert together.to_list() == alone


numbers = st.recursive(
    st.one_of(st.sampled_from(["n", "m"]), st.integers(0, 3).map(str)),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(" ".join),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"coalesce({one}, 1)"),
    ),
    max_leaves=4,
)
words = st.sampled_from(["tag", "'a'", "'ab'", "tag || 'b'"])
conditions = st.recursive(
    st.one_of(
        st.tuples(numbers, st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="]), numbers).map(" ".join),
        st.tuples(words, st.sampled_from(["=", "<>", "<"]), words).map(" ".join),
        st.tuples(words, st.sampled_from(["LIKE 'a%'", "NOT LIKE '%b'", "LIKE '_'"])).map(" ".join),
        st.tuples(numbers, st.sampled_from(["IS NULL", "IS NOT NULL", "IN (1, 2)", "NOT IN (1, 2)"])).map(" ".join),
        st.tuples(numbers, st.sampled_from(["BETWEEN", "NOT BETWEEN"]), numbers).map(
            lambda p: f"{p[0]} {p[1]} 1 AND {p[2]}"
        ),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join),
        inner.map(lambda one: f"NOT {one}"),
        inner.map(lambda one: f"({one})"),
        st.tuples(inner, inner).map(lambda pair: f"CASE WHEN {pair[0]} THEN 1 ELSE 2 END = 2 OR {pair[1]}"),
    ),
    max_leaves=5,
)


@given(conditions)
@settings(max_examples=300)
def test_brackets_and_nulls_as_in_another_database(sql: str) -> None:
    """The same expression over the same rows in SQLite."""
    rows = [(1, 2, "a"), (2, None, "ab"), (None, 1, None), (3, 3, "b"), (0, 0, "")]
    table = sqlite3.connect(":memory:")
    table.execute("CREATE TABLE t (n INTEGER, m INTEGER, tag TEXT)")
    table.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    expected = [bool(value) for (value,) in table.execute(f"SELECT coalesce(({sql}), 0) FROM t ORDER BY rowid")]
    table.close()
    frame = Frame.of(pl.DataFrame(rows, schema={"n": pl.Int64, "m": pl.Int64, "tag": pl.String}, orient="row"))
    assert evaluate(sql, frame).to_list() == expected


def test_no_rows() -> None:
    assert evaluate("n > 1", FRAME.take(pl.Series([], dtype=pl.Int64).to_numpy())).to_list() == []


@given(st.text(st.sampled_from("n tag'\"()=<>+-*/%~|,.:;!&[]{}$?\\\n\x00sumselectéAND1"), max_size=30))
@settings(max_examples=300)
def test_no_text_does_anything_but_answer_or_refuse(sql: str) -> None:
    with contextlib.suppress(UsageError):
        assert len(evaluate(sql, FRAME)) == 3


@pytest.mark.parametrize(
    "sql",
    [
        "+".join(["n"] * 9000) + " > 1",
        " and ".join(["n = 1"] * 3000),
        "(" * 5000 + "n" + ")" * 5000 + " = 1",
        "n in (" + ", ".join(["1"] * 20_000) + ")",
        "case when flag then " * 1000 + "true" + " end" * 1000,
    ],
    ids=["sum", "and", "brackets", "list", "case"],
)
def test_an_endless_expression_is_refused_before_it_overflows_a_stack(sql: str) -> None:
    with pytest.raises(UsageError) as caught:
        evaluate(sql, FRAME)
    assert len(str(caught.value)) < 500


def test_the_longest_expression_fits_a_small_stack() -> None:
    found: list[list[bool]] = []
    longest = "+".join(["n"] * MAX_OPERATORS) + f" = {MAX_OPERATORS}"
    before = threading.stack_size(512 * 1024)
    try:
        worker = threading.Thread(target=lambda: found.append(evaluate(longest, FRAME).to_list()))
        worker.start()
        worker.join()
    finally:
        threading.stack_size(before)
    assert found == [[True, False, False]]
