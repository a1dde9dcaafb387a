"""The kernel that counts links, against a slow twin."""

from __future__ import annotations

import re

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import links as kernel

from .test_patterns import buffers

pieces = st.sampled_from(
    ["http://a.de", "https://", "://", ":/", "www.", "WWW.a", "www", " ", "\n", "word", "é", "x" * 90, "/", "."]
)
texts = st.one_of(st.lists(pieces, max_size=12).map("".join), st.text(max_size=12))


def twin(text: str) -> list[int]:
    words = [word for word in re.split(rb"[\x00-\x20]+", text.encode()) if word]
    links = [word for word in words if b"://" in word or (len(word) > 4 and word[:4].lower() == b"www.")]
    row = [0] * kernel.FIGURES
    row[kernel.LINKS], row[kernel.LINK_BYTES] = len(links), sum(map(len, links))
    row[kernel.LONG] = sum(len(word) >= kernel.LONG_LINK for word in links)
    if links:
        row[kernel.VISIBLE], row[kernel.WORDS] = sum(map(len, words)), len(words)
    return row


@given(st.lists(texts, max_size=4))
@settings(max_examples=300)
@example(["see www.a.de or http://b.de/" + "x" * 80, "", "a:/b", "www.", "://"])
def test_figures(values: list[str]) -> None:
    out = np.full((len(values), kernel.FIGURES), -1, np.int64)
    kernel.measure_links(*buffers(values), out)
    assert out.tolist() == [twin(value) for value in values]
