"""How many rows each value of a column lacks, and which rows are asked for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from tamis.core.calls import Answer

from ._pool import Held, mixed, pool_numbers
from ._prompts import counted
from ._shared import user
from ._texts import problem


class Job(NamedTuple):
    """One call for requests of a label; `number` tells its calls apart."""

    label: str
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
def _planned(labels: Held, ids: Held, told: tuple[Any, ...]) -> Plan:
    settings, total, asked, spare, seed = told
    plan = settings if isinstance(settings, str) else dict(settings)
    values = labels.series.cast(pl.String).to_list()
    groups: dict[str, list[int]] = {}
    for number, value in enumerate(values):
        if value is not None:
            groups.setdefault(value, []).append(number)
    short = shortages({label: len(rows) for label, rows in groups.items()}, plan, total)
    numbers = pool_numbers({"id": ids.series})
    draw = mixed(numbers, int(seed))
    jobs: dict[int, list[Job]] = {}
    for label, lacking in short.items():
        rows = np.array(groups.get(label) or range(len(values)), np.int64)
        rows = rows[np.argsort(draw[rows], kind="stable")]
        calls = ceil(lacking * (1 + float(spare)) / int(asked)) if len(rows) else 0
        for number in range(calls):
            jobs.setdefault(int(numbers[rows[number % len(rows)]]), []).append(Job(label, number))
    return Plan(short, jobs, groups)


def planned(
    pool: Mapping[str, pl.Series], by: str, plan: Mapping[str, float] | str, total: int | None, *, asked: int,
    spare: float, seed: int,
) -> Plan:  # fmt: skip
    """The plan over all rows of a pool, made once for the pool."""
    settings = plan if isinstance(plan, str) else tuple(plan.items())
    return _planned(Held(pool[by]), Held(pool["id"]), (settings, total, asked, spare, seed))


def filled(answers: Sequence[Answer], by: str, threshold: float) -> list[Answer]:
    """The answers of all rows in row order, with what is new and still lacking in them as rows to be born.

    Each tells, under `told`, what is lacking after all.
    """
    from tamis.engine.novelty import Seen

    seen, short = Seen(threshold), dict[str, int]()
    for value in (answer.value for answer in answers if answer.value is not None):
        seen.add(value["seed"])
        short |= value["short"]
    left = dict(short)
    taken = [None if answer.value is None else _taken(answer.value, seen, left) for answer in answers]
    told = [f"{by} {label!r}: {n} of {short[label]} rows are still lacking" for label, n in sorted(left.items()) if n]
    return [a if t is None else Answer({**t, "told": told}) for a, t in zip(answers, taken, strict=True)]


def _taken(value: dict[str, Any], seen: Any, left: dict[str, int]) -> dict[str, Any]:
    taken, problems = [], dict(value["problems"])
    for one in value["made"]:
        wrong = problem(one["text"]) or (None if left.get(one["label"]) else "surplus")
        wrong = wrong or ("not_novel" if seen.take(one["text"]) else None)
        if wrong:
            counted(problems, wrong)
        else:
            left[one["label"]] -= 1
            taken.append({**one, "messages": user(one["text"])})
    return {"received": len(value["made"]), "problems": problems, "born": taken}
