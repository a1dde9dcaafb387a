"""clean.html"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tamis.steps.clean.html import Html
from tamis.testing import run_step

CASES = [
    ({}, [{"response": "<b>a</b>"}, {"response": "a < b"}, {"response": None}], ["kept", "kept", "kept"]),
    ({"in": "prompt", "keep_links": True}, {"prompt": "<a href='x'>y</a>"}, None),
]


def cleaned(text: str, **settings: Any) -> str:
    result = run_step(Html(**settings), [{"response": text}])
    content: str = result.column("messages")[0][0]["content"]
    assert result.changed == [content != text]
    return content


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>One &amp; two</p><p>three</p>", "One & two\n\nthree"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("line<br>\nline<br/><br />part", "line\nline\n\npart"),
        ("a <b>bold</b> <i>word</i>.", "a bold word."),
        ("<ul>\n <li>one</li>\n <li>two</li>\n</ul>after", "- one\n- two\n\nafter"),
        ("<ol><li>a<li>b<ul><li>c</ul><li>d</ol>", "1. a\n2. b\n  - c\n3. d"),
        ("<table><tr><th>A</th><th>B</th></tr>\n<tr><td>1</td><td>2</td></tr></table>", "A | B\n1 | 2"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("<p>Code:</p><pre><code>if a &lt; b:\n    c\n</code></pre>", "Code:\n\n```\nif a < b:\n    c\n```"),
        ("a<script>if (x<y) {}</script>b<style>p{}</style><!-- <p>no</p> -->c", "abc"),
        ("<!DOCTYPE html>\n<html><head><title>T</title></head><body>\n <p>x\n y</p></body></html>", "T\n\nx y"),
        ("<P CLASS=x>caps</P>", "caps"),
        ('see <a href="http://x.org/?a=1&amp;b=2">here</a>', "see here"),
        ("- item\n- item\n\n<div>box</div>\n- item", "- item\n- item\n\nbox\n- item"),
        ("it&#39;s &quot;fine&quot; &euro;5 &#x1F600;", 'it\'s "fine" €5 😀'),
        ("text<img src='x.png'>", "text"),
    ],
)
def test_markup_becomes_text(text: str, expected: str) -> None:
    assert cleaned(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d: x <<= 1",
        "if a <b and c> d",
        "List<int> xs = new ArrayList<String>(); Map<Data, Button> m; </Data>",
        "#include <stdio.h>\nstd::vector<std::string> v;",
        "Dear <your name>, write to <bob@example.org>",
        "Use <p> for paragraphs and <div> for boxes.",
        "<Button>Save</Button>",
        "I <3 you <- here -> <!> <",
        "?a=1&copy=2 AT&T R&D; &bogus; &",
        "```html\n<p>code &amp; more</p>\n```",
        "The `<b>x</b>` element and `&amp;`",
        "<!-- never closed",
        "<script> never closed",
        "<think>step by step</think>",
    ],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert cleaned(text) == text


def test_code_stays_beside_markup() -> None:
    text = "<p>Use `<b>` so:</p>\n```html\n<b>x</b>\n```\n<p>done &lt;b&gt;</p>"
    assert cleaned(text) == "Use `<b>` so:\n```html\n<b>x</b>\n```\ndone <b>"


def test_links_may_be_kept() -> None:
    text = "see <a class='k' href=\"http://x.org/?a=1&amp;b=2\">this <b>page</b></a> or <a name=z>that</a>"
    assert cleaned(text, keep_links=True) == "see [this page](http://x.org/?a=1&b=2) or that"


def test_evidence_counts_tags_and_references() -> None:
    rows = [{"prompt": "<b>a</b>", "response": "<p>x &amp; y"}, {"response": "&lt;"}, {"response": "none"}]
    evidence = run_step(Html(), rows).evidence
    assert evidence == [{"tags": 2, "entities": 1}, {"tags": 0, "entities": 1}, {"tags": 0, "entities": 0}]


@pytest.mark.parametrize(
    "piece", ["<!--", "<a href='", "<script>", "`<b", "&amp", "<p", "<div>", "<p a=b", '<a b="', "<!doctype"]
)
def test_long_broken_markup_stays(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    assert cleaned(text) == text


def test_code_in_real_answers_stays(data: Path) -> None:
    """Answers that write code: what is not HTML is not touched."""
    path = data / "gpteacher" / "codegen-instruct.json.gz"
    if not path.exists():
        pytest.skip(f"no {path.name} in {path.parent}")
    rows = [{"response": row["response"]} for row in json.loads(gzip.decompress(path.read_bytes()))]
    result = run_step(Html(), rows)
    changed = [row["response"] for row, hit in zip(rows, result.changed, strict=True) if hit]
    assert all(re.search(r"</[a-zA-Z]|<!|&[#\w]+;|<(br|img|input|link|meta|hr)\b|<\w+ \w+=", text) for text in changed)
    assert len(changed) < len(rows) / 10
