"""Rows with the same key against a dictionary."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.engine.kernels.copies import first_of_key


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_first_row_of_each_key(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    n = 300
    values = rng.integers(0, 1 << 64, 40, dtype=np.uint64)
    high, low = rng.choice(values, n), rng.choice(values[:3], n)
    valid, order = rng.random(n) < 0.9, rng.permutation(n).astype(np.int32)
    first, slots = np.full(n, -5, np.int32), np.empty(1024, np.int32)
    for part in range(parts):
        slots[:] = -1
        for some in np.split(order, [100, 250]):  # a table of slots lasts from call to call
            first_of_key(high, low, valid, some, part, parts, slots, first)
    seen: dict[tuple[int, int], int] = {}
    for row in order.tolist():
        key = (int(high[row]), int(low[row]))
        assert first[row] == (seen.setdefault(key, row) if valid[row] else row)
