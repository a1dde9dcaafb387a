"""How many characters two texts differ by: the Levenshtein distance, 64 characters at a time.

Myers 1999, "A fast bit-vector algorithm for approximate string matching based on dynamic programming", in blocks as
Hyyrö 2003 has them. Works on code points; texts longer than `LONGEST` are compared after what they share at both ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import njit

#: characters of each text that are compared; a page of a novel has about 2,000
LONGEST = 20_000


@njit(cache=True, nogil=True)
def _code_points(data: NDArray[np.uint8], begin: int, end: int, out: NDArray[np.uint32]) -> int:
    """The code points of valid UTF-8; returns how many."""
    count = 0
    at = begin
    while at < end:
        lead = data[at]
        if lead < 0x80:
            point, size = np.uint32(lead), 1
        elif lead < 0xE0:
            point, size = np.uint32(lead & 0x1F), 2
        elif lead < 0xF0:
            point, size = np.uint32(lead & 0x0F), 3
        else:
            point, size = np.uint32(lead & 0x07), 4
        for k in range(1, size):
            point = (point << np.uint32(6)) | np.uint32(data[at + k] & 0x3F)
        out[count] = point
        count += 1
        at += size
    return count


@njit(cache=True, nogil=True)
def _distance(a: NDArray[np.uint32], n: int, b: NDArray[np.uint32], m: int) -> int:
    """Levenshtein distance of a[:n] and b[:m]."""
    start = 0
    while start < n and start < m and a[start] == b[start]:
        start += 1
    while n > start and m > start and a[n - 1] == b[m - 1]:
        n -= 1
        m -= 1
    a, b = a[start:n], b[start:m]
    n, m = n - start, m - start
    if n == 0 or m == 0:
        return n + m
    blocks = (n + 63) // 64
    order = np.argsort(a)  # the places of each character of `a`, found by bisection of the sorted ones
    points = a[order]
    up = np.full(blocks, np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64)
    down = np.zeros(blocks, np.uint64)
    equal = np.zeros(blocks, np.uint64)
    last = np.uint64(1) << np.uint64((n - 1) % 64)
    score = n
    one = np.uint64(1)
    for j in range(m):
        first = np.searchsorted(points, b[j])
        k = first
        while k < n and points[k] == b[j]:
            equal[order[k] >> 6] |= one << np.uint64(order[k] & 63)
            k += 1
        carry_up, carry_down = one, np.uint64(0)  # the row above grows by one for each character
        for block in range(blocks):
            pv, mv, eq = up[block], down[block], equal[block]
            xv = eq | mv
            eq |= carry_down
            xh = (((eq & pv) + pv) ^ pv) | eq
            ph = mv | ~(xh | pv)
            mh = pv & xh
            if block == blocks - 1:
                if ph & last:
                    score += 1
                elif mh & last:
                    score -= 1
            out_up, out_down = ph >> np.uint64(63), mh >> np.uint64(63)
            ph = (ph << one) | carry_up
            mh = (mh << one) | carry_down
            up[block] = mh | ~(xv | ph)
            down[block] = ph & xv
            carry_up, carry_down = out_up, out_down
        k = first
        while k < n and points[k] == b[j]:
            equal[order[k] >> 6] = np.uint64(0)
            k += 1
    return score


@njit(cache=True, nogil=True)
def edit_distances(
    left: NDArray[np.uint8],
    left_offsets: NDArray[np.int64],
    right: NDArray[np.uint8],
    right_offsets: NDArray[np.int64],
    distance: NDArray[np.int64],
    longer: NDArray[np.int64],
) -> None:
    """Per row, the distance of two texts in code points, and the length of the longer one."""
    n_rows = len(distance)
    widest = 1
    for i in range(n_rows):
        widest = max(widest, left_offsets[i + 1] - left_offsets[i], right_offsets[i + 1] - right_offsets[i])
    a, b = np.empty(widest, np.uint32), np.empty(widest, np.uint32)
    for i in range(n_rows):
        n = min(_code_points(left, left_offsets[i], left_offsets[i + 1], a), LONGEST)
        m = min(_code_points(right, right_offsets[i], right_offsets[i + 1], b), LONGEST)
        distance[i] = _distance(a, n, b, m)
        longer[i] = max(n, m)
