"""Kernels of cleaning against slow, obvious twins."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import ftfy
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import clean, marks, spaces, whitespace
from tamis.engine.rewrite import chosen_text, fenced, string_views

ODD = "ab é\n\t\r\x00\x07\x0b\x0c\x1b[31m\x7f\x85\x9f\u00ad\u061c\u200b\u200c\u200d\u200e"
ODD += "\u202b\u202c\u202e\u2060\u2069\ufe0f\ufeff\ufffe\ufff9"
ODD += "❤👩🏴💻🏽1#שم\u0915\u094d\u0e01\u1780中\U000e0067\U000e0062\U000e0065\U000e006e\U000e007f\U000e0101\U0001fffe"
texts = st.lists(st.text(st.sampled_from(ODD), max_size=14), max_size=8)


def marks_of(strings: list[str | None]) -> list[int]:
    series = pl.Series(strings, dtype=pl.String)
    out = np.empty(len(strings), np.uint8)
    if strings:
        standing = string_views(series, np.ones(len(strings), np.bool_))
        clean.mark_strings(*standing[:5], *clean.tables(), out)
    return out.tolist()


def strip(strings: list[str], *, controls: bool = True, invisible: bool = True) -> tuple[list[str], list[list[int]]]:
    text = chosen_text(pl.Series(strings, dtype=pl.String), np.arange(len(strings)))
    out, offsets = np.empty(text.data.size, np.uint8), np.empty(len(strings) + 1, np.int64)
    removed = np.zeros((len(strings), 2), np.int64)
    clean.strip_strings(text.data, text.offsets, clean.classes(), controls, invisible, out, offsets, removed)
    raw = out.tobytes()
    return [raw[a:b].decode() for a, b in pairwise(offsets)], removed.tolist()


def is_control(character: str) -> bool:
    point = ord(character)
    if character in "\t\n\r":
        return False
    return (
        unicodedata.category(character) == "Cc"
        or point == 0xFEFF
        or 0xFFF9 <= point <= 0xFFFC
        or 0xFDD0 <= point <= 0xFDEF
        or point & 0xFFFE == 0xFFFE
    )


def slow_strip(text: str, *, controls: bool, invisible: bool) -> tuple[str, list[int]]:
    """Character by character; the rules as the step's page tells them."""
    picture = re.compile("[©®‼⁉™ℹ←-⇿⌀-⏿Ⓜ■-➿⤀-⥿⬀-⯿〰〽㊗-㊙\U0001f000-\U0001faff]")
    joining = re.compile("[؀-෿ༀ-႟ក-\u18af᨞-\u1aafᬀ-ᱽ]")
    rtl = re.search("[֐-\u061b\u061d-\u08ff]", text) is not None
    out: list[str] = []
    removed = [0, 0]
    k = 0
    while k < len(text):
        character, last = text[k], out[-1] if out else ""
        if controls and is_control(character):
            removed[0] += 1
            if character in "\x0b\x0c\x85":
                out.append("\n")
            code = re.match("\x1b\\[[ -?]*[@-~]", text[k:])
            k += len(code[0]) if code else 1
            continue
        if invisible:
            flag = re.match("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,5}\U000e007f", text[k:])
            if last == "🏴" and flag:
                out += flag[0]
                k += len(flag[0])
                continue
            if (
                "\u200b" <= character <= "\u200f"
                or character in "\u00ad\u061c\u180e"
                or re.match("[\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\U000e0000-\U000e0fff]", character)
            ):
                following = text[k + 1 : k + 2]
                stays = False
                if (
                    character == "\u200d"
                    and last
                    and (picture.match(last) or last in "\ufe0f\U000e007f")
                    and picture.match(following)
                ):
                    stays = True
                elif character in "\u200c\u200d\u180e":
                    stays = bool(joining.match(last))
                elif character == "\u200b":
                    stays = bool(re.match("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]", last))
                elif character in "\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069":
                    stays = rtl and last != character
                elif "\ufe00" <= character <= "\ufe0f":
                    hidden = (
                        "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\U000e0000-\U000e0fff]"
                    )
                    stays = bool(last) and (last in "0123456789#*" or (last >= "\x80" and not re.match(hidden, last)))
                elif "\U000e0100" <= character <= "\U000e01ef":
                    stays = "一" <= last <= "\u9fff"
                if not stays:
                    removed[1] += 1
                    k += 1
                    continue
        out.append(character)
        k += 1
    return "".join(out), removed


@settings(deadline=None, max_examples=150)
@given(texts, st.booleans(), st.booleans())
@example(["🏴" + "\U000e0067" * n + "\U000e007f" for n in range(8)], True, True)
def test_strip_equals_its_twin(strings: list[str], controls: bool, invisible: bool) -> None:
    expected = [slow_strip(text, controls=controls, invisible=invisible) for text in strings]
    found, removed = strip(strings, controls=controls, invisible=invisible)
    assert found == [text for text, _ in expected]
    assert removed == [numbers for _, numbers in expected]


@settings(deadline=None, max_examples=100)
@given(texts)
def test_strip_changes_nothing_without_a_mark_and_is_done_in_one_pass(strings: list[str]) -> None:
    found, _ = strip(strings)
    for text, after, mark in zip(strings, found, marks_of(list(strings)), strict=True):
        if not mark & (clean.CONTROL | clean.INVISIBLE):
            assert after == text
    assert strip(found)[0] == found


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_every_character_that_a_normal_form_changes_is_marked(form: str) -> None:
    wanted = clean.COMPOSE | (clean.COMPATIBLE if form == "NFKC" else 0)
    table = clean.classes()
    missed = [
        hex(point)
        for point in range(0x110000)
        if not 0xD800 <= point <= 0xDFFF
        and not unicodedata.is_normalized(form, chr(point))
        and not table[point] & wanted
    ]
    assert missed == []


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.text(
            st.sampled_from("eaou\u0301\u0308\u0323가각ㄱ\u1100\u1161\u11a8क\u093c\u094dא\u05b7ḍ\u0307é"), max_size=5
        ),
        max_size=8,
    )
)
@example(["\u1100\u1161", "\uac00\u11a8", "e\u0301", "\u05b7\u05d0", "\u0307\u0323"])
def test_strings_that_are_not_composed_are_marked(strings: list[str]) -> None:
    for text, mark in zip(strings, marks_of(list(strings)), strict=True):
        assert mark & clean.COMPOSE or unicodedata.is_normalized("NFC", text)


@settings(deadline=None, max_examples=200)
@given(
    st.text(st.sampled_from("aZ é'’“”…–€£ßкирилицаñ°ü½"), min_size=1, max_size=12),
    st.text(st.sampled_from("中文日本語"), max_size=4),
    st.sampled_from(["latin-1", "cp1252", "mac-roman", "cp437", "cp1250", "cp1251", "cp1253", "cp1257"]),
)
@example("don’t", "", "cp1252")
def test_mojibake_that_can_be_mended_is_marked(text: str, ideographs: str, encoding: str) -> None:
    text += ideographs if encoding in ("latin-1", "cp1252", "mac-roman", "cp437") else ""
    misread = text.encode().decode(encoding, "ignore")
    if ftfy.fix_encoding(misread) != misread:
        assert marks_of([misread])[0] & clean.MOJIBAKE


def test_plain_text_has_no_marks() -> None:
    assert marks_of(["plain, 1\t2\r\n3", "", None, "x" * 100_000]) == [0, 0, 0, 0]
    assert marks_of(
        ["Ein schöner Tag: 5 € für Zoë, „ein Café dort“ – naïve", "中文、日本語。한국어", "Привет, мир", "Ελλάδα"]
    ) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("\x00", clean.CONTROL),
        ("\x7f", clean.CONTROL),
        ("a\u200bb", clean.INVISIBLE),
        ("\u0301", clean.COMPOSE),
        ("①", clean.COMPATIBLE),
        ("cafÃ©", clean.MOJIBAKE),
        ("Ã quel", clean.MOJIBAKE),
        ("\x93quoted\x94", clean.MOJIBAKE),
        ("x" * 5000 + "\ufeff", clean.CONTROL),
    ],
)
def test_marks(text: str, mark: int) -> None:
    assert marks_of([text])[0] & mark == mark


def test_strings_not_selected_are_not_marked() -> None:
    series = pl.Series(["\x00", None, "\x00" * 50])
    out = np.empty(3, np.uint8)
    clean.mark_strings(*string_views(series, np.array([False, True, True]))[:5], *clean.tables(), out)
    assert out.tolist() == [0, 0, clean.CONTROL]


# -- white space ----------------------------------------------------------------------------------

BLANKS = " \u00a0\u1680\u2000\u2009\u200a\u202f\u205f\u3000"
BREAK = re.compile("\r\n|[\n\x0b\x0c\r\x85\u2028\u2029]")


def slow_tidy(text: str, blank_lines: int, collapse: bool) -> str:
    """Line by line; the rules as the step's page tells them."""
    out: list[str] = []
    fence = ""
    blank = 0
    rest: str | None = text
    while rest is not None:
        found = (re.compile("\r\n|[\n\r]") if fence else BREAK).search(rest)
        line, rest = (rest[: found.start()], rest[found.end() :]) if found else (rest, None)
        if fence:
            if re.fullmatch(f" {{0,3}}{fence[0]}{{{len(fence)},}}[\\s\u200b\x85]*", line):
                fence = ""
                line = line.rstrip(BLANKS + "\t\u200b\x0b\x0c\x85\u2028\u2029")
            out.append(line)
            continue
        content = line.strip(BLANKS + "\t\u200b")
        if not content:
            blank += 1
            continue
        indent = line[: len(line) - len(line.lstrip(BLANKS + "\t\u200b"))]
        indent = re.sub(f"[{BLANKS}]", " ", indent.replace("\u200b", ""))
        if out:
            out += [""] * min(blank, blank_lines)
        else:
            others = [each for each in BREAK.split(rest or "") if each.strip(BLANKS + "\t\u200b")]
            if not others or others[0].lstrip("\u200b")[0] not in BLANKS + "\t":
                indent = ""
        blank = 0
        opening = fenced([indent + content])[0]
        if opening:
            fence = re.match("[`~]+", content)[0]  # type: ignore[index]
        if opening or content.startswith("|"):
            out.append(indent + content)
        else:
            out.append(indent + slow_prose(content, collapse))
    return "\n".join(out)


def slow_prose(content: str, collapse: bool) -> str:
    out = ""
    while content:
        ticks = re.match("`+", content)
        if ticks:
            span = re.match(f"{ticks[0]}(?!`).*?(?<!`){ticks[0]}(?!`)", content)
            piece = (span or ticks)[0]
            out += piece
            content = content[len(piece) :]
            continue
        white = re.match(f"[{BLANKS}\t\u200b]+", content)
        if not white:
            out += content[0]
            content = content[1:]
            continue
        content = content[len(white[0]) :]
        spaces = re.sub(f"[{BLANKS}]", " ", white[0].replace("\u200b", ""))
        if collapse and " " in spaces and len(spaces) > 1:
            spaces = " "
        if not spaces and out and (out[-1] in "`~" or re.match("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]", out[-1])):
            spaces = "\u200b"
        out += spaces
    return out


WHITE = "ab`~|-\n\n\r\t   \u00a0\u2009\u3000\u200b\u2028\x85\x0cกé中"
layouts = st.one_of(
    st.text(st.sampled_from(WHITE), max_size=30),
    st.lists(
        st.sampled_from(
            ["```", "~~~", "````", "``` py", "  x", "\tx", " ", "", "a  b ", "| a  |", "`a  b`", "```` ", "    ```"]
        ),
        max_size=8,
    ).map("\n".join),
)


def tidy(strings: list[str], blank_lines: int = 1, collapse: bool = True) -> tuple[list[str], list[int], list[bool]]:
    series = pl.Series(strings, dtype=pl.String)
    states = np.empty(len(strings), np.uint8)
    if strings:
        spaces.mark_untidy(*string_views(series, np.ones(len(strings), np.bool_))[:5], blank_lines, states)
    text = chosen_text(series, np.arange(len(strings)))
    out, offsets, changed = (
        np.empty(text.data.size, np.uint8),
        np.empty(len(strings) + 1, np.int64),
        np.empty(len(strings), np.bool_),
    )
    whitespace.tidy_strings(text.data, text.offsets, states, blank_lines, collapse, out, offsets, changed)
    raw = out.tobytes()
    return [raw[a:b].decode() for a, b in pairwise(offsets)], states.tolist(), changed.tolist()


@settings(deadline=None, max_examples=400)
@given(st.lists(layouts, max_size=6), st.integers(0, 2), st.booleans())
@example(
    ["-  -", "a\u3000-", "é\u00a0é", "a \n-", "-\t -", "-\t\t-", "-\r-", "-\n\n\n-", "-\u2028-", "-\u2009-"], 1, True
)
@example(["``\u200b`\nx", "  a\n\u00a0 b", "```\na \n", "a\n~~~\n b  \n"], 1, True)
def test_tidy_equals_its_twin(strings: list[str], blank_lines: int, collapse: bool) -> None:
    expected = [slow_tidy(text, blank_lines, collapse) for text in strings]
    found, states, changed = tidy(strings, blank_lines, collapse)
    assert found == expected
    assert changed == [new != old for new, old in zip(expected, strings, strict=True)]
    assert all(state or new == old for state, new, old in zip(states, expected, strings, strict=True))


@settings(deadline=None, max_examples=400)
@given(layouts, st.integers(0, 2), st.booleans())
def test_tidy_twice_is_tidy_once(text: str, blank_lines: int, collapse: bool) -> None:
    once = tidy([text], blank_lines, collapse)[0]
    assert tidy(once, blank_lines, collapse)[0] == once


def test_states_of_tidy_text() -> None:
    indented = "def f():\n    return 1\n\n\nx" + "y" * 50
    assert tidy(["plain text", "two\n\nparts", "end \n", "a  b", indented.replace("\n\n\n", "\n\n"), indented])[1] == [
        spaces.TIDY,
        spaces.TIDY,
        spaces.TRAILING,
        spaces.UNTIDY,
        spaces.TIDY,
        spaces.UNTIDY,
    ]


# -- signs ----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(st.sampled_from("<>&;#ap/! 1é"), max_size=20), min_size=1, max_size=6))
def test_markup_marks_equal_their_twin(strings: list[str]) -> None:
    found = np.empty(len(strings), np.bool_)
    marks.mark_markup(*string_views(pl.Series(strings), np.ones(len(strings), np.bool_))[:5], found)
    expected = [re.search(r"<[a-zA-Z/!]|&[a-zA-Z#][a-zA-Z0-9]{0,31};", text) is not None for text in strings]
    assert found.tolist() == expected


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(st.sampled_from("abAB>ü\n"), max_size=20), min_size=1, max_size=6))
def test_any_equals_its_twin(strings: list[str]) -> None:
    needles = ("ab", "b>", "ü\na", "aab")
    found = np.empty(len(strings), np.bool_)
    marks.mark_any(
        *string_views(pl.Series(strings), np.ones(len(strings), np.bool_))[:5], *marks.packed(needles), found
    )
    assert found.tolist() == [any(needle in text.lower() for needle in needles) for text in strings]
