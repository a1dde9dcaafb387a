"""Bands, comparing and grouping against the obvious."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.bands import BINS, choose, least_agreement
from tamis.engine.kernels.neardup import (
    LARGE,
    band_keys,
    bucket_pairs,
    compare_pairs,
    known,
    low_bits,
    remember,
    spread,
    star,
)
from tamis.engine.text import to_text


def meet(sketches: np.ndarray, floors: tuple[float, ...], fixed: int = 0, least: int = 0) -> list[tuple[int, int]]:
    """All pairs that some band brings together."""
    bands, n = choose(floors, 0.95), len(sketches)
    columns, rows = bands.columns(), np.arange(n)
    full = np.full((n, len(floors)), BINS, np.uint8)
    need = np.full((len(floors), BINS + 1), least, np.int32)
    words = np.ascontiguousarray(sketches.view(np.uint64).T)
    keys, bits = np.empty((bands.number, n), np.uint32), np.empty((n, len(floors) * BINS // 32), np.uint64)
    band_keys(words, rows, columns, keys)
    low_bits(words, rows, rows, bits)
    pairs = np.zeros(1 << 20, np.uint64)
    found: list[tuple[int, int]] = []
    for band in range(bands.number):
        items = keys[band].astype(np.uint64) << np.uint64(32) | rows.astype(np.uint64)
        some = bucket_pairs(items, bits, full, columns[band, -1], fixed, need, pairs)
        remember(pairs, some)
        assert all(known(pairs, pair) for pair in some)
        found += [(int(pair) >> 32, int(pair) & 0xFFFFFFFF) for pair in some]
    return found


@given(st.integers(0, 10**6), st.integers(0, 300), st.integers(1, 4))
def test_rows_are_parted_by_their_keys_in_row_order(seed: int, n: int, height: int) -> None:
    keys = np.random.default_rng(seed).integers(0, 1 << 32, n, dtype=np.uint32)
    starts, out = np.zeros((1 << height) + 1, np.int64), np.empty(n, np.uint64)
    spread(keys, 32 - height, starts, out)
    expected = sorted((int(key) >> (32 - height), row, int(key)) for row, key in enumerate(keys))
    assert [(int(one) & 0xFFFFFFFF, int(one) >> 32) for one in out] == [(row, key) for _, row, key in expected]
    assert starts.tolist() == [sum(part < k for part, _, _ in expected) for k in range((1 << height) + 1)]


@given(st.integers(0, 10**6), st.integers(1, LARGE), st.integers(1, 2), st.integers(0, 5), st.sampled_from([0, 40, 90]))
@settings(max_examples=60)
def test_rows_meet_once_when_they_agree_in_a_band(seed: int, n: int, views: int, fixed: int, least: int) -> None:
    rng = np.random.default_rng(seed)
    sketches = (rng.integers(0, 2, (n, views * BINS)) * rng.integers(1, 5, BINS * views)).astype(np.uint8)
    same = rng.random((n, views * BINS)) < 0.75
    sketches[same] = np.broadcast_to(sketches[0], sketches.shape)[same]
    floors = (0.7,) * views
    columns = choose(floors, 0.95).columns()
    expected = [
        (a, b)
        for a, b in combinations(range(n), 2)
        if b >= fixed
        and any((sketches[a, c] == sketches[b, c]).all() for c in columns)
        and all(
            (sketches[a, v * BINS : (v + 1) * BINS] & 3 == sketches[b, v * BINS : (v + 1) * BINS] & 3).sum() >= least
            for v in range(views)
        )
    ]
    assert sorted(meet(sketches, floors, fixed, least)) == expected


def test_in_a_large_bucket_alike_rows_meet() -> None:
    rng = np.random.default_rng(2)
    n = 16 * LARGE
    sketches = np.broadcast_to(rng.integers(0, 256, BINS).astype(np.uint8), (n, BINS)).copy()
    for k in range(n // 2):
        other = rng.random(BINS) < 0.2
        sketches[k, other] = rng.integers(0, 256, int(other.sum()))
        sketches[k + n // 2] = sketches[k]
        sketches[k + n // 2, rng.integers(0, BINS, 3)] ^= 1
    found = set(meet(sketches, (0.6,)))
    assert all((k, k + n // 2) in found for k in range(n // 2))
    assert len({(0, b) for b in range(1, n)} - found) < 0.05 * n
    assert len(found) < 0.5 * n * (n - 1) / 2


def grams(string: str, n: int) -> set[str]:
    return {string[k : k + n] for k in range(len(string) - n + 1)} or ({string} if string else set())


heads = st.text(st.sampled_from("abc 漢"), max_size=20)


@given(
    heads.flatmap(
        lambda head: st.lists(
            st.builds(
                lambda cut, tail: head[:cut] + tail, st.integers(0, 20), st.text(st.sampled_from("abc 漢"), max_size=20)
            ),
            min_size=2,
            max_size=6,
        )
    ),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.3, 0.6, 1.0]),
)
@example(["漢ab", "漢abc"], 5, 0.0)  # as many bytes as an n-gram has characters
@example(["abcabcabc", "abcabcab"], 5, 0.0)  # one begins with the other
@example(["abcabca", "abc漢"], 5, 0.0)
@settings(max_examples=200)
def test_shared_ngrams(strings: list[str], n: int, floor: float) -> None:
    text = to_text(pl.Series(strings, dtype=pl.String))
    pairs = np.array(list(combinations(range(len(strings)), 2)), np.int32)
    sets = [grams(string, n) for string in strings]
    shared, union, foreign, span = (np.empty(len(pairs), np.uint32) for _ in range(4))
    begin, end = text.offsets[:-1], text.offsets[1:]
    a, b = pairs[:, 0], pairs[:, 1]
    places = np.stack([begin[a], end[a], begin[b], end[b]], axis=1)
    compare_pairs(text.data, places, n, False, floor, shared, union, foreign, span)
    for p, (i, j) in enumerate(pairs):
        both, either = len(sets[i] & sets[j]), len(sets[i] | sets[j])
        if not either or both / either >= floor:
            assert (shared[p], union[p]) == (both, either)
            new = [k for k in range(max(1, len(strings[j]) - n + 1)) if strings[j][k : k + n] not in sets[i]]
            new = new if strings[j] else []
            assert foreign[p] == len(new)
            assert span[p] == (new[-1] - new[0] + 1 if new else 0)
        else:
            assert (shared[p], union[p]) == (both, either) or shared[p] == 0


def groups(n: int, pairs: list[tuple[int, int, float]], threshold: float) -> tuple[list[int], list[float | None]]:
    """Row by row: into the most similar kept row before it, the first of equals."""
    into, near = [-1] * n, [None] * n
    for row in range(n):
        kept = [(w, -a) for a, b, w in pairs if b == row and into[a] < 0]
        enough = [one for one in kept if one[0] >= threshold]
        if enough:
            into[row] = -max(enough)[1]
        best = max(enough or kept, default=None)
        near[row] = None if best is None else best[0]
    return into, near


@given(st.integers(0, 10**6), st.integers(1, 14), st.sampled_from([0.5, 0.7, 0.9]))
@settings(max_examples=200)
def test_groups_around_rows_that_stay(seed: int, n: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    pairs = [(a, b, float(rng.integers(4, 11)) / 10) for b in range(n) for a in range(b) if rng.random() < 0.4]
    into, pair = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    a, b = (np.array([one[k] for one in pairs], np.int64) for k in range(2))
    worth = np.array([one[2] for one in pairs], np.float64)
    star(a, b, worth, worth >= threshold, into, pair)
    expected, near = groups(n, pairs, threshold)
    assert into.tolist() == expected
    assert [float(worth[p]) if p >= 0 else None for p in pair] == near
    for row in range(n):
        assert into[row] < 0 or into[into[row]] < 0


@pytest.mark.parametrize("floors", [(0.5,), (0.6,), (0.65,), (0.8,), (0.95,), (0.8, 0.65), (0.6, 0.6, 0.6)])
@pytest.mark.parametrize("recall", [0.8, 0.95, 0.99])
def test_bands_keep_the_stated_recall(floors: tuple[float, ...], recall: float) -> None:
    bands = choose(floors, recall)
    assert bands.chance(floors) >= recall
    assert max(bands.rows) * bands.number <= BINS
    assert bands.columns().shape == (bands.number, sum(bands.rows))
    assert len(set(bands.columns().ravel().tolist())) == bands.columns().size
    assert bands.chance([1.0] * len(floors)) == 1.0


def test_fewer_full_bins_ask_for_less() -> None:
    need = least_agreement((0.6, 0.9))
    assert (np.diff(need, axis=1) >= 0).all()
    assert need[0, 0] == 0
    assert 60 < need[0, BINS] < 0.7 * BINS < need[1, BINS]
