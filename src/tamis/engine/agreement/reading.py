"""What the figures mean, in words: above all where kappa says less than it seems to.

Sources: A. R. Feinstein, D. V. Cicchetti, High agreement but low kappa, J. Clin. Epidemiol. 43 (1990) 543-549; K. L. Gwet
(2008), see `raters`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .bootstrap import Estimate

#: one label holds this share or more: chance agreement is so high that kappa has little room
SKEWED = 0.8
#: the two coefficients say different things
APART = 0.2
#: so many rare labels among all that were given, and kappa is no accident of a few
RARE = 40


def read_agreement(
    observed: float | None,
    kappa: Estimate | None,
    ac1: Estimate | None,
    shares: Sequence[tuple[Any, float]],
    *,
    rows: int = 0,
) -> list[str]:
    """Sentences about kappa and AC1. observed: share of equal labels, 0..1; shares: label and its share of all labels;
    rows: how many were compared, so that a low kappa of many rare labels is not explained away.

    >>> shares = [("ok", 0.97), ("bad", 0.03)]
    >>> read_agreement(0.944, Estimate(-0.02), Estimate(0.94), shares)[0][:56]
    'kappa (-0.02) is misleading here: 97% of all labels are '
    """
    if observed is None or not shares:
        return []
    top, share = max(shares, key=lambda one: one[1])
    if kappa is None or kappa.value is None:
        if share < 1:
            return []
        return [
            f"kappa and alpha are not defined: every label is {top}. Nothing here says whether raters can tell it from others."
        ]
    if ac1 is None or ac1.value is None or ac1.value - kappa.value < APART or share < SKEWED:
        return []
    if 2 * rows * (1 - share) >= RARE and kappa.high is not None and kappa.high < APART:
        return [
            f"AC1 ({ac1.value:.2f}) flatters here: {share:.0%} of all labels are {top}, and on the others the two hardly agree more "
            f"than by chance: kappa is {kappa.value:.2f}, at most {kappa.high:.2f}, over labels enough. Look at recall of the rare labels."
        ]
    return [
        f"kappa ({kappa.value:.2f}) is misleading here: {share:.0%} of all labels are {top}, so that agreement by chance is "
        f"counted as very high and a few rare labels decide. Read AC1 ({ac1.value:.2f}) beside the {observed:.0%} of equal "
        "labels, and look at recall of the rare labels: they are what a high AC1 may hide."
    ]
