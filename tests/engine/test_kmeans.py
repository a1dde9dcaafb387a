"""K-means and what it rests on: whole numbers, whatever the order and the threads."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.engine.kmeans import _filled, kmeans
from tamis.engine.quantised import LENGTH, centres_of, distance, nearest, quantise, sums


def blobs(rng: np.random.Generator, n: int, d: int, k: int, noise: float = 0.3) -> NDArray[np.float64]:
    centres = rng.normal(0, 1, (k, d))
    return centres[rng.integers(0, k, n)] + noise * rng.normal(0, 1, (n, d))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 300), st.integers(1, 9))
def test_nearest_and_sums_are_exact(seed: int, n: int, d: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, valid = quantise(rng.normal(0, 1, (n, d)) * 10.0 ** rng.integers(-20, 20))
    centres, _ = quantise(rng.normal(0, 1, (k, d)))
    assert valid.all()
    label, product = nearest(vectors, centres)
    for row, vector in enumerate(vectors.tolist()):
        every = [sum(a * b for a, b in zip(vector, centre, strict=True)) for centre in centres.tolist()]
        assert (label[row], product[row]) == (every.index(max(every)), max(every))
        assert max(every) < 2**24
    left_out = np.where(rng.random(n) < 0.2, -1, label).astype(np.int32)
    wanted = [
        [sum(v[j] for v, c in zip(vectors.tolist(), left_out, strict=True) if c == i) for j in range(d)]
        for i in range(k)
    ]
    assert sums(vectors, left_out, k).tolist() == wanted


def test_the_longest_vectors_stay_below_what_float32_holds() -> None:
    worst = np.full((2, 4096), 1 + 1e-3)  # every component is rounded up
    vectors, _ = quantise(worst)
    squares = (vectors.astype(np.int64) ** 2).sum(axis=1)
    assert (squares < 2**24).all()
    assert (np.abs(np.sqrt(squares) - LENGTH) <= 32).all()


def test_vectors_that_point_nowhere_are_not_valid() -> None:
    made, valid = quantise(np.array([[0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [3e-300, 4e-300], [3e30, 4e30]]))
    assert valid.tolist() == [False, False, False, True, True]
    assert made.tolist() == [[0, 0]] * 3 + [[2400, 3200]] * 2


def test_distance_is_one_minus_cosine() -> None:
    assert distance(np.array([LENGTH**2, 0, -(LENGTH**2)])).tolist() == [0.0, 1.0, 2.0]


def test_groups_are_found() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 12, 3000)
    vectors, _ = quantise(rng.normal(0, 1, (12, 32))[truth] + 0.3 * rng.normal(0, 1, (3000, 32)))
    label, _ = nearest(vectors, kmeans(vectors, 12, 0))
    assert len({(t, c) for t, c in zip(truth.tolist(), label.tolist(), strict=True)}) == 12


def test_more_rows_than_the_sample_holds() -> None:
    rng = np.random.default_rng(2)
    vectors, _ = quantise(blobs(rng, 5000, 8, 4))
    centres = kmeans(vectors, 4, 0)
    label, _ = nearest(vectors, centres)
    assert (centres_of(sums(vectors, label, 4)) == centres).mean() > 0.5  # nearly settled


def test_every_cluster_has_rows_though_most_vectors_are_alike() -> None:
    few = np.eye(6)[np.r_[np.zeros(500, int), np.arange(6)]]
    vectors, _ = quantise(few)
    label, _ = nearest(vectors, kmeans(vectors, 6, 3))
    assert sorted(np.bincount(label).tolist()) == [1, 1, 1, 1, 1, 501]


def test_an_empty_cluster_takes_the_row_farthest_from_its_own() -> None:
    label, product = np.array([0, 0, 0, 2], np.int32), np.array([9, 3, 5, 1], np.int32)
    assert _filled(label, product, 4).tolist() == [0, 1, 3, 2]  # the last one is all that its cluster has
    assert _filled(label, product, 3).tolist() == [0, 1, 0, 2]
    assert _filled(label[:3], product[:3], 1).tolist() == [0, 0, 0]


def test_fewer_distinct_vectors_than_clusters() -> None:
    vectors, _ = quantise(np.eye(2)[np.zeros(10, int)])
    assert nearest(vectors, kmeans(vectors, 3, 0))[0].tolist() == [0] * 10


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_bytes_on_any_number_of_threads(threads: int) -> None:
    code = """
import hashlib, numpy as np
from tamis.engine.kmeans import kmeans
from tamis.engine.quantised import quantise
rng = np.random.default_rng(5)
vectors, _ = quantise(rng.normal(0, 1, (40, 96))[rng.integers(0, 40, 20000)] + rng.normal(0, 1, (20000, 96)))
print(hashlib.sha256(kmeans(vectors, 30, 1).tobytes()).hexdigest())
"""
    found = set()
    for many in (2, threads):
        env = {"OPENBLAS_NUM_THREADS": str(many), "OMP_NUM_THREADS": str(many), "PYTHONPATH": ":".join(sys.path)}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    assert len(found) == 1
