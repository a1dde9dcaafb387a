"""kernels.pii_mark, against a slow twin: regular expressions over the bytes of one string."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import pii_phrases
from tamis.engine.kernels.pii_mark import ACCOUNT, AT, COLONS, LINK, NUMBER, POSTAL, WORD, mark
from tamis.engine.kernels.pii_phrases import GROUPS, Machine, machine
from tamis.engine.kernels.pii_scan import LONG_WORD
from tamis.engine.pii_rules import phrase_machine
from tamis.engine.text import to_text

Mark = tuple[int, int, int]  # start, end, what

DIGITS = rb"(?:[0-9]|\xef\xbc[\x90-\x99]|\xd9[\xa0-\xa9]|\xdb[\xb0-\xb9]|\xe0[\xa5\xa7][\xa6-\xaf])"
GAP = (
    rb"(?:[ \t\-./()]|\xc2[\xa0\xad]|\xe2\x80[\x80-\x8b\x90-\x95\xaf]|\xe2\x81[\x9f\xa0]|\xe2\x88\x92|\xef\xbc[\x88\x89\x8d-\x8f]"
    rb"|\xef\xbb\xbf|\xe3\x80\x80)"
)
DIGIT = re.compile(DIGITS)
NUMBER_AT = re.compile(DIGITS + rb"(?:" + GAP + rb"{0,3}" + DIGITS + rb")*")
ACCOUNT_AT = re.compile(rb"[A-Za-z0-9_]+(?:" + GAP + rb"[A-Za-z0-9_]+)*")
WORD_AT = re.compile(rb"[A-Za-z0-9_]*")
LOCAL = rb"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\x80-\xff]"
HOST = rb"[A-Za-z0-9.\-\x80-\xff]"


def word_start(raw: bytes, k: int) -> int:
    low = max(0, k - LONG_WORD)
    while k > low and re.match(rb"[A-Za-z0-9_]", raw[k - 1 : k]) and not re.match(rb"\\[nrt]$", raw[max(0, k - 2) : k]):
        k -= 1
    return k


def phrases_in(raw: bytes, phrases: list[tuple[bytes, int, int]]) -> list[tuple[int, Mark]]:
    """(the place of the last byte, mark) of each phrase; of those that end together only the longest."""
    low = raw.lower()
    ends: dict[int, tuple[bytes, int, int]] = {}
    for phrase in phrases:
        at = low.find(phrase[0])
        while at >= 0:
            last = at + len(phrase[0]) - 1
            if last not in ends or len(ends[last][0]) < len(phrase[0]):
                ends[last] = phrase
            at = low.find(phrase[0], at + 1)
    found = []
    for last, (text, group, need) in ends.items():
        start, stop = last + 1 - len(text), last + 1
        escaped = re.search(rb"\\[nrt]$", raw[:start])
        if need & pii_phrases.BEGINS and re.search(rb"[A-Za-z0-9_]$", raw[:start]) and not escaped:
            continue
        if need & pii_phrases.ENDS and re.match(rb"[A-Za-z0-9_]", raw[stop:]):
            continue
        before = [m.start() for m in re.finditer(rb"[0-9]", raw[:last])]
        if need & pii_phrases.DIGIT_BEFORE and (not before or start - before[-1] > 64):
            continue
        if need & pii_phrases.DIGIT_BEHIND and not re.search(rb"[0-9]", raw[stop : stop + 32]):
            continue
        found.append((last, (start, stop, GROUPS + group)))
    return found


def mixed(raw: bytes, start: int, stop: int) -> tuple[int, int]:
    word = raw[start:stop]
    if re.match(rb"[A-Za-z]{2}[0-9]{2}", word):
        match = ACCOUNT_AT.match(raw[start : start + 60])
        assert match is not None
        last = match.end()
        if sum(chr(b).isalnum() or b == 0x5F for b in raw[start : start + last] if b < 128) >= 15:
            return ACCOUNT, start + last
    if 2 <= len(word) <= 4 and re.match(rb"[A-Z]", word) and re.match(rb" [0-9][A-Z]{2}(?![A-Za-z0-9_])", raw[stop:]):
        return POSTAL, stop + 4
    number = len(word) in (9, 10) and len(re.findall(rb"[0-9]", word)) >= (7 if re.match(rb"[0-9]", word) else 6)
    code = re.fullmatch(rb"(?=.*[0-9])[A-Za-z_].{15}", word)
    coin = re.fullmatch(rb"[13].{25,34}|[13].{41}|.x.{40}", word)
    if b"_" not in word and (number or code or coin):
        return WORD, stop
    return -1, stop


WIDE = rb"(?:[A-Za-z]|\xef\xbc[\xa1-\xba]|\xef\xbd[\x81-\x9a])"
WIDE_ACCOUNT = re.compile(rb"(?:(?:" + WIDE + rb"|" + DIGITS + rb")" + GAP + rb"?)*")


def wide_account(raw: bytes, k: int) -> tuple[int, int] | None:
    left = re.search(WIDE + rb"{2}$", raw[:k])
    right = WIDE_ACCOUNT.match(raw, k)
    assert right is not None
    ends = [m.end() for m in re.finditer(WIDE + rb"|" + DIGITS, right.group()) if m.start() < 160]
    return (left.start(), k + ends[-1]) if left and len(ends) >= 13 else None


def is_zip(raw: bytes, k: int, digits: int) -> bool:
    return digits in (5, 9) and bool(re.search(rb"(?:^|[ ,\n])[A-Z]{2} $", raw[max(0, k - 4) : k]))


def slow(raw: bytes, phrases: list[tuple[bytes, int, int]]) -> list[Mark]:
    marks = phrases_in(raw, phrases)
    number_end = colons_end = link_end = 0
    for k in range(len(raw)):
        one = raw[k : k + 1]
        if one == b"@" and re.search(LOCAL + rb"$", raw[:k]) and re.match(HOST, raw[k + 1 :]):
            left = re.search(LOCAL + rb"{1,128}$", raw[max(0, k - 128) : k])
            right = re.match(HOST + rb"{1,255}", raw[k + 1 :])
            assert left is not None
            assert right is not None
            if re.search(rb"[\x80-\xff]", right.group()) or b"." in right.group()[1:]:
                marks.append((k, (k - len(left.group()), k + 1 + right.end(), AT)))
        elif one == b":" and k >= link_end and raw[k + 1 : k + 3] == b"//" and k + 3 < len(raw):
            start = word_start(raw, k)
            tail = re.match(rb"[^\x00-\x20\"<]*", raw[k + 3 : k + 4096])
            assert tail is not None
            link_end = k + 3 + tail.end()
            if re.search(rb"[@=]", tail.group()) and start < k:
                marks.append((k, (start, link_end, LINK)))
        elif one == b":" and k >= colons_end:
            left = re.search(rb"[0-9A-Fa-f]{0,4}$", raw[max(0, k - 4) : k])
            right = re.match(rb"[0-9A-Fa-f:.]*", raw[k:])
            assert left is not None
            assert right is not None
            colons_end = k + right.end()
            run = left.group() + right.group()
            if len(run) >= 4 and (b"::" in right.group() or run.count(b":") >= 5):
                marks.append((k, (k - len(left.group()), colons_end, COLONS)))
        elif one == b"-" and k >= 2 and re.match(rb"(?:[0-9A-Fa-f]{2}-){5}[0-9A-Fa-f]{2}", raw[k - 2 :]):
            marks.append((k, (k - 2, k + 15, COLONS)))
        elif DIGIT.match(raw, k) and k >= number_end:
            start, stop = word_start(raw, k), k + WORD_AT.match(raw[k : k + LONG_WORD]).end()  # type: ignore[union-attr]
            number = NUMBER_AT.match(raw, k)
            assert number is not None
            digits = len(DIGIT.findall(number.group()))
            dots = number.group().count(b".")
            what, end = -1, number.end()
            if start < k:
                what, end = mixed(raw, start, stop)
                number_end = max(stop, k + 1)
            else:
                number_end = number.end()
                if digits == 9 and is_zip(raw, k, digits):
                    what = POSTAL
                elif digits >= 7 or (dots >= 3 and digits >= 4) or (digits == 6 and number.end() - k > 6):
                    what = NUMBER
                elif is_zip(raw, k, digits):
                    what = POSTAL
                elif stop > k + re.match(rb"[0-9]*", raw[k:]).end():  # type: ignore[union-attr]
                    what, end = mixed(raw, start, stop)
                    number_end = max(number_end, stop)
            if one >= b"\x80" and (account := wide_account(raw, k)):
                what, (start, end) = ACCOUNT, account
            if what >= 0:
                marks.append((k, (start, end, what)))
    return [told for _, told in sorted(marks, key=lambda pair: pair[0])]


PHRASES = [
    (b"api_key", 0, 0), (b"key", 1, 0), (b"bc1", 2, pii_phrases.BEGINS), (b"street", 3, pii_phrases.ENDS | pii_phrases.DIGIT_BEFORE),
    (b"born", 4, pii_phrases.BEGINS | pii_phrases.DIGIT_BEHIND), ("né".encode(), 5, 0),
]  # fmt: skip
PIECES = (
    *(
        "ada",
        "@",
        "ex.org",
        "http://",
        "a:b@c",
        "?k=v",
        "::",
        "10:20",
        "fe80",
        ":1",
        "00:1a:2b:3c:4d:5e",
        "00-1a-2b-3c-4d-5e",
    ),
    *(
        "12",
        "345",
        "6789012",
        " ",
        "-",
        ".",
        "/",
        "(",
        ")",
        "\u00a0",
        "\u202f",
        "–",
        "４１",
        "٣٤",
        "३",
        "\\n",
        "\\",
        "n",
    ),
    *("DE89", "AB12", "SW1A 1AA", "IL 62701", "CA 123456789", "x", "_", "Z", "0x" + "a1" * 20, "1" + "aB" * 13, "bc1q"),
    *("ＤＥ", "GB", "８９３７０４００４４０５３２０１３０００", "ｂ"),
    *("plain words and more ", "A1234567B", "AB123456C", "RSSMRA85T10A562S"),
    *("api_key", "KEY", "12 street", "streets", "born", "né", "é", "👋", "1.2.3.4", "\n", ","),
)
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=14).map("".join)


def marks_of(strings: list[str], phrases: Machine) -> list[list[Mark]]:
    text = to_text(pl.Series(strings, dtype=pl.String))
    found = mark(text.data, text.offsets, phrases)
    out: list[list[Mark]] = [[] for _ in strings]
    for row, start, end, what in zip(*(column.tolist() for column in found), strict=True):
        out[row].append((start, end, what))
    return out


@settings(max_examples=400)
@given(st.lists(texts, min_size=1, max_size=3))
def test_marks_are_those_of_the_slow_twin(strings: list[str]) -> None:
    fast = marks_of(strings, machine(PHRASES))
    for string, found in zip(strings, fast, strict=True):
        assert found == slow(string.encode(), PHRASES)


def test_more_marks_than_there_is_room_for_at_first() -> None:
    strings = ["a@b.cd " * 3000, "x"]
    fast = marks_of(strings, machine(PHRASES))
    assert len(fast[0]) == 3000
    assert fast[1] == []


@pytest.mark.parametrize(
    "string", ["", "plain words, and no more.", "3.14 is not 42", "10:30:45", "a:b", "@ada", "x@y"]
)
def test_nothing_is_marked_in_ordinary_text(string: str) -> None:
    assert marks_of([string], phrase_machine()) == [[]]


def test_the_machine_marks_the_longest_phrase_that_ends_at_a_place() -> None:
    assert marks_of(["my API_KEY"], machine(PHRASES)) == [[(3, 10, GROUPS)]]
    assert marks_of(["my monkey"], machine(PHRASES)) == [[(6, 9, GROUPS + 1)]]


def test_offsets_need_not_begin_at_nought() -> None:
    text = to_text(pl.Series(["12345678", "a@b.cd"]))
    found = mark(text.data, text.offsets[1:], machine(PHRASES))
    assert (found.row.tolist(), found.start.tolist(), found.end.tolist()) == ([0], [0], [6])
    assert np.all(found.what == AT)
