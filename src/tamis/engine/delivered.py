"""Rows that were delivered earlier, read again a batch at a time: JSON Lines, Parquet, CSV."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tamis.core.errors import DataError
from tamis.core.row import MESSAGE, MESSAGES

from .frame import Frame
from .store import disk_error

#: bytes of JSON Lines, and rows of Parquet, read at a time
BYTES, ROWS = 1 << 25, 50_000


def delivered(path: Path) -> Iterator[Frame]:
    """The rows of a delivered file; `messages` and `rejected` with roles and contents."""
    kind = path.suffix.lower()
    try:
        if kind in (".jsonl", ".ndjson"):
            batches = _lines(path)
        elif kind == ".parquet":
            batches = _parquet(path)
        elif kind in (".csv", ".tsv"):
            batches = iter([pl.read_csv(path, infer_schema=False, separator="\t" if kind == ".tsv" else ",")])
        else:
            raise DataError(f"{path}: earlier deliveries are .jsonl, .parquet, .csv or .tsv files")
        for batch in batches:
            yield Frame.of(_as_rows(path, batch))
    except OSError as error:
        raise disk_error(error, path) from error
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None


def _lines(path: Path) -> Iterator[pl.DataFrame]:
    with open(path, "rb") as file:
        while block := file.read(BYTES):
            block += file.readline()
            if block.strip():
                yield pl.read_ndjson(block, infer_schema_length=None)


def _parquet(path: Path) -> Iterator[pl.DataFrame]:
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    for start in range(0, rows, ROWS):
        yield pl.scan_parquet(path).slice(start, ROWS).collect()


def _as_rows(path: Path, batch: pl.DataFrame) -> pl.DataFrame:
    """The batch with its conversations typed as rows have them."""
    for name in ("messages", "rejected"):
        if name not in batch.columns or batch[name].dtype == MESSAGES:
            continue
        kind = batch[name].dtype
        if not isinstance(kind, pl.List) or not isinstance(kind.inner, pl.Struct):
            if kind == pl.Null:
                batch = batch.with_columns(pl.lit(None, MESSAGES).alias(name))
                continue
            raise DataError(f"{path}: {name!r} holds {kind}, no list of messages")
        there = {field.name for field in kind.inner.fields}
        fields = [
            pl.element().struct.field(field.name).cast(field.dtype)
            if field.name in there and field.name in ("role", "content")
            else pl.lit(None, field.dtype).alias(field.name)
            for field in MESSAGE.fields
        ]
        batch = batch.with_columns(pl.col(name).list.eval(pl.struct(fields)).cast(MESSAGES))
    return batch
