"""Row ids between their two halves and the 32 hexadecimal digits people see."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text

from .text import to_series

_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)


def hex_ids(high: NDArray[np.uint64], low: NDArray[np.uint64], *, valid: NDArray[np.bool_] | None = None) -> pl.Series:
    """The ids as text, (n,) strings of 32 digits; null where `valid` is False."""
    count = len(high)
    if valid is not None:
        high, low = high[valid], low[valid]
    n = len(high)
    whole = np.empty((n, 2), ">u8")
    whole[:, 0], whole[:, 1] = high, low
    raw = whole.view(np.uint8).reshape(n, 16)
    digits = np.empty((n, 32), np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _DIGITS[raw >> 4], _DIGITS[raw & 15]
    if valid is None:
        return to_series("id", Text(digits.reshape(-1), np.arange(n + 1, dtype=np.int64) * 32, np.ones(n, np.bool_)))
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.where(valid, 32, 0), out=offsets[1:])
    return to_series("id", Text(digits.reshape(-1), offsets, valid))
