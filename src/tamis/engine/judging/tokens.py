"""A score as the expected value over the probabilities of the score tokens, as DEITA takes it (Liu et al. 2023,
arXiv 2312.15685): the probabilities of "1".."6" in the place of the score, renormalised to sum to 1.

An endpoint tells only the most probable tokens. Scores that are not among them count as impossible, and what share of
the probability was seen is told: under a half of it, the place of the score was hardly one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from tamis.core.calls import Token

#: DEITA's scale
SCORES = ("1", "2", "3", "4", "5", "6")


class Expected(NamedTuple):
    """score: lowest to highest of the scale; seen: share 0..1 of the probability that lay on scores;
    missing: scores of which the endpoint told nothing."""

    score: float
    seen: float
    missing: int


def expected_score(tokens: Sequence[Token], scores: Sequence[str] = SCORES) -> Expected | None:
    """The expected score in the first place where the reply says a score; None where it says none there.

    >>> from tamis.core.calls import Token
    >>> round(expected_score([Token("4", -0.7, (("4", -0.7), ("5", -0.7)))]).score, 3)
    4.5
    """
    for place, token in enumerate(tokens):
        if token.text.strip() not in scores:
            continue
        after = tokens[place + 1].text if place + 1 < len(tokens) else ""
        before = tokens[place - 1].text if place else ""
        if after[:1].isdigit() or (before[-1:].isdigit() and not token.text[:1].isspace()):
            continue  # a part of 10, not a 1
        told = dict(token.top)
        told.setdefault(token.text, token.logprob)
        masses = dict.fromkeys(scores, 0.0)
        for text, logprob in told.items():
            if text.strip() in masses:  # with and without a space before it: the same score
                masses[text.strip()] += math.exp(min(logprob, 0.0))
        seen = math.fsum(masses.values())
        if seen <= 0:
            return None
        score = math.fsum(int(name) * mass for name, mass in masses.items()) / seen
        return Expected(round(score, 6), round(min(seen, 1.0), 6), sum(mass == 0 for mass in masses.values()))
    return None
