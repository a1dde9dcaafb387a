"""JSON text read as it stands: escapes that glue words to what is before them give way to blanks."""

from __future__ import annotations

import numpy as np

from .jit import njit

_BACKSLASH = 0x5C


@njit(nogil=True, cache=True)
def open_escapes(data: np.ndarray, offsets: np.ndarray, out: np.ndarray, unsure: np.ndarray) -> None:
    """out (n_bytes,) uint8: the same bytes, but blanks for `\\n` and its like, and the character alone for `\\"`.

    unsure (n,) bool: the row holds escapes that hide characters (`\\u0040`, or a backslash itself), so that only
    decoding tells what it says.
    """
    for i in range(offsets.shape[0] - 1):
        unsure[i] = False
        k, end = offsets[i], offsets[i + 1]
        while k < end:
            b = data[k]
            out[k] = b
            if b == _BACKSLASH and k + 1 < end:
                following = data[k + 1]
                unsure[i] |= following == 0x75 or following == _BACKSLASH
                plain = following == 0x22 or following == 0x2F
                out[k] = 0x20
                out[k + 1] = following if plain else np.uint8(0x20)
                k += 1
            k += 1
