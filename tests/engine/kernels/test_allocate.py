"""Joining components against the obvious."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.kernels.allocate import tie_up_to


@settings(max_examples=200, derandomize=True)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
    st.lists(st.integers(0, 60), min_size=1, max_size=3),
)
def test_components_grow_as_far_as_there_is_room(
    sizes: list[int], pairs: list[tuple[int, int]], limits: list[int]
) -> None:
    n = len(sizes)
    pairs = [(i % n, j % n) for i, j in pairs]
    sets = [{k} for k in range(n)]
    root, room = np.arange(n, dtype=np.int32), np.array(sizes, np.uint32)
    a, b = (np.array([pair[k] for pair in pairs], np.int32) for k in range(2))
    for most in sorted(limits):
        tie_up_to(root, room, most, a, b)
        for i, j in pairs:
            one, other = (next(some for some in sets if k in some) for k in (i, j))
            if one is not other and sum(sizes[k] for k in one | other) <= most:
                sets = [some for some in sets if some is not one and some is not other] + [one | other]
    assert root.tolist() == [min(next(some for some in sets if k in some)) for k in range(n)]
    assert all(room[min(some)] == sum(sizes[k] for k in some) for some in sets)
