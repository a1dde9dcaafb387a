"""Near vectors: the fast road against every pair multiplied out"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine import semantic
from tamis.engine.quantised import quantise
from tamis.engine.semantic import Points, around_kept, nearest_to


def cosine(a: Any, b: Any) -> float:
    a, b = [int(x) for x in a], [int(x) for x in b]
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product / float(np.sqrt(float(sum(x * x for x in a) * sum(y * y for y in b))))


def twin(points: Points, order: list[int], threshold: float, floor: float) -> dict[int, tuple[bool, int, float]]:
    """Row by row, with every row that stays."""
    kept: list[int] = []
    out = {}
    for row in order:
        best, near = -1, 0.0
        for other in kept:
            if points.kinds[row] != points.kinds[other]:
                continue
            value = cosine(points.whole[row], points.whole[other])
            if value >= floor and (best < 0 or value > near):
                best, near = other, value
        stays = best < 0 or near < threshold
        out[row] = (stays, best, near)
        if stays:
            kept.append(row)
    return out


def bunches(seed: int, n: int, d: int, spread: float) -> np.ndarray[Any, Any]:
    """Vectors around a few of them, some equal."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(max(1, n // 4), d)) * (1 / np.arange(1, d + 1)) ** 0.5
    made = centres[rng.integers(0, len(centres), n)] + rng.normal(0, spread, (n, d)) / np.sqrt(d)
    made[n // 2 :][::5] = made[: len(made[n // 2 :][::5])]
    return made.astype(np.float32)


@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 60),
    d=st.integers(2, 40),
    spread=st.sampled_from([0.05, 0.2, 0.5]),
    threshold=st.sampled_from([0.5, 0.8, 0.9, 0.99, 1.0]),
    kinds=st.integers(1, 3),
    block=st.sampled_from([1, 3, 16]),
)
def test_the_same_as_every_pair(
    seed: int, n: int, d: int, spread: float, threshold: float, kinds: int, block: int
) -> None:
    rng = np.random.default_rng(seed)
    whole, valid = quantise(bunches(seed, n, d, spread))
    assert valid.all()
    points = Points(whole, rng.integers(0, kinds, n))
    order = rng.permutation(n)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(semantic, "BLOCK", block)
        patch.setattr(semantic, "STRIP", block + 1)
        found = around_kept(points, order, threshold, threshold - 0.05)
        items = rng.permutation(n)[: n // 2 + 1]
        others = Points(whole[items], points.kinds[items])
        nearest, similarity = nearest_to(points, others, threshold)
    for row, (stays, best, near) in twin(points, order.tolist(), threshold, threshold - 0.05).items():
        assert (found.stays[row], found.nearest[row]) == (stays, best)
        assert found.similarity[row] == near or (best < 0 and np.isnan(found.similarity[row]))
    for row in range(n):
        told = [cosine(whole[row], whole[i]) if points.kinds[i] == points.kinds[row] else -2.0 for i in items.tolist()]
        if max(told) < threshold:
            assert nearest[row] == -1
        else:
            assert (nearest[row], similarity[row]) == (told.index(max(told)), max(told))


def test_few_dimensions_are_multiplied_where_they_tell_enough() -> None:
    whole, _ = quantise(bunches(3, 3000, 128, 0.3))
    assert semantic.turn_of(Points(whole), 0.9).shape[1] < 100


def test_a_chain_is_no_group() -> None:
    """Each is near to the next one, the ends are opposite: a row goes only into one that is near to itself."""
    angle = np.linspace(0, np.pi, 41)
    points = Points(quantise(np.stack([np.cos(angle), np.sin(angle)], axis=1))[0])
    found = around_kept(points, np.arange(41), 0.9, 0.9)
    assert found.stays.sum() == 7
    gone = np.flatnonzero(~found.stays)
    assert all(cosine(points.whole[row], points.whole[found.nearest[row]]) >= 0.9 for row in gone)
    assert found.stays[found.nearest[gone]].all()


def test_one_vector_a_thousand_times() -> None:
    points = Points(quantise(np.tile(np.arange(1.0, 9.0), (1000, 1)))[0])
    found = around_kept(points, np.arange(1000), 0.9, 0.9)
    assert found.stays.sum() == 1
    assert (found.nearest[1:] == 0).all()
    assert (found.similarity[1:] == 1).all()
