"""Accuracy, precision, recall, F1, kappa: published examples, another library's figures, and what is easily got wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tamis.core.errors import UsageError
from tamis.engine.agreement.labels import classify, cohen

from .made import ratings

#: computed with scikit-learn 1.7 on `ratings(0)`, `ratings(1)`
SKLEARN = {
    "accuracy": 0.5625, "precision_macro": 0.378859, "recall_macro": 0.377406, "f1_macro": 0.377978,
    "precision_micro": 0.5625, "recall_micro": 0.5625, "f1_micro": 0.5625, "precision_weighted": 0.560849,
    "recall_weighted": 0.5625, "f1_weighted": 0.56155, "kappa": 0.316758, "kappa_linear": 0.331018,
    "kappa_quadratic": 0.31787,
}  # fmt: skip
BY_LABEL = {
    "precision": [0.656863, 0.047619, 0.653061, 0.157895],
    "recall": [0.676768, 0.05, 0.64, 0.142857],
    "f1": [0.666667, 0.04878, 0.646465, 0.15],
}


def test_figures_are_those_of_scikit_learn() -> None:
    told = classify(ratings(0), ratings(1), ordered=True)
    assert {name: round(one.value or 0, 6) for name, one in told.metrics.items()} == SKLEARN
    for kind, values in BY_LABEL.items():
        assert [round(told.by_label[label][kind].value or 0, 6) for label in told.labels] == values
    assert told.matrix[:, :-1].tolist() == [[67, 8, 18, 6], [4, 1, 12, 3], [20, 9, 64, 7], [11, 3, 4, 3]]


def test_intervals_are_those_of_resampling_row_by_row() -> None:
    """Quantiles of 4,000 resamples by scikit-learn: kappa 0.232 to 0.400, macro F1 0.323 to 0.433."""
    told = classify(ratings(0), ratings(1), method="percentile").metrics
    assert told["kappa"][1:3] == pytest.approx((0.232, 0.400), abs=0.012)
    assert told["f1_macro"][1:3] == pytest.approx((0.323, 0.433), abs=0.012)


def test_kappa_of_cohen_1960() -> None:
    """Table 1 of the paper: observed agreement 0.70, by chance 0.41, kappa 0.492."""
    cells = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]
    a = [i for i, row in enumerate(cells) for j, n in enumerate(row) for _ in range(n)]
    b = [j for row in cells for j, n in enumerate(row) for _ in range(n)]
    told = classify(a, b)
    assert told.metrics["accuracy"].value == pytest.approx(0.70)
    assert told.metrics["kappa"].value == pytest.approx(0.29 / 0.59, abs=1e-9)


def test_rows_without_a_prediction_are_wrong_and_no_part_of_kappa() -> None:
    told = classify(["a", "a", "b", "b"], ["a", None, "b", "b"])
    assert told.unanswered == 1
    assert told.metrics["accuracy"].value == 0.75
    assert told.by_label["a"]["recall"].value == 0.5
    assert told.by_label["a"]["precision"].value == 1.0
    assert told.metrics["kappa"].value == 1.0
    assert told.matrix.tolist() == [[1, 0, 1], [0, 2, 0]]


def test_rows_without_a_right_label_are_not_there() -> None:
    assert classify(["a", None, "b"], ["a", "b", "b"]).rows == 2
    assert classify([None], ["a"]).metrics == {}


def test_a_perfect_score_is_not_beyond_doubt() -> None:
    """Resampling 20 rows that are all right would say 100% to 100%."""
    told = classify(["a", "b"] * 10, ["a", "b"] * 10).metrics["accuracy"]
    assert (told.value, told.high, told.method) == (1.0, 1.0, "wilson")
    assert told.low == pytest.approx(0.8389, abs=1e-4)


def test_one_label_only_leaves_kappa_undefined() -> None:
    assert classify(["a"] * 9, ["a"] * 9).metrics["kappa"].value is None


def test_a_label_nobody_said_has_precision_nothing() -> None:
    told = classify(["a", "b"], ["a", "a"])
    assert told.by_label["b"]["precision"].value == 0.0
    assert told.metrics["precision_macro"].value == 0.25


def test_groups_are_drawn_together() -> None:
    """Ten copies of a row say no more than the row: intervals are as wide as without the copies."""
    gold, said = ratings(0)[:60], ratings(1)[:60]
    alone = classify(gold, said, method="percentile").metrics["kappa"]
    copies = np.repeat(np.arange(60), 10)
    many = classify(np.repeat(gold, 10).tolist(), np.repeat(said, 10).tolist(), groups=copies, method="percentile")
    naive = classify(np.repeat(gold, 10).tolist(), np.repeat(said, 10).tolist(), method="percentile").metrics["kappa"]
    wide = many.metrics["kappa"]
    assert wide.high - wide.low == pytest.approx(alone.high - alone.low, rel=0.15)  # type: ignore[operator]
    assert naive.high - naive.low < 0.5 * (wide.high - wide.low)  # type: ignore[operator]


def test_the_same_seed_gives_the_same_interval() -> None:
    a, b, c = (classify(ratings(0), ratings(1), seed=seed).metrics["kappa"] for seed in (1, 1, 2))
    assert a == b
    assert a != c


def test_a_label_that_is_not_listed_is_refused() -> None:
    with pytest.raises(UsageError, match="'z' is not among the labels"):
        classify(["a"], ["z"], labels=["a", "b"])


def test_raters_of_other_lengths_are_refused() -> None:
    with pytest.raises(UsageError, match="different numbers of rows: 2, 1"):
        cohen(["a", "b"], ["a"])
