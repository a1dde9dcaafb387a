"""`{column}` templates over whole columns, as text and as JSON. Row text is data: it is never read as a template."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Columns, Text
from tamis.core.errors import UsageError

from .text import to_series, to_text


class Slot(NamedTuple):
    """A place in a template where a column's value goes."""

    column: str


Piece = str | Slot


def parse(template: str) -> tuple[Piece, ...]:
    """A template's pieces: literal text and slots; `{{` and `}}` are braces. ValueError says what is wrong where."""
    pieces: list[Piece] = []
    literal = ""
    k = 0
    while k < len(template):
        c = template[k]
        if template[k : k + 2] in ("{{", "}}"):
            literal += c
            k += 2
        elif c == "{":
            end = template.find("}", k)
            name = template[k + 1 : end].strip() if end >= 0 else ""
            if end < 0 or "{" in name:
                raise ValueError(
                    f"the brace at character {k + 1} of {template!r} is not closed; write {{{{ for a plain brace"
                )
            if not name:
                raise ValueError(
                    f"{{}} at character {k + 1} of {template!r} names no column; plain braces are {{{{ and }}}}"
                )
            if literal:
                pieces.append(literal)
            pieces.append(Slot(name))
            literal = ""
            k = end + 1
        elif c == "}":
            raise ValueError(
                f"the brace at character {k + 1} of {template!r} closes nothing; write }}}} for a plain brace"
            )
        else:
            literal += c
            k += 1
    return (*pieces, literal) if literal else tuple(pieces)


def columns_of(value: Any) -> list[str]:
    """The columns a template, or the templates in nested JSON values, name."""
    if isinstance(value, str):
        return [piece.column for piece in parse(value) if isinstance(piece, Slot)]
    if isinstance(value, dict):
        return [name for inside in value.values() for name in columns_of(inside)]
    if isinstance(value, list | tuple):
        return [name for inside in value for name in columns_of(inside)]
    return []


def checked(value: Any) -> Any:
    """Templates in a value, checked. ValueError where one is broken, or YAML read `{column}` as a mapping."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value.values())) is None:
        name = next(iter(value))
        raise ValueError(f'{{{name}}} needs quotes in YAML: "{{{name}}}"')
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        checked(inside)
    if isinstance(value, str):
        columns_of(value)
    return value


class Renderer:
    """Renders templates over some rows.

    json_columns: columns that hold JSON text, embedded in JSON as they are; empty: nulls are empty text.
    missing and odd: by column, the rows (as bool series) whose value is null, or has no JSON form.
    """

    def __init__(self, rows: Columns, *, json_columns: Sequence[str] = (), empty: bool = False) -> None:
        self.rows, self.empty = rows, empty
        self.json_columns = {rows.find(name) for name in json_columns}
        self.missing: dict[str, pl.Series] = {}
        self.odd: dict[str, pl.Series] = {}

    def text(self, template: str) -> pl.Series:
        """The template as text; null where a column is null and nulls are not empty."""
        return self._joined(parse(template), lambda slot: self._plain(slot.column))

    def json(self, value: Any, *, ascii: bool) -> pl.Series:
        """The JSON that `json.dumps` makes of the value with its templates filled in."""
        pieces: list[str | pl.Series] = []
        self._pieces(value, ascii, pieces)
        return _concat(pieces, self.rows.height)

    def _pieces(self, value: Any, ascii: bool, out: list[str | pl.Series]) -> None:
        if isinstance(value, dict):
            out.append("{")
            for i, (key, inside) in enumerate(value.items()):
                out.append(f"{', ' if i else ''}{json.dumps(str(key), ensure_ascii=ascii)}: ")
                self._pieces(inside, ascii, out)
            out.append("}")
        elif isinstance(value, list | tuple):
            out.append("[")
            for i, inside in enumerate(value):
                out.append(", " if i else "")
                self._pieces(inside, ascii, out)
            out.append("]")
        elif isinstance(value, str):
            parsed = parse(value)
            if len(parsed) == 1 and isinstance(parsed[0], Slot):
                out.append(self._typed(parsed[0].column, ascii))
            elif all(isinstance(piece, str) for piece in parsed):
                out.append(json.dumps("".join(map(str, parsed)), ensure_ascii=ascii))
            else:
                out.append(quoted(self._joined(parsed, lambda slot: self._plain(slot.column)), ascii))
        else:
            out.append(json.dumps(value, ensure_ascii=ascii, allow_nan=False))

    def _joined(self, pieces: tuple[Piece, ...], value: Callable[[Slot], pl.Series]) -> pl.Series:
        return _concat([piece if isinstance(piece, str) else value(piece) for piece in pieces], self.rows.height)

    def _column(self, name: str) -> tuple[str, pl.Series]:
        """The column; its nulls are remembered."""
        full = self.rows.find(name)
        series = self.rows[full]
        if series.dtype.is_nested():
            raise UsageError(
                f"column {name!r} holds messages, not a value that a template can hold", hint="name a source column"
            )
        if not self.empty and series.null_count():
            self.missing[name] = series.is_null()
        return full, series

    def _plain(self, name: str) -> pl.Series:
        from .shape_read import as_text

        text = as_text(self._column(name)[1])
        return text.fill_null("") if self.empty else text

    def _typed(self, name: str, ascii: bool) -> pl.Series:
        """The column as JSON values of its own type; nulls, where they are let through, as "" or null."""
        from .shape_read import as_text

        full, series = self._column(name)
        if full in self.json_columns:
            made, bad = embedded(series, ascii)
            if bad.any():
                self.odd[name] = bad
        elif series.dtype == pl.String:
            made = quoted(series, ascii)
        elif series.dtype.is_float():
            bad = (~series.is_finite()).fill_null(False)
            if bad.any():
                self.odd[name] = bad
            made = as_text(pl.select(pl.when(~bad).then(series)).to_series())
        elif series.dtype == pl.Boolean or series.dtype.is_integer():
            made = as_text(series)
        else:
            made = quoted(series.cast(pl.String), ascii)
        if self.empty:
            return made.fill_null('""' if series.dtype == pl.String and full not in self.json_columns else "null")
        return made


def _concat(pieces: Sequence[str | pl.Series], n: int) -> pl.Series:
    """The pieces of each row, end to end; null where one is null."""
    merged: list[str | pl.Series] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif not isinstance(piece, str) or piece:
            merged.append(piece)
    if not merged or (len(merged) == 1 and isinstance(merged[0], str)):
        return pl.Series([merged[0] if merged else ""], dtype=pl.String).new_from_index(0, n)
    if len(merged) == 1 and isinstance(merged[0], pl.Series):
        return merged[0]
    return pl.select(pl.concat_str([pl.lit(piece) for piece in merged])).to_series()


def quoted(series: pl.Series, ascii: bool) -> pl.Series:
    """Texts as JSON strings, byte for byte as `json.dumps` writes them."""
    from .kernels.json_encode import SLACK, count_special
    from .kernels.json_strings import quote_strings

    text = to_text(series)
    out = np.empty(len(text.data) + 5 * int(count_special(text.data, ascii)) + 2 * len(series) + SLACK, np.uint8)
    offsets = np.empty(len(series) + 1, np.int64)
    quote_strings(text.data, text.offsets, out, offsets, ascii)
    made = to_series(series.name, Text(out[: offsets[-1]], offsets, np.ones(len(series), np.bool_)))
    return made if text.valid.all() else pl.select(pl.when(series.is_not_null()).then(made)).to_series()


def embedded(series: pl.Series, ascii: bool) -> tuple[pl.Series, pl.Series]:
    """JSON texts as `json.dumps` writes their values, and which are no JSON (null then)."""
    from .shape_chat import Misfit, load_json

    known: dict[str, str | None] = {}
    for text in series.drop_nulls().unique(maintain_order=True).to_list():
        try:
            known[text] = json.dumps(load_json(text, "the value"), ensure_ascii=ascii, allow_nan=False)
        except (Misfit, ValueError):
            known[text] = None
    made = pl.Series(series.name, [None if text is None else known[text] for text in series.to_list()], dtype=pl.String)
    return made, made.is_null() & series.is_not_null()


def first_hit(hits: dict[str, pl.Series], height: int) -> pl.Series:
    """The name of the first column that a row is in; null where it is in none."""
    if not hits:
        return pl.Series([None], dtype=pl.String).new_from_index(0, height)
    return pl.select(pl.coalesce([pl.when(hit).then(pl.lit(name)) for name, hit in hits.items()])).to_series()
