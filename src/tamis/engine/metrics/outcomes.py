"""How groups of rows differ in an outcome: a share or a mean each, with intervals, against all rows outside the group.

Rows of one user are alike, so that a thousand rows of ten users are not a thousand observations. With `users`, intervals
and tests count users: the variance of a mean is that of the users' sums around it (K.-Y. Liang, S. L. Zeger, Biometrika 73
(1986) 13-22), with as many degrees of freedom as the smaller side has users, less one (A. C. Cameron, J. B. Gelbach,
D. L. Miller, Rev. Econ. Stat. 90 (2008) 414-427, on how far few clusters mislead). A share's interval is Wilson's, at the
number of independent rows that would have that variance (N. Dean, M. Pagano, J. Surv. Stat. Methodol. 3 (2015) 484-503);
where a group has fewer than five rows with, or without, the outcome, Newcombe's and Fisher's at those numbers say how it
differs, since a variance of nearly equal rows says nothing.

Without users: Wilson's interval for shares, R. G. Newcombe's (Stat. Med. 17 (1998) 873-890, method 10) for differences of
shares, Fisher's exact test; Student's interval for means, B. L. Welch's (Biometrika 34 (1947) 28-35) for their differences.
The probabilities of one table are adjusted together: S. Holm, Scand. J. Stat. 6 (1979) 65-70, or Benjamini and Hochberg.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import UsageError
from tamis.engine.agreement.bootstrap import RESAMPLES, Estimate
from tamis.engine.agreement.codes import Codes, Floats
from tamis.engine.agreement.paired import benjamini_hochberg, holm, wilson
from tamis.engine.agreement.rank import spearman

from .cuts import NONE, Cut
from .student import fisher, quantile, two_sided

Mask = NDArray[np.bool_]
Measure = Literal["share", "mean"]
Adjust = Literal["holm", "bh", "none"]
#: groups of fewer users than this have intervals that are too narrow
FEW_USERS = 10
#: rows with, or without, the outcome in a group, below which a share's difference is tested exactly
FEW_HITS = 5
#: rows from which on the bootstrap draws less often
_MANY = 20_000


class Group(NamedTuple):
    """value: its share or mean, with its interval; difference: that less the value of all rows outside the group.

    users: None where nobody said whose rows they are. p: of so large a difference by chance; adjusted: for all in the table.
    """

    group: str
    rows: int
    users: int | None
    value: float | None
    low: float | None
    high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p: float | None
    adjusted: float | None


class Predictor(NamedTuple):
    """A column and its groups. spearman: of the numbers that were cut with the outcome, its p, and p adjusted; then the cuts
    have no adjusted p of their own. None for other columns."""

    column: str
    kind: str
    groups: list[Group]
    spearman: Estimate | None
    p: float | None
    adjusted: float | None


class Side(NamedTuple):
    """Some rows' outcome: how many rows and users, the mean, its variance and degrees of freedom."""

    rows: int
    users: int
    mean: float
    variance: float
    df: float


def by_groups(
    values: Floats,
    measure: Measure,
    cuts: Sequence[Cut],
    *,
    users: Codes | None = None,
    once: bool = False,
    adjust: Adjust = "holm",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Predictor]:
    """Each cut's groups against the rest, over the rows that have the outcome.

    values: (n,) float64, NaN where there is none; users: (n,) codes from 0, -1 for rows of nobody, which are each alone;
    once: each user counts once in each group, by the mean of its rows there, however many rows it has.

    >>> from .cuts import cut
    >>> import polars as pl
    >>> accepted = np.array([1, 1, 1, 0] * 10 + [0, 0, 0, 1] * 10, float)
    >>> (version,) = by_groups(accepted, "share", [cut(pl.Series("version", [4] * 40 + [3] * 40))])
    >>> [(g.group, g.rows, g.value, round(g.difference, 2), g.adjusted < 0.001) for g in version.groups]
    [('3', 40, 0.25, -0.5, True), ('4', 40, 0.75, 0.5, True)]
    """
    if once and users is None:
        raise UsageError("users count once only where a column says whose the rows are")
    there = ~np.isnan(values)
    y = values[there]
    of = None if users is None else _alone(users[there])
    found = [_of_cut(y, measure, c, there, of, once, resamples, seed) for c in cuts]
    return _adjusted(found, adjust)


def _of_cut(
    y: Floats, measure: Measure, c: Cut, there: Mask, users: Codes | None, once: bool, resamples: int, seed: int
) -> Predictor:
    codes = c.codes[there]
    tested = len(np.unique(codes)) > 1
    groups = [_group(y, measure, codes == k, name, users, once, tested) for k, name in enumerate(c.groups)]
    groups = [g for g in groups if g.rows]
    if c.numbers is None:
        return Predictor(c.column, c.kind, groups, None, None, None)
    x = c.numbers[there]
    both = np.isfinite(x)
    times = max(200, min(resamples, resamples * _MANY // max(1, int(both.sum())))) if resamples else 0
    rho = spearman(x[both], y[both], groups=None if users is None else users[both], resamples=times, seed=seed)
    return Predictor(
        c.column, c.kind, groups, rho, _slope_p(x[both], y[both], None if users is None else users[both]), None
    )


def _group(
    y: Floats, measure: Measure, inside: Mask, name: str, users: Codes | None, once: bool, tested: bool
) -> Group:
    rows = int(inside.sum())
    if not rows:
        return Group(name, 0, None, *[None] * 8)
    if once and users is not None:
        y, users, inside = _once(y, users, inside)
    own = side(y[inside], None if users is None else users[inside])
    value, low, high = _interval(own, measure, users is not None)
    told_users = None if users is None else own.users
    if not tested or inside.all():
        return Group(name, rows, told_users, value, low, high, None, None, None, None, None)
    rest = side(y[~inside], None if users is None else users[~inside])
    difference = own.mean - rest.mean
    if users is None:
        d_low, d_high, p = _apart(own, rest, measure)
    else:
        d_low, d_high, p = _apart_by_users(y, inside, users, own, rest, measure)
    return Group(name, rows, told_users, value, low, high, difference, d_low, d_high, p, None)


def side(y: Floats, users: Codes | None) -> Side:
    """The mean of some rows and how sure it is; with users, by their sums around it."""
    n = len(y)
    mean = float(y.sum() / n)
    if users is None:
        variance = float(((y - mean) ** 2).sum() / (n - 1) / n) if n > 1 else math.nan
        return Side(n, n, mean, variance, n - 1)
    sums = _sums(users, y - mean)
    g = len(sums)
    variance = float((sums**2).sum() * g / (g - 1) / n**2) if g > 1 else math.nan
    return Side(n, g, mean, variance, g - 1)


def _interval(s: Side, measure: Measure, by_users: bool) -> tuple[float, float | None, float | None]:
    if measure == "share":
        n = _effective(s) if by_users else float(s.rows)
        low, high = wilson_of(s.mean, n, quantile(s.df) if by_users and s.df >= 1 else None)
        return s.mean, low, high
    if not s.df >= 1 or math.isnan(s.variance):
        return s.mean, None, None
    half = quantile(s.df) * math.sqrt(s.variance)
    return s.mean, s.mean - half, s.mean + half


def _effective(s: Side) -> float:
    """How many independent rows would have the share's variance; where all rows are alike, as many as users."""
    n = s.mean * (1 - s.mean) / s.variance if s.variance > 0 else float(s.users)
    return min(max(n, 1.0), float(s.rows))


def wilson_of(share: float, n: float, z: float | None = None) -> tuple[float, float]:
    """Wilson's interval for a share of `n` rows, which need not be a whole number."""
    if z is None:
        found = wilson(round(share * n), round(n))
        return found.low, found.high
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (0.0 if share == 0 else max(0.0, middle - half)), (1.0 if share == 1 else min(1.0, middle + half))


def newcombe(a: float, n: float, b: float, m: float, z: float | None = None) -> tuple[float, float]:
    """The interval of a - b, two shares of n and m rows.

    >>> [round(x, 4) for x in newcombe(56 / 70, 70, 48 / 80, 80)]
    [0.0524, 0.3339]
    """
    (l1, u1), (l2, u2) = wilson_of(a, n, z), wilson_of(b, m, z)
    return a - b - math.hypot(a - l1, u2 - b), a - b + math.hypot(u1 - a, b - l2)


def _apart(own: Side, rest: Side, measure: Measure) -> tuple[float | None, float | None, float | None]:
    if measure == "share":
        p = fisher(round(own.mean * own.rows), own.rows, round(rest.mean * rest.rows), rest.rows)
        return *newcombe(own.mean, own.rows, rest.mean, rest.rows), p
    if own.rows < 2 or rest.rows < 2:
        return None, None, None
    variance = own.variance + rest.variance
    if variance <= 0:
        return None, None, None
    df = variance**2 / (own.variance**2 / own.df + rest.variance**2 / rest.df)
    return _student(own.mean - rest.mean, variance, df)


def _apart_by_users(
    y: Floats, inside: Mask, users: Codes, own: Side, rest: Side, measure: Measure
) -> tuple[float | None, float | None, float | None]:
    least = min(own.users, rest.users)
    if least < 2:
        return None, None, None
    if measure == "share" and min(min(k.mean, 1 - k.mean) * k.rows for k in (own, rest)) < FEW_HITS:
        # of all or nearly all rows alike a variance says nothing: 52 of 52 is not surely more than 98.5%
        n, m = _effective(own), _effective(rest)
        p = fisher(round(own.mean * round(n)), round(n), round(rest.mean * round(m)), round(m))
        return *newcombe(own.mean, n, rest.mean, m, quantile(least - 1)), p
    pull = np.where(inside, (y - own.mean) / own.rows, -(y - rest.mean) / rest.rows)
    variance = float((_sums(users, pull) ** 2).sum()) * least / (least - 1)
    return _student(own.mean - rest.mean, variance, least - 1) if variance > 1e-18 else (None, None, None)


def _student(difference: float, variance: float, df: float) -> tuple[float, float, float]:
    spread = math.sqrt(variance)
    half = quantile(df) * spread
    return difference - half, difference + half, two_sided(difference / spread, df)


def _slope_p(x: Floats, y: Floats, users: Codes | None) -> float | None:
    """Of the ranks: the slope's test, its variance by rows or by users' sums (the sandwich)."""
    if len(x) < 3:
        return None
    rx, ry = _ranks(x), _ranks(y)
    rx, ry = rx - rx.mean(), ry - ry.mean()
    xx, yy = float((rx * rx).sum()), float((ry * ry).sum())
    if xx <= 0 or yy <= 0:
        return None
    slope = float((rx * ry).sum()) / xx
    if users is None:
        r = slope * math.sqrt(xx / yy)
        df = len(x) - 2
        return 0.0 if abs(r) >= 1 else two_sided(r * math.sqrt(df / (1 - r * r)), df)
    pull = _sums(users, rx * (ry - slope * rx))
    g = len(pull)
    if g < 3:
        return None
    variance = float((pull**2).sum()) / xx**2 * g / (g - 1)
    return two_sided(slope / math.sqrt(variance), g - 1) if variance > 0 else 0.0


def _ranks(values: Floats) -> Floats:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2).astype(np.float64)
    return ranks[place.reshape(-1)]


def _sums(users: Codes, values: Floats) -> Floats:
    """Per user that has rows, the sum of its values."""
    _, dense = np.unique(users, return_inverse=True)
    return np.asarray(np.bincount(dense.reshape(-1), weights=values), np.float64)


def _alone(users: Codes) -> Codes:
    """Rows of nobody are users of their own."""
    nobody = users < 0
    if not nobody.any():
        return users
    made = users.copy()
    made[nobody] = users.max(initial=0) + 1 + np.arange(int(nobody.sum()))
    return made


def _once(y: Floats, users: Codes, inside: Mask) -> tuple[Floats, Codes, Mask]:
    """One row for each user inside and each outside: the mean of its rows there."""
    keys, place, counts = np.unique(users * 2 + inside, return_inverse=True, return_counts=True)
    means = np.bincount(place.reshape(-1), weights=y) / counts
    return means, keys // 2, (keys % 2).astype(bool)


def _adjusted(found: list[Predictor], adjust: Adjust) -> list[Predictor]:
    """All probabilities of the table together. Of two groups the tests are one and the same: it is counted once."""
    places: list[tuple[int, tuple[int, ...]]] = []
    for k, one in enumerate(found):
        if one.spearman is not None:
            places += [(k, ())] if one.p is not None else []
            continue
        tested = tuple(j for j, g in enumerate(one.groups) if g.p is not None)
        places += [(k, tested)] if len(one.groups) == 2 and len(tested) == 2 else [(k, (j,)) for j in tested]
    p = np.array([_first(found[k], js) for k, js in places])
    done = holm(p) if adjust == "holm" else benjamini_hochberg(p) if adjust == "bh" else p
    for (k, js), value in zip(places, done.tolist(), strict=True):
        one = found[k]
        if not js:
            found[k] = one._replace(adjusted=value)
            continue
        groups = [g._replace(adjusted=value) if j in js else g for j, g in enumerate(one.groups)]
        found[k] = one._replace(groups=groups)
    return found


def _first(one: Predictor, js: tuple[int, ...]) -> float:
    p = one.groups[js[0]].p if js else one.p
    assert p is not None
    return p


def constant_by_user(values: Floats, users: Codes) -> bool:
    """Whether every user has one and the same outcome in all its rows, and some have several rows."""
    there = ~np.isnan(values) & (users >= 0)
    if not there.any():
        return False
    _, dense = np.unique(users[there], return_inverse=True)
    dense, y = dense.reshape(-1), values[there]
    order = np.lexsort((y, dense))
    starts = np.flatnonzero(np.r_[True, np.diff(dense[order]) > 0])
    ends = np.r_[starts[1:], len(order)] - 1
    return bool((y[order][starts] == y[order][ends]).all()) and len(starts) < len(order)


def cautions(predictors: Sequence[Predictor], users: bool) -> list[str]:
    """What a reader must know: groups with few users."""
    found = []
    for one in predictors:
        few = [g.group for g in one.groups if users and g.users is not None and g.users < FEW_USERS and g.group != NONE]
        if few:
            shown = ", ".join(few[:6]) + (", …" if len(few) > 6 else "")
            found.append(
                f"{one.column}: {shown} {'has' if len(few) == 1 else 'have'} fewer than {FEW_USERS} users; "
                "with so few, intervals are too narrow"
            )
    return found
