"""The partition: a slice of rows as ingest leaves it, on its way into the first stage."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tamis.core.origin import Kind

from .store import Stored


@dataclass(frozen=True)
class Partition:
    """Some consecutive rows of one source.

    index: its place in row order; base: its file, with the columns `columns` (names and types): those of
    `row.LINEAGE`, then `source.<name>` for every column of the source; kinds: of the source's columns, by bare name.
    """

    index: int
    source: str
    rows: int
    base: Stored
    columns: dict[str, pl.DataType]
    kinds: dict[str, Kind]
