"""Greedy choice by cosine similarity: against a slow twin, and free of block sizes, threads and float sums."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from math import isqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.engine.diverse import SCALE, choose, matrix, vectors_of, whole


def slow_cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Of whole numbers, in exact arithmetic up to the last division."""
    x, y = [int(v) for v in a], [int(v) for v in b]
    dot = sum(p * q for p, q in zip(x, y, strict=True))
    squares = sum(p * p for p in x) * sum(q * q for q in y)
    root = Fraction(isqrt(squares << 128), 1 << 64)
    return float(Fraction(dot) / root)


def slow_choice(vectors: NDArray[np.float32], order: list[int], threshold: float, count: int | None) -> list[int]:
    """DEITA's rule, literally: a row stays unless its largest similarity to a row that stays is above the threshold."""
    numbers = whole(vectors)
    kept: list[int] = []
    for row in order:
        if count is not None and len(kept) == count:
            break
        if not kept or max(slow_cosine(numbers[row], numbers[other]) for other in kept) <= threshold + 1e-15:
            kept.append(row)
    return kept


def kept_of(
    vectors: NDArray[np.float32], order: list[int], threshold: float, count: int | None, block: int
) -> list[int]:
    found = choose(vectors, np.array(order, np.int64), threshold, count, block=block)
    return [row for row in order if found.chosen[row]]


components = st.sampled_from([-3.0, -1.0, -0.5, 0.0, 0.25, 1.0, 2.0, 1e-30])
some_vectors = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(components, min_size=width, max_size=width).filter(any), min_size=1, max_size=14)
)


@settings(deadline=None, max_examples=150)
@given(some_vectors, st.sampled_from([-1.0, 0.0, 0.5, 0.9, 1.0]), st.none() | st.integers(1, 6), st.randoms())
def test_the_choice_is_the_slow_twins_at_any_block_size(
    rows: list[list[float]], threshold: float, count: int | None, chance: object
) -> None:
    vectors = np.array(rows, np.float32)
    order = list(range(len(rows)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    slow = slow_choice(vectors, order, threshold, count)
    for block in (1, 3, 512):
        assert kept_of(vectors, order, threshold, count, block) == slow


def test_similarities_are_those_of_numpy() -> None:
    rng = np.random.default_rng(5)
    vectors = (rng.standard_normal((400, 48)) + 0.6).astype(np.float32)
    found = choose(vectors, np.arange(400), 0.5, None, block=64)
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    cosines = unit @ unit.T
    assert 0 < found.chosen.sum() < 400
    for row in range(1, 400):
        before = np.flatnonzero(found.chosen[:row])
        assert found.similarity[row] == pytest.approx(cosines[row, before].max(), abs=1e-6)
        assert cosines[row, found.nearest[row]] == pytest.approx(found.similarity[row], abs=1e-6)


def test_the_same_to_the_bit_at_any_block_size_and_on_any_threads() -> None:
    code = (
        "import numpy as np; from tamis.engine.diverse import choose\n"
        "v = (np.random.default_rng(1).standard_normal((1500, 384)) + 0.5).astype(np.float32)\n"
        "f = choose(v, np.arange(1500), 0.25, None, block={block})\n"
        "import hashlib; print(hashlib.sha256(b''.join(a.tobytes() for a in f)).hexdigest(), f.chosen.sum())"
    )
    said = set()
    for threads, block in (("1", 512), ("2", 512), ("2", 100)):
        done = subprocess.run(
            [sys.executable, "-c", code.format(block=block)],
            env={"OPENBLAS_NUM_THREADS": threads, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        said.add(done.stdout)
    assert len(said) == 1
    assert 1 < int(said.pop().split()[1]) < 1500


def test_equal_vectors_are_1_similar_to_the_bit_whatever_their_length() -> None:
    rng = np.random.default_rng(2)
    one = rng.standard_normal((50, 384)).astype(np.float32)
    vectors = np.concatenate([one, one])
    assert choose(vectors, np.arange(100), 1.0, None).chosen.all()
    assert choose(vectors, np.arange(100), 0.999, None).chosen.tolist() == [True] * 50 + [False] * 50


def test_numbers_stay_whole_and_small_enough_to_be_summed_exactly() -> None:
    rng = np.random.default_rng(3)
    for vectors in (rng.standard_normal((20, 4096)), np.eye(8) * 1e-38, np.full((2, 3), 3e38)):
        numbers = whole(vectors.astype(np.float32))
        assert (numbers == np.rint(numbers)).all()
        assert np.abs((numbers * numbers).sum(axis=1) / SCALE**2 - 1).max() < 1e-5
        assert (numbers * numbers).sum(axis=1).max() < 2**51


def test_vectors_come_as_lists_arrays_or_json() -> None:
    expected = [[1.0, 2.0], None, None, None, None, None]
    values = [[1, 2], None, [], [0, 0], [1, None], [float("nan"), 1]]
    assert vectors_of(pl.Series(values, dtype=pl.List(pl.Float64))).to_list() == expected
    assert vectors_of(pl.Series([[1, 2], None], dtype=pl.Array(pl.Int16, 2))).to_list() == expected[:2]
    assert vectors_of(pl.Series(["[1, 2]", None, "[]", "[0, 0]", "[1, null]"])).to_list() == expected[:5]
    assert vectors_of(pl.Series([None, None])).to_list() == [None, None]
    for strange in (pl.Series(["near"]), pl.Series([1.0]), pl.Series([["a"]])):
        with pytest.raises(TypeError):
            vectors_of(strange)


def test_vectors_of_unlike_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="2 to 3 dimensions"):
        matrix(pl.Series([[1, 2], [1, 2, 3]], dtype=pl.List(pl.Float32)))
    assert matrix(pl.Series([], dtype=pl.List(pl.Float32))).shape == (0, 0)
