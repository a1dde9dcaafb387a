"""The nearest rows, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.engine import neighbours
from tamis.engine.quantised import quantise


@pytest.mark.parametrize("columns", [7, 4096])
def test_the_nearest_come_first_and_of_equals_the_first(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(neighbours, "ROWS", 16)
    monkeypatch.setattr(neighbours, "COLUMNS", columns)
    rng = np.random.default_rng(2)
    whole, _ = quantise(rng.normal(0, 1, (40, 6)))
    others = np.concatenate([whole[:20], whole[:20], -whole])  # each of the first twice
    at, product = neighbours.nearest_rows(whole, others, 5)
    true = whole.astype(np.int64) @ others.astype(np.int64).T
    order = np.argsort(-true, axis=1, kind="stable")[:, :5]
    assert (at == order).all()
    assert (product == np.take_along_axis(true, order, axis=1)).all()
