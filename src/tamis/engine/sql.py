"""Users' SQL: one boolean expression over a row's columns, checked word by word before Polars sees it.

What is not on a list here is refused: no sub-queries, no table functions, no aggregates or windows (an expression
speaks of one row), nothing that reads files, clocks or chance. Null counts as false.

Names: `category` finds `source.category`; a name with a dot, a space or a keyword's spelling stands in double quotes
(`"source.category"`). The views `response`, `prompt`, `system`, `all`, `rejected` and `text` may be used as names
where no column has that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import polars as pl

from tamis.core.columns import Columns
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.row import VIEWS

from .frame import find_column

FUNCTIONS = frozenset(
    [
        "length",
        "char_length",
        "character_length",
        "octet_length",
        "bit_length",
        "lower",
        "upper",
        "initcap",
        "trim",
        "ltrim",
        "rtrim",
        "left",
        "right",
        "substr",
        "substring",
        "replace",
        "reverse",
        "concat",
        "concat_ws",
        "starts_with",
        "ends_with",
        "strpos",
        "regexp_like",
        "abs",
        "ceil",
        "ceiling",
        "floor",
        "round",
        "sign",
        "sqrt",
        "cbrt",
        "exp",
        "ln",
        "log",
        "log2",
        "log10",
        "log1p",
        "mod",
        "pow",
        "power",
        "greatest",
        "least",
        "coalesce",
        "ifnull",
        "nullif",
        "if",
        "cast",
        "try_cast",
        "array_length",
        "array_contains",
        "array_to_string",
    ]
)
KEYWORDS = frozenset(
    [
        "and",
        "or",
        "not",
        "xor",
        "in",
        "between",
        "like",
        "ilike",
        "rlike",
        "regexp",
        "is",
        "null",
        "true",
        "false",
        "distinct",
        "case",
        "when",
        "then",
        "else",
        "end",
        "as",
        "from",
    ]
)
TYPES = frozenset(
    ["varchar", "text", "string", "int", "integer", "bigint", "smallint", "float", "double", "real", "boolean", "bool"]
)
OPERATORS = (
    "!~*",
    "<=>",
    "!~",
    "~*",
    "::",
    "||",
    "<=",
    ">=",
    "<>",
    "!=",
    "==",
    "(",
    ")",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "<",
    ">",
    "~",
)
MAX_LENGTH = 20_000  # characters
MAX_DEPTH = 30  # nested brackets; the parser recurses
MAX_OPERATORS = 200  # evaluation recurses: a chain of a few hundred `+` ends in a crash where stacks are small

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<string>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")*")|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)"""
    r"""|(?P<word>[^\W\d]\w*)|(?P<operator>""" + "|".join(re.escape(operator) for operator in OPERATORS) + ")",
    re.DOTALL,
)


class Piece(NamedTuple):
    """A piece of an expression: text that stays as it is, or (`is_name`) a column's name without its quotes."""

    text: str
    is_name: bool
    at: int


def names_in(sql: str) -> tuple[str, ...]:
    """The names of columns and views that an expression uses, as the user writes them. UsageError where it is wrong."""
    return tuple(dict.fromkeys(piece.text for piece in _parsed(sql) if piece.is_name))


def columns_read(sql: str) -> tuple[str, ...] | None:
    """What a step that evaluates `sql` reads, for `Step.reads`: names, or None where a view might be meant."""
    names = names_in(sql)
    return None if set(names) & set(VIEWS) else names


def expression(sql: str, names: Sequence[str]) -> tuple[pl.Expr, list[str]]:
    """The expression over full column names, and the columns and views it uses (views as `view:NAME`).

    names: every column there is. Raises UsageError saying what is wrong, where, and what is possible.
    """
    used: dict[str, None] = {}
    parts = []
    for piece in _parsed(sql):
        if not piece.is_name:
            parts.append(piece.text)
            continue
        full = _resolve(sql, piece, names)
        used[full] = None
        parts.append('"' + full.replace('"', '""') + '"')
    return _polars("".join(parts), sql), list(used)


def evaluate(sql: str, rows: Columns) -> pl.Series:
    """(n,) Boolean: for which rows the expression is true; null is false."""
    expr, used = expression(sql, rows.names)
    columns = [(rows.text(name[5:]) if name.startswith("view:") else rows[name]).alias(name) for name in used]
    if rows.height == 0:
        return pl.Series("sql", [], dtype=pl.Boolean)
    try:
        result = (pl.DataFrame(columns) if columns else pl.DataFrame({"": [0]})).select(expr.alias("sql"))["sql"]
    except pl.exceptions.PolarsError as error:
        raise _type_error(sql, error, columns) from None
    if result.dtype not in (pl.Boolean, pl.Null):
        raise UsageError(
            f"SQL `{_short(sql)}` gives {_kind(result.dtype)}, not true or false",
            hint="compare it, as in `… > 0` or `… IS NOT NULL`",
        )
    if len(result) != rows.height:
        result = result.new_from_index(0, rows.height)
    return result.cast(pl.Boolean).fill_null(False)


@lru_cache(maxsize=256)
def _parsed(sql: str) -> tuple[Piece, ...]:
    """The pieces of an expression in which every word is allowed, and which Polars can parse."""
    pieces = tuple(_pieces(sql))
    _polars("".join('"c"' if piece.is_name else piece.text for piece in pieces), sql)
    return pieces


def _pieces(sql: str) -> Iterator[Piece]:
    if not sql.strip():
        raise UsageError("the SQL expression is empty", hint="write a condition, as in `length(response) > 10`")
    if len(sql) > MAX_LENGTH:
        raise UsageError(f"the SQL expression has {len(sql)} characters; at most {MAX_LENGTH} are possible")
    tokens = [(kind, text, at) for kind, text, at in _tokens(sql) if kind != "space"]
    depth = operators = 0
    for index, (kind, text, at) in enumerate(tokens):
        after = tokens[index + 1][1] if index + 1 < len(tokens) else ""
        before = tokens[index - 1][1] if index else ""
        depth += (text == "(") - (text == ")")
        if depth > MAX_DEPTH:
            raise _wrong(sql, at, f"brackets are nested deeper than {MAX_DEPTH}")
        operators += (kind == "operator" and text not in "(),") or text.lower() in KEYWORDS
        if operators > MAX_OPERATORS:
            raise _wrong(
                sql, at, f"more than {MAX_OPERATORS} operators", hint="use `IN (…)`, or filter.listed for long lists"
            )
        if kind == "quoted":
            if after == "(":
                raise _wrong(sql, at, f"{text} is a name and cannot be called", hint="functions stand without quotes")
            yield Piece(text[1:-1].replace('""', '"'), True, at)
        elif kind == "word":
            yield _word(sql, text, at, before, after)
        else:
            yield Piece(text, False, at)
        yield Piece(" ", False, at)


def _word(sql: str, word: str, at: int, before: str, after: str) -> Piece:
    """What a bare word is: a function, a type, a keyword, or the name of a column."""
    lower = word.lower()
    if after.startswith("'") and lower not in KEYWORDS:
        raise _wrong(sql, at, f"{word!r} before a text is not possible here")
    if before == "::" or before.lower() == "as":
        if lower in TYPES:
            return Piece(lower, False, at)
        raise _wrong(sql, at, f"no type {word!r}; {did_you_mean(lower, TYPES)}")
    if before.lower() in ("is", "not") and lower in ("true", "false", "distinct"):
        # Polars gives null for `null IS TRUE`, and reads `a IS DISTINCT FROM b OR c` as `a IS DISTINCT FROM (b OR c)`
        raise _wrong(
            sql, at, f"IS {word.upper()} is not possible", hint="say what null counts as: `coalesce(x, false)`"
        )
    if lower in KEYWORDS:
        return Piece(lower, False, at)
    if lower in ("select", "with", "exists", "over", "table", "limit", "union", "order", "group"):
        hint = f'a column of that name stands in quotes: "{word}"'
        raise _wrong(
            sql, at, f"{word!r} is not possible: the expression speaks of one row, without sub-queries", hint=hint
        )
    if after == "(":
        if lower in FUNCTIONS:
            return Piece(lower, False, at)
        raise _wrong(sql, at, f"no function {word!r}; {did_you_mean(lower, FUNCTIONS)}")
    return Piece(word, True, at)


def _tokens(sql: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(sql):
        if sql.startswith(("--", "/*"), at):
            raise _wrong(sql, at, "comments are not possible in an expression")
        match = _TOKEN.match(sql, at)
        if match is None:
            if sql[at] in "'\"":
                raise _wrong(sql, at, f"the quote {sql[at]} is not closed")
            hint = 'a name with a dot stands in quotes, as in "source.category"' if sql[at] == "." else None
            raise _wrong(sql, at, f"{sql[at]!r} is not possible here", hint=hint)
        yield str(match.lastgroup), match[0], at
        at = match.end()


def _resolve(sql: str, piece: Piece, names: Sequence[str]) -> str:
    """The full name of the column meant, or `view:NAME`."""
    try:
        full = find_column(piece.text, names)
        if full == "id" and full not in names:  # the row's own id is no column here; a source's may be
            full = find_column("source.id", names)
    except UsageError as error:
        if piece.text in VIEWS and error.message.startswith("no column"):
            return f"view:{piece.text}"
        quoted = sql[piece.at] == '"'
        raise _wrong(
            sql, piece.at, error.message, hint=error.hint or ("a text stands in single quotes" if quoted else None)
        ) from None
    if full == "*" or (full.startswith("^") and full.endswith("$")):
        raise _wrong(sql, piece.at, f"the column {full!r} cannot be used in SQL because of its name")
    return full


def _polars(text: str, sql: str) -> pl.Expr:
    try:
        return pl.sql_expr(text)
    except pl.exceptions.PolarsError as error:
        reason = str(error).split("\n")[0].replace(text, _short(sql))
        raise UsageError(f"SQL `{_short(sql)}` cannot be read: {reason}") from None


def _short(sql: str) -> str:
    return sql if len(sql) <= 200 else f"{sql[:199]}…"


def _wrong(sql: str, at: int, what: str, hint: str | None = None) -> UsageError:
    return UsageError(f"SQL `{_short(sql)}`, character {at + 1}: {what}", hint=hint)


def _type_error(sql: str, error: pl.exceptions.PolarsError, columns: Sequence[pl.Series]) -> UsageError:
    kinds = ", ".join(f"{column.name} is {_kind(column.dtype)}" for column in columns)
    reason = str(error).strip().split("\n")[0]
    hint = (
        "`try_cast(x AS double)` gives null where a text is no number"
        if "conversion" in reason or "compare" in reason
        else None
    )
    return UsageError(f"SQL `{_short(sql)}`: {reason}" + (f" ({kinds})" if kinds else ""), hint=hint)


def _kind(dtype: pl.DataType) -> str:
    if dtype == pl.String:
        return "a text"
    if dtype.is_integer():
        return "an integer"
    if dtype.is_numeric():
        return "a number"
    return "true or false" if dtype == pl.Boolean else f"a {dtype}"
