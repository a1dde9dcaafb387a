"""Plans: how many rows each cell gives, so that every quota over every grouping holds, exactly, or is told to be short.

A *cell* is a combination of values of all columns the quotas name. Quotas whose columns contain each other are nested and
form a tree; two such trees are the two sides of one flow (rows go from the first tree's groups through cells to the
second's), whose integrality theorem makes the counts whole. Three or more groupings that cross are no flow; they are
solved as an integer program by HiGHS, where SciPy is installed.

Among all counts that satisfy the quotas, those nearest to the given `target` per cell are taken (by default each cell's
share of the supply after the quotas are fitted to it, largest remainder first), so that nothing is left to the solver's taste.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import MissingExtra

from .allocate import largest_remainder

#: what a unit is worth, in order: a missing row of a group, a row of the total, a row of a cell that has hardly any,
#: a 1/1024 row where the target wants it
SHORT, ROW, RARE, NEAR = 1 << 40, 1 << 20, 1 << 18, 1


@dataclass(frozen=True)
class Quota:
    """Bounds for each group of one grouping of the cells.

    groups: (cells,) int64, the group of each cell; low, high: (groups,) int64; names: per group, what people call it.
    """

    groups: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    names: tuple[str, ...]
    columns: frozenset[str]


class Shortage(NamedTuple):
    """A group that does not get what its quota asks: its name, what is asked, what it gets, what there is of it."""

    group: str
    asked: int
    given: int
    supply: int

    @property
    def missing(self) -> int:
        return self.asked - self.given


class Plan(NamedTuple):
    """counts: (cells,) int64, rows taken of each cell; shortages: groups below their quota, in the quotas' order."""

    counts: NDArray[np.int64]
    shortages: list[Shortage]


def solve(supply: NDArray[np.int64], quotas: Sequence[Quota], total: int | None, *, rare: int = 0) -> Plan:
    """Counts per cell. supply: (cells,) int64, rows there are; total: rows wanted in all, None for as many as may be;
    rare: rows of each cell that are taken before any cell gets more, as far as quotas and total allow.

    First as few rows as possible are missing from the quotas' lower bounds and the total, never a row above an upper
    bound; then the counts are as near to the cells' fitted shares as they can be.
    """
    supply = np.asarray(supply, np.int64)
    want = int(supply.sum()) if total is None else total
    target = fitted(supply, quotas, want)
    sides = _sides(quotas)
    counts = _milp(supply, quotas, want, target, rare) if sides is None else _flow(supply, sides, want, target, rare)
    return Plan(counts, _shortages(supply, quotas, counts, total))


def _shortages(
    supply: NDArray[np.int64], quotas: Sequence[Quota], counts: NDArray[np.int64], total: int | None
) -> list[Shortage]:
    found = []
    for quota in quotas:
        given = np.bincount(quota.groups, counts, len(quota.low)).astype(np.int64)
        there = np.bincount(quota.groups, supply, len(quota.low)).astype(np.int64)
        for k in np.flatnonzero(given < quota.low).tolist():
            found.append(Shortage(quota.names[k], int(quota.low[k]), int(given[k]), int(there[k])))
    if total is not None and int(counts.sum()) < total:
        found.append(Shortage("rows", total, int(counts.sum()), int(supply.sum())))
    return found


# -- what each cell should give -----------------------------------------------------------------


def fitted(supply: NDArray[np.int64], quotas: Sequence[Quota], want: int, rounds: int = 60) -> NDArray[np.int64]:
    """Each cell's fair part in 1/1024 rows: the supply, scaled until groups meet their bounds (iterative proportional
    fitting, Deming and Stephan 1940). Plain loops over integers and float64 divisions, so it is the same anywhere."""
    part = supply.astype(np.float64)
    bounds = [
        *quotas,
        Quota(np.zeros(len(supply), np.int64), np.array([want]), np.array([want]), ("rows",), frozenset()),
    ]
    for _ in range(rounds):
        moved = False
        for quota in bounds:
            sums = [0.0] * len(quota.low)
            for cell, group in enumerate(quota.groups.tolist()):
                sums[group] += part[cell]
            scale = np.ones(len(sums))
            for group, one in enumerate(sums):
                goal = min(max(one, float(quota.low[group])), float(quota.high[group]))
                if one > 0 and abs(goal - one) > 1e-9 * one:
                    scale[group], moved = goal / one, True
            part = np.minimum(part * scale[quota.groups], supply)
        if not moved:
            break
    return np.minimum(np.rint(part * 1024).astype(np.int64), supply * 1024)


def tempered(supply: NDArray[np.int64], total: int, temperature: float) -> NDArray[np.int64]:
    """`total` rows over groups in proportion to supply ** (1 / temperature), none above its supply.

    Weights are rounded to 40 bits before anything is decided by them, so that no machine's power function matters.
    """
    weights = [Fraction(round(float(n) ** (1.0 / temperature) * (1 << 20)), 1 << 20) for n in supply.tolist()]
    counts = np.zeros(len(supply), np.int64)
    open_ = [k for k in range(len(supply)) if supply[k]]
    left = min(total, int(supply.sum()))
    while left and open_:
        parts = largest_remainder(left, [weights[k] for k in open_])
        full = [k for k, part in zip(open_, parts, strict=True) if part >= supply[k]]
        if not full:
            counts[open_] = parts
            break
        counts[full] = supply[full]
        left -= int(supply[full].sum())
        open_ = [k for k in open_ if k not in set(full)]
    return counts


# -- as a flow ----------------------------------------------------------------------------------


def _sides(quotas: Sequence[Quota]) -> tuple[list[Quota], list[Quota]] | None:
    """The quotas as two chains, each from coarse to fine; None where they cross in more than two ways."""
    for choice in product((0, 1), repeat=len(quotas)):
        sides: tuple[list[Quota], list[Quota]] = ([], [])
        for quota, number in zip(quotas, choice, strict=True):
            sides[number].append(quota)
        for chain in sides:
            chain.sort(key=lambda quota: len(quota.columns))
        if all(a.columns <= b.columns for chain in sides for a, b in pairwise(chain)):
            return sides
    return None


class _Arcs:
    """Arcs with their reverses, as the kernel has them."""

    def __init__(self) -> None:
        self.tails: list[int] = []
        self.heads: list[int] = []
        self.room: list[int] = []
        self.cost: list[int] = []

    def add(self, tail: int, head: int, room: int, cost: int) -> int:
        place = len(self.tails)
        if room > 0:
            self.tails += [tail, head]
            self.heads += [head, tail]
            self.room += [room, 0]
            self.cost += [cost, -cost]
        return place

    def bounded(self, tail: int, head: int, low: int, high: int) -> None:
        """An arc whose first `low` units are worth more than anything else."""
        self.add(tail, head, min(low, high), -SHORT)
        self.add(tail, head, high - min(low, high), 0)


def _flow(
    supply: NDArray[np.int64], sides: tuple[list[Quota], list[Quota]], want: int, target: NDArray[np.int64], rare: int
) -> NDArray[np.int64]:
    from .kernels.flow import cheapest_flow

    cells = len(supply)
    arcs = _Arcs()
    count = 4 + 2 * cells  # source, sink, the roots of both trees, and two nodes a cell
    source, sink, top, bottom = range(4)

    def enter(cell: int) -> int:
        return 4 + cell

    def leave(cell: int) -> int:
        return 4 + cells + cell

    arcs.add(source, top, want, -ROW)
    arcs.add(bottom, sink, want, 0)
    for side, (root, chain) in enumerate(zip((top, bottom), sides, strict=True)):
        above = np.full(cells, root, np.int64)
        for quota in chain:
            below = count + quota.groups
            count += len(quota.low)
            tied: dict[int, int] = {}
            for cell in range(cells):
                tied.setdefault(int(below[cell]), int(above[cell]))
            for group, parent in tied.items():
                k = group - int(below[0] - quota.groups[0])
                pair = (parent, group) if side == 0 else (group, parent)
                arcs.bounded(*pair, int(quota.low[k]), int(quota.high[k]))
            above = below
        for cell in range(cells):
            pair = (int(above[cell]), enter(cell)) if side == 0 else (leave(cell), int(above[cell]))
            arcs.add(*pair, int(supply[cell]), 0)
    places = [
        [
            arcs.add(enter(cell), leave(cell), room, cost)
            for room, cost in _steps(int(supply[cell]), int(target[cell]), rare)
        ]
        for cell in range(cells)
    ]
    room = np.array(arcs.room, np.int64)
    cheapest_flow(
        count,
        np.array(arcs.tails, np.int32),
        np.array(arcs.heads, np.int32),
        room,
        np.array(arcs.cost, np.int64),
        source,
        sink,
    )
    counts = np.zeros(cells, np.int64)
    for cell, mine in enumerate(places):
        ends = [*mine[1:], mine[-1] + 2] if mine else []
        counts[cell] = sum(int(room[place + 1]) for place, end in zip(mine, ends, strict=True) if end > place)
    return counts


def _steps(supply: int, target: int, rare: int) -> list[tuple[int, int]]:
    """A cell's rows as steps of rising cost: the rare ones, up to its fair part, the part of a row, then beyond it in
    doubling steps."""
    first = min(rare, supply)
    whole, rest = divmod(target, 1024)
    steps = [(first, -RARE), (max(0, min(whole, supply) - first), -2048 * NEAR)]
    left = supply - steps[0][0] - steps[1][0]
    if left:
        steps.append((1, -rest * NEAR))
        left -= 1
    size, cost = max(1, whole), 1024 * NEAR
    while left > 0:
        steps.append((min(size, left), cost))
        left -= steps[-1][0]
        size, cost = size * 2, cost + 1024 * NEAR
    return [(room, cost) for room, cost in steps if room]


# -- as an integer program ----------------------------------------------------------------------


def _milp(
    supply: NDArray[np.int64], quotas: Sequence[Quota], want: int, target: NDArray[np.int64], rare: int
) -> NDArray[np.int64]:
    """The same by HiGHS: one variable for each cell, one for what each group lacks, one for each cell's distance."""
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import coo_array
    except ImportError:
        raise MissingExtra("a plan over three or more groupings that cross", "cluster") from None
    cells = len(supply)
    groups = [(quota, k) for quota in quotas for k in range(len(quota.low))]
    first = np.minimum(rare, supply)
    # per cell: its rows, its distance from the fair part, how many of its first rows it lacks; per group: what it lacks
    n = cells * 3 + len(groups)
    fair = target / 1024.0
    rows: list[tuple[list[int], list[float], float, float]] = []
    for index, (quota, k) in enumerate(groups):
        mine = np.flatnonzero(quota.groups == k).tolist()
        rows.append(([*mine, cells * 3 + index], [1.0] * (len(mine) + 1), float(quota.low[k]), np.inf))
        rows.append((mine, [1.0] * len(mine), -np.inf, float(quota.high[k])))
    rows.append((list(range(cells)), [1.0] * cells, -np.inf, float(want)))
    for cell in range(cells):
        rows.append(([cell, cells + cell], [1.0, -1.0], -np.inf, fair[cell]))
        rows.append(([cell, cells + cell], [1.0, 1.0], fair[cell], np.inf))
        rows.append(([cell, cells * 2 + cell], [1.0, 1.0], float(first[cell]), np.inf))
    where = [(number, column) for number, (columns, _, _, _) in enumerate(rows) for column in columns]
    values = [value for _, some, _, _ in rows for value in some]
    at, of = zip(*where, strict=True)
    matrix = coo_array((values, (at, of)), shape=(len(rows), n)).tocsc()
    tie = np.arange(cells) / max(1, cells) * 1e-4
    objective = np.concatenate([-1000.0 + tie, np.ones(cells), np.full(cells, 30.0), np.full(len(groups), 100_000.0)])
    upper = np.concatenate([supply, np.full(cells * 2, np.inf), [float(quota.low[k]) for quota, k in groups]])
    found = milp(
        objective,
        constraints=LinearConstraint(matrix, [low for _, _, low, _ in rows], [high for _, _, _, high in rows]),
        integrality=np.concatenate([np.ones(cells), np.zeros(cells * 2), np.ones(len(groups))]),
        bounds=Bounds(np.zeros(n), upper),
    )
    counts: NDArray[np.int64] = np.rint(found.x[:cells]).astype(np.int64)
    return counts
