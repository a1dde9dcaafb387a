"""How many rows each value of a column lacks, and which rows are asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from typing import NamedTuple

import numpy as np
import polars as pl

from ._shared import Held, mixed, pool_numbers


class Job(NamedTuple):
    """One call: `count` requests of a label, shown others of `group` (row numbers); `number` tells calls apart."""

    label: str
    count: int
    number: int


class Plan(NamedTuple):
    """short: label → rows it lacks; jobs: lower half of a row's id → its calls; groups: label → its rows' numbers."""

    short: dict[str, int]
    jobs: dict[int, list[Job]]
    groups: dict[str, list[int]]


def shortages(counts: Mapping[str, int], plan: Mapping[str, float] | str, total: int | None) -> dict[str, int]:
    """How many rows each label lacks. plan: rows, or shares (all at most 1) of `total`, or `even`.

    Without `total`, shares are of the least number of rows in which no label has more than its share.

    >>> shortages({"a": 6, "b": 1}, {"a": 0.5, "b": 0.25, "c": 0.25}, None)
    {'a': 0, 'b': 2, 'c': 3}
    >>> shortages({"a": 6, "b": 1}, {"b": 4}, None)
    {'b': 3}
    >>> shortages({"a": 6, "b": 1}, "even", None)
    {'a': 0, 'b': 5}
    """
    if isinstance(plan, str):
        most = max(counts.values(), default=0)
        return {label: most - count for label, count in sorted(counts.items())}
    if total is None and not are_shares(plan):
        return {label: max(0, int(wanted) - counts.get(label, 0)) for label, wanted in plan.items()}
    whole = total or ceil(max((counts.get(label, 0) / share for label, share in plan.items() if share), default=0))
    return {label: max(0, round(share * whole) - counts.get(label, 0)) for label, share in plan.items()}


def are_shares(plan: Mapping[str, float]) -> bool:
    """Whether a plan's numbers are shares: none is above 1, and they come to 1."""
    return all(value <= 1 for value in plan.values()) and abs(sum(plan.values()) - 1) < 1e-6


@lru_cache(maxsize=4)
def _planned(labels: Held, ids: Held, told: tuple[object, ...]) -> Plan:
    settings, total, count, spare, seed = told
    plan = settings if isinstance(settings, str) else dict(settings)  # type: ignore[call-overload]
    values = labels.series.cast(pl.String).to_list()
    groups: dict[str, list[int]] = {}
    for number, value in enumerate(values):
        if value is not None:
            groups.setdefault(value, []).append(number)
    short = shortages({label: len(rows) for label, rows in groups.items()}, plan, total)  # type: ignore[arg-type]
    numbers = pool_numbers({"id": ids.series})
    draw = mixed(numbers, int(seed))  # type: ignore[call-overload]
    jobs: dict[int, list[Job]] = {}
    for label, lacking in short.items():
        rows = np.array(groups.get(label) or range(len(values)), np.int64)
        rows = rows[np.argsort(draw[rows], kind="stable")]
        calls = ceil(lacking * (1 + float(spare)) / int(count)) if len(rows) else 0  # type: ignore[arg-type, call-overload]
        for number in range(calls):
            jobs.setdefault(int(numbers[rows[number % len(rows)]]), []).append(Job(label, int(count), number))  # type: ignore[call-overload]
    return Plan(short, jobs, groups)


def planned(
    pool: Mapping[str, pl.Series], by: str, plan: Mapping[str, float] | str, total: int | None, *, count: int,
    spare: float, seed: int,
) -> Plan:  # fmt: skip
    """The plan over all rows of a pool, made once for the pool."""
    settings = plan if isinstance(plan, str) else tuple(plan.items())
    return _planned(Held(pool[by]), Held(pool["id"]), (settings, total, count, spare, seed))
