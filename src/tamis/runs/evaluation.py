"""A prompt's answers against what is right, or against a judge: figures with intervals, and where they are bad.

Pure: answers in, figures out. Who asked, which rows, and where it is written down is elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl

from tamis.engine.agreement.bootstrap import RESAMPLES, Estimate
from tamis.engine.agreement.codes import Codes
from tamis.engine.agreement.labels import classify
from tamis.engine.agreement.overlap import text_overlap
from tamis.engine.agreement.paired import mcnemar, mean, paired_difference, sign_test
from tamis.engine.agreement.raters import agreement
from tamis.engine.agreement.reading import read_agreement
from tamis.engine.agreement.slices import Found, find_slices

#: the five levels of a rating, 0 to 4
LEVELS = ("very bad", "bad", "moderate", "good", "excellent")
#: a rating up to this is bad, where bad rows are looked for
BAD = 1.0

Kind = Literal["labels", "ratings", "texts"]


@dataclass(frozen=True)
class Evaluation:
    """What is known of some answers.

    kind: compared with right labels, rated by a judge, or compared with reference texts; answered: rows with an answer;
    wrong: (rows,) which count as bad; cells: (right, predicted, rows), by label, predicted None where there was no answer;
    distribution: level → rows; reading: what to know before the figures are believed.
    """

    kind: Kind
    rows: int
    answered: int
    metrics: dict[str, Estimate]
    wrong: tuple[bool, ...]
    slices: Found
    labels: tuple[str, ...] = ()
    cells: tuple[tuple[str, str | None, int], ...] = ()
    by_label: dict[str, dict[str, Any]] = field(default_factory=dict)
    distribution: dict[str, int] = field(default_factory=dict)
    reading: tuple[str, ...] = ()

    def figures(self) -> dict[str, dict[str, float]]:
        """Metric → value, low, high: as the gate reads them. Figures that are not defined are left out."""
        found: dict[str, dict[str, float]] = {}
        for name, one in self.metrics.items():
            if one.value is not None:
                ends = {"low": one.low, "high": one.high}
                found[name] = {"value": round(one.value, 6)} | {
                    k: round(v, 6) for k, v in ends.items() if v is not None
                }
        return found

    def told(self) -> dict[str, Any]:
        """As a plain mapping, without the rows."""
        return {
            "kind": self.kind,
            "rows": self.rows,
            "answered": self.answered,
            "metrics": self.figures(),
            "labels": list(self.labels),
            "cells": [list(cell) for cell in self.cells],
            "by_label": self.by_label,
            "distribution": self.distribution,
            "reading": list(self.reading),
            "slices": [_rounded(one.told()) for one in self.slices.slices],
            "looked_at": self.slices.looked_at,
        }


def _rounded(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in told.items()}


def evaluate_labels(
    gold: Sequence[str | None],
    predicted: Sequence[str | None],
    columns: pl.DataFrame | None = None,
    *,
    labels: Sequence[str] = (),
    groups: Codes | None = None,
    support: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Labels against the right ones. Rows without a right label are left out; rows without an answer are wrong.

    labels: those that may occur, in order; others that do occur follow.
    """
    there = np.array([one is not None for one in gold], bool)
    right = [one for one in gold if one is not None]
    said = [one for one, known in zip(predicted, there, strict=True) if known]
    named = [*labels, *sorted({one for one in (*right, *said) if one is not None} - set(labels))]
    inside = None if groups is None else groups[there]
    told = classify(right, said, labels=named, groups=inside, resamples=resamples, seed=seed)
    metrics = dict(told.metrics)
    answered = [one is not None for one in said]
    if any(answered):
        pairs = agreement(
            [[r for r, a in zip(right, answered, strict=True) if a], [s for s in said if s is not None]],
            labels=named,
            groups=None if inside is None else inside[np.array(answered)],
            resamples=resamples,
            seed=seed,
        )
        metrics |= {name: pairs[name] for name in ("alpha", "ac1") if name in pairs}
    wrong = tuple(r != s for r, s in zip(right, said, strict=True))
    frame = None if columns is None else columns.filter(pl.Series(there))
    cells = [
        (a, b, int(told.matrix[i, j]))
        for i, a in enumerate(told.labels)
        for j, b in enumerate([*told.labels, None])
        if told.matrix[i, j]
    ]
    by_label = {
        name: {"support": told.support[name], **{k: _rounded(v.told()) for k, v in figures.items()}}
        for name, figures in told.by_label.items()
    }
    return Evaluation(
        "labels", told.rows, told.rows - told.unanswered, metrics, wrong, worst(frame, wrong, support),
        labels=tuple(named), cells=tuple(cells), by_label=by_label, reading=tuple(_read_labels(metrics, right, said)),
    )  # fmt: skip


def _read_labels(metrics: Mapping[str, Estimate], right: Sequence[str], said: Sequence[str | None]) -> list[str]:
    every = [one for one in (*right, *said) if one is not None]
    shares = [(name, every.count(name) / len(every)) for name in dict.fromkeys(every)]
    both = [(r, s) for r, s in zip(right, said, strict=True) if s is not None]
    observed = sum(r == s for r, s in both) / len(both) if both else None
    notes = read_agreement(observed, metrics.get("kappa"), metrics.get("ac1"), shares, rows=len(both))
    if (silent := len(right) - len(both)) > 0:
        notes.append(
            f"{silent} of {len(right)} rows have no answer; they count as wrong, and are no part of kappa, alpha and AC1."
        )
    if 0 < len(right) < 100:
        notes.append(f"{len(right)} rows are few: read the intervals, not the figures.")
    return notes


def evaluate_ratings(
    ratings: Sequence[float | None],
    columns: pl.DataFrame | None = None,
    *,
    texts: Sequence[str | None] | None = None,
    references: Sequence[str | None] | None = None,
    groups: Codes | None = None,
    support: int | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """A judge's ratings, 0 (very bad) to 4 (excellent); None where a row could not be rated.

    With `texts` and `references`, BLEU and ROUGE of the texts beside it.
    """
    rated = [(k, value) for k, value in enumerate(ratings) if value is not None]
    places = np.array([k for k, _ in rated], np.int64)
    values = [value for _, value in rated]
    inside = None if groups is None else groups[places]
    metrics: dict[str, Estimate] = {}
    distribution: dict[str, int] = {}
    if values:
        metrics["rating"] = mean(values, groups=inside, resamples=resamples, seed=seed)
        good = [float(value >= 3) for value in values]
        metrics["good_share"] = mean(good, groups=inside, resamples=resamples, seed=seed)
        levels = [LEVELS[int(np.floor(value + 0.5))] for value in values]
        distribution = {level: levels.count(level) for level in LEVELS}
    wrong = tuple(value is None or value <= BAD for value in ratings)
    metrics |= _overlap(texts, references, resamples, seed)
    notes = []
    if len(values) < len(ratings):
        notes.append(
            f"{len(ratings) - len(values)} of {len(ratings)} rows have no rating; they are no part of the mean, and count as bad below."
        )
    return Evaluation(
        "ratings", len(ratings), len(values), metrics, wrong, worst(columns, wrong, support),
        distribution=distribution, reading=tuple(notes),
    )  # fmt: skip


def evaluate_texts(
    texts: Sequence[str | None], references: Sequence[str | None], *, resamples: int = RESAMPLES, seed: int = 0
) -> Evaluation:
    """Texts against references by shared words alone."""
    metrics = _overlap(texts, references, resamples, seed)
    answered = sum(one is not None for one in texts)
    note = "BLEU and ROUGE count shared words: they do not see whether a text is true. Have a judge rate it besides."
    nothing = Found([], 0, len(texts), 0, ())
    return Evaluation("texts", len(texts), answered, metrics, (), nothing, reading=(note,))


def _overlap(
    texts: Sequence[str | None] | None, references: Sequence[str | None] | None, resamples: int, seed: int
) -> dict[str, Estimate]:
    """Rows without a text count with an empty one; rows without a reference are left out."""
    if texts is None or references is None:
        return {}
    pairs = [(a or "", b) for a, b in zip(texts, references, strict=True) if b is not None]
    if not pairs:
        return {}
    return text_overlap([a for a, _ in pairs], [b for _, b in pairs], resamples=resamples, seed=seed)


def worst(columns: pl.DataFrame | None, wrong: Sequence[bool], support: int | None = None) -> Found:
    """Groups of rows with more bad ones than the rest. support: fewest rows of one, by default 20, fewer in small sets."""
    if columns is None or not columns.width:
        return Found([], 0, len(wrong), sum(wrong), ())
    return find_slices(columns, np.asarray(wrong, bool), support=support or max(5, min(20, len(wrong) // 10)))


# -- two on the same rows -------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """B against A on the same rows. p: of the sign test, two-sided; difference: mean of B less A.

    By labels: a win is a row that B alone gets right. By ratings: one that B has a higher rating for. changed: rows whose
    answer differs, in the order of the rows.
    """

    rows: int
    wins: int
    losses: int
    ties: int
    p: float | None
    difference: Estimate
    same: int
    changed: tuple[int, ...]

    def told(self) -> dict[str, Any]:
        """As a plain mapping, without the rows."""
        return {
            "rows": self.rows, "wins": self.wins, "losses": self.losses, "ties": self.ties, "p": self.p,
            "difference": _rounded(self.difference.told()), "same": self.same, "changed": len(self.changed),
        }  # fmt: skip

    @property
    def verdict(self) -> str:
        """In words."""
        if self.p is None:
            return "no right labels and no judge: nothing says which is better"
        if self.p >= 0.05:
            return f"no difference that chance would not make (sign test p = {self.p:.2g})"
        return f"B is {'better' if self.wins > self.losses else 'worse'} than A (sign test p = {self.p:.2g})"


def compare(
    a: Sequence[Any],
    b: Sequence[Any],
    *,
    gold: Sequence[Any] | None = None,
    scores: tuple[Sequence[float | None], Sequence[float | None]] | None = None,
    groups: Codes | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Answers of A and B to the same rows, against right labels (`gold`) or by ratings of both.

    >>> told = compare(["x", "x", "y"], ["x", "y", "y"], gold=["x", "y", "y"])
    >>> told.wins, told.losses, told.changed
    (1, 0, (1,))
    """
    changed = tuple(k for k, (one, other) in enumerate(zip(a, b, strict=True)) if one != other)
    same = len(a) - len(changed)
    if gold is not None:
        known = [k for k, right in enumerate(gold) if right is not None]
        first, second = [a[k] == gold[k] for k in known], [b[k] == gold[k] for k in known]
        test = mcnemar(first, second)
        wins, losses, p = test.only_b, test.only_a, test.p
        values = [float(one) for one in first], [float(one) for one in second]
    elif scores is not None:
        known = [k for k, pair in enumerate(zip(*scores, strict=True)) if None not in pair]
        values = [float(scores[0][k] or 0) for k in known], [float(scores[1][k] or 0) for k in known]
        wins = sum(y > x for x, y in zip(*values, strict=True))
        losses = sum(y < x for x, y in zip(*values, strict=True))
        p = sign_test(wins, losses)
    else:
        return Comparison(len(a), 0, 0, len(a), None, Estimate(None), same, changed)
    inside = None if groups is None else groups[np.array(known, np.int64)]
    difference = paired_difference(*values, groups=inside, resamples=resamples, seed=seed)
    return Comparison(len(known), wins, losses, len(known) - wins - losses, p, difference, same, changed)
