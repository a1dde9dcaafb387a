"""The kernels that look at text cheaply, against slow twins."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tamis.engine.kernels.patterns import INVISIBLE, automaton, count_letters, first_phrase, mark_blank
from tamis.engine.kernels.roles import ASSISTANT, USER, mark_echoes

characters = st.one_of(
    st.characters(exclude_categories=["Cs"]),
    st.sampled_from(" \t\n\x00\x1e\u00a0\u200b\u200d\ufeff\u3000\u2800\u00ad\u202e\ufe0f\U000e0041\u0301aé日👍"),
)
strings = st.text(characters, max_size=12)


def buffers(texts: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    raw = [text.encode() for text in texts]
    offsets = np.zeros(len(raw) + 1, np.int64)
    np.cumsum([len(text) for text in raw], out=offsets[1:])
    return np.frombuffer(b"".join(raw), np.uint8), offsets


def hidden(character: str) -> bool:
    point = ord(character)
    if any(first <= point <= last for first, last in INVISIBLE):
        return True
    return unicodedata.category(character) in ("Cc", "Zs", "Zl", "Zp")


@given(st.lists(strings, max_size=6))
@settings(max_examples=200)
def test_blank(texts: list[str]) -> None:
    out = np.empty(len(texts), np.bool_)
    mark_blank(*buffers(texts), out)
    assert out.tolist() == [all(map(hidden, text)) for text in texts]


def test_what_is_invisible_agrees_with_unicode() -> None:
    """Every format character that shows nothing is on the list; the others have a shape (U+0600, Arabic signs)."""
    shown = {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN", "SHORTHAND", "MUSICAL", "INTERLINEAR"}
    for point in range(0x110000):
        character = chr(point)
        if unicodedata.category(character) == "Cf" and not hidden(character):
            assert unicodedata.name(character).split()[0] in shown, hex(point)


def letters_of(text: str, enough: int) -> int:
    found = 0
    for character in text:
        point = ord(character)
        if character.isascii():
            found += character.isalpha()
        elif (
            (
                point < 0xAA
                or point in (0xD7, 0xF7)
                or 0xAB <= point <= 0xB4
                or 0xB6 <= point <= 0xBF
                or 0x2000 <= point <= 0x2BFF
            )
            or (
                0x3000 <= point <= 0x3020
                or 0xE000 <= point <= 0xF8FF
                or 0xFE00 <= point <= 0xFE0F
                or 0xFF00 <= point <= 0xFF20
            )
            or 0xFFF0 <= point <= 0xFFFF
            or 0x1F000 <= point <= 0x1FAFF
            or point >= 0xE0000
        ):
            continue
        else:
            found += 3 if 0x2E80 <= point <= 0xD7FF else 1
    return min(found, enough)


@given(st.lists(strings, max_size=6), st.integers(0, 20))
@example(["`[@{", "AZaz", "Straße", "日本", "한국어", "👍👍", "«»", "Ω", "12"], 20)
def test_letters(texts: list[str], enough: int) -> None:
    out = np.empty(len(texts), np.int64)
    count_letters(*buffers(texts), enough, out)
    assert out.tolist() == [letters_of(text, enough) for text in texts]


def first_of(phrases: list[bytes], text: bytes, head: int) -> int:
    """Of the phrases that stand in the text, the one that ends first; of those that end together, the longest."""
    text = bytes(byte | 0x20 if 0x41 <= byte <= 0x5A else byte for byte in text[:head])
    ends = [(text.find(phrase) + len(phrase), -len(phrase), n) for n, phrase in enumerate(phrases) if phrase in text]
    return min(ends)[2] if ends else -1


@given(
    st.lists(st.text("abé'", min_size=1, max_size=4).map(str.encode), min_size=1, max_size=6, unique=True),
    st.lists(st.text("abAB é'x", max_size=20), max_size=9),
    st.integers(0, 25),
)
@example([b"abab", b"ba"], ["ababab", "xxabAB", "a", ""], 20)
@settings(max_examples=200)
def test_first_phrase(phrases: list[bytes], texts: list[str], head: int) -> None:
    data, offsets = buffers(texts)
    out = np.empty(len(texts), np.int16)
    first_phrase(data, offsets, head, automaton(phrases), out)
    assert out.tolist() == [first_of(phrases, text.encode(), head) for text in texts]


@given(st.lists(st.tuples(strings, strings), max_size=4), st.booleans())
@example([("a b", " AB"), ("a", "a\n"), ("", ""), (" ", "\n"), ("é", "É"), ("ab", "a")], True)
def test_echoes(pairs: list[tuple[str, str]], answered: bool) -> None:
    def plain(text: str) -> str:
        kept = (chr(ord(c) | 0x20) if "A" <= c <= "Z" else c for c in text if ord(c) > 0x20)
        return "".join(kept)

    data, offsets = buffers([text for pair in pairs for text in pair])
    starts = np.arange(len(pairs) + 1, dtype=np.int64) * 2
    roles = np.array([USER, ASSISTANT if answered else USER] * len(pairs), np.uint8)
    out = np.empty(len(pairs), np.bool_)
    mark_echoes(data, offsets, starts, roles, out)
    assert out.tolist() == [answered and bool(plain(a)) and plain(a) == plain(b) for a, b in pairs]


@pytest.mark.parametrize("broken", [b"\xff", b"\xe3\x80", b"\xf0\x9f", b"\xc2", b"\x80"])
def test_broken_utf8_is_visible_and_harmless(broken: bytes) -> None:
    data, offsets = np.frombuffer(broken, np.uint8), np.array([0, len(broken)], np.int64)
    blank, letters = np.empty(1, np.bool_), np.empty(1, np.int64)
    mark_blank(data, offsets, blank)
    count_letters(data, offsets, 5, letters)
    assert not blank[0]
    assert letters[0] == 0
