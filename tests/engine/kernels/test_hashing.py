"""Keys against the obvious: `unicodedata`, `re`, `xxhash` and `hashlib` on one string at a time."""

from __future__ import annotations

import hashlib
import re
import unicodedata

import numpy as np
import polars as pl
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.columns import Text
from tamis.engine import hashing
from tamis.engine.hashing import LOOSE, Keys, first_equal, folds, keys, normalised, ordered, part_keys
from tamis.engine.text import to_series, to_text

RULES = ("nfkc", "case", "whitespace", "punctuation", "digits")


def twin(text: str, rules: tuple[str, ...]) -> str:
    """The rules, one after another, on one string."""
    if "nfkc" in rules:
        text = unicodedata.normalize("NFKC", text)
    if "case" in rules:
        text = text.casefold()
    if "nfkc" in rules:
        text = unicodedata.normalize("NFKC", text)
    blanks = "whitespace" in rules or "punctuation" in rules
    if blanks:
        text = "".join(hashing.SPACES.get(ord(c), c) for c in text)
    if "punctuation" in rules:
        text = "".join(hashing.MARKS.get(ord(c), c) for c in text)
        text = re.sub(r"""['".,;:!?-](?![0-9])""", lambda found: "" if found[0] == "'" else " ", text)
    if "digits" in rules:
        text = re.sub("[0-9]+", "0", text)
    if blanks:
        text = re.sub(" +", " ", text).strip(" ")
    return text


def texts(*strings: str | None) -> Text:
    return to_text(pl.Series(strings, dtype=pl.String))


def pairs(found: Keys) -> list[int]:
    return [int(h) << 64 | int(l) for h, l in zip(found.high, found.low, strict=True)]


awkward = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("aAbB zZ@[`{\t\n\r\x00\x1e0123456789'\".,;:!?-_#+*/%()“”’‘—–−…«»。，！？¿"),
        st.sampled_from(
            "éÉßẞſİıΐΰςΣﬁ½①ＡＢ１２．，Ⅷ℃한글각가\u1161\u11a8\u0301\u0323\u0345\u0308\u093c\u094d\u0e38\u0e48\u3099が゙ﾞﾌﾟ"
        ),
        st.sampled_from(
            "\u00a0\u3000\u2003\u200b\u200d\ufe0f\ufeff\u00ad\u202e\u2066👩‍👩‍👧🇩🇪𝐀𝟙🄰🈁\U0002f81a\U000e0041\U00020000\U00010400"
        ),
    ),
    max_size=24,
)


@given(st.lists(awkward, max_size=6), st.sets(st.sampled_from(RULES)))
@settings(deadline=None, max_examples=400)
def test_normalised_is_the_rules_one_after_another(strings: list[str], rules: set[str]) -> None:
    wanted = tuple(rules)
    found = to_series("", normalised(texts(*strings), wanted)).to_list()
    assert found == [twin(text, wanted) for text in strings]


def test_every_character_alone_and_between_letters() -> None:
    points = [*range(1, 0xD800), *range(0xE000, 0x11000), *range(0x1F000, 0x20100), *range(0x2F800, 0x2FA20), 0xE0001]
    strings = [f"Zz{chr(p)}zZ" for p in points] + [chr(p) for p in points]
    found = to_series("", normalised(texts(*strings), LOOSE)).to_list()
    assert [(a, b) for a, b in zip(strings, found, strict=True) if twin(a, LOOSE) != b] == []


@given(st.lists(awkward, max_size=6), st.sets(st.sampled_from(RULES)))
@settings(deadline=None, max_examples=100)
def test_a_key_is_xxh3_of_the_normalised_text(strings: list[str], rules: set[str]) -> None:
    wanted = tuple(rules)
    found = part_keys(texts(*strings), wanted)
    assert pairs(found) == [xxhash.xxh3_128_intdigest(twin(text, wanted).encode()) for text in strings]
    assert found.valid.tolist() == [bool(twin(text, wanted).strip(" \x1e")) for text in strings]


def test_xxh3_of_every_length_up_to_three_blocks() -> None:
    data = np.random.default_rng(7).integers(97, 123, 3500).astype(np.uint8).tobytes().decode()
    strings = [data[:n] for n in range(2100)] + [data[:n] for n in (3071, 3072, 3073, 3136, 3500)]
    assert pairs(part_keys(texts(*strings), ())) == [xxhash.xxh3_128_intdigest(text.encode()) for text in strings]


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_named_hashes_are_the_first_128_bits_of_the_digest(algorithm: str) -> None:
    strings = ["", "a", "Ünïcode, e\u0301!", "x" * 5000]
    found = part_keys(texts(*strings), LOOSE, algorithm)  # type: ignore[arg-type]
    expected = [int(hashlib.new(algorithm, twin(text, LOOSE).encode()).hexdigest()[:32], 16) for text in strings]
    assert pairs(found) == expected
    assert found.valid.tolist() == [False, True, True, True]


def test_a_row_keeps_its_key_whatever_stands_around_it() -> None:
    rows = ["plain", "e\u0301clair", None, "", "½ … “x”", "A" * 100_000, "ﷺ" * 3000, "\u0301", "नि्\u093c"]
    alone = [pairs(keys([texts(row)]))[0] for row in rows]
    assert pairs(keys([texts(*rows)])) == alone
    assert pairs(keys([texts(*rows[::-1])])) == alone[::-1]


def test_long_expansions_and_long_rows() -> None:
    strings = ["ﷺ" * 5000, "ab " * 40_000, "😀" * 25_000, ""]
    assert to_series("", normalised(texts(*strings), LOOSE)).to_list() == [twin(text, LOOSE) for text in strings]


def test_nulls_stay_null() -> None:
    found = normalised(texts(None, "A", None), LOOSE)
    assert to_series("", found).to_list() == [None, "a", None]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Where is my order?", "where  is my ORDER"),
        ("e-mail — now!", "E mail, now"),
        ("don’t", "dont"),
        ("“Quoted”", '"quoted"'),
        ("Cafe\u0301", "café"),
        ("ＡＢＣ１", "abc1"),
        ("zero\u200bwidth", "zerowidth"),
        ("straße", "STRASSE"),
        ("2019–2020", "2019-2020"),
        ("costs 5.", "costs 5"),
        ("❤️", "❤"),
        ("ก\u0e48\u0e38", "ก\u0e38\u0e48"),
    ],
)
def test_loose_makes_one_of(a: str, b: str) -> None:
    first, second = pairs(keys([texts(a, b)]))
    assert first == second


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("What is 1.5 + 2?", "What is 15 + 2?"),
        ("the absolute value of -5", "the absolute value of 5"),
        ("lists in C", "lists in C#"),
        ("lists in C", "lists in C++"),
        ("2*3", "2/3"),
        ("order 123", "order 124"),
        ("therapist", "the rapist"),
        ("a\x1eb", "a b"),
    ],
)
def test_loose_keeps_apart(a: str, b: str) -> None:
    first, second = pairs(keys([texts(a, b)]))
    assert first != second


def test_digits_are_one_only_when_asked() -> None:
    a, b = pairs(keys([texts("order 123", "order 98")], (*LOOSE, "digits")))
    assert a == b


def test_parts_are_never_mixed_up() -> None:
    found = pairs(keys([texts("ab", "a", None, "", "ab"), texts("c", "bc", "abc", "abc", "c")]))
    assert len(set(found)) == 4
    assert found[0] == found[4]


def test_a_row_with_one_empty_part_still_has_a_key() -> None:
    assert keys([texts("", "", None), texts("x", "!", None)]).valid.tolist() == [True, False, False]


def test_messages_without_words_have_no_key() -> None:
    assert keys([texts("\x1e", "\x1e \x1e", "a\x1e")], ()).valid.tolist() == [False, False, True]


def test_common_text_needs_no_python() -> None:
    from tamis.engine.kernels.hashing import normalise_rows

    strings = [
        "It’s “fine” — café, naïve…",
        "Съешь ещё этих булок",
        "現代の日本語です。",
        "안녕하세요",
        "สวัสดีครับ",
        "नमस्ते दुनिया",
        "👩‍💻 ok",
        "½ ①",
    ]
    text = texts(*strings, "e\u0301")
    slow = np.zeros(len(strings) + 1, np.bool_)
    normalise_rows(text.data, text.offsets, folds(ordered(LOOSE)), np.empty(len(strings) + 2, np.int64), slow)
    assert slow.tolist() == [False] * len(strings) + [True]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=40))
@settings(deadline=None, max_examples=50)
def test_first_equal_is_the_first_row_with_the_key(rows: list[tuple[int, int, bool]]) -> None:
    high, low = (np.array([row[k] for row in rows], np.uint64) << np.uint64(40) for k in (0, 1))
    found = first_equal(Keys(high, low, np.array([row[2] for row in rows], np.bool_)))
    expected = [
        next(j for j in range(i + 1) if j == i or (rows[j] == rows[i] and rows[i][2])) for i in range(len(rows))
    ]
    assert found.tolist() == expected
