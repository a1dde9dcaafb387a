"""How much a view repeats itself, as series."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from tamis.core.columns import Text


class Repetition(NamedTuple):
    """Per row. Shares are of the bytes looked at, 0..1 (Float32); `times`: how often the loop's unit follows itself."""

    repeated: pl.Series
    lines: pl.Series
    loop: pl.Series
    times: pl.Series


def measure(text: Text) -> Repetition:
    """The figures of each string; 0 where it is empty or null."""
    from .kernels import repetition as kernel

    n = len(text.offsets) - 1
    out = np.empty((n, kernel.FIGURES), np.int64)
    kernel.measure_repetition(text.data, text.offsets, out)
    size = np.maximum(out[:, kernel.LOOKED], 1)
    lines = np.maximum(out[:, kernel.LINES], 1)

    def share(part: np.ndarray, whole: np.ndarray) -> pl.Series:
        return pl.Series((part / whole).astype(np.float32))

    return Repetition(
        share(out[:, kernel.REPEATED], size),
        share(out[:, kernel.REPEATED_LINES], lines),
        share(np.maximum(out[:, kernel.LOOP], out[:, kernel.RUN]), size),
        pl.Series(out[:, kernel.LOOP_TIMES].astype(np.int32)),
    )
