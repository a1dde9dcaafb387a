"""Keys as the splits gather them."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Table
from tamis.engine.hashing import Keys, first_equal
from tamis.engine.splits import numbered

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def key_columns(name: str, found: Keys) -> dict[str, pl.Series]:
    """Keys as columns to gather."""
    return {f"{name}.{part}": pl.Series(values) for part, values in zip(("high", "low", "valid"), found, strict=True)}


def gathered_keys(table: Table, name: str) -> Keys:
    """Keys as they were gathered."""
    return Keys(*(table[f"{name}.{part}"].to_numpy() for part in ("high", "low", "valid")))


def no_keys(n: int) -> Keys:
    """Keys that match nothing."""
    return Keys(np.zeros(n, np.uint64), np.zeros(n, np.uint64), np.zeros(n, np.bool_))


def strata_of(found: Keys) -> Ints:
    """(n,) int64: the stratum of each row, 0 … n - 1; rows without a value form one too."""
    every = Keys(found.high, found.low, np.ones(len(found.high), np.bool_))
    return numbered(first_equal(every))
