"""Strings as JSON strings."""

from __future__ import annotations

import numpy as np

from .jit import njit
from .json_encode import _put_string


@njit(nogil=True, cache=True)
def quote_strings(data: np.ndarray, offsets: np.ndarray, out: np.ndarray, out_offsets: np.ndarray, ascii: bool) -> None:
    """Write each string in quotes, escaped. `out`: 5 bytes more a special byte, 2 more a string, and slack."""
    at = 0
    base = data.ctypes.data
    for i in range(offsets.shape[0] - 1):
        out_offsets[i] = at
        at = _put_string(base + offsets[i], base + offsets[i + 1], base + data.shape[0], out, at, ascii)
    out_offsets[offsets.shape[0] - 1] = at
