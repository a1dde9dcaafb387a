"""jsonl"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.origin import Sink

from ._columns import (
    CHOICE_TEXT,
    ROW_ID_TEXT,
    WITHOUT_TEXT,
    Choice,
    Schema,
    count_lines,
    delivered_names,
    described,
    features_file,
    pick,
    renamed,
)


class Jsonl(Sink):
    """JSON Lines with every column of the row, the source's own included.

    ## What it does
    Writes one file per split (`train.jsonl`, …; `data.jsonl` where rows have no split), one object a line, with
    the same keys in every row. Prefixes are taken off (`source.topic` becomes `topic`); two columns that would
    then have one name are refused. Messages become arrays, columns of JSON become JSON. `features.json` beside
    the files says what each column is, because readers of JSON Lines guess (a column of dates becomes times).

    ## Why
    One format that every tool reads, with nothing of the row lost. Where types must not be guessed at (Hugging
    Face `datasets` turns texts such as 2024-01-31 into times), deliver `parquet` instead.

    ## Example
    >>> from tamis.testing import rows_frame
    >>> rows = rows_frame([{"text": "Hallo", "language": "de", "stars": 5}])
    >>> print(bytes(Jsonl(path="out").encode(rows)).decode(), end="")
    {"text": "Hallo", "language": "de", "stars": 5}
    """

    suffix: ClassVar[str] = ".jsonl"

    choice: Choice = Field(None, alias="columns", description=CHOICE_TEXT)
    without: tuple[str, ...] = Field((), description=WITHOUT_TEXT)
    row_id: str | None = Field(None, description=ROW_ID_TEXT)
    ascii: bool = Field(False, description="Write characters beyond ASCII as \\u escapes.")

    def _names(self, rows: pl.DataFrame) -> dict[str, str]:
        """Of rows that hold just the columns asked for."""
        return delivered_names("jsonl", rows.columns, self.choice, (), self.row_id)

    def _wanted(self, names: Sequence[str]) -> dict[str, str]:
        return delivered_names("jsonl", names, self.choice, self.without, self.row_id)

    def columns(self, names: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self._wanted(names).values()))

    def check(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> list[tuple[int, str]]:
        from tamis.engine.encode import bad_values

        names = self._names(rows)
        first: dict[int, str] = {}
        for bad in bad_values(pick(rows, names), renamed(names, json_columns)):
            first.setdefault(bad.row, bad.message)
        return list(first.items())

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> memoryview:
        from tamis.engine.encode import encode_rows

        names = self._names(rows)
        return encode_rows(pick(rows, names), json_columns=renamed(names, json_columns), ascii=self.ascii)

    def count(self, path: Path) -> int:
        return count_lines(str(path))

    def described(self, schema: Schema, *, json_columns: Collection[str] = ()) -> list[dict[str, str]]:
        return described(self._wanted(list(schema)), schema, json_columns)

    def sidecars(self, schema: Schema, *, json_columns: Collection[str] = ()) -> dict[str, bytes]:
        return {"features.json": features_file(self.described(schema, json_columns=json_columns))}

    def settings_note(self) -> dict[str, Any]:
        return {"loader": "json", "about": "JSON Lines with every column; `features.json` gives their types."}
