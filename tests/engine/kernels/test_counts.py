"""Lengths, against slow twins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tamis.engine.kernels.counts import count_characters, count_words

WHITE = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2005\u200a\u2028\u2029\u202f\u205f\u3000"
strings = st.text(
    st.one_of(st.sampled_from(WHITE + "ab漢かナ한é👍\u200b\u0301𠀀"), st.characters(exclude_categories=["Cs"])),
    max_size=15,
)


def counted(kernel: object, texts: list[str]) -> list[int]:
    raw = [text.encode() for text in texts]
    offsets = np.zeros(len(raw) + 1, np.int64)
    np.cumsum([len(text) for text in raw], out=offsets[1:])
    out = np.empty(len(raw), np.int64)
    kernel(np.frombuffer(b"".join(raw), np.uint8), offsets, out)  # type: ignore[operator]
    return [int(length) for length in out]


def wide(character: str) -> bool:
    point = ord(character)
    return (
        0x3040 <= point <= 0x30FF or 0x3400 <= point <= 0x4DBF or 0x4E00 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF
        or 0x20000 <= point <= 0x20FFF or 0x21000 <= point <= 0x32FFF
    )  # fmt: skip


def words_of(text: str) -> int:
    n, inside = 0, False
    for character in text:
        if wide(character):
            n, inside = n + 1, False
        elif character in WHITE:
            inside = False
        elif not inside:
            n, inside = n + 1, True
    return n


@given(st.lists(strings, max_size=6))
@example(["", "one", " one  two ", "它是 blue", "한국어 말", "naïve café", "a\u200bb"])
def test_against_the_twins(texts: list[str]) -> None:
    assert counted(count_characters, texts) == [len(text) for text in texts]
    assert counted(count_words, texts) == [words_of(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "words"),
    [("You are welcome.", 3), ("你好世界", 4), ("GPT-4 は賢い", 4), ("\u00a0", 0), ("one\u2003two", 2), ("", 0)],
)
def test_known_words(text: str, words: int) -> None:
    assert counted(count_words, [text]) == [words]
