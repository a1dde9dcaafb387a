"""Links in a text: how many, how long."""

from __future__ import annotations

import numpy as np

from .jit import njit

#: columns of the result
(
    LINKS,  # words that hold `://` or begin with `www.`
    LINK_BYTES,  # bytes of those words
    LONG,  # those of `LONG_LINK` bytes and more
    VISIBLE,  # bytes that are not white space; 0 where there is no link
    WORDS,  # words; 0 where there is no link
) = range(5)
FIGURES = 5

LONG_LINK = 80  # bytes


@njit(nogil=True, cache=True)
def measure_links(data: np.ndarray, offsets: np.ndarray, out: np.ndarray) -> None:
    """out (n, FIGURES) int64: the figures of each string. Words are runs of bytes above 32."""
    for i in range(offsets.shape[0] - 1):
        start, stop = offsets[i], offsets[i + 1]
        row = out[i]
        row[:] = 0
        signs = 0
        for k in range(start, stop - 2):
            signs += ((data[k] == 0x3A) & (data[k + 1] == 0x2F)) | (
                (data[k] | 0x20 == 0x77) & (data[k + 1] | 0x20 == 0x77)
            )
        if signs == 0:
            continue
        k = start
        while k < stop:
            while k < stop and data[k] <= 32:
                k += 1
            begin, link = k, False
            while k < stop and data[k] > 32:
                if data[k] == 0x3A and k + 2 < stop and data[k + 1] == 0x2F and data[k + 2] == 0x2F:
                    link = True
                k += 1
            n = k - begin
            if n == 0:
                break
            if n > 4 and data[begin + 3] == 0x2E:
                link |= data[begin] | 0x20 == 0x77 and data[begin + 1] | 0x20 == 0x77 and data[begin + 2] | 0x20 == 0x77
            row[WORDS] += 1
            row[VISIBLE] += n
            if link:
                row[LINKS] += 1
                row[LINK_BYTES] += n
                row[LONG] += n >= LONG_LINK
        if row[LINKS] == 0:
            row[VISIBLE] = row[WORDS] = 0
