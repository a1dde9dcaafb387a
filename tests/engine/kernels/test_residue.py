"""The kernel that measures markup and data in text, against a slow twin."""

from __future__ import annotations

import itertools
import re
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tamis.engine.kernels import residue as kernel

from .test_patterns import buffers

RUN = re.compile(rb"[A-Za-z0-9+/=_-]{%d,}" % kernel.RUN)
SIGNS = set(b"<{[|;")


def visible(part: bytes) -> int:
    return sum(byte > 32 for byte in part)


def is_encoded(run: bytes) -> bool:
    def kind(byte: int) -> str:
        character = chr(byte)
        return "d" if character.isdigit() else "u" if character.isupper() else "l" if character.islower() else "o"

    changes = 0
    for a, b in itertools.pairwise(run):
        one, two = kind(a), kind(b)
        changes += (one == "d") != (two == "d") or {one, two} == {"u", "l"}
    digits = any(kind(byte) == "d" for byte in run)
    return digits and 5 * changes >= len(run) and 12 * run.count(b"/") < len(run)


def tag_end(text: bytes, k: int) -> int:
    rest = text[k:]
    if rest.startswith(b"<!-"):
        match = re.compile(rb"->").search(text, k + 3)
        return match.end() if match else k
    match = re.match(rb"<(?:[A-Za-z!?]|/[A-Za-z])", rest)
    if match is None or len(rest) < 3:
        return k
    tail = re.match(rb"..[^<>]*>", rest[: kernel.TAG], re.DOTALL)
    if tail is None:
        return k
    for name in (b"style", b"script"):
        if rest[1 : 1 + len(name)].lower() == name:
            closing = re.compile(rb"</" + name, re.IGNORECASE).search(text, k + tail.end())
            if closing:
                return min(len(text), closing.end() + 1)
    return k + tail.end()


def block(text: bytes, k: int) -> tuple[int, int, int]:
    """Where a block ends, its keys and its semicolons."""
    depth = keys = semicolons = 0
    for j in range(k, len(text)):
        byte = text[j : j + 1]
        depth += (byte in b"{[") - (byte in b"}]")
        if depth == 0:
            return j + 1, keys, semicolons
        keys += byte == b":" and text[j - 1 : j] in (b'"', b"'") and j > k
        semicolons += byte == b";"
    return len(text), keys, semicolons


def twin(value: str) -> list[int]:
    text = value.encode()
    row = [0] * kernel.FIGURES
    row[kernel.ENCODED] = sum(len(run) for run in RUN.findall(text) if is_encoded(run))
    if not SIGNS & set(text) and not row[kernel.ENCODED]:
        return row
    row[kernel.VISIBLE] = visible(text)
    k = line = begun = 0
    fresh = True
    while k < len(text):
        rest = text[k:]
        if fresh and text[k] > 32:
            fresh = False
            fence = re.match(rb"(```|~~~)[^\n]*", rest)
            if fence:
                closing = re.compile(rb"\n[\x00-\x20]*" + fence[1]).search(rest, fence.end())
                end = k + closing.end() if closing else len(text)
                row[kernel.FENCED] += visible(text[k:end])
                k = begun = end
                continue
            if rest[:1] == b"|":
                end = k + len(rest.split(b"\n")[0])
                row[kernel.TABLE] += visible(text[k:end])
                k = begun = end
                continue
        step = 1
        if rest[:1] == b"\n":
            fresh, line, begun = True, k + 1, k + 1
        elif rest[:1] == b"<":
            end = tag_end(text, k)
            row[kernel.TAGS] += visible(text[k:end])
            if end > k:
                begun, step = end, end - k
        elif rest[:1] == b"&":
            reference = re.match(rb"&[A-Za-z0-9#]{1,8};", rest)
            if reference:
                step = reference.end()
                row[kernel.TAGS] += step
        elif rest[:1] in (b"{", b"["):
            end, keys, semicolons = block(text, k)
            if keys and kernel.KEY_EVERY * keys >= end - k:
                row[kernel.DATA] += visible(text[k:end])
                begun, step = end, end - k
            elif rest[:1] == b"{" and semicolons:
                row[kernel.CODE] += visible(text[begun:end])
                begun, step = end, end - k
        elif rest[:1] == b";" and rest[1:2] in (b"", b"\n", b"\r"):
            row[kernel.CODE] += visible(text[max(begun, line) : k + 1])
            begun = k + 1
        k += step
    return row


pieces = st.sampled_from(
    ["<p>", "</p>", "<br/>", "<", ">", "<!-- ", "-->", "<style>", "</style>", "<Script a=1>", "</script>", "&amp;", "&#233;", "&", ";", ";\n", "{", "}", "[", "]", '"a":', "'b': 1", "a{color:red;}",
     "\n", "\n", " ", "|", "| a | b", "```", "~~~", "word", "x", "é", "日本", "aGVsbG8gd29ybGQ1" * 3, "deadbeef01234567" * 3, "a" * 50, "/a1B" * 13, "\x00", "\r"]
)  # fmt: skip
texts = st.one_of(st.lists(pieces, max_size=20).map("".join), st.text(max_size=12))


@given(st.lists(texts, max_size=4))
@settings(max_examples=400)
@example(["```\n<p>\n```\n<p>x", 'x {"a": 1, "b": [2]} y', "a {b;} c;\nd", "{" * 3 + ";" + "}" * 3])
def test_figures(values: list[str]) -> None:
    out = np.full((len(values), kernel.FIGURES), -1, np.int64)
    kernel.measure_residue(*buffers(values), out)
    for text, row in zip(values, out.tolist(), strict=True):
        assert row == twin(text), text


@pytest.mark.parametrize("unit", ["[", "{x", "<!-", "<!--", "<style>", "{;", '{"a":'])
def test_long_rows_of_open_brackets_end(unit: str) -> None:
    out = np.empty((1, kernel.FIGURES), np.int64)
    kernel.measure_residue(*buffers([unit]), out)
    started = time.process_time()
    kernel.measure_residue(*buffers([unit * 100_000]), out)
    assert time.process_time() - started < 2
