"""The kernel that measures how texts end, against a slow twin."""

from __future__ import annotations

import re
import string

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import endings as kernel

from .test_patterns import buffers

LINKING = ["the", "and", "of"]
TABLE = kernel.word_table(LINKING)
PASSED = set("\"'*_)]»’‘“”„）") | {"\ufe0f", "\u200d"} | {chr(point) for point in range(0x3009, 0x3012)}
ENDS = set(".!?…。！？．｡।۔؟‼⁉")
BRACKETS = ")]）"


def white(byte: int) -> bool:
    return byte <= 32


def last_of(line: str) -> int:
    bracket, rest = False, line
    while rest and (ord(rest[-1]) <= 32 or rest[-1] in PASSED):
        bracket |= rest[-1] in BRACKETS
        rest = rest[:-1]
    if not rest:
        return kernel.SYMBOL if line else kernel.NOTHING
    character, point = rest[-1], ord(rest[-1])
    if character in ENDS or 0x2600 <= point <= 0x27BF or point >= 0x10000:
        return kernel.END
    if bracket:
        return kernel.CLOSER
    for characters, kind in (("：:", kernel.COLON), (",，、；", kernel.COMMA_LIKE), ("([（", kernel.OPENER)):
        if character in characters:
            return kind
    if character in string.digits:
        return kernel.DIGIT
    if character in string.ascii_letters:
        return kernel.LETTER
    if 0x3041 <= point <= 0xD7A3:
        return kernel.WIDE
    other = point >= 0xAA and not 0x2000 <= point <= 0x303F and point < 0xFF00
    return kernel.LETTER if other else kernel.SYMBOL


def fence(line: str) -> bool:
    return line.startswith(("```", "~~~"))


def read(line: str, indented: bool, row: list[int]) -> dict[int, int]:
    """The figures of a line; adds to those of the text."""
    out: dict[int, int] = {kernel.LAST: last_of(line)}
    raw = line.encode()
    n = code = opened = quote = ended_at = 0
    for k, byte in enumerate(raw):
        if white(byte):
            continue
        n += k == 0 or white(raw[k - 1])
        after = raw[k + 1] if k + 1 < len(raw) else 10
        character = chr(byte)
        if byte >= 0x80:
            n += 0xE3 <= byte <= 0xED
            if raw[k : k + 3] == "。".encode():
                row[kernel.SENTENCES] += 1
                ended_at = n
        elif character in ".!?":
            if white(after) or chr(after) in '")':
                row[kernel.SENTENCES] += 1
                ended_at = n
        elif character in "([":
            opened += 1
            code += after == ord(")") and k + 1 < len(raw)
        elif character in ")]":
            opened = max(0, opened - 1)
        elif character == '"':
            quote ^= 1
        elif character in "{}":
            row[kernel.BRACES] += 1 if character == "{" else -1
            code += 1
        elif character in "=<>\\" or (character == ";" and k + 1 == len(raw)):
            code += 1
    word = re.split(rb"[\x00-\x20]+", raw)[-1]
    told = re.search(rb"[0-9A-Za-z\x80-\xff]", word)
    mark = re.match(r"(?:[-*+•–]|\d{1,3}[.)]|[a-zA-Z]\))(?=[ \t]|$)", line, re.ASCII)
    out[kernel.ITEM] = 0 if mark is None else 2 if mark.end() == len(line) else 1
    out[kernel.LAST_WORDS], out[kernel.TAIL], out[kernel.OPEN], out[kernel.QUOTE] = n, n - ended_at, opened, quote
    out[kernel.ADDRESS] = bool(re.search(rb"[/@\\#]", word))
    out[kernel.LINKING] = bool(TABLE[kernel.word_slot(word)])
    out[kernel.CAPITAL] = told is not None and told[0] in string.ascii_uppercase.encode()
    sparse = indented and n < 6 and out[kernel.ITEM] == 0
    out[kernel.LAST_CODE] = 6 * code > n or line.startswith("|") or sparse
    row[kernel.CODE] += out[kernel.LAST_CODE]
    row[kernel.WORDS] += n
    row[kernel.ALL_LINES] += 1
    return out


def strip(line: str) -> str:
    return line.strip("".join(map(chr, range(33))))


def twin(text: str) -> list[int]:
    row = [0] * kernel.FIGURES
    text = text.rstrip("".join(map(chr, range(33))))
    if not text:
        return row
    row[kernel.LAST] = last_of(text)
    ticks = text.count("`") + text.count("~")
    if ticks < 3:
        square = len(re.findall(r"\\\[", text)) - len(re.findall(r"\\\]", text))
        opened = len(re.findall(r"\\beg..\{", text)) - len(re.findall(r"\\end\{", text))
        row[kernel.MATH] = max(square, 0) + max(opened, 0) + len(re.findall(r"(?=\$\$)", text)) % 2
    ended = row[kernel.LAST] == kernel.END and not re.search(r"(?:\A|\n)[\x00-\x09\x0b-\x20]*[0-9]{1,3}\.\Z", text)
    if ended and ticks < 3:
        return row
    if text.startswith("#!") and len(text) > 2:
        row[kernel.CODE] = kernel.SCRIPT
    fenced, line, block, block_ended = False, None, 0, 0
    for whole in text.split("\n"):
        content = strip(whole)
        if not content:
            continue
        if fence(content):
            fenced = not fenced
            if fenced and len(content.encode()) > 5 and fence(content[-3:]):
                fenced = False
            line = None
            continue
        if fenced or ended:
            continue
        if line is not None:
            row[kernel.COMMA] = line[kernel.LAST] == kernel.COMMA_LIKE
            done = line[kernel.LAST] == kernel.END
            if line[kernel.ITEM]:
                row[kernel.ITEMS] += 1
                row[kernel.ITEMS_ENDED] += done
                block, block_ended = block + 1, block_ended + done
            else:
                block, block_ended = 0, 0
                if line[kernel.LAST_WORDS] >= 3:
                    row[kernel.LINES] += 1
                    row[kernel.LINES_ENDED] += done or line[kernel.LAST] == kernel.COLON
        indent = len(whole) - len(whole.lstrip("".join(map(chr, range(33)))))
        line = read(content, indent >= 2, row)
    row[kernel.FENCED] = fenced
    if line is not None and not fenced and not ended:
        for figure, value in line.items():
            if figure != kernel.LAST:
                row[figure] = int(value)
        row[kernel.BLOCK], row[kernel.BLOCK_ENDED] = block, block_ended
    return row


pieces = st.sampled_from(
    ["the", "and", "Word", "word", "a", " ", " ", "\n", "\n", ".", "。", "！", ",", "，", ":", "- ", "* ", "1. ", "2.", "b) ", "• ", "  ", "```", "~~~",
     "(", ")", "[", "]", "()", "{", "}", '"', "=", ";", "<", "|", "/", "@", "#!", "\\[", "\\]", "$$", "$", "\\begin{", "\\end{", "日", "本語", "é", "👍", "\u200b", "…", "”", "9", "\t", "\x00", "*", "_"]
)  # fmt: skip
texts = st.one_of(st.lists(pieces, max_size=24).map("".join), st.text(max_size=12))


@given(st.lists(texts, max_size=4))
@settings(max_examples=500)
@example(["#!/bin/sh\nls", "1. One.\n2.", "Fine. (Yes", "```\nx\n```\nThen the", "a\n  b = c"])
def test_figures(values: list[str]) -> None:
    out = np.full((len(values), kernel.FIGURES), -1, np.int32)
    kernel.measure_endings(*buffers(values), TABLE, out)
    names = [name for name in dir(kernel) if name.isupper()]
    for text, row in zip(values, out.tolist(), strict=True):
        expected = [int(value) for value in twin(text)]
        wrong = [k for k in range(kernel.FIGURES) if row[k] != expected[k]]
        assert not wrong, (text, [(k, row[k], expected[k]) for k in wrong], names)
