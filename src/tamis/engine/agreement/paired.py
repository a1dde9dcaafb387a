"""Shares, and two systems on the same rows: Wilson's interval, the sign test, McNemar's test, the paired bootstrap.

Sources: E. B. Wilson, JASA 22 (1927) 209-212; W. J. Dixon, A. M. Mood, The statistical sign test, JASA 41 (1946) 557-566;
Q. McNemar, Psychometrika 12 (1947) 153-157, in its exact form: the sign test over the rows on which the two differ.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tamis.core.errors import UsageError

from .bootstrap import RESAMPLES, Estimate, Method, estimate, units_of
from .codes import Codes, Floats, distinct

#: 95 of 100 such intervals hold the true value
Z = 1.959963984540054


class Share(NamedTuple):
    """A share with the ends of its interval."""

    value: float
    low: float
    high: float


def wilson(hits: int, of: int, z: float = Z) -> Share:
    """The share hits/of with Wilson's interval, which holds for few and for extreme counts too; of nothing, 0 to 1.

    >>> [round(x, 3) for x in wilson(95, 100)]
    [0.95, 0.888, 0.978]
    """
    if of == 0:
        return Share(math.nan, 0.0, 1.0)
    p, z2 = hits / of, z * z
    middle = (p + z2 / (2 * of)) / (1 + z2 / of)
    half = z / (1 + z2 / of) * math.sqrt(p * (1 - p) / of + z2 / (4 * of * of))
    return Share(p, 0.0 if hits == 0 else max(0.0, middle - half), 1.0 if hits == of else min(1.0, middle + half))


def sign_test(wins: int, losses: int) -> float:
    """Two-sided exact probability of so uneven a split, if wins and losses were equally likely. Ties are left out.

    >>> round(sign_test(9, 1), 5)
    0.02148
    """
    if wins < 0 or losses < 0:
        raise UsageError(f"{wins} wins and {losses} losses: counts are not negative")
    n, few = wins + losses, min(wins, losses)
    if 2 * few == n:
        return 1.0
    start = -n * math.log(2) + math.lgamma(n + 1)
    tail = math.fsum(math.exp(start - math.lgamma(k + 1) - math.lgamma(n - k + 1)) for k in range(few + 1))
    return min(1.0, 2 * tail)


class McNemar(NamedTuple):
    """only_a, only_b: rows that only one of the two got right; p: exact, two-sided; chi2: with Edwards' correction."""

    only_a: int
    only_b: int
    p: float
    chi2: float


def mcnemar(a: Sequence[bool], b: Sequence[bool]) -> McNemar:
    """Whether two systems are right equally often, on the same rows.

    >>> mcnemar([True] * 9 + [False], [False] * 9 + [True]).only_a
    9
    """
    first, second = np.asarray(a, bool), np.asarray(b, bool)
    if len(first) != len(second):
        raise UsageError(f"{len(first)} rows of one and {len(second)} of the other: they are compared row by row")
    only_a, only_b = int((first & ~second).sum()), int((second & ~first).sum())
    both = only_a + only_b
    chi2 = max(0, abs(only_a - only_b) - 1) ** 2 / both if both else 0.0
    return McNemar(only_a, only_b, sign_test(only_a, only_b), chi2)


def paired_difference(
    a: Sequence[float],
    b: Sequence[float],
    *,
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
) -> Estimate:
    """Mean of b - a over the same rows, with its interval by resampling the rows.

    >>> paired_difference([0, 0, 1, 1], [1, 0, 1, 1], resamples=0).value
    0.25
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if len(first) != len(second):
        raise UsageError(f"{len(first)} rows of one and {len(second)} of the other: they are compared row by row")
    return mean(second - first, groups=groups, resamples=resamples, seed=seed, method=method)


def mean(
    values: Sequence[float] | Floats,
    *,
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
) -> Estimate:
    """The mean with its interval."""
    given = np.asarray(values, np.float64)
    if not len(given):
        return Estimate(None)
    kinds, of_row = distinct(given[:, None])
    values_of = kinds[:, 0]
    units = units_of(len(kinds), of_row, groups)

    def statistic(weights: Floats) -> dict[str, Floats]:
        return {"mean": np.einsum("bk,k->b", weights, values_of) / weights.sum(axis=1)}

    return estimate(statistic, units, resamples=resamples, seed=seed, method=method)["mean"]


def benjamini_hochberg(p: Sequence[float] | Floats, *, among: int | None = None) -> Floats:
    """(n,) adjusted probabilities: at most a share q of what is told at `adjusted <= q` is chance.

    Y. Benjamini, Y. Hochberg, J. R. Stat. Soc. B 57 (1995) 289-300. among: how many were tested, if more than are given;
    those not given have a larger probability.

    >>> benjamini_hochberg([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.02, 0.04, 0.04, 0.02]
    """
    given = np.asarray(p, np.float64)
    if not len(given):
        return given
    order = np.argsort(given, kind="stable")
    scaled = given[order] * (among or len(given)) / np.arange(1, len(given) + 1)
    adjusted = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    back = np.empty_like(adjusted)
    back[order] = adjusted
    return back


def holm(p: Sequence[float] | Floats) -> Floats:
    """(n,) adjusted probabilities: the chance that anything at all is told by chance at `adjusted <= q` is at most q.

    S. Holm, Scand. J. Stat. 6 (1979) 65-70.

    >>> holm([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    given = np.asarray(p, np.float64)
    if not len(given):
        return given
    order = np.argsort(given, kind="stable")
    scaled = given[order] * (len(given) - np.arange(len(given)))
    back = np.empty_like(given)
    back[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return back
