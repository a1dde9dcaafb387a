"""How far each of several raters can be trusted, and what rows are, from their labels alone: the one-coin model.

Each rater is right with one probability, whatever the row, and when wrong gives any other label alike. The probabilities
and the rows' labels are found by turns (expectation maximisation), beginning with each row's votes.

Sources: A. P. Dawid, A. M. Skene, Maximum likelihood estimation of observer error-rates using the EM algorithm, Applied
Statistics 28 (1979) 20-28; Y. Zhang, X. Chen, D. Zhou, M. I. Jordan, Spectral methods meet EM, JMLR 17 (2016) 1-44, for
the one-coin model; S. Nitzan, J. Paroush, Optimal decision rules in uncertain dichotomous choice situations,
International Economic Review 23 (1982) 289-297, for log-odds as the weights of a vote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .codes import MISSING, Floats, encode

#: turns at most
TURNS = 200
#: the largest change of a probability at which the turns end
STILL = 1e-9


@dataclass(frozen=True)
class Crowd:
    """accuracy: (raters,) 0..1, NaN for who rated nothing; weights: (raters,) log-odds of being right, for a weighted vote;
    labels, and (rows, labels) the probability of each."""

    labels: list[Any]
    accuracy: Floats
    weights: Floats
    posterior: Floats


def one_coin(raters: Sequence[Sequence[Any]], *, labels: Sequence[Any] | None = None) -> Crowd:
    """The one-coin model of raters' labels: one column a rater, None where it did not rate.

    One right and one wrong answer are added to each rater's, so that few labels make nobody infallible.

    >>> told = one_coin([list("abab"), list("abab"), list("abba")])
    >>> [round(a, 2) for a in told.accuracy.tolist()]
    [0.79, 0.79, 0.5]
    """
    names, codes = encode(raters, labels)
    n, k = len(codes), len(names)
    there = codes != MISSING
    given = there.sum(axis=0)
    hot = codes[:, :, None] == np.arange(k)
    votes = hot.sum(axis=1).astype(np.float64)
    posterior = np.divide(
        votes,
        votes.sum(axis=1, keepdims=True),
        out=np.full((n, k), 1 / max(k, 1)),
        where=votes.sum(axis=1, keepdims=True) > 0,
    )
    accuracy = np.full(len(given), np.nan)
    for _ in range(TURNS if k > 1 else 1):
        hits = (hot * posterior[:, None, :]).sum(axis=(0, 2))
        found = np.where(given > 0, (hits + 1) / (given + 2), np.nan)
        still = np.nanmax(np.abs(found - accuracy), initial=0.0) < STILL if not np.isnan(accuracy).all() else False
        accuracy = found
        if still or k < 2:
            break
        prior = (posterior.sum(axis=0) + 1) / (n + k)
        right, wrong = np.log(accuracy), np.log((1 - accuracy) / (k - 1))
        told = np.where(there[:, :, None], np.where(hot, right[:, None], wrong[:, None]), 0.0).sum(axis=1) + np.log(
            prior
        )
        told = np.exp(told - told.max(axis=1, keepdims=True))
        posterior = told / told.sum(axis=1, keepdims=True)
    weights = np.log(accuracy * max(k - 1, 1) / (1 - accuracy))
    return Crowd(names, accuracy, weights, posterior)
