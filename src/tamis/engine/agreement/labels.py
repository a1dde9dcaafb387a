"""One column of labels against another that is taken for right: accuracy, precision, recall, F1, confusion, kappa.

Rows without a label to compare with are not there. Rows without a prediction are wrong: they count against accuracy and
recall, and are no part of kappa. Precision of a label nobody predicted is 0, recall of one that does not occur is 0, as
scikit-learn has it; a label that is in neither column is left out of the means.

Sources: J. Cohen, A coefficient of agreement for nominal scales, Educ. Psychol. Meas. 20 (1960) 37-46; J. Cohen, Weighted
kappa, Psychol. Bull. 70 (1968) 213-220; C. J. van Rijsbergen, Information Retrieval (1979), for F.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .bootstrap import RESAMPLES, Estimate, Method, estimate, units_of, whole
from .codes import MISSING, Codes, Floats, distinct, encode
from .paired import wilson

Weighting = Literal["none", "linear", "quadratic"]


@dataclass(frozen=True)
class Classified:
    """What a comparison says. matrix: (labels, labels + 1) counts, right label by predicted label, last no prediction.

    metrics: name → figure; by_label: label → precision, recall, f1 with their intervals, and its support.
    """

    labels: list[Any]
    rows: int
    unanswered: int
    matrix: NDArray[np.int64]
    metrics: dict[str, Estimate]
    by_label: dict[Any, dict[str, Estimate]]

    @property
    def support(self) -> dict[Any, int]:
        """Label → rows whose right label it is."""
        return dict(zip(self.labels, self.matrix.sum(axis=1).tolist(), strict=True))


def classify(
    gold: Sequence[Any],
    predicted: Sequence[Any],
    *,
    labels: Sequence[Any] | None = None,
    ordered: bool = False,
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
    method: Method = "bca",
) -> Classified:
    """Compare predictions with the right labels. ordered: the labels are levels, so that weighted kappa is told too.

    >>> told = classify(["a", "a", "b", "b"], ["a", "b", "b", "b"])
    >>> told.metrics["accuracy"].value, told.by_label["b"]["precision"].value
    (0.75, 0.6666666666666666)
    """
    names, codes = encode([gold, predicted], labels)
    there = codes[:, 0] != MISSING
    codes = codes[there]
    k = len(names)
    matrix = np.zeros((k, k + 1), np.int64)
    np.add.at(matrix, (codes[:, 0], codes[:, 1]), 1)  # -1 is the last column
    unanswered = int(matrix[:, k].sum())
    if not len(codes):
        return Classified(names, 0, 0, matrix, {}, {})
    kinds, of_row = distinct(codes)
    units = units_of(len(kinds), of_row, None if groups is None else groups[there])
    statistic = _Figures(kinds, k, ordered)
    found = estimate(statistic, units, resamples=resamples, seed=seed, method=method)
    metrics = {name: one for name, one in found.items() if "\x00" not in name}
    if groups is None:
        hits = int(np.trace(matrix))
        metrics["accuracy"] = share_estimate(hits, len(codes), metrics["accuracy"])
    by_label: dict[Any, dict[str, Estimate]] = {}
    for place, name in enumerate(names):
        right, of, said = int(matrix[place, place]), int(matrix[place].sum()), int(matrix[:, place].sum())
        one = {kind: found[f"{kind}\x00{place}"] for kind in ("precision", "recall", "f1")}
        if groups is None:
            one["precision"] = share_estimate(right, said, one["precision"])
            one["recall"] = share_estimate(right, of, one["recall"])
        by_label[name] = one
    return Classified(names, len(codes), unanswered, matrix, metrics, by_label)


def share_estimate(hits: int, of: int, told: Estimate) -> Estimate:
    """A share's interval: by resampling, but Wilson's where all or none are hits and resampling knows no doubt."""
    if of and hits in (0, of):
        share, low, high = wilson(hits, of)
        return Estimate(share, low, high, "wilson")
    return told


class _Figures:
    """All figures of a comparison, for many tables of counts at once."""

    def __init__(self, kinds: Codes, k: int, ordered: bool) -> None:
        right, said = kinds[:, 0], kinds[:, 1]
        places = np.arange(k)
        self.gold = right[:, None] == places
        self.said = said[:, None] == places
        self.hit = self.gold & self.said
        self.answered = said != MISSING
        self.both = self.gold & self.answered[:, None]
        self.distance = np.where(self.answered, np.abs(right - said), 0)
        self.k, self.ordered = k, ordered

    def __call__(self, weights: Floats) -> dict[str, Floats]:
        n = weights.sum(axis=1)
        hit, gold, said = whole(weights, self.hit), whole(weights, self.gold), whole(weights, self.said)
        hits, answered = hit.sum(axis=1), said.sum(axis=1)
        there = (gold + said) > 0
        precision = np.where(there, np.divide(hit, said, out=np.zeros_like(hit), where=said > 0), np.nan)
        recall = np.where(there, np.divide(hit, gold, out=np.zeros_like(hit), where=gold > 0), np.nan)
        f1 = 2 * hit / (gold + said)
        weight = gold / n[:, None]
        found = {"accuracy": hits / n}
        for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
            found[f"{name}_macro"] = np.nansum(values, axis=1) / there.sum(axis=1)
        micro = {"precision": hits / answered, "recall": hits / n, "f1": 2 * hits / (answered + n)}
        found |= {f"{name}_micro": values for name, values in micro.items()}
        for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
            found[f"{name}_weighted"] = np.nansum(values * weight, axis=1)
        found |= self._kappas(weights, said, hits)
        for place in range(self.k):
            found[f"precision\x00{place}"] = precision[:, place]
            found[f"recall\x00{place}"] = recall[:, place]
            found[f"f1\x00{place}"] = f1[:, place]
        return found

    def _kappas(self, weights: Floats, said: Floats, hits: Floats) -> dict[str, Floats]:
        gold = whole(weights, self.both)
        n = gold.sum(axis=1)
        found = {"kappa": kappa_of(hits / n, (gold * said).sum(axis=1) / n**2)}
        if self.ordered:
            for name, power in (("linear", 1), ("quadratic", 2)):
                away = np.abs(np.arange(self.k)[:, None] - np.arange(self.k)) ** power
                seen = whole(weights, (self.distance**power)[:, None])[:, 0] / n
                chance = (whole(gold, away) * said).sum(axis=1) / n**2
                found[f"kappa_{name}"] = 1 - seen / chance
        return found


def kappa_of(observed: Floats, expected: Floats) -> Floats:
    """(observed - expected) / (1 - expected); NaN where there is one label only, as nothing can be told then."""
    left = 1 - expected
    return np.where(left > 1e-12, (observed - expected) / np.where(left > 1e-12, left, 1), np.nan)


def cohen(
    first: Sequence[Any],
    second: Sequence[Any],
    *,
    labels: Sequence[Any] | None = None,
    weights: Weighting = "none",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Cohen's kappa of two raters, over the rows that both have rated. Weighted: the labels are levels, in order.

    >>> round(cohen([1, 2, 3, 3], [1, 2, 3, 2], resamples=0).value, 3)
    0.636
    """
    told = classify(first, second, labels=labels, ordered=weights != "none", resamples=resamples, seed=seed)
    name = "kappa" if weights == "none" else f"kappa_{weights}"
    return told.metrics.get(name, Estimate(None))
