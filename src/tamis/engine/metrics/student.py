"""Student's t, Fisher's exact test and the chances of a few other statistics, without SciPy.

Sources: NIST Digital Library of Mathematical Functions, 8.17.22, for the incomplete beta function as a continued fraction,
computed by W. J. Lentz, Applied Optics 15 (1976) 668-671; R. A. Fisher, Statistical Methods for Research Workers (5th ed.,
1934), section 21.02; A. Kolmogorov, G. Ist. Ital. Attuari 4 (1933) 83-91.
"""

from __future__ import annotations

import math

import numpy as np

#: relative accuracy of the continued fraction
_EPSILON = 1e-15
_TINY = 1e-300
#: relative slack within which two tables count as equally probable
_TIED = 1e-7


def two_sided(t: float, df: float) -> float:
    """The probability that |T| is at least |t|, of Student's t with `df` degrees of freedom.

    >>> round(two_sided(2.228, 10), 4)
    0.05
    """
    if not math.isfinite(t):
        return 0.0 if not math.isnan(t) else math.nan
    return _incomplete_beta(df / 2, 0.5, df / (df + t * t), t * t / (df + t * t))


def quantile(df: float, level: float = 0.95) -> float:
    """What |T| exceeds with probability 1 - level.

    >>> round(quantile(10), 3), round(quantile(1e6), 3)
    (2.228, 1.96)
    """
    low, high = 0.0, 1.0
    while two_sided(high, df) > 1 - level:
        low, high = high, 2 * high
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if two_sided(middle, df) > 1 - level else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """The regularised incomplete beta function I_x(a, b); y: 1 - x, which x near 1 does not tell."""
    if x <= 0 or y <= 0:
        return 0.0 if x <= 0 else 1.0
    log_x, log_y = (math.log1p(-y), math.log(y)) if y < x else (math.log(x), math.log1p(-x))
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * log_x + b * log_y)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - front * _fraction(b, a, y) / b
    return front * _fraction(a, b, x) / a


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1 / _away(1 + even * d), _away(1 + even / c)
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _away(1 + odd * d), _away(1 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1) < _EPSILON:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def fisher(hits: int, of: int, other_hits: int, other_of: int) -> float:
    """Two-sided exact probability of so uneven a table, or one as improbable, if both groups are alike.

    >>> round(fisher(1, 10, 11, 14), 6)
    0.002759
    """
    n, all_hits = of + other_of, hits + other_hits
    low, high = max(0, all_hits - other_of), min(of, all_hits)
    log = _log_factorials(n)
    k = np.arange(low, high + 1)
    start = log[all_hits] + log[n - all_hits] + log[of] + log[other_of] - log[n]
    terms = start - log[k] - log[all_hits - k] - log[of - k] - log[other_of - all_hits + k]
    limit = terms[hits - low] + math.log1p(_TIED)
    return min(1.0, math.fsum(np.exp(terms[terms <= limit]).tolist()))


_LOGS = np.zeros(1)


def _log_factorials(n: int) -> np.ndarray:
    global _LOGS
    if len(_LOGS) <= n:
        _LOGS = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, 2 * n + 2, dtype=np.float64)))))
    return _LOGS


def kolmogorov(distance: float, size: float) -> float:
    """The probability of so large a distance between two distribution functions, or a larger one; for many values.

    size: n·m / (n + m) of the two sizes. With ties it is too large, never too small.

    >>> round(kolmogorov(1.358, 1), 3)
    0.05
    """
    z = distance * math.sqrt(size)
    if z < 0.2:
        return 1.0
    return min(1.0, max(0.0, 2 * math.fsum((-1) ** (k - 1) * math.exp(-2 * (k * z) ** 2) for k in range(1, 101))))
