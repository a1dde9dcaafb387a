"""Many phrases at once, against a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.engine.kernels.phrases import LEFT, RIGHT, mark_phrases, phrases


def buffers(texts: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return np.frombuffer(b"".join(texts), np.uint8), offsets


def in_word(text: bytes, k: int) -> bool:
    """Whether the character over byte `k` is part of a word."""
    if not 0 <= k < len(text):
        return False
    while k > 0 and text[k] & 0xC0 == 0x80:
        k -= 1
    return text[k : k + 1].isalnum() if text[k] < 0x80 else text[k] not in (0xC2, 0xE2, 0xF0)


def holds(text: bytes, phrase: bytes, fold: bool, edges: int) -> bool:
    if fold:
        text, phrase = text.lower(), phrase.lower()
    for k in range(len(text) - len(phrase) + 1):
        if text[k : k + len(phrase)] != phrase:
            continue
        if edges & LEFT and in_word(text, k - 1):
            continue
        if edges & RIGHT and in_word(text, k + len(phrase)):
            continue
        return True
    return False


alphabet = st.sampled_from([b"a", b"A", b"b", b"<", b"|", b" ", b"1", "é".encode(), "“".encode(), b"s", b"/"])
strings = st.lists(alphabet, max_size=14).map(b"".join)


@given(
    st.lists(strings.filter(lambda s: len(s) >= 4), min_size=1, max_size=5, unique=True),
    st.lists(strings, max_size=6),
    st.sampled_from([3, 4]),
    st.booleans(),
    st.lists(st.integers(0, 3), min_size=5, max_size=5),
)
@example([b"aaaa"], [b"", b"aaaa", b"xaaaa", b"AAAA", b"aaa"], 4, True, [LEFT] * 5)
@settings(max_examples=300)
def test_every_phrase_is_found_where_it_stands(
    sought: list[bytes], texts: list[bytes], width: int, fold: bool, edges: list[int]
) -> None:
    edges = edges[: len(sought)]
    out = np.empty(len(texts), np.int32)
    mark_phrases(*buffers(texts), phrases(sought, width=width, fold=fold, edges=edges), out)
    for text, found in zip(texts, out.tolist(), strict=True):
        standing = [k for k, phrase in enumerate(sought) if holds(text, phrase, fold, edges[k])]
        assert (found in standing) if standing else found == -1


def test_a_phrase_never_reaches_into_the_next_string() -> None:
    out = np.empty(3, np.int32)
    mark_phrases(*buffers([b"<|im_", b"start|>", b"<|im_start|>"]), phrases([b"<|im_start|>"], fold=False), out)
    assert out.tolist() == [-1, -1, 0]


def test_phrases_shorter_than_a_gram_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 bytes"):
        phrases([b"ass"])
