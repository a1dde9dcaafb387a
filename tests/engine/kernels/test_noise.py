"""The kernel that marks texts which may be noise, against a slow twin."""

from __future__ import annotations

import itertools
import re

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels.noise import COST, HEAD, KEYBOARDS, SHORT, SUSPICIOUS, mark_noise, word_slot, word_table

from .test_patterns import buffers

TABLE = word_table(["test", "foo"], ["name", "the"])
TOKEN = re.compile(rb"[A-Za-z0-9\x80-\xff]+")


def key(byte: int) -> int:
    lower = byte | 0x20
    return lower - 96 if byte < 0x80 and 97 <= lower <= 122 else 0


def walk(token: bytes) -> int:
    """The longest run of keys that lie side by side, all in one direction."""
    rows = [*KEYBOARDS, *(row[::-1] for row in KEYBOARDS)]
    rights = {a + b for row in KEYBOARDS for a, b in itertools.pairwise(row)}
    lefts = {a + b for row in rows[len(KEYBOARDS) :] for a, b in itertools.pairwise(row)}
    best = 1
    for steps in (rights, lefts):
        run = 1
        for a, b in itertools.pairwise(token.decode("latin-1").lower()):
            run = run + 1 if a + b in steps else 1
            best = max(best, run)
    return best


def suspicious(token: bytes, before: bytes, least: int) -> bool:
    lower = bytes(byte | 0x20 if key(byte) else byte for byte in token)
    keys = [0, *map(key, token), 0]
    letters = sum(map(bool, keys))
    cost = sum(int(COST[a, b]) for a, b in itertools.pairwise(keys))
    odd = letters == len(token) >= 4 and 2 * cost >= SUSPICIOUS * (len(token) + 1)
    left = letters == len(token) >= 4 and set(lower) <= set(b"asdf")
    numbers = letters == 0 and max(token) < 0x80
    folded = bytes(byte | 0x20 for byte in token)
    periodic = any(len(folded) >= (3 * p if p < 3 else 2 * p) and folded[p:] == folded[:-p] for p in (1, 2, 3, 4))
    run = walk(lower)
    plain = re.sub(rb"[0-9]", b"", lower)
    again = len(token) >= 2 and plain == re.sub(rb"[0-9]", b"", before) and bool(before)
    walked = run >= 3 and len(token) <= 2 * run
    return bool(TABLE[word_slot(lower)] >= least or again or odd or left or walked or numbers or periodic)


def twin(text: str) -> bool:
    whole = text.encode()
    tokens = TOKEN.findall(whole[:HEAD])
    least = 1 if len(whole) <= HEAD else 2
    bad, before = 0, b""
    for token in tokens:
        bad += len(token) * suspicious(token, before, least)
        before = bytes(byte | 0x20 if key(byte) else byte for byte in token)
    told = sum(map(len, tokens))
    return bool(whole) and (len(whole) <= SHORT or told == 0 or 2 * bad >= told)


words = st.one_of(
    st.sampled_from(
        ["test", "Foo", "name", "the", "asdf", "wert", "sdkfjh", "123", "a", "kitchen", "Szczęsny", "haha", "日本"]
    ),
    st.text(st.sampled_from("asdfjkleonrtqwzxy12éŁ"), min_size=1, max_size=9),
)
texts = st.one_of(st.lists(words, max_size=14).map(" ".join), st.text(max_size=30))


@given(st.lists(texts, max_size=5))
@settings(max_examples=300)
@example(["", "x", "...", "a b", "1234 test123", "lol lol lol", "ÄÄ ÄÄ", "Foo" * 40])
def test_marks(values: list[str]) -> None:
    out = np.empty(len(values), np.bool_)
    mark_noise(*buffers(values), TABLE, out)
    assert out.tolist() == [twin(value) for value in values]


def test_costs_are_a_square_and_tell_languages_from_keys() -> None:
    assert COST.shape == (27, 27)

    def mean(word: str) -> float:
        keys = [0, *map(key, word.encode()), 0]
        return sum(int(COST[a, b]) for a, b in itertools.pairwise(keys)) / (len(word) + 1)

    assert max(map(mean, ["Brzeczyszczykiewicz", "Nguyen", "Schwarzschild", "Szekely", "Yilmaz", "kitchen"])) < 2.7
    assert min(map(mean, ["sdkfjh", "zxcv", "dfgdfg", "jgkfjgkf"])) > 3.4
