"""frames"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import xxhash
from pydantic import Field, PrivateAttr

from tamis.core.errors import DataError
from tamis.core.origin import Batch, Cut, Input, Kind, Reading, Slice, Source

#: rows of a slice
SLICE_ROWS = 50_000


class Frames(Source):
    """Rows from objects in memory: for recipes built in Python.

    ## What it does
    Takes a pandas, Polars or pyarrow table, anything with `__arrow_c_stream__`, a list of dicts or a dict of lists.
    Dicts are read as the same JSON lines would be; tables as the same Parquet file would be.

    ## Why
    In a notebook the rows are there already; what comes out is the same as from a file.

    ## Example
    >>> Frames(data=[{"question": "Where is my parcel?"}], name="inbox").label
    'inbox'
    """

    version: ClassVar[int] = 1
    in_memory: ClassVar[bool] = True

    data: Any = Field(exclude=True, repr=False, description="The rows; only from Python.")
    types: dict[str, Kind] = Field({}, description="Kinds of columns: text, integer, number, boolean or json.")

    _rows: pl.DataFrame | list[Mapping[str, Any]] | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, data: Any, **settings: Any) -> Frames:
        """The source over some data."""
        return cls(data=data, **settings)

    def rows(self) -> pl.DataFrame | list[Mapping[str, Any]]:
        """The data as a frame, or as a list of dicts."""
        if self._rows is None:
            self._rows = _rows_of(self.data, self.label)
        return self._rows

    def inputs(self, root: Path) -> tuple[list[Input], list[str]]:
        return [Input(self.label, "", 0, 0)], []

    def cut(self, what: Input) -> Cut:
        rows = self.rows()
        slices = []
        for start in range(0, len(rows), SLICE_ROWS):
            stop = min(len(rows), start + SLICE_ROWS)
            data = self._bytes(start, stop)
            slices.append(
                Slice(what.path, start, stop, start + 1, xxhash.xxh3_128_hexdigest(data), len(data), self._context())
            )
        return Cut(tuple(slices), xxhash.xxh3_128_hexdigest("".join(part.content for part in slices).encode()))

    def read(self, what: Input, slices: Sequence[Slice], wanted: dict[str, Reading] | None = None) -> Iterator[Batch]:
        from ._cells import Bad
        from ._jsonl import lines_of, read_records
        from ._table import batch_of

        rows = self.rows()
        for part in slices:
            if isinstance(rows, pl.DataFrame):
                yield batch_of(rows[part.start : part.stop], part.first_line, what.path, self.types, wanted)
                continue
            text = self._bytes(part.start, part.stop)
            data = np.frombuffer(text + bytes(64), np.uint8)
            records = lines_of(data, len(text), part.first_line)
            yield read_records(
                data,
                records,
                max_depth=128,
                types=self.types,
                wanted=wanted,
                bad=Bad(),
                cut_short=False,
                where=what.path,
            )

    def reader(self) -> dict[str, Any]:
        return {"frames": self.version, "types": dict(self.types)}

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.id, *self.types]))

    def check_empty(self, what: Input) -> None:
        raise DataError(f"source {what.path!r} holds no rows")

    def _context(self) -> str:
        return "table" if isinstance(self.rows(), pl.DataFrame) else "dicts"

    def _bytes(self, start: int, stop: int) -> bytes:
        """Some rows as bytes: an Arrow stream, or JSON lines."""
        rows = self.rows()
        if isinstance(rows, pl.DataFrame):
            buffer = io.BytesIO()
            rows[start:stop].rechunk().write_ipc_stream(buffer)
            return buffer.getvalue()
        return b"".join(_line(row, self.label, start + i) for i, row in enumerate(rows[start:stop], 1))


def _rows_of(data: Any, label: str) -> pl.DataFrame | list[Mapping[str, Any]]:
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, pl.LazyFrame):
        return data.collect()
    if type(data).__module__.split(".")[0] == "pandas":
        return _from_pandas(data)
    if hasattr(data, "__arrow_c_stream__"):
        return pl.DataFrame(data)
    if isinstance(data, Mapping):
        return pl.DataFrame(dict(data), strict=False)
    if isinstance(data, str | bytes) or not hasattr(data, "__iter__"):
        raise DataError(
            f"source {label!r}: a {type(data).__name__} holds no rows",
            hint="give a pandas, Polars or pyarrow table, or a list of dicts; files are read by `Files(path=…)`",
        )
    rows = list(data)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise DataError(f"source {label!r}: row {number} is a {type(row).__name__} and not a dict")
    return rows


def _from_pandas(data: Any) -> pl.DataFrame | list[Mapping[str, Any]]:
    """A pandas table; its index is left out. Without pyarrow its rows are read as dicts."""
    try:
        return pl.from_pandas(data)
    except ImportError:
        return [{str(name): value for name, value in row.items()} for row in data.to_dict("records")]


def _line(row: Mapping[str, Any], label: str, number: int) -> bytes:
    try:
        values = {name: _missing(value) for name, value in row.items()}
        try:
            return json.dumps(values, default=_plain, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
        except UnicodeEncodeError:  # half a surrogate pair: the reader quarantines the row
            return json.dumps(values, default=_plain).encode("ascii") + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"source {label!r}: row {number} cannot be written as JSON: {error}") from None


def _missing(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _plain(value: Any) -> Any:
    """What JSON has no word for: dates as ISO text, NumPy scalars and arrays as their values."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)
