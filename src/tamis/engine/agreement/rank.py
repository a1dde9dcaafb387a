"""Whether two scores order rows alike: Pearson's r, Spearman's rho, Kendall's tau-b, with intervals.

Sources: C. Spearman, Am. J. Psychol. 15 (1904) 72-101; M. G. Kendall, Rank Correlation Methods (4th ed., 1970), section
3.4, for tau-b, which allows for ties.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tamis.core.errors import UsageError

from .bootstrap import RESAMPLES, Estimate, Method, estimate, units_of
from .codes import Codes, Floats, distinct

#: more kinds of pairs of scores than this have no interval for tau: it compares each with each
_TAU_KINDS = 1500
#: cells of a table of comparisons
_BLOCK = 1 << 22


def correlation(
    first: Sequence[float | None],
    second: Sequence[float | None],
    *,
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
) -> dict[str, Estimate]:
    """`pearson`, `spearman` and `kendall` over the rows that have both scores; none where one of them never varies.

    >>> told = correlation([1, 2, 3, 4], [1, 3, 2, 4], resamples=0)
    >>> {name: round(one.value, 3) for name, one in told.items()}
    {'pearson': 0.8, 'spearman': 0.8, 'kendall': 0.667}
    """
    if len(first) != len(second):
        raise UsageError(f"{len(first)} scores of one and {len(second)} of the other: they are compared row by row")
    table = np.array([[_number(a), _number(b)] for a, b in zip(first, second, strict=True)], np.float64).reshape(-1, 2)
    there = np.isfinite(table).all(axis=1)
    kinds, of_row = distinct(table[there])
    if not len(kinds):
        return {name: Estimate(None) for name in ("pearson", "spearman", "kendall")}
    units = units_of(len(kinds), of_row, None if groups is None else groups[there])
    x, y = _places(kinds[:, 0]), _places(kinds[:, 1])
    centred = kinds - kinds.mean(axis=0)

    def linear(weights: Floats) -> dict[str, Floats]:
        return {
            "pearson": _weighted(weights, centred[None, :, 0], centred[None, :, 1]),
            "spearman": _weighted(weights, _midranks(weights, x), _midranks(weights, y)),
        }

    def tau(weights: Floats) -> dict[str, Floats]:
        return {"kendall": _tau(weights, x, y)}

    found = estimate(linear, units, resamples=resamples, seed=seed, method=method)
    few = len(kinds) <= _TAU_KINDS
    return found | estimate(tau, units, resamples=resamples if few else 0, seed=seed, method="percentile")


def spearman(
    first: Floats,
    second: Floats,
    *,
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
) -> Estimate:
    """Spearman's rho alone, for many rows: (n,) each, all finite.

    >>> round(spearman(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4]), resamples=0).value, 3)
    0.8
    """
    kinds, of_row = distinct(np.column_stack([first, second]))
    if not len(kinds):
        return Estimate(None)
    x, y = _places(kinds[:, 0]), _places(kinds[:, 1])
    units = units_of(len(kinds), of_row, groups)

    def rho(weights: Floats) -> dict[str, Floats]:
        return {"spearman": _weighted(weights, _midranks(weights, x), _midranks(weights, y))}

    return estimate(rho, units, resamples=resamples, seed=seed, method=method)["spearman"]


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _places(values: Floats) -> Codes:
    return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _midranks(weights: Floats, places: Codes) -> Floats:
    """(resamples, kinds) the mean rank of each kind's value, where each kind is there as often as its weight."""
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(places[order]) > 0])
    per_value = np.add.reduceat(weights[:, order], starts, axis=1)
    return (np.cumsum(per_value, axis=1) - per_value / 2)[:, places]


def _weighted(weights: Floats, x: Floats, y: Floats) -> Floats:
    """Weighted product-moment correlation along the kinds."""
    n = weights.sum(axis=1, keepdims=True)
    dx = x - (weights * x).sum(axis=1, keepdims=True) / n
    dy = y - (weights * y).sum(axis=1, keepdims=True) / n
    xx, yy, xy = ((weights * a * b).sum(axis=1) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    scale = np.sqrt(xx * yy)
    return np.where(scale > 1e-12, xy / np.where(scale > 1e-12, scale, 1), np.nan)


def _tau(weights: Floats, x: Codes, y: Codes) -> Floats:
    """Kendall's tau-b. All sums are of whole numbers."""
    size = len(x)
    concordance = np.zeros(len(weights))
    step = max(1, _BLOCK // size)
    for start in range(0, size, step):
        some = slice(start, start + step)
        signs = np.sign(x[some, None] - x) * np.sign(y[some, None] - y)
        concordance += ((weights @ signs.T.astype(np.float64)) * weights[:, some]).sum(axis=1)
    n = weights.sum(axis=1)
    pairs = n * (n - 1)
    free = pairs - _tied(weights, x), pairs - _tied(weights, y)
    scale = np.sqrt(free[0]) * np.sqrt(free[1])
    return np.where(scale > 0, concordance / np.where(scale > 0, scale, 1), np.nan)


def _tied(weights: Floats, places: Codes) -> Floats:
    """Ordered pairs of rows with the same value."""
    order = np.argsort(places, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(places[order]) > 0])
    per_value = np.add.reduceat(weights[:, order], starts, axis=1)
    return np.asarray((per_value * (per_value - 1)).sum(axis=1))
