"""How much of each group a mix takes: exact largest remainder, up to as many epochs of a group as are allowed.

An epoch is each row of a group once. N. Muennighoff et al., Scaling Data-Constrained Language Models (NeurIPS 2023), found
repeating up to four epochs nearly as good as new text, and little gain beyond; that was pre-training.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .allocate import Ints, largest_remainder


class Shares(NamedTuple):
    """take: what each group gives, in rows or units of text; short: what it lacks of what it should give."""

    take: list[int]
    short: list[int]


def shares(
    supply: Sequence[int], weights: Sequence[Fraction], total: int | None, epochs: Fraction, *, fill: bool
) -> Shares:
    """What each group gives of `total`, or of as much as the weights and epochs allow.

    supply: rows, or units of text, of each group once. fill: what groups lack others give, by their weights.

    >>> shares([100, 10], [Fraction(1), Fraction(1)], 60, Fraction(2), fill=False)
    Shares(take=[30, 20], short=[0, 10])
    >>> shares([100, 10], [Fraction(1), Fraction(1)], None, Fraction(2), fill=False)
    Shares(take=[20, 20], short=[0, 0])
    """
    most = [int(epochs * some) for some in supply]
    if total is None:
        total = _largest(most, weights)
    want = largest_remainder(total, weights)
    take = [min(w, m) for w, m in zip(want, most, strict=True)]
    short = [w - t for w, t in zip(want, take, strict=True)]
    while fill and (missing := total - sum(take)) > 0:
        open_ = [weight if t < m else Fraction(0) for weight, t, m in zip(weights, take, most, strict=True)]
        if not any(open_):
            break
        more = largest_remainder(missing, open_)
        take = [min(t + more[k], most[k]) for k, t in enumerate(take)]
    return Shares(take, short)


def _largest(most: Sequence[int], weights: Sequence[Fraction]) -> int:
    """The largest total of which no group's exact part is more than it can give."""
    whole = sum(weights, Fraction(0))
    return min((int(m * whole / w) for m, w in zip(most, weights, strict=True) if w), default=0)


def times(group: Ints, order: Ints, take: Sequence[int], size: Ints | None = None) -> Ints:
    """(n,) how often each row is there: whole epochs of its group, then once more the first rows in drawing order.

    group: (n,) its group, -1 for none; order: (n,) rows in drawing order; size: (n,) units of text, if `take` counts these:
    then as many rows of the last epoch as fit, up to the first that does not.
    """
    found = np.zeros(len(group), np.int64)
    for k, wanted in enumerate(take):
        mine = order[group[order] == k]
        weight: NDArray[np.int64] = np.ones(len(mine), np.int64) if size is None else size[mine]
        whole = int(weight.sum())
        if not whole:
            continue
        epochs, rest = divmod(wanted, whole)
        found[mine] = epochs
        found[mine[np.cumsum(weight) <= rest]] += 1
    return found
