"""Words as they are compared: the kernel against a twin that says it plainly."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.engine.folding import folded, folds, kind
from tamis.engine.kernels.folded_words import find_words, fold_word

LETTER, DIGIT, SINGLE = 1, 2, 3


def by_kernel(text: str) -> list[tuple[str, int, int, int]]:
    """(folded, kind, first byte, last byte) of each word; equal words must have equal hashes."""
    data = np.frombuffer(text.encode(), np.uint8)
    room = len(data) + 8
    hashes, kinds = np.empty(room, np.uint64), np.empty(room, np.uint8)
    starts, stops = np.empty(room, np.int64), np.empty(room, np.int64)
    n = find_words(data, 0, len(data), *folds(), hashes, starts, stops, kinds)
    out = np.empty(20 * room, np.int32)
    found, seen = [], {}
    for k in range(n):
        size = fold_word(data, starts[k], stops[k], kinds[k], *folds(), out)
        word = "".join(map(chr, out[:size]))
        assert seen.setdefault((word, int(kinds[k])), hashes[k]) == hashes[k] or kinds[k] == SINGLE
        found.append((word, int(kinds[k]), int(starts[k]), int(stops[k])))
    return found


def wide(sign: str) -> str:
    return f"[{sign}{chr(ord(sign) + 0xFEE0)}]"


def by_hand(text: str) -> list[tuple[str, int]]:
    """The twin: rules of numbers and broken words as substitutions, then runs of one kind."""
    text = re.sub(r"<<[^<>\x00-\x1f?-\U0010ffff]{0,62}?>>", "\x00", text) if "<<" in text else text
    found: list[tuple[str, int]] = []
    word, what = "", 0
    digits = "0-9"

    def close() -> None:
        nonlocal word, what
        if what:
            found.append((word, what))
        word, what = "", 0

    k, pointed, run = 0, False, 0
    while k < len(text):
        character = text[k]
        if what == LETTER and (broken := re.compile(r"-\r?\n[ \t]*(?=[a-z])").match(text, k)):
            k = broken.end()
            continue
        if what == DIGIT and not pointed:
            if 1 <= run <= 3 and re.compile(f"{wide(',')}[{digits}]{{3}}(?![{digits}])").match(text, k):
                k, run = k + 1, 0
                continue
            fraction = re.compile(rf"{wide('.')}([{digits}]+)(?!{wide('.')}[{digits}])(?![{digits}])").match(text, k)
            if fraction:
                rest = fraction[1].rstrip("0")
                word += f".{rest}" if rest else ""
                k, pointed = fraction.end(), True
                continue
        told = folded(character)
        k += 1
        if told is None:
            close()
            continue
        for part in told:
            mine = kind(part)
            if what and (mine != what or mine == SINGLE or (mine == DIGIT and pointed)):
                close()
            if not what:
                what, pointed, run = mine, False, 0
            word += part
            run += 1
    close()
    return found


#: without digits of other scripts (the twin's rules of numbers know ASCII), and what expands to more than one word
SAFE = st.text(
    st.one_of(
        st.sampled_from("abzAZ  \n\t-.,'’<>()0019 5éßñ日本กा中.,0\u0301\u200b\u00ad½²ﬁＡ한ё"),
        st.characters(exclude_categories=("Cs", "Nd", "Co"), max_codepoint=0x2FFF),
    ),
    max_size=60,
)


@given(SAFE)
def test_the_kernel_finds_the_words_of_its_twin(text: str) -> None:
    mine = by_kernel(text)
    if any(
        len(folded(c) or "") > 1
        and len({kind(p) for p in folded(c) or ""} | {SINGLE}) < 3
        and kind((folded(c) or "x")[0]) == SINGLE
        for c in text
    ):
        return  # a character that is two words of their own: both have its place
    assert [(word, what) for word, what, _, _ in mine] == by_hand(text)


def test_hexagrams_are_signs_and_no_words() -> None:
    assert [word for word, *_ in by_kernel("a䷀b 中䷿文")] == ["a", "b", "中", "文"]


@given(st.text(max_size=80))
def test_words_stand_in_order_on_whole_characters(text: str) -> None:
    raw = text.encode("utf-8", "replace")
    last = 0
    for _, _, start, stop in by_kernel(raw.decode()):
        assert last <= start < stop <= len(raw) or start < last <= stop
        raw[start:stop].decode()
        last = stop


@given(st.text(st.characters(exclude_categories=("Cs", "No"), max_codepoint=0xFFFF), max_size=60))
def test_unicode_forms_make_no_difference(text: str) -> None:
    """Composed or not; where a mark that is not dropped does not stand before all letters."""
    plain = [word for word, _ in by_hand(unicodedata.normalize("NFC", text))]
    other = [word for word, *_ in by_kernel(unicodedata.normalize("NFD", text))]
    assert "".join(plain) == "".join(other) or any(unicodedata.category(c)[0] == "M" for c in text)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1,000", "1000"), ("12,345,678", "12345678"), ("2.50", "2.5"), ("5.00", "5"), ("１，２００", "1,200"), ("２．５０", "2.5"),
        ("Janet’s", "janet's"), ("don't", "dont"), ("Straße", "STRASSE"), ("ﬁne", "fine"), ("café", "cafe\u0301"),
        ("re-\nwrapping", "rewrapping"), ("re-\r\n   wrapping", "rewrapping"), ("so\u00adft", "soft"), ("zero\u200bwidth", "zerowidth"),
        ("16 <<3*4=12>>12", "16 12"), ("5kg", "5 kg"), ("𝐀𝐁", "ab"), ("ΌΣΟΣ", "οσοσ"), ("한국", unicodedata.normalize("NFD", "한국")),
        ("٣٤", "34"), ("(see: note)", "see note"), ("naïve", "NAIVE"), ("مُحَمَّد", "محمد"),
    ],
)  # fmt: skip
def test_what_is_the_same(a: str, b: str) -> None:
    assert [w for w, *_ in by_kernel(a)] == [w for w, *_ in by_kernel(b)]


@pytest.mark.parametrize(
    ("a", "b"),
    [("1000", "10000"), ("2.5", "25"), ("2.05", "2.5"), ("1,00", "100"), ("1.2.3", "1.23"), ("10²", "102"), ("up-to", "upto"),
     ("half-\nWay", "halfway"), ("9,1000", "91000"), ("ab", "a b"), ("0.50", "50"), ("日本", "本日"), ("<<cat>>", "")],
)  # fmt: skip
def test_what_is_not_the_same(a: str, b: str) -> None:
    assert [w for w, *_ in by_kernel(a)] != [w for w, *_ in by_kernel(b)]


LETTERS = st.sampled_from(
    ["a", "B", "z", "abcdefg", "stuvwxyz", "ijklmnopqrs", "é", "E\u0301", "ÿ", "ﬁ", "Ж", "한", "\u200b", "'"]
)


def hashes_of(text: str, behind: bytes) -> list[tuple[int, int, int, int]]:
    """(hash, kind, first byte, last byte) of each word, with other bytes behind the text."""
    raw = text.encode()
    data = np.frombuffer(raw + behind, np.uint8)
    room = len(data) + 8
    hashes, kinds = np.empty(room, np.uint64), np.empty(room, np.uint8)
    starts, stops = np.empty(room, np.int64), np.empty(room, np.int64)
    n = find_words(data, 0, len(raw), *folds(), hashes, starts, stops, kinds)
    return [(int(hashes[k]), int(kinds[k]), int(starts[k]), int(stops[k])) for k in range(n)]


@given(st.text(st.sampled_from("abzAZ@[`{ 09-,.<éж\n"), max_size=60), st.binary(max_size=24))
def test_bytes_behind_a_text_make_no_difference(text: str, behind: bytes) -> None:
    """Eight letters are read at once where there are eight bytes, whosever they are, and one by one at the end."""
    assert hashes_of(text, behind) == hashes_of(text, b"") == hashes_of(text, b"abcdefgh" * 2)


@given(st.lists(LETTERS, min_size=1, max_size=20))
def test_a_hash_does_not_depend_on_how_a_word_is_written(letters: list[str]) -> None:
    text = "".join(letters)
    plain = "".join(folded(c) or "" for c in unicodedata.normalize("NFC", text))
    for other in (plain, text.upper() if "ﬁ" not in text else plain):
        assert [h for h, *_ in hashes_of(text, b"behind it")] == [h for h, *_ in hashes_of(other, b"")]


@given(st.lists(st.text(st.sampled_from("abж한"), min_size=1, max_size=20), min_size=2, max_size=30, unique=True))
def test_other_words_have_other_hashes(words: list[str]) -> None:
    assert len({h for word in words for h, *_ in hashes_of(word, b"")}) == len(words)
