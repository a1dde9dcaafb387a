"""csv"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from tamis.core.errors import UsageError
from tamis.core.origin import Sink
from tamis.core.row import MESSAGES, SEPARATOR
from tamis.engine.frame import Frame

from ._columns import CHOICE_TEXT, ROW_ID_TEXT, WITHOUT_TEXT, Choice, Schema, delivered_names, described, pick

#: What a spreadsheet takes for the beginning of a formula.
_FORMULA = r"^[=+\-@\t\r]"


class Csv(Sink):
    """CSV (RFC 4180, UTF-8, a header, lines end in LF) with every column of the row.

    ## What it does
    Writes one file per split (`train.csv`, …; `data.csv` where rows have no split). Texts are quoted where they
    hold a comma, a quote or a line end; an empty text is `""`, a null is nothing. Messages stand as JSON text in
    one column, or, with `messages: text`, as the columns `system`, `prompt` and `response`, the messages in
    each joined by a blank line. The bytes of texts are left as they are; `excel_safe` puts `'` before
    texts that a spreadsheet would run as a formula, for files that people open.

    ## Why
    Reviewers and spreadsheets. For training, prefer `jsonl` or `parquet`: CSV has no types,
    and readers guess: 00501 becomes 501.

    ## Example
    >>> from tamis.testing import rows_frame
    >>> sink = Csv(path="out", excel_safe=True)
    >>> rows = rows_frame([{"text": "=1+1", "stars": 5}, {"text": 'She said "no", twice', "stars": None}])
    >>> print((bytes(sink.head(rows)) + bytes(sink.encode(rows))).decode(), end="")
    text,stars
    '=1+1,5
    "She said ""no"", twice",
    """

    suffix: ClassVar[str] = ".csv"

    choice: Choice = Field(None, alias="columns", description=CHOICE_TEXT)
    without: tuple[str, ...] = Field((), description=WITHOUT_TEXT)
    row_id: str | None = Field(None, description=ROW_ID_TEXT)
    messages: Literal["json", "text"] = Field("json", description="JSON text, or system, prompt and response.")
    excel_safe: bool = Field(False, description="Put ' before texts that begin like a formula: = + - @ TAB CR.")
    crlf: bool = Field(False, description="End lines in CR LF.")

    def _names(self, rows: pl.DataFrame) -> dict[str, str]:
        """Of rows that hold just the columns asked for."""
        return delivered_names("csv", rows.columns, self.choice, (), self.row_id)

    def _wanted(self, names: Sequence[str]) -> dict[str, str]:
        return delivered_names("csv", names, self.choice, self.without, self.row_id)

    def columns(self, names: Sequence[str]) -> list[str]:
        found = self._wanted(names)
        taken = [f"{shown!r} ({full})" for shown, full in found.items() if shown in ("system", "prompt", "response")]
        if self.messages == "text" and "messages" in found.values() and taken:
            raise UsageError(
                f"csv: `messages: text` makes a column of the same name as {', '.join(taken)}",
                hint="leave it out with `without:`, or rename it with `columns:`",
            )
        return list(dict.fromkeys(found.values()))

    def _table(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The chunk as texts and numbers, under the delivered names."""
        from tamis.engine.encode import float_text, messages_text, nested_text

        columns: list[pl.Series] = []
        for shown, series in pick(rows, self._names(rows)).items():
            if series.dtype == MESSAGES:
                columns += (
                    _views(series) if self.messages == "text" and shown == "messages" else [messages_text(series)]
                )
            elif series.dtype.is_float():
                columns.append(float_text(series).alias(shown))
            elif series.dtype == pl.Boolean or series.dtype == pl.Null:
                columns.append(series.cast(pl.String))
            elif series.dtype.is_nested():
                columns.append(nested_text(series))
            else:
                columns.append(series)
        table = pl.DataFrame(columns)
        if self.excel_safe:
            marked = pl.col(pl.String)
            table = table.with_columns(
                pl.when(marked.str.contains(_FORMULA)).then(pl.lit("'") + marked).otherwise(marked).name.keep()
            )
            table = table.rename({name: f"'{name}" for name in table.columns if name[:1] in tuple("=+-@\t\r")})
        return table

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> bytes:
        return self._write(self._table(rows), header=False)

    def head(self, rows: pl.DataFrame) -> bytes:
        return self._write(self._table(rows.clear()), header=True)

    def _write(self, table: pl.DataFrame, *, header: bool) -> bytes:
        ending = "\r\n" if self.crlf else "\n"
        if table.width == 1 and not header:  # a null alone would be a blank line, which readers skip
            table = table.with_columns(pl.all().cast(pl.String).fill_null(""))
        buffer = io.BytesIO()
        table.write_csv(buffer, include_header=header, line_terminator=ending, quote_style="necessary", batch_size=1024)
        return buffer.getvalue()

    def count(self, path: Path) -> int:
        return int(pl.scan_csv(path, infer_schema=False).select(pl.len()).collect().item())

    def described(self, schema: Schema, *, json_columns: Collection[str] = ()) -> list[dict[str, str]]:
        columns = described(self._wanted(list(schema)), schema, json_columns)
        if self.messages == "json":
            return [{**column, "type": "json"} if column["type"] == "messages" else column for column in columns]
        split = [{"name": name, "type": "text", "from": "messages"} for name in ("system", "prompt", "response")]
        return [one for column in columns for one in (split if column["name"] == "messages" else [column])]

    def settings_note(self) -> dict[str, Any]:
        about = "CSV with a header, UTF-8."
        if self.excel_safe:
            about += " Texts that begin like a formula are preceded by `'`."
        return {"loader": "csv", "about": about}


def _views(messages: pl.Series) -> list[pl.Series]:
    """System, prompt and response as columns of their own."""
    frame = Frame.of(messages.to_frame("messages"))
    views = {view: frame.text(view) for view in ("system", "prompt", "response")}
    return [text.str.replace_all(SEPARATOR, "\n\n", literal=True).alias(view) for view, text in views.items()]
