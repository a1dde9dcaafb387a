"""From quotas as the recipe writes them to bounds on groups of cells."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

import numpy as np

from tamis.engine.allocate import largest_remainder
from tamis.engine.quotas import Quota, Shortage

from ._draw import NO_VALUE

#: no bound
ANY = 1 << 40


class Written(Protocol):
    """A quota as the recipe has it."""

    @property
    def shares(self) -> dict[str, float]: ...
    @property
    def counts(self) -> dict[str, int]: ...
    @property
    def each(self) -> int | None: ...
    @property
    def at_least(self) -> int: ...
    @property
    def at_most(self) -> int | None: ...
    def columns(self) -> tuple[str, ...]: ...


def quota_of(quota: Written, names: Sequence[str], values: Sequence[tuple[str | None, ...]], rows: int | None) -> Quota:
    """The bounds on each group. A group that is named and has no row stands last, with no cell in it."""
    at = [names.index(name) for name in quota.columns()]
    number: dict[str, int] = {}
    groups = [
        number.setdefault(" | ".join(NO_VALUE if value[k] is None else str(value[k]) for k in at), len(number))
        for value in values
    ]
    for name in (*quota.shares, *quota.counts):
        number.setdefault(name, len(number))
    shared = _of_shares(quota, rows)
    closed = bool(quota.shares) and abs(sum(quota.shares.values()) - 1) < 1e-9
    low, high = [], []
    for name in number:
        fixed = shared.get(name, quota.counts.get(name, quota.each))
        if fixed is not None:
            low.append(fixed)
            high.append(fixed)
        elif closed:
            low.append(0)
            high.append(0)
        else:
            low.append(quota.at_least)
            high.append(ANY if quota.at_most is None else quota.at_most)
    told = tuple(f"{', '.join(quota.columns())} {name}" for name in number)
    return Quota(
        np.array(groups, np.int64), np.array(low, np.int64), np.array(high, np.int64), told, frozenset(quota.columns())
    )


def _of_shares(quota: Written, rows: int | None) -> dict[str, int]:
    """Rows of each share: of all rows if the shares are all there is, else rounded as they stand."""
    if not quota.shares or rows is None:
        return {}
    exact = [Fraction(str(share)) for share in quota.shares.values()]
    rest = max(Fraction(0), 1 - sum(exact, Fraction(0)))
    counts = largest_remainder(rows, [*exact, rest])
    return dict(zip(quota.shares, counts, strict=False))


def shortage_text(shortages: Sequence[Shortage]) -> str:
    """'cluster 3 is short of 5 rows (20 asked, 15 there)', for the first few."""
    told = [
        f"{one.group} is short of {one.missing:,} row{'s' if one.missing != 1 else ''} "
        f"({one.asked:,} asked, {one.given:,} drawn, {one.supply:,} there)"
        for one in shortages[:8]
    ]
    more = f"; and {len(shortages) - 8} more groups" if len(shortages) > 8 else ""
    return "; ".join(told) + more
