"""Layers: what steps changed, laid over a partition's base, row by row in the base's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .store import Stored, read_frame

Mask = NDArray[np.bool_]


def mask_hash(mask: Mask) -> str:
    """The hash of a row mask."""
    import xxhash

    return str(xxhash.xxh3_128_hexdigest(np.packbits(mask).tobytes()))


@dataclass(frozen=True)
class Layer:
    """Columns that one step set in one partition.

    stored: its file; `row` (uint32) says which rows of the partition each line is for.
    start, stop: the lines of the file that belong to this partition (a table step's file holds all).
    applied: (rows,) bool, the rows it counts for, or None for every row it names. step: who set them.
    """

    columns: tuple[str, ...]
    stored: Stored
    start: int = 0
    stop: int | None = None
    applied: Mask | None = field(default=None, repr=False)
    step: str = ""

    def identity(self) -> list[Any]:
        """All that decides what it says of rows, as JSON values: its bytes by their hash, wherever they lie."""
        applied = None if self.applied is None else mask_hash(self.applied)
        return [list(self.columns), self.stored.xxh3, self.start, self.stop, applied]

    def lines(self, columns: Sequence[str]) -> pl.DataFrame:
        """The rows this layer changes, with `row` first."""
        frame = read_frame(self.stored, ["row", *columns])
        if self.start or self.stop is not None:
            frame = frame.slice(self.start, None if self.stop is None else self.stop - self.start)
        if self.applied is not None:
            frame = frame.filter(pl.Series(self.applied[frame["row"].to_numpy()]))
        return frame


class LayeredReader:
    """Reads columns of a partition: its base with the layers that set them on top.

    absent: columns that only other sources have; null here.
    """

    def __init__(
        self,
        base: Stored,
        base_columns: Sequence[str],
        rows: int,
        layers: Sequence[Layer],
        absent: Mapping[str, pl.DataType] | None = None,
    ) -> None:
        self._base, self._rows, self._layers, self._absent = base, rows, list(layers), absent or {}
        self._base_columns = list(base_columns)

    @property
    def names(self) -> list[str]:
        """Every column, base first."""
        laid = (name for layer in self._layers for name in layer.columns)
        return list(dict.fromkeys([*self._base_columns, *laid, *self._absent]))

    def read(self, name: str) -> pl.Series:
        """One column, one value per row of the partition."""
        column = read_frame(self._base, [name]).to_series() if name in self._base_columns else None
        for layer in self._layers:
            if name in layer.columns:
                lines = layer.lines([name])
                column = overlay(column, lines["row"].to_numpy(), lines[name], self._rows)
        if column is None:
            column = pl.Series(name, [None], dtype=self._absent[name]).new_from_index(0, self._rows)
        return column


def overlay(column: pl.Series | None, rows: NDArray[np.uint32], values: pl.Series, height: int) -> pl.Series:
    """`column` with `values` at `rows`; a column that is None is null elsewhere."""
    if len(rows) == height:
        return values
    if column is None:
        column = pl.Series(values.name, [None], dtype=values.dtype).new_from_index(0, height)
    if len(rows) == 0:
        return column
    index = np.arange(height, dtype=np.uint32)
    index[rows] = np.arange(height, height + len(rows), dtype=np.uint32)
    # in one chunk: gathering nested values from several is a hundred times slower
    both = pl.concat([column, values.cast(column.dtype)], rechunk=True)
    return both.gather(pl.Series(index)).alias(values.name)
