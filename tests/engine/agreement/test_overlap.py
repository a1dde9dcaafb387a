"""BLEU and ROUGE: the figures of sacrebleu 2.5 and rouge-score 0.1.2."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.agreement.overlap import common, corpus_bleu, rouge, sentence_bleu, text_overlap, words_13a

from .made import TEXTS

BLEU = [
    42.38365628278778,
    48.7887501414534,
    32.66828640925501,
    0.0,
    0.673794699908547,
    7.809849842300637,
    64.22727797927409,
]
ROUGE = [
    (0.769231, 0.545455, 0.769231), (0.923077, 0.75, 0.769231), (0.666667, 0.0, 0.666667), (0.0, 0.0, 0.0),
    (0.285714, 0.0, 0.285714), (0.307692, 0.0, 0.307692), (0.928571, 0.769231, 0.928571),
]  # fmt: skip
WORDS = [
    "The cat sat on the mat .",
    "A refund of $ 3.50 was sent on 12 - 05 - 2024 , she said .",
    'Hello " world " — it\'s fine',
]


def test_words_are_those_of_sacrebleu() -> None:
    assert [" ".join(words_13a(text)) for text, _ in TEXTS[:3]] == WORDS


@pytest.mark.parametrize(("pair", "right"), list(zip(TEXTS, BLEU, strict=True)))
def test_bleu_of_a_text_is_that_of_sacrebleu(pair: tuple[str, str], right: float) -> None:
    assert sentence_bleu(*pair) == pytest.approx(right, abs=1e-9)


def test_bleu_of_all_texts_is_that_of_sacrebleu() -> None:
    told = corpus_bleu([a for a, _ in TEXTS], [b for _, b in TEXTS])
    assert told.value == pytest.approx(42.12495844676471, abs=1e-9)
    assert told.low < told.value < told.high  # type: ignore[operator]


@pytest.mark.parametrize(("pair", "right"), list(zip(TEXTS, ROUGE, strict=True)))
def test_rouge_is_that_of_rouge_score(pair: tuple[str, str], right: tuple[float, ...]) -> None:
    assert tuple(rouge(*pair).values()) == pytest.approx(right, abs=1e-6)


def test_writing_other_than_latin_has_words() -> None:
    """rouge-score keeps a to z only, and says 0 of two equal Russian sentences."""
    assert rouge("Привет, мир", "привет мир")["rouge_l"] == 1.0


def test_means_over_texts() -> None:
    told = text_overlap([a for a, _ in TEXTS], [b for _, b in TEXTS], resamples=200)
    assert told["rouge_1"].value == pytest.approx(sum(one[0] for one in ROUGE) / len(ROUGE), abs=1e-6)


def slow_common(a: list[str], b: list[str]) -> int:
    """The textbook table."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=90))
def test_the_longest_common_sequence_is_that_of_the_table(a: list[str], b: list[str]) -> None:
    assert common(a, b) == slow_common(a, b)
