"""The linear classifier's score, against a slow twin."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.kernels.linear import ONE, score_linear
from tamis.engine.linear import least_units

BITS = 8
WEIGHTS = np.random.default_rng(3).integers(-2000, 2000, 1 << BITS).astype(np.int16)
M64 = (1 << 64) - 1


def score_of(text: bytes) -> int:
    total, before = 7, 0
    for word in re.findall(rb"[a-z0-9\x80-\xff]+", re.sub(rb"[A-Z]", lambda m: m[0].lower(), text)):
        h = 0xCBF29CE484222325
        for byte in word:
            h = ((h ^ byte) * 0x100000001B3) & M64
        h ^= h >> 29
        pair = ((before * 0x9E3779B97F4A7C15) & M64) ^ h
        total += int(WEIGHTS[h % (1 << BITS)]) + int(WEIGHTS[(pair ^ (pair >> 31)) % (1 << BITS)])
        before = h
    return total


@given(st.lists(st.text(st.sampled_from("aB z9é-\n日"), max_size=12), max_size=5))
def test_scores(texts: list[str]) -> None:
    raw = [text.encode() for text in texts]
    out = np.empty(len(raw), np.int64)
    offsets = np.cumsum([0, *map(len, raw)], dtype=np.int64)
    score_linear(np.frombuffer(b"".join(raw), np.uint8), offsets, WEIGHTS, 7, out)
    assert out.tolist() == [score_of(text) for text in raw]


def test_the_bar_is_a_whole_number() -> None:
    assert least_units(0.5) == 0
    assert least_units(0.8) == int(np.ceil(np.log(4) * ONE))
