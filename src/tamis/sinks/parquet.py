"""parquet"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.errors import DataError
from tamis.core.origin import Sink
from tamis.engine.encode import row_bytes

from ._columns import CHOICE_TEXT, ROW_ID_TEXT, WITHOUT_TEXT, Choice, Schema, delivered_names, described, pick

#: A file is closed when its text reaches this, so that one file fits into memory.
FILE_BYTES = 128 << 20
ROW_GROUP = 16_384


class Parquet(Sink):
    """Parquet files with every column of the row, typed, in the folder layout of the Hugging Face hub.

    ## What it does
    Writes `data/train-00000-of-00001.parquet` and so on (`data-…` where rows have no split), compressed with
    zstd. Every file of a delivery has the same schema: messages are lists of structs, tool calls and other JSON are
    text. A file ends after `rows_per_file` rows or about 128 MB of text, whichever comes first. The same rows
    give the same bytes, however they were cut into chunks, with the same version of Polars.

    ## Why
    Types are written down, not guessed, and a reader takes only the columns it wants.

    ## Example
    >>> from tamis.testing import rows_frame
    >>> rows = rows_frame([{"text": "Hallo", "stars": 5}])
    >>> pl.read_parquet(bytes(Parquet(path="out").encode(rows))).to_dicts()
    [{'text': 'Hallo', 'stars': 5}]
    """

    suffix: ClassVar[str] = ".parquet"
    grows: ClassVar[bool] = False

    choice: Choice = Field(None, alias="columns", description=CHOICE_TEXT)
    without: tuple[str, ...] = Field((), description=WITHOUT_TEXT)
    row_id: str | None = Field(None, description=ROW_ID_TEXT)
    rows_per_file: int = Field(200_000, ge=1, description="Most rows in one file.")

    def _names(self, rows: pl.DataFrame) -> dict[str, str]:
        """Of rows that hold just the columns asked for."""
        return delivered_names("parquet", rows.columns, self.choice, (), self.row_id)

    def _wanted(self, names: Sequence[str]) -> dict[str, str]:
        return delivered_names("parquet", names, self.choice, self.without, self.row_id)

    def columns(self, names: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self._wanted(names).values()))

    def encode(self, rows: pl.DataFrame, *, json_columns: Collection[str] = ()) -> memoryview:
        table = pl.DataFrame(list(pick(rows, self._names(rows)).values())).rechunk()
        buffer = io.BytesIO()
        table.write_parquet(buffer, compression="zstd", compression_level=3, statistics=True, row_group_size=ROW_GROUP)
        return buffer.getbuffer()

    def file_name(self, split: str | None, number: int, total: int) -> str:
        return f"data/{split or 'data'}-{number:05d}-of-{total:05d}.parquet"

    def cut(self, rows: pl.DataFrame, begun: tuple[int, int]) -> tuple[int, tuple[int, int]]:
        used_rows, used_bytes = begun
        sizes = np.cumsum(row_bytes(rows)) + used_bytes
        full = int(np.searchsorted(sizes, FILE_BYTES, side="left")) + 1
        fitting = min(self.rows_per_file - used_rows, full, rows.height)
        if used_bytes >= FILE_BYTES or fitting <= 0:
            return 0, begun
        return fitting, (used_rows + fitting, int(sizes[fitting - 1]))

    def count(self, path: Path) -> int:
        try:
            return int(pl.scan_parquet(path).select(pl.len()).collect().item())
        except pl.exceptions.PolarsError as error:
            raise DataError(f"{path}: {error}") from error

    def described(self, schema: Schema, *, json_columns: Collection[str] = ()) -> list[dict[str, str]]:
        return described(self._wanted(list(schema)), schema, json_columns)

    def settings_note(self) -> dict[str, Any]:
        return {"loader": "parquet", "about": "Parquet with an explicit schema; JSON (tool calls, tools) is text."}
