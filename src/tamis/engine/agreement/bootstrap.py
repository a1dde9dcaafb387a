"""Intervals by resampling rows, or whole groups of rows, with replacement.

A figure is a function of *weights*: how often each kind of row is there. So 2,000 resamples are one table of counts,
(resamples, kinds), and the figure is computed for all of them at once. Counts are whole numbers, so that no sum depends
on how many threads made it.

Sources: B. Efron, Better bootstrap confidence intervals, JASA 82 (1987) 171-185, for the bias-corrected and accelerated
interval (BCa); A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (1997), section 2.4, for resampling
whole groups where rows of a group are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .codes import Codes, Floats

Method = Literal["percentile", "bca"]
#: (resamples, kinds) counts → name → (resamples,) figures, NaN where a figure is not defined
Statistic = Callable[[Floats], Mapping[str, Floats]]

RESAMPLES = 2000
LEVEL = 0.95
#: cells of one table of counts: 32 MB
_CELLS = 1 << 22
#: more units than this are not left out one by one: BCa becomes percentile
_JACKKNIFE = 3000
_NORMAL = NormalDist()


class Estimate(NamedTuple):
    """A figure with its interval. None: not defined; `method`: how the interval was made, `none` where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = "none"

    def told(self) -> dict[str, float | str | None]:
        """As a plain mapping."""
        return self._asdict()


class Units(NamedTuple):
    """What is drawn: (units, kinds) how many rows of each kind are in a unit. A unit is a row, or a group of rows."""

    kinds: int
    totals: Floats
    rows: Codes
    table: Floats | None


def units_of(kinds: int, of_row: Codes, groups: Codes | None = None) -> Units:
    """Rows by kind; with `groups`, (n,) codes from 0, rows of a group are drawn together."""
    totals = np.bincount(of_row, minlength=kinds).astype(np.float64)
    if groups is None:
        return Units(kinds, totals, of_row, None)
    _, dense = np.unique(groups, return_inverse=True)
    count = int(dense.max()) + 1 if len(dense) else 0
    flat = np.bincount(dense.reshape(-1) * kinds + of_row, minlength=count * kinds)
    return Units(kinds, totals, of_row, flat.reshape(count, kinds).astype(np.float64))


def resampled(units: Units, resamples: int, seed: int) -> Iterator[Floats]:
    """(some, kinds) counts, together `resamples` of them. The same for the same seed."""
    random = np.random.Generator(np.random.PCG64(seed))
    size = len(units.rows) if units.table is None else len(units.table)
    few = units.table is None and units.kinds * 8 < size
    step = max(1, _CELLS // max(units.kinds, 1 if few else size, 1))
    for start in range(0, resamples, step):
        some = min(step, resamples - start)
        if few:
            yield random.multinomial(size, units.totals / size, some).astype(np.float64)
            continue
        drawn = random.integers(0, size, (some, size))
        width = units.kinds if units.table is None else size
        of = units.rows[drawn] if units.table is None else drawn
        of += np.arange(some)[:, None] * width
        counts = np.bincount(of.reshape(-1), minlength=some * width).reshape(some, width).astype(np.float64)
        yield counts if units.table is None else counts @ units.table


def estimate(
    statistic: Statistic,
    units: Units,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
    level: float = LEVEL,
) -> dict[str, Estimate]:
    """Each figure of `statistic` with its interval. Resamples for which a figure is not defined are left out of its
    interval; where more than half are, it has none.

    >>> units = units_of(2, np.array([0] * 20 + [1] * 80))
    >>> share = estimate(lambda w: {"share": w[:, 1] / w.sum(axis=1)}, units)["share"]
    >>> share.value, 0.70 < share.low < 0.74, 0.86 < share.high < 0.89
    (0.8, True, True)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        points = {name: float(values[0]) for name, values in statistic(units.totals[None, :]).items()}
        size = len(units.rows) if units.table is None else len(units.table)
        if resamples < 1 or size < 2:
            return {name: Estimate(_defined(value)) for name, value in points.items()}
        drawn = _concatenated([statistic(weights) for weights in resampled(units, resamples, seed)])
        left_out, times = _left_out(statistic, units, size) if method == "bca" else ({}, np.zeros(0))
    found = {}
    for name, point in points.items():
        values = np.sort(drawn[name][np.isfinite(drawn[name])])
        if not np.isfinite(point) or len(values) * 2 < resamples:
            found[name] = Estimate(_defined(point))
            continue
        ends = ((1 - level) / 2, (1 + level) / 2)
        kind: str = "percentile"
        if name in left_out and (moved := _moved(values, point, left_out[name], times, ends)) is not None:
            ends, kind = moved, "bca"
        low, high = (float(q) for q in np.quantile(values, ends))
        found[name] = Estimate(point, low, high, kind)
    return found


def _defined(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _concatenated(parts: list[Mapping[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _left_out(statistic: Statistic, units: Units, size: int) -> tuple[dict[str, Floats], Floats]:
    """The figures with one unit left out, and how many units are of that kind."""
    if units.table is None:
        kinds = np.flatnonzero(units.totals)
        gone, times = np.zeros((len(kinds), units.kinds)), units.totals[kinds]
        gone[np.arange(len(kinds)), kinds] = 1
    else:
        gone, times = units.table, np.ones(size)
    if len(gone) > _JACKKNIFE:
        return {}, times
    step = max(1, _CELLS // max(units.kinds, 1))
    parts = [statistic(units.totals - gone[start : start + step]) for start in range(0, len(gone), step)]
    return _concatenated(parts), times


def _moved(
    values: Floats, point: float, left_out: Floats, times: Floats, ends: tuple[float, float]
) -> tuple[float, float] | None:
    """The quantiles that BCa takes; None where they cannot be told."""
    good = np.isfinite(left_out)
    if not good.all() or values[0] == values[-1]:
        return None
    below = np.searchsorted(values, point - 1e-12) + np.searchsorted(values, point + 1e-12)
    share = float(below) / (2 * len(values))  # ties count half
    if not 0 < share < 1:
        return None
    bias = _NORMAL.inv_cdf(share)
    away = (left_out * times).sum() / times.sum() - left_out
    spread = float((times * away**2).sum())
    if spread <= 0:
        return None
    skew = float((times * away**3).sum()) / (6 * spread**1.5)
    found = []
    for end in ends:
        z = bias + _NORMAL.inv_cdf(end)
        if skew * z >= 1:
            return None
        found.append(_NORMAL.cdf(bias + z / (1 - skew * z)))
    return found[0], found[1]


def whole(weights: Floats, table: NDArray[np.integer] | NDArray[np.bool_]) -> Floats:
    """weights @ table, for a table of whole numbers: exact, whatever the number of threads."""
    return weights @ table.astype(np.float64)


def summed(weights: Floats, table: Floats) -> Floats:
    """weights @ table for any numbers, added up in one order."""
    return np.asarray(np.einsum("bk,kc->bc", weights, table), np.float64)
