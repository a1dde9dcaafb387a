"""How much of each group a mix takes: exact, and never more epochs than allowed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.allocate import largest_remainder
from tamis.engine.mixing import shares, times

GROUPS = st.integers(1, 5).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 60), min_size=n, max_size=n),
        st.lists(st.fractions(0, 20, max_denominator=7), min_size=n, max_size=n).filter(any),
    )
)


@given(GROUPS, st.integers(1, 400), st.fractions("1/10", 6, max_denominator=10), st.booleans())
def test_every_group_gives_its_part_or_all_it_may(
    groups: tuple[list[int], list[Fraction]], total: int, epochs: Fraction, fill: bool
) -> None:
    supply, weights = groups
    found = shares(supply, weights, total, epochs, fill=fill)
    want = largest_remainder(total, weights)
    most = [int(epochs * some) for some in supply]
    assert sum(want) == total
    assert found.short == [max(0, w - m) for w, m in zip(want, most, strict=True)]
    for k, took in enumerate(found.take):
        assert took <= most[k]
        assert took >= min(want[k], most[k])
        if not fill:
            assert took == min(want[k], most[k])
        if not weights[k]:
            assert took == 0
    if fill:  # the total holds whenever it can
        can = sum(m for m, w in zip(most, weights, strict=True) if w)
        assert sum(found.take) == min(total, can)


@given(GROUPS, st.fractions("1/10", 6, max_denominator=10))
def test_as_much_as_can_be_had_lacks_nothing(groups: tuple[list[int], list[Fraction]], epochs: Fraction) -> None:
    supply, weights = groups
    found = shares(supply, weights, None, epochs, fill=False)
    assert not any(found.short)
    total = sum(found.take)
    exact = [(total + len(supply)) * w / sum(weights) for w in weights]
    most = [int(epochs * some) for some in supply]
    # a few rows more, and some group's exact part is more than it can give
    assert any(e > m for e, m in zip(exact, most, strict=True))


def slowly(group: list[int], order: list[int], take: list[int], size: list[int]) -> list[int]:
    """Row by row, epoch after epoch, until the next does not fit."""
    found = [0] * len(group)
    for k, wanted in enumerate(take):
        mine = [row for row in order if group[row] == k]
        while sum(size[row] for row in mine) and wanted >= 0:
            for row in mine:
                if size[row] > wanted:
                    wanted = -1
                    break
                found[row] += 1
                wanted -= size[row]
            if wanted == 0 and all(size[row] for row in mine):
                break
    return found


@given(st.data())
def test_whole_epochs_first_then_rows_in_order_as_far_as_they_fit(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 20))
    group = data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n))
    order = data.draw(st.permutations(range(n)))
    take = data.draw(st.lists(st.integers(0, 90), min_size=3, max_size=3))
    size = data.draw(st.one_of(st.just([1] * n), st.lists(st.integers(1, 9), min_size=n, max_size=n)))
    given_size = None if size == [1] * n else np.array(size, np.int64)
    found = times(np.array(group, np.int64), np.array(order, np.int64), take, given_size)
    assert found.tolist() == slowly(group, list(order), take, size)


def test_a_group_without_text_gives_none() -> None:
    assert times(np.zeros(3, np.int64), np.arange(3), [10], np.zeros(3, np.int64)).tolist() == [0, 0, 0]


def test_weights_are_exact() -> None:
    found = shares([100] * 3, [Fraction("0.1"), Fraction("0.2"), Fraction("0.7")], 10, Fraction(1), fill=False)
    assert found.take == [1, 2, 7]
