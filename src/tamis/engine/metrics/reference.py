"""How a selection differs from a reference: shares of groups, and distributions of numbers.

Distances: total variation, and J. Lin's Jensen-Shannon divergence (IEEE Trans. Inf. Theory 37 (1991) 145-151) in bits, each
0 where both are alike and 1 where nothing is shared; for numbers the largest distance between the two distribution
functions (Kolmogorov and Smirnov). A distance is never 0 by chance, so each stands beside the probability of one as large
if the selection were drawn by chance: shares by drawing it again (permutation of the chi-square statistic, as many times as
`resamples`), numbers by Kolmogorov's distribution. Where the selection is part of the reference, it is compared with the
rows that were not selected, and its difference from all of the reference is that, times the share not selected.

Intervals are at 95%: R. G. Newcombe, see `outcomes`. The probabilities of one table are adjusted together (Holm, or Benjamini
and Hochberg).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tamis.engine.agreement.bootstrap import RESAMPLES
from tamis.engine.agreement.codes import Floats
from tamis.engine.agreement.paired import benjamini_hochberg, holm

from .cuts import Cut
from .outcomes import Adjust, Mask, newcombe
from .student import kolmogorov

#: quantiles told of numbers
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_Counts = np.ndarray[tuple[int], np.dtype[np.int64]]


class Portion(NamedTuple):
    """A group's rows and share (0..1) in the selection and in the reference; difference: of the shares, with its interval;
    ratio: of the shares, None where the reference has none."""

    group: str
    rows: int
    share: float
    reference_rows: int
    reference_share: float
    difference: float
    low: float
    high: float
    ratio: float | None


class Spread(NamedTuple):
    """rows with a number; its quantiles (`QUANTILES`) and mean, of one side. None where there is no row."""

    rows: int
    quantiles: list[float] | None
    mean: float | None


class Compared(NamedTuple):
    """A column. total_variation, jensen_shannon: of the groups' shares; kolmogorov_smirnov: of the numbers, None of others.

    p: of such distances by chance; adjusted: for all columns.
    """

    column: str
    kind: str
    portions: list[Portion]
    total_variation: float
    jensen_shannon: float
    kolmogorov_smirnov: float | None
    selected: Spread | None
    reference: Spread | None
    p: float | None
    adjusted: float | None


def against(
    cuts: Sequence[Cut],
    selected: Mask,
    reference: Mask,
    *,
    adjust: Adjust = "holm",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Compared]:
    """Each cut's groups in the rows `selected` against those in `reference`; a row may be in both. Masks are (n,) bool.

    >>> from .cuts import cut
    >>> import polars as pl
    >>> topics = cut(pl.Series("topic", ["a"] * 50 + ["b"] * 50 + ["a"] * 90 + ["b"] * 10))
    >>> (topic,) = against([topics], np.arange(200) < 100, np.arange(200) >= 100)
    >>> [(one.group, one.share, one.reference_share) for one in topic.portions], round(topic.total_variation, 3)
    ([('a', 0.5, 0.9), ('b', 0.5, 0.1)], 0.4)
    """
    found = [_column(c, selected, reference, resamples, seed) for c in cuts]
    at = [k for k, one in enumerate(found) if one.p is not None]
    p = np.array([one.p for one in found if one.p is not None])
    done = holm(p) if adjust == "holm" else benjamini_hochberg(p) if adjust == "bh" else p
    for k, value in zip(at, done.tolist(), strict=True):
        found[k] = found[k]._replace(adjusted=value)
    return found


def _column(c: Cut, selected: Mask, reference: Mask, resamples: int, seed: int) -> Compared:
    width = len(c.groups)
    mine = np.bincount(c.codes[selected], minlength=width).astype(np.int64)
    theirs = np.bincount(c.codes[reference], minlength=width).astype(np.int64)
    # rows of the reference that are not selected: what the selection is tested against
    others = np.bincount(c.codes[reference & ~selected], minlength=width).astype(np.int64)
    if not mine.sum() or not theirs.sum():
        return Compared(c.column, c.kind, [], np.nan, np.nan, None, None, None, None, None)
    inside = theirs - others
    within = bool((inside == mine).all()) and inside.sum() == mine.sum()
    p_share, r_share = mine / mine.sum(), theirs / theirs.sum()
    portions = [_portion(c.groups[k], mine, theirs, others, within, k) for k in np.flatnonzero(mine + theirs).tolist()]
    chance = None if not others.sum() or width < 2 else by_chance(mine, others, resamples=resamples, seed=seed)
    distance = selected_spread = reference_spread = None
    if c.numbers is not None:
        x, rest = c.numbers[selected], c.numbers[reference & ~selected]
        x, rest, whole = x[np.isfinite(x)], rest[np.isfinite(rest)], c.numbers[reference]
        whole = whole[np.isfinite(whole)]
        selected_spread, reference_spread = spread(x), spread(whole)
        if len(x) and len(whole):
            distance = farthest(x, whole)
            chance = kolmogorov(farthest(x, rest), len(x) * len(rest) / (len(x) + len(rest))) if len(rest) else None
    variation, divergence = distances(p_share, r_share)
    return Compared(
        c.column, c.kind, portions, variation, divergence, distance, selected_spread, reference_spread, chance, None
    )


def _portion(group: str, mine: _Counts, theirs: _Counts, others: _Counts, within: bool, k: int) -> Portion:
    n, m = int(mine.sum()), int(theirs.sum())
    a, b = int(mine[k]) / n, int(theirs[k]) / m
    if within and n < m:
        scale = (m - n) / m
        low, high = (scale * end for end in newcombe(a, n, int(others[k]) / (m - n), m - n))
    elif within:
        low = high = 0.0
    else:
        low, high = newcombe(a, n, b, m)
    return Portion(group, int(mine[k]), a, int(theirs[k]), b, a - b, low, high, a / b if b else None)


def distances(p: Floats, q: Floats) -> tuple[float, float]:
    """Total variation, and Jensen-Shannon divergence in bits, of two distributions over the same groups.

    >>> distances(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    (1.0, 1.0)
    """
    middle = (p + q) / 2
    parts = [float((side[side > 0] * np.log2(side[side > 0] / middle[side > 0])).sum()) for side in (p, q)]
    return float(np.abs(p - q).sum()) / 2, max(0.0, sum(parts) / 2)


def by_chance(selected: _Counts, others: _Counts, *, resamples: int = RESAMPLES, seed: int = 0) -> float:
    """The probability of shares as far apart, by chi-square, or farther, if which rows are selected were chance.

    selected, others: (k,) rows of each group. Drawn again `resamples` times; the selection itself counts as one of them.
    """
    pool = selected + others
    kept = pool > 0
    n, whole = int(selected.sum()), pool[kept].astype(np.float64)
    expected = whole * n / whole.sum()
    seen = float(((selected[kept] - expected) ** 2 / expected).sum())
    random = np.random.Generator(np.random.PCG64(seed))
    drawn = random.multivariate_hypergeometric(pool[kept], n, size=resamples, method="marginals")
    again = ((drawn - expected) ** 2 / expected).sum(axis=1)
    return float((np.count_nonzero(again >= seen * (1 - 1e-9)) + 1) / (resamples + 1))


def farthest(a: Floats, b: Floats) -> float:
    """The largest distance between two distribution functions (Kolmogorov and Smirnov), 0..1."""
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, both, "right") / len(a) - np.searchsorted(b, both, "right") / len(b)).max())


def spread(values: Floats) -> Spread:
    """Quantiles and mean of numbers."""
    if not len(values):
        return Spread(0, None, None)
    return Spread(len(values), [float(q) for q in np.quantile(values, QUANTILES)], float(values.sum() / len(values)))
