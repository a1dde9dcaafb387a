"""N-grams and sketches against sets of strings."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.columns import Text
from tamis.engine.bands import BINS
from tamis.engine.kernels.shingles import mix, ngrams, tighten
from tamis.engine.neardup import Unit, sketch
from tamis.engine.text import to_series, to_text

texts = st.text(st.sampled_from("abcab \x1eé漢字かな😀\x00"), max_size=40)


def text(*strings: str) -> Text:
    return to_text(pl.Series(strings, dtype=pl.String))


def grams(string: str, n: int) -> list[str]:
    """The n-grams of characters; a shorter text is one as a whole."""
    return [string[k : k + n] for k in range(len(string) - n + 1)] or ([string] if string else [])


def word_grams(string: str, n: int) -> list[tuple[str, ...]]:
    """The n-grams of words."""
    words = re.findall("[\u3000-\U0010ffff]|[^ \x1e\u3000-\U0010ffff]+", string)
    return [tuple(words[k : k + n]) for k in range(len(words) - n + 1)] or ([tuple(words)] if words else [])


def hashes(string: str, n: int, words: bool = False) -> list[int]:
    encoded = text(string)
    out = np.zeros(len(encoded.data) + 8, np.uint64)
    return [int(h) for h in out[: ngrams(encoded.data, 0, int(encoded.offsets[-1]), n, words, out)]]


@given(texts, texts, st.integers(1, 12))
@settings(max_examples=300)
def test_equal_hashes_are_equal_ngrams(a: str, b: str, n: int) -> None:
    for slow, words in ((grams, False), (word_grams, True)):
        expected, found = slow(a, n) + slow(b, n), hashes(a, n, words) + hashes(b, n, words)
        assert len(found) == len(expected)
        if words or min(len(a), len(b)) >= n:
            assert len(set(zip(expected, found, strict=True))) == len(set(expected)) == len(set(found))


def test_an_ascii_ngram_has_one_hash_wherever_it_stands() -> None:
    assert hashes("abcdefgh", 5)[0] == hashes("abcdeé漢", 5)[0]
    assert hashes("x" * 9 + "abcdefghijkl", 9)[-1] == hashes("é" + "abcdefghijkl", 9)[-1]


@given(st.lists(st.text(st.sampled_from("abcdefgh \x1e"), max_size=50), max_size=5))
@settings(max_examples=300)
def test_blanks_beside_separators_go(strings: list[str]) -> None:
    strings = [re.sub(" +", " ", string) for string in strings]  # as normalised texts are
    encoded = text(*strings)
    out, offsets = encoded.data.copy(), np.empty_like(encoded.offsets)
    tighten(out, encoded.offsets, offsets)
    found = to_series("", Text(out[: offsets[-1]], offsets, encoded.valid)).to_list()
    assert found == [re.sub(" ?\x1e ?", "\x1e", string) for string in strings]


@given(texts, st.integers(1, 6))
def test_a_sketch_depends_on_the_set_alone(string: str, n: int) -> None:
    once, full = sketch(text("x", string, string), Unit(n, False), np.array([1, 2]))
    assert (once[0] == once[1]).all()
    mixed = [int(mix(np.uint64(h))) for h in hashes(string, n)]
    assert full[0] == len({h >> 57 for h in mixed})
    if string:
        least = {}
        for h in mixed:
            least[h >> 57] = min(least.get(h >> 57, 1 << 64), h)
        for place, h in least.items():
            assert once[0, place] == h & 255
    else:
        assert not once.any()


@pytest.mark.parametrize(("size", "similarity"), [(5, 0.5), (12, 0.5), (40, 0.25), (40, 0.8), (400, 0.65), (3000, 0.5)])
def test_sketches_agree_as_often_as_sets_are_similar(size: int, similarity: float) -> None:
    """Also where most bins were empty: the share of bins in which two sketches agree is their similarity, on average."""
    rng = np.random.default_rng(size)
    both = round(2 * size * similarity / (1 + similarity))
    shares = []
    for _ in range(60 if size > 1000 else 400):
        letters = rng.integers(0x4E00, 0x9FFF, 2 * size - both)
        common, mine, theirs = np.split(letters, [both, size])
        a, b = ("".join(map(chr, [*common, *own])) for own in (mine, theirs))
        true = len(set(a) & set(b)) / len(set(a) | set(b))
        found, _ = sketch(text(a, b), Unit(1, False))
        shares.append(float((found[0] == found[1]).mean()) - (true + (1 - true) / 256))
    assert abs(float(np.mean(shares))) < 0.02
    assert np.std(shares) < 1.2 * np.sqrt(similarity * (1 - similarity) / min(BINS, size))


def test_mix_is_one_to_one_on_what_is_tried() -> None:
    assert len({int(mix(np.uint64(k))) for k in range(50_000)}) == 50_000
