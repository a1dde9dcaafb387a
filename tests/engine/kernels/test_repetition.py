"""The repetition kernel against slow, obvious twins."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import repetition as kernel

NAMES = ("looked", "repeated", "lines", "repeated_lines", "loop", "times", "run")
TELLING = re.compile(rb"[0-9A-Za-z\x80-\xff]")


def measured(*texts: bytes) -> list[dict[str, int]]:
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    out = np.full((len(texts), kernel.FIGURES), -7, np.int64)
    kernel.measure_repetition(np.frombuffer(b"".join(texts), np.uint8), offsets, out)
    return [dict(zip(NAMES, row, strict=True)) for row in out.tolist()]


def words_of(text: bytes) -> list[tuple[int, bytes]]:
    """Words and where they begin: cut at white space, and before each lead byte of a wide character."""
    found = [
        (m.start(), m[0])
        for m in re.finditer(rb"[^\x00-\x20\xe3-\xef][^\x00-\x20\xe3-\xef]*|[\xe3-\xef][^\x00-\x20\xe3-\xef]*", text)
    ]
    return [(at, word) for at, word in found if len(word) > 1 or TELLING.match(word)]


def longest_run(text: bytes) -> int:
    best = 0
    for word in re.findall(rb"[^\x00-\x20\xe3-\xef]+|[\xe3-\xef][^\x00-\x20\xe3-\xef]*", text):
        if len(word) < kernel.LONG_WORD:
            continue
        for period in range(1, kernel.MOST_RUN_PERIOD + 1):
            for start in range(len(word)):
                length = period
                while start + length < len(word) and word[start + length] == word[start + length - period]:
                    length += 1
                if length >= 3 * period and TELLING.search(word[start + period : start + length]):
                    best = max(best, length)
    return best


def slow(text: bytes) -> dict[str, int]:
    words = words_of(text)
    n = kernel.WIDE_NGRAM if 2 * sum(word[0] >= 0xE3 for _, word in words) > len(words) else kernel.NGRAM
    begins = [at for at, _ in words] + [len(text)]
    figures = {"looked": len(text), "run": longest_run(text), "times": 0, "loop": 0}
    seen: dict[tuple[bytes, ...], int] = {}
    covered: set[int] = set()
    period = run = 0
    for first in range(len(words) - n + 1):
        gram = tuple(word for _, word in words[first : first + n])
        last = seen.get(gram)
        seen[gram] = first
        i = first + n - 1
        if last is not None:
            covered |= set(range(first, i + 1))
        if period and words[i][1] == words[i - period][1]:
            run += 1
        elif last is not None:
            period, run = first - last, n
        else:
            period = 0
            continue
        if run >= 2 * period and begins[i + 1] - begins[i + 1 - run - period] > figures["loop"]:
            figures["loop"] = begins[i + 1] - begins[i + 1 - run - period]
            figures["times"] = (run + period) // period
    figures["repeated"] = sum(begins[k + 1] - begins[k] for k in covered)
    figures |= lines_of(words, begins, text)
    return {name: figures[name] for name in NAMES}


def lines_of(words: list[tuple[int, bytes]], begins: list[int], text: bytes) -> dict[str, int]:
    groups: list[list[int]] = []
    for k in range(len(words)):
        between = text[words[k - 1][0] : words[k][0]] if k else b""
        if not k or b"\n" in between:
            groups.append([])
        groups[-1].append(k)
    total = repeated = 0
    seen = set()
    for group in groups if len(groups) > 1 else []:
        size = begins[group[-1] + 1] - begins[group[0]]
        if size < kernel.LINE_BYTES or not TELLING.search(text[begins[group[0]] : begins[group[-1] + 1]]):
            continue
        key = tuple(words[k][1] for k in group)
        total += size
        repeated += size * (key in seen)
        seen.add(key)
    return {"lines": total, "repeated_lines": repeated}


pieces = st.sampled_from(
    [
        "a",
        "b ",
        "to be ",
        "or not ",
        "\n",
        "the same line again\n",
        "  ",
        "|",
        "- ",
        "x" * 70,
        "abc" * 30,
        "é",
        "日",
        "本語",
        "🐈",
        "\x00",
        "q" * 8 + " ",
        "w" * 16,
    ]
)
texts = st.lists(st.tuples(pieces, st.integers(1, 9)), max_size=12).map(
    lambda parts: "".join(p * n for p, n in parts).encode()
)


@given(st.lists(texts, min_size=1, max_size=4))
@settings(deadline=None, max_examples=150)
@example([b"I am good. I am good. I am good."])
@example([("日本語" * 12).encode()])
@example([b"| 1 | 2 |\n| 1 | 2 |\n| 1 | 2 |\n"])
@example([b"", b" ", b"\n\n", b"word"])
def test_against_the_twin(rows: list[bytes]) -> None:
    assert measured(*rows) == [slow(row) for row in rows]


def test_a_row_says_the_same_wherever_it_stands() -> None:
    row = b"to be or not to be, that is " * 9
    alone = measured(row)[0]
    assert measured(b"x", row, b"", row, row)[1:] == [alone, measured(b"")[0], alone, alone]


def test_more_rows_than_the_table_has_epochs() -> None:
    """Row 65,535 has the first row's epoch again; what that one left in the table must be gone."""
    row = b"on and on and on and on and "
    results = measured(row, *[b"z"] * 65_534, row)
    assert results[0]["times"] == 4
    assert results[-1] == results[0]


def test_very_long_rows_are_looked_at_up_to_a_limit() -> None:
    row = b"".join(b"w%d " % k for k in range(kernel.MOST_WORDS + 500))
    assert measured(row)[0]["repeated"] == 0
    looked = 3 * kernel.MOST_WORDS - 1
    assert measured(b"ab " * 200_000)[0] == slow(b"ab " * kernel.MOST_WORDS) | {
        "looked": looked,
        "loop": looked,
        "repeated": looked - 3,
    }


@pytest.mark.parametrize("text", [b"|\naab b b b b b b b b ", b"aab b b b b b b b b b\n|", b"|\n|\n-", b"a\n|\nb" * 9])
def test_lines_of_nothing_but_marks_are_no_lines(text: bytes) -> None:
    assert measured(text) == [slow(text)]
