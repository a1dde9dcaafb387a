"""Key phrases and names of groups."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest

from tamis.engine.keyphrases import Phrase, key_phrases, names_of, sample


def test_weights_are_those_of_class_based_tf_idf() -> None:
    texts = pl.Series(["refund", "refund", "card", "card", "lost", "card"])
    found = key_phrases(texts, np.array([0, 0, 0, 1, 1, 1], np.int32), 2)
    weight = lambda n, f: pytest.approx(math.sqrt(n / 3) * math.log(1 + 3 / f), abs=1e-6)  # noqa: E731
    assert found[0] == [("refund", weight(2, 2)), ("card", weight(1, 3))]
    assert found[1] == [("lost", weight(1, 1)), ("card", weight(2, 3))]


def test_phrases_neither_begin_nor_end_with_grammar_nor_repeat_one_another() -> None:
    texts = pl.Series(["I want to cancel the order", "cancelling my order, please", "CANCEL ORDER"] * 4)
    [found] = key_phrases(texts, np.zeros(12, np.int32), 1)
    assert {p.text for p in found} <= {"cancel", "order", "cancel order", "cancelling"}
    assert sum(p.text.startswith("cancel") for p in found) == 1


def test_any_script_counts_and_numbers_alone_do_not() -> None:
    texts = pl.Series(["Überweisung fehlt 123", "退款 12", None, ""])
    found = key_phrases(texts, np.array([0, 1, 1, 0], np.int32), 2)
    assert {p.text for p in found[0]} == {"überweisung fehlt"}
    assert {p.text for p in found[1]} == {"退款"}
    assert not any("12" in p.text for some in found for p in some)


def test_rows_outside_of_every_group_count_nowhere() -> None:
    found = key_phrases(pl.Series(["alpha", "beta"]), np.array([-1, 0], np.int32), 1)
    assert [p.text for p in found[0]] == ["beta"]


def test_no_two_names_are_alike() -> None:
    a, b, c, d, e = (Phrase(letter, 1.0) for letter in "abcde")
    names = names_of([[a, b, c, d], [a, b, c, e], [a, b, c], [a, b, c], []])
    assert names == ["a, b, c, d", "a, b, c, e", "a, b, c", "a, b, c (2)", "(no words)"]


def test_a_sample_is_spread_over_each_group() -> None:
    label = np.repeat(np.array([0, -1, 1], np.int32), [1000, 50, 3])
    rows = sample(label, 3, most=10)
    assert rows.tolist() == [*range(0, 1000, 100), 1050, 1051, 1052]
