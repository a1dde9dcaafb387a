"""BLAKE2b and the counting of repeats against the obvious."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine import row_ids
from tamis.engine.kernels.blake2 import blake2b_128
from tamis.engine.row_ids import occurrences, repeated


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=600))
@example(b"")
@example(b"x" * 127)
@example(b"x" * 128)
@example(b"x" * 129)
@example(bytes(256))
def test_digests_are_hashlibs(message: bytes) -> None:
    data = np.full((len(message) // 128 + 1) * 128, 255, np.uint8)
    data[: len(message)] = np.frombuffer(message, np.uint8)
    high, low = blake2b_128(data, len(message), np.empty(8, np.uint64), np.empty(16, np.uint64))
    assert f"{int(high):016x}{int(low):016x}" == hashlib.blake2b(message, digest_size=16).hexdigest()


@pytest.mark.parametrize("few", [row_ids.FEW, 0], ids=["sorted", "kernel"])
@settings(deadline=None, max_examples=50)
@given(pairs=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_repeats_are_counted_in_row_order(few: int, pairs: list[tuple[int, int]]) -> None:
    high, low = (np.array([pair[k] for pair in pairs], np.uint64) for k in (0, 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_ids, "FEW", few)
        found = occurrences((high, low))
    expected = [pairs[:i].count(pair) for i, pair in enumerate(pairs)]
    if not any(expected):
        assert found is None
    else:
        assert found is not None
        assert found.occurrence.tolist() == expected
        assert found.first.tolist() == [pairs.index(pair) for pair in pairs]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1))
def test_a_repeat_gets_an_id_of_its_own_from_the_first(high: int, low: int, number: int) -> None:
    first = (np.array([high], np.uint64), np.array([low], np.uint64))
    new = repeated(first, np.array([number], np.uint32))
    digest = hashlib.blake2b(f"{high:016x}{low:016x}#{number}".encode(), digest_size=16).hexdigest()
    assert f"{int(new[0][0]):016x}{int(new[1][0]):016x}" == (digest if number else f"{high:016x}{low:016x}")
    assert first[0][0] == high, "the first's id is left as it was"
