"""Plans hold exactly whenever they can; where they cannot, what is short has a name and a number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.quotas import Quota, solve

scipy = pytest.importorskip("scipy.optimize")


def quota(groups: Sequence[int], low: Sequence[int], high: Sequence[int], column: str) -> Quota:
    names = tuple(f"{column}={k}" for k in range(len(low)))
    columns = frozenset(column.split("+"))
    return Quota(np.array(groups, np.int64), np.array(low, np.int64), np.array(high, np.int64), names, columns)


def least_missing(supply: Any, quotas: Sequence[Quota], want: int) -> tuple[int, int]:
    """By an integer program: fewest rows missing from the lower bounds, then the most rows in all."""
    cells, lacks = len(supply), sum(len(q.low) for q in quotas)
    rows, low, high = [], [], []
    index = cells
    for q in quotas:
        for k in range(len(q.low)):
            mine = np.zeros(cells + lacks)
            mine[:cells][q.groups == k] = 1
            rows.append(mine.copy())
            low.append(-np.inf)
            high.append(q.high[k])
            mine[index] = 1
            rows.append(mine)
            low.append(q.low[k])
            high.append(np.inf)
            index += 1
    rows.append(np.r_[np.ones(cells), np.zeros(lacks)])
    low.append(-np.inf)
    high.append(want)
    cost = np.r_[-np.ones(cells), np.full(lacks, 10_000.0)]
    found = scipy.milp(
        cost,
        constraints=scipy.LinearConstraint(np.array(rows), low, high),
        integrality=np.ones(cells + lacks),
        bounds=scipy.Bounds(np.zeros(cells + lacks), np.r_[supply, np.full(lacks, np.inf)]),
    )
    x = np.rint(found.x).astype(int)
    return int(x[cells:].sum()), int(x[:cells].sum())


def check(supply: Any, quotas: Sequence[Quota], total: int, rare: int = 0) -> None:
    plan = solve(supply, quotas, total, rare=rare)
    assert (plan.counts >= 0).all()
    assert (plan.counts <= supply).all()
    for q in quotas:
        assert (np.bincount(q.groups, plan.counts, len(q.low)) <= q.high).all()
    missing, rows = least_missing(supply, quotas, total)
    told = {short.group: short.missing for short in plan.shortages}
    short_rows = told.pop("rows", 0)
    assert sum(told.values()) == missing
    assert int(plan.counts.sum()) == rows
    assert short_rows == total - rows
    for q in quotas:
        for k, name in enumerate(q.names):
            given_rows = int(plan.counts[q.groups == k].sum())
            assert told.get(name, 0) == max(0, int(q.low[k]) - given_rows)


@st.composite
def grids(draw: Any, *, three: bool = False) -> tuple[Any, list[Quota], int, int]:
    a, b = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    c = draw(st.integers(2, 3)) if three else 1
    cells = a * b * c
    supply = np.array(draw(st.lists(st.integers(0, 9), min_size=cells, max_size=cells)), np.int64)
    axes = {
        "a": np.repeat(np.arange(a), b * c),
        "b": np.tile(np.repeat(np.arange(b), c), a),
        "c": np.tile(np.arange(c), a * b),
    }
    axes["a+b"] = axes["a"] * b + axes["b"]
    names = draw(st.sampled_from([["a", "b", "c"]] if three else [["a"], ["a", "b"], ["a", "a+b"], ["a", "b", "a+b"]]))
    quotas = []
    for name in names:
        groups = axes[name]
        count = int(groups.max()) + 1
        low = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
        high = [one + draw(st.integers(0, 6)) for one in low]
        quotas.append(quota(groups.tolist(), low, high, name))
    return supply, quotas, draw(st.integers(0, 40)), draw(st.integers(0, 2))


@given(grids())
def test_a_plan_is_as_full_as_any_can_be(case: tuple[Any, list[Quota], int, int]) -> None:
    check(*case)


@given(grids(three=True))
def test_three_groupings_that_cross_are_solved_too(case: tuple[Any, list[Quota], int, int]) -> None:
    supply, quotas, total, rare = case
    check(supply, quotas, total, rare)


def test_crossing_quotas_hold_together() -> None:
    supply = np.array([500, 300, 40, 10, 200, 900, 5, 60])
    kinds = quota([0, 0, 0, 0, 1, 1, 1, 1], [40, 40], [40, 40], "kind")
    clusters = quota([0, 1, 2, 3] * 2, [20] * 4, [20] * 4, "cluster")
    plan = solve(supply, [kinds, clusters], 80)
    assert plan.shortages == []
    assert plan.counts.reshape(2, 4).sum(1).tolist() == [40, 40]
    assert plan.counts.reshape(2, 4).sum(0).tolist() == [20] * 4


def test_what_is_short_is_told_by_name_and_number() -> None:
    supply = np.array([100, 3, 100])
    plan = solve(supply, [quota([0, 1, 2], [20] * 3, [20] * 3, "cluster")], 60)
    assert [(short.group, short.missing, short.supply) for short in plan.shortages] == [
        ("cluster=1", 17, 3),
        ("rows", 17, 203),
    ]
    assert plan.counts.tolist() == [20, 3, 20]


def test_what_quotas_leave_open_goes_by_share() -> None:
    supply = np.array([600, 300, 100])
    assert solve(supply, [], 100).counts.tolist() == [60, 30, 10]
    assert solve(supply, [], 7).counts.tolist() == [4, 2, 1]
    assert solve(np.array([1000, 1]), [], 10).counts.tolist() == [10, 0]
    assert solve(np.array([1000, 1]), [], 10, rare=1).counts.tolist() == [9, 1]


def test_many_cells_are_quick_enough_to_plan_with() -> None:
    rng = np.random.default_rng(0)
    kinds, clusters = 20, 300
    supply = rng.integers(0, 50, kinds * clusters)
    rows = quota(np.repeat(np.arange(kinds), clusters).tolist(), [clusters] * kinds, [clusters] * kinds, "kind")
    columns = quota(np.tile(np.arange(clusters), kinds).tolist(), [kinds] * clusters, [kinds] * clusters, "cluster")
    plan = solve(supply, [rows, columns], kinds * clusters)
    assert plan.shortages == []
    assert (plan.counts.reshape(kinds, clusters).sum(1) == clusters).all()
    assert (plan.counts.reshape(kinds, clusters).sum(0) == kinds).all()
