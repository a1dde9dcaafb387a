"""Exact counts, and who gets them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.allocate import assign, in_turn, largest_remainder, quotas, seeded_order
from tamis.engine.splits import components, cut_by_time, place_rows

MASK = (1 << 64) - 1


def scramble(x: int) -> int:
    """splitmix64, as its author wrote it."""
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


@given(st.integers(0, MASK), st.lists(st.tuples(st.integers(0, MASK), st.integers(0, MASK)), max_size=8))
@settings(max_examples=50)
def test_the_seeded_order_is_splitmix64_over_seed_and_halves(seed: int, keys: list[tuple[int, int]]) -> None:
    high, low = (np.array([key[k] for key in keys], np.uint64) for k in (0, 1))
    expected = [scramble(scramble(scramble(seed) ^ h) ^ l) for h, l in keys]
    assert seeded_order(seed, high, low).tolist() == expected


def test_the_seeded_order_of_one_key_is_written_down() -> None:
    one = np.array([1], np.uint64)
    assert seeded_order(42, one, one).tolist() == [scramble(scramble(scramble(42) ^ 1) ^ 1)]
    assert seeded_order(42, one, one).tolist() != seeded_order(43, one, one).tolist()


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (500, ["0.8", "0.2"], [400, 100]),
        (3, ["0.8", "0.1", "0.1"], [3, 0, 0]),
        (10, ["1", "1", "1"], [4, 3, 3]),
        (10, ["0.35", "0.35", "0.3"], [4, 3, 3]),
        (7, ["0.5", "0.5"], [4, 3]),
        (0, ["0.5", "0.5"], [0, 0]),
        (5, [], []),
    ],
)
def test_largest_remainder(total: int, weights: list[str], parts: list[int]) -> None:
    assert largest_remainder(total, [Fraction(w) for w in weights]) == parts


@given(st.integers(0, 10**12), st.lists(st.integers(1, 1000), min_size=1, max_size=6))
@settings(max_examples=50)
def test_largest_remainder_is_exact_and_within_one(total: int, weights: list[int]) -> None:
    parts = largest_remainder(total, [Fraction(w) for w in weights])
    assert sum(parts) == total
    assert all(abs(part - Fraction(total * w, sum(weights))) < 1 for part, w in zip(parts, weights, strict=True))


HALF, TENTH = Fraction(1, 2), Fraction(1, 10)


@pytest.mark.parametrize(
    ("total", "shares", "counts", "pinned", "expected"),
    [
        (100, [Fraction(9, 10), TENTH], [None, None], [0, 0], [90, 10]),
        (100, [Fraction(9, 10), TENTH], [None, None], [0, 30], [70, 30]),
        (100, [Fraction(9, 10), TENTH, None], [None, None, 20], [0, 0, 0], [72, 8, 20]),
        (100, [Fraction(9, 10), TENTH, None], [None, None, 20], [0, 0, 25], [68, 7, 25]),
        (3, [Fraction(8, 10), TENTH, TENTH], [None] * 3, [0, 0, 0], [1, 1, 1]),
        (4, [Fraction(9, 10), TENTH], [None, None], [4, 0], [4, 0]),
        (10, [HALF, Fraction(3, 10), Fraction(2, 10)], [None] * 3, [8, 0, 0], [8, 1, 1]),
    ],
)
def test_quotas(
    total: int, shares: list[Fraction | None], counts: list[int | None], pinned: list[int], expected: list[int]
) -> None:
    assert quotas(total, shares, counts, pinned) == expected


def units(rng: np.random.Generator, n: int, strata: int, largest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order = rng.integers(0, 2**63, n).astype(np.uint64) * np.uint64(2)
    return order, rng.integers(1, largest + 1, n), rng.integers(0, strata, n)


@given(
    st.integers(0, 2**32),
    st.integers(2, 300),
    st.integers(1, 20),
    st.lists(st.integers(1, 100), min_size=2, max_size=4),
)
@settings(max_examples=100)
def test_single_rows_meet_every_total_and_every_stratum(seed: int, n: int, strata: int, weights: list[int]) -> None:
    order, sizes, stratum = units(np.random.default_rng(seed), n, strata, 1)
    targets = np.array(largest_remainder(n, [Fraction(w) for w in weights]), np.int64)
    split = assign(order, sizes, stratum, targets)
    assert np.bincount(split, minlength=len(weights)).tolist() == targets.tolist()
    largest = int(targets.argmax())
    lone = np.isin(stratum, np.flatnonzero(np.bincount(stratum) == 1))
    for h in np.unique(stratum[~lone]):
        mine = split[stratum == h]
        for s, target in enumerate(targets):
            if s != largest and not lone.any():
                assert abs(int((mine == s).sum()) - len(mine) * int(target) / n) < len(weights)


def test_two_splits_are_within_one_row_in_each_stratum() -> None:
    stratum = np.repeat(np.arange(9), [50, 3, 17, 2, 100, 2, 11, 14, 301])
    order = np.random.default_rng(3).permutation(500).astype(np.uint64) << np.uint64(50)
    split = assign(order, np.ones(500, np.int64), stratum, np.array([400, 100]))
    held_out = np.bincount(stratum, weights=split)
    assert held_out.sum() == 100
    assert np.abs(held_out - np.bincount(stratum) * 0.2).max() < 1


def test_within_a_stratum_the_order_decides() -> None:
    order = np.array([50, 10, 40, 20, 30, 5], np.uint64)
    split = assign(order, np.ones(6, np.int64), np.zeros(6, np.int64), np.array([4, 2]))
    assert split.tolist() == [1, 0, 1, 0, 0, 0]


def test_a_stratum_of_one_row_goes_to_the_largest_split_while_totals_permit() -> None:
    stratum = np.array([0] * 8 + [1, 2])
    split = assign(np.arange(10, dtype=np.uint64), np.ones(10, np.int64), stratum, np.array([8, 2]))
    assert split[8:].tolist() == [0, 0]
    assert split[:8].sum() == 2
    alone = assign(np.arange(10, dtype=np.uint64), np.ones(10, np.int64), np.arange(10), np.array([8, 2]))
    assert alone.sum() == 2


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 5), st.integers(2, 9))
@settings(max_examples=100)
def test_large_units_overshoot_by_less_than_one_unit_and_singles_repair(
    seed: int, n: int, strata: int, largest: int
) -> None:
    rng = np.random.default_rng(seed)
    order, sizes, stratum = units(rng, n, strata, largest)
    singles = int(sizes.sum())
    order = np.r_[order, rng.integers(0, 2**63, singles).astype(np.uint64)]
    sizes, stratum = np.r_[sizes, np.ones(singles, np.int64)], np.r_[stratum, rng.integers(0, strata, singles)]
    targets = np.array(largest_remainder(int(sizes.sum()), [Fraction(7, 10), Fraction(3, 10)]), np.int64)
    split = assign(order, sizes, stratum, targets)
    assert np.bincount(split, weights=sizes, minlength=2).tolist() == targets.tolist()


@given(st.integers(0, 2**32), st.lists(st.integers(2, 9), min_size=20, max_size=60))
@settings(max_examples=100)
def test_large_units_alone_stay_within_one_unit_of_the_target(seed: int, sizes: list[int]) -> None:
    order = np.random.default_rng(seed).integers(0, 2**63, len(sizes)).astype(np.uint64) * np.uint64(2)
    targets = np.array(largest_remainder(sum(sizes), [Fraction(7, 10), Fraction(3, 10)]), np.int64)
    split = assign(order, np.array(sizes), np.zeros(len(sizes), np.int64), targets)
    assert np.abs(np.bincount(split, weights=sizes, minlength=2) - targets).max() < max(sizes)


def test_pairs_are_spread_over_the_strata() -> None:
    stratum = np.repeat(np.arange(5), 20)
    for seed in range(20):
        order = np.random.default_rng(seed).integers(0, 2**63, 100).astype(np.uint64) * np.uint64(2)
        split = assign(order, np.full(100, 2), stratum, np.array([160, 40]))
        assert np.bincount(stratum, weights=2 * split).tolist() == [8] * 5


def test_strata_do_not_overdraw_a_split() -> None:
    stratum = np.repeat(np.arange(20), 5)
    for seed in range(20):
        order = np.random.default_rng(seed).integers(0, 2**63, 100).astype(np.uint64) * np.uint64(2)
        split = assign(order, np.full(100, 2), stratum, np.array([170, 30]))
        assert 2 * split.sum() == 30


def test_copies_count_in_the_stratum_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []

    def spy(order: np.ndarray, sizes: np.ndarray, strata: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        seen.append([sizes.tolist(), strata.tolist()])
        return np.zeros(len(order), np.int64)

    monkeypatch.setattr("tamis.engine.splits.assign", spy)
    free, none = np.full(5, -1), np.zeros(5, np.bool_)
    root, strata = np.array([0, 1, 0, 1, 4]), np.array([2, 1, 0, 2, 0])
    place_rows(root, np.arange(5, dtype=np.uint64), strata, free, none, np.array([4, 1]))
    assert seen == [[[2, 2, 1], [2, 1, 0]]]


def test_few_large_units_leave_no_split_empty() -> None:
    sizes = np.array([5, 5])
    split = assign(np.array([1, 2], np.uint64), sizes, np.zeros(2, np.int64), np.array([9, 1]))
    assert sorted(split.tolist()) == [0, 1]


def test_rows_placed_before_count() -> None:
    split = assign(
        np.arange(6, dtype=np.uint64), np.ones(6, np.int64), np.zeros(6, np.int64), np.array([5, 5]), np.array([[0, 4]])
    )
    assert np.bincount(split).tolist() == [5, 1]


def test_the_order_of_units_changes_nothing() -> None:
    rng = np.random.default_rng(11)
    order, sizes, stratum = units(rng, 200, 7, 4)
    targets = np.array(largest_remainder(int(sizes.sum()), [Fraction(8, 10), TENTH, TENTH]), np.int64)
    split = assign(order, sizes, stratum, targets)
    mixed = rng.permutation(200)
    assert assign(order[mixed], sizes[mixed], stratum[mixed], targets).tolist() == split[mixed].tolist()


@given(st.data())
@settings(max_examples=50)
def test_components_are_what_flooding_finds(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 20))
    first = np.array([data.draw(st.integers(0, i)) for i in range(n)], np.int64)
    other = np.array([data.draw(st.integers(0, i)) for i in range(n)], np.int64)
    label = list(range(n))
    for _ in range(n):
        for i in range(n):
            for j in (first[i], other[i]):
                label[i] = label[j] = min(label[i], label[j])
    assert components(first, other).tolist() == label


@pytest.mark.parametrize(
    ("times", "targets", "expected"),
    [
        ([5, 1, 4, 2, 3], [4, 1], [1, 0, 0, 0, 0]),
        ([1, 1, 1, 1, 2], [3, 2], [0, 0, 0, 0, 1]),
        ([1, 2, 2, 2, 2], [4, 1], [0, 1, 1, 1, 1]),
        ([1, 2, 3], [3, 0], [0, 0, 0]),
        ([1, 2, 3, 3], [1, 1, 2], [0, 1, 2, 2]),
        ([1, 1, 2, 3], [4, 1, 1], [0, 0, 1, 2]),
        ([7, 7], [1, 1], [0, 0]),
        ([], [0, 0], []),
    ],
)
def test_cuts_by_time(times: list[int], targets: list[int], expected: list[int]) -> None:
    assert cut_by_time(np.array(times, np.int64), np.array(targets, np.int64)).tolist() == expected


@given(
    data=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2**64 - 1) | st.sampled_from([5, 5 << 16, 6]), st.integers(0, 2)),
        max_size=40,
    )
)
def test_rows_take_their_turn_as_the_slow_sort_has_it(data: list[tuple[int, int, int]]) -> None:
    strata = np.array([one for one, _, _ in data], np.int64)
    order = np.array([one for _, one, _ in data], np.uint64)
    cells = np.zeros((4, 3), np.int64)
    for stratum, _, split in data:
        cells[stratum, split] += 1
    expected = [-1] * len(data)
    left = cells.tolist()
    for row in sorted(range(len(data)), key=lambda k: (data[k][:2], k)):
        split = next(s for s in range(3) if left[data[row][0]][s])
        left[data[row][0]][split] -= 1
        expected[row] = split
    assert in_turn(strata, order, cells).tolist() == expected


@given(
    data=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 2**64 - 1)), min_size=1, max_size=40),
    shares=st.lists(st.integers(0, 40), min_size=1, max_size=3),
)
def test_rows_of_which_none_is_settled_go_where_the_long_way_puts_them(
    data: list[tuple[int, int, int]], shares: list[int]
) -> None:
    n = len(data)
    named = [one for one, _, _ in data]
    root = np.array([named.index(one) for one in named], np.int64)
    strata = np.array([one for _, one, _ in data], np.int64)
    order = np.array([one for _, _, one in data], np.uint64)
    targets = np.array([n - min(n, sum(shares)), *shares], np.int64)
    free, none = np.full(n, -1, np.int64), np.zeros(n, np.bool_)
    short = place_rows(root, order, strata, free, none, targets)
    # a golden row at the end belongs to no split, and makes no difference but the way taken
    golden = np.append(free, len(targets))
    long = place_rows(
        np.append(root, n),
        np.append(order, np.uint64(0)),
        np.append(strata, 0),
        golden,
        np.append(none, False),
        targets,
    )
    assert short.tolist() == long[:n].tolist()
