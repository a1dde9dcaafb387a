"""The one-coin model against a simulation and against a slow twin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tamis.engine.agreement.crowd import one_coin


def simulated(
    rates: list[float], rows: int, labels: int = 2, seed: int = 1, seen: float = 1.0
) -> tuple[list[int], list[list[Any]]]:
    """The rows' labels, and what raters with these rates of right answers said."""
    random = np.random.default_rng(seed)
    truth = random.integers(0, labels, rows)
    columns = []
    for rate in rates:
        wrong = (truth + random.integers(1, labels, rows)) % labels if labels > 1 else truth
        said = np.where(random.random(rows) < rate, truth, wrong)
        there = random.random(rows) < seen
        columns.append([int(v) if t else None for v, t in zip(said, there, strict=True)])
    return truth.tolist(), columns


def twin(columns: list[list[Any]], labels: list[Any], turns: int = 200) -> tuple[list[float], list[list[float]]]:
    """The same by plain loops over what was published."""
    n, k = len(columns[0]), len(labels)
    posterior = []
    for row in range(n):
        votes = [sum(column[row] == label for column in columns) for label in labels]
        posterior.append([v / sum(votes) if sum(votes) else 1 / k for v in votes])
    accuracy = [0.0] * len(columns)
    for _ in range(turns):
        for rater, column in enumerate(columns):
            given = [row for row in range(n) if column[row] is not None]
            hits = sum(posterior[row][labels.index(column[row])] for row in given)
            accuracy[rater] = (hits + 1) / (len(given) + 2)
        prior = [(sum(p[label] for p in posterior) + 1) / (n + k) for label in range(k)]
        for row in range(n):
            weights = []
            for place, label in enumerate(labels):
                weight = prior[place]
                for rater, column in enumerate(columns):
                    if column[row] is not None:
                        right = column[row] == label
                        weight *= accuracy[rater] if right else (1 - accuracy[rater]) / (k - 1)
                weights.append(weight)
            posterior[row] = [w / sum(weights) for w in weights]
    return accuracy, posterior


@pytest.mark.parametrize("labels", [2, 4])
def test_it_is_what_plain_loops_find(labels: int) -> None:
    _, columns = simulated([0.9, 0.8, 0.6, 0.7], 60, labels, seen=0.7)
    told = one_coin(columns, labels=list(range(labels)))
    accuracy, posterior = twin(columns, list(range(labels)))
    assert np.allclose(told.accuracy, accuracy, atol=1e-6)
    assert np.allclose(told.posterior, posterior, atol=1e-6)


def test_it_finds_who_can_be_trusted_and_beats_the_majority() -> None:
    rates = [0.95, 0.95, 0.55, 0.55, 0.55]
    truth, columns = simulated(rates, 2000)
    told = one_coin(columns)
    assert np.allclose(told.accuracy, rates, atol=0.04)
    votes = np.array(columns).sum(axis=0) * 2 > len(rates)
    right = (told.posterior.argmax(axis=1) == truth).mean()
    assert right > (votes == np.array(truth)).mean() + 0.05
    assert told.weights[0] == pytest.approx(math.log(told.accuracy[0] / (1 - told.accuracy[0])))


def test_little_is_known_of_few_labels_and_nothing_of_none() -> None:
    told = one_coin([["a"], ["a"], [None]], labels=["a", "b"])
    assert told.accuracy[0] < 1
    assert math.isnan(told.accuracy[2])
    assert one_coin([["a", "a"], ["a", "a"]]).labels == ["a"]
    assert one_coin([[], []], labels=["a", "b"]).posterior.shape == (0, 2)
