"""Agreement of any number of raters, rows that some did not rate included: Fleiss' kappa, Krippendorff's alpha, AC1, AC2.

All rest on how often each row was given each label. Sources: J. L. Fleiss, Measuring nominal scale agreement among many
raters, Psychol. Bull. 76 (1971) 378-382; K. Krippendorff, Content Analysis (2004), chapter 11, and Computing
Krippendorff's alpha-reliability (2011); K. L. Gwet, Computing inter-rater reliability and its variance in the presence of
high agreement, Br. J. Math. Stat. Psychol. 61 (2008) 29-48, and Handbook of Inter-Rater Reliability (4th ed., 2014),
chapters 2 to 4, for AC2, for missing ratings, and for Fleiss' kappa with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from tamis.core.errors import UsageError

from .bootstrap import RESAMPLES, Estimate, Method, estimate, summed, units_of, whole
from .codes import MISSING, Codes, Floats, distinct, encode
from .labels import kappa_of

Scale = Literal["nominal", "ordinal", "interval"]
SCALES: tuple[Scale, ...] = ("nominal", "ordinal", "interval")


def agreement(
    raters: Sequence[Sequence[Any]],
    *,
    labels: Sequence[Any] | None = None,
    scale: Scale = "nominal",
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
) -> dict[str, Estimate]:
    """`agreement` (mean share of agreeing pairs of raters), `fleiss`, `alpha`, `ac1`; on other scales `alpha` by that
    scale and `ac2` (ordinal: Gwet's ordinal weights; interval: quadratic weights) besides.

    raters: one column a rater, None where it did not rate; labels: all that may occur, in order. Values of an interval
    scale are numbers.

    >>> told = agreement([["yes", "no", "yes"], ["yes", "no", "no"]], resamples=0)
    >>> {name: round(one.value, 3) for name, one in told.items()}
    {'agreement': 0.667, 'fleiss': 0.333, 'alpha': 0.444, 'ac1': 0.333}
    """
    names, codes = encode(raters, labels)
    k = len(names)
    counts = np.stack([(codes == place).sum(axis=1) for place in range(k)], axis=1) if k else np.zeros((0, 0), np.int64)
    return of_counts(counts, names, scale=scale, groups=groups, resamples=resamples, seed=seed, method=method)


def of_counts(
    counts: Codes,
    names: Sequence[Any],
    *,
    scale: Scale = "nominal",
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
) -> dict[str, Estimate]:
    """As `agreement`, from (rows, labels) how many raters gave each row each label."""
    rated = counts.sum(axis=1) > 0 if len(counts) else np.zeros(0, bool)
    if not rated.any():
        return {}
    if scale == "interval" and not all(isinstance(name, int | float) for name in names):
        odd = next(name for name in names if not isinstance(name, int | float))
        raise UsageError(f"{odd!r} is no number, and an interval scale has numbers", hint="scale: nominal or ordinal")
    kinds, of_row = distinct(counts[rated])
    units = units_of(len(kinds), of_row, None if groups is None else groups[rated])
    values = np.array(names, np.float64) if scale == "interval" else np.arange(len(names), dtype=np.float64)
    return estimate(_Agreement(kinds, values, scale), units, resamples=resamples, seed=seed, method=method)


class _Agreement:
    """The coefficients for many tables of counts at once. kinds: (kinds, labels) ratings of a row of that kind."""

    def __init__(self, kinds: Codes, values: Floats, scale: Scale) -> None:
        self.scale, self.values, self.k = scale, values, kinds.shape[1]
        ratings = kinds.sum(axis=1)
        self.paired = ratings >= 2
        r = kinds.astype(np.float64)
        pairs = np.where(self.paired, ratings * (ratings - 1), 1).astype(np.float64)
        self.share = r / ratings[:, None]
        self.agree = np.where(self.paired, (r * (r - 1)).sum(axis=1) / pairs, 0.0)
        self.count = kinds * self.paired[:, None]
        less = np.where(self.paired, ratings - 1, 1).astype(np.float64)
        self.same = np.where(self.paired, (r * (r - 1)).sum(axis=1) / less, 0.0)
        self.weights: Floats | None = None
        if scale != "nominal" and self.k > 1:
            self.weights = ordinal_weights(self.k) if scale == "ordinal" else quadratic_weights(values)
            starred = np.einsum("pl,kl->pk", r, self.weights)
            self.agree2 = np.where(self.paired, (r * (starred - 1)).sum(axis=1) / pairs, 0.0)
        if scale == "ordinal":
            both = r[:, :, None] * r[:, None, :]
            both[:, np.arange(self.k), np.arange(self.k)] -= r
            self.met = np.where(self.paired[:, None], both.reshape(len(r), -1) / less[:, None], 0.0)
        elif scale == "interval":
            mean_square = r @ values**2 * ratings - (r @ values) ** 2
            self.apart = np.where(self.paired, 2 * mean_square / less, 0.0)

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        n = weights.sum(axis=1)
        with_pairs = whole(weights, self.paired[:, None])[:, 0]
        share = summed(weights, self.share) / n[:, None]
        seen = summed(weights, self.agree[:, None])[:, 0] / with_pairs
        found = {"agreement": seen}
        found["fleiss"] = kappa_of(seen, (share**2).sum(axis=1))
        found["alpha"] = self._alpha(weights)
        if self.k < 2:
            return found | {"ac1": np.full(len(weights), np.nan)}
        spread = (share * (1 - share)).sum(axis=1)
        found["ac1"] = kappa_of(seen, spread / (self.k - 1))
        if self.weights is not None:
            seen2 = summed(weights, self.agree2[:, None])[:, 0] / with_pairs
            found["ac2"] = kappa_of(seen2, self.weights.sum() * spread / (self.k * (self.k - 1)))
        return found

    def _alpha(self, weights: Floats) -> Floats:
        """1 - observed / expected disagreement, over the ratings that another rating of the same row can meet."""
        totals = whole(weights, self.count)
        n = totals.sum(axis=1)
        if self.scale == "nominal":
            apart = n - summed(weights, self.same[:, None])[:, 0]
            chance = n**2 - (totals**2).sum(axis=1)
        elif self.scale == "interval":
            apart = summed(weights, self.apart[:, None])[:, 0]
            mean = (totals * self.values).sum(axis=1)
            chance = 2 * (n * (totals * self.values**2).sum(axis=1) - mean**2)
        else:
            reach = np.cumsum(totals, axis=1) - totals / 2
            distance = (reach[:, :, None] - reach[:, None, :]) ** 2
            met = summed(weights, self.met).reshape(distance.shape)
            apart = (met * distance).sum(axis=(1, 2))
            chance = (totals[:, :, None] * totals[:, None, :] * distance).sum(axis=(1, 2))
        return np.where(chance > 0, 1 - (n - 1) * apart / np.where(chance > 0, chance, 1), np.nan)


def ordinal_weights(k: int) -> Floats:
    """Gwet's ordinal weights: 1 - C(|i - j| + 1, 2) / C(k, 2)."""
    away = np.abs(np.arange(k)[:, None] - np.arange(k)).astype(np.float64)
    return np.asarray(1 - (away + 1) * away / (k * (k - 1)))


def quadratic_weights(values: Floats) -> Floats:
    """1 - (difference / range) squared."""
    reach = float(values.max() - values.min()) or 1.0
    return 1 - ((values[:, None] - values) / reach) ** 2


def pairs_rated(codes: Codes) -> int:
    """Rows that at least two raters rated."""
    return int(((codes != MISSING).sum(axis=1) >= 2).sum())
