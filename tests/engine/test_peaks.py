"""Where a group's name stands on a map."""

from __future__ import annotations

import numpy as np

from tamis.engine.peaks import densest


def test_a_name_stands_in_the_larger_part_and_not_between_two() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.normal((-0.6, 0.5), 0.02, (300, 2)), rng.normal((0.7, -0.5), 0.02, (200, 2))]
    places = np.concatenate(parts).astype(np.float32)
    found = densest(places, np.zeros(500, np.int64), 1)
    assert np.abs(found[0] - (-0.6, 0.5)).max() < 0.02


def test_groups_do_not_see_each_other_and_empty_ones_have_no_place() -> None:
    places = np.array([[-1, -1], [-1, -1], [1, 1], [0.99, 1], [0, 0]], np.float32)
    found = densest(places, np.array([0, 0, 1, 1, -1]), 3)
    assert found[0].tolist() == [-1, -1]
    assert np.abs(found[1] - (0.995, 1)).max() < 1e-6
    assert np.isnan(found[2]).all()
    assert np.isnan(densest(places, np.full(5, -1), 1)).all()


def test_the_edge_of_the_map_is_beside_nothing() -> None:
    """The last cell of one line and the first of the next are neighbours in number only."""
    left = np.repeat(np.array([[-1.0, 0.05]], np.float32), 3, axis=0)
    right = np.repeat(np.array([[1.0, 0.0]], np.float32), 4, axis=0)
    assert densest(np.concatenate([left, right]), np.zeros(7, np.int64), 1)[0].tolist() == [1, 0]
