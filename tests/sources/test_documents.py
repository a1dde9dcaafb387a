"""`documents`: sections by headings, their places, what is left out, what is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import DataError
from tamis.core.origin import Batch
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.runner.ingest import ingest
from tamis.sinks.jsonl import Jsonl
from tamis.sources import _html, _sections
from tamis.sources.documents import Documents

Put = Callable[[str, bytes | str], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def batches(root: Path, **settings: Any) -> list[Batch]:
    source = Documents(**settings)
    return [batch for what in source.inputs(root)[0] for batch in source.read(what, source.cut(what).slices)]


def sections(root: Path, **settings: Any) -> list[tuple[str, str]]:
    """(headings, text) of every row."""
    found: list[tuple[str, str]] = []
    for batch in batches(root, **settings):
        found += zip(batch.columns["headings"].to_list(), batch.columns["text"].to_list(), strict=True)
    return found


# -- Markdown -----------------------------------------------------------------------------------

MARKDOWN = """---
title: "The guide"
layout: page
---
Before any heading.

# Start *here* {#start}

One.

```python
# no heading

x = 1
```

Two
---
- item
---

Rule above is none, for it follows a list.

### [Deep](deep.md) `code` ###
three
#no heading
# Next
"""


def test_markdown_is_cut_at_its_headings(tmp_path: Path, put: Put) -> None:
    put("a.md", MARKDOWN)
    assert sections(tmp_path, path="a.md") == [
        ("", "Before any heading."),
        ("Start here", "One.\n\n```python\n# no heading\n\nx = 1\n```"),
        ("Start here > Two", "- item\n---\n\nRule above is none, for it follows a list."),
        ("Start here > Two > Deep code", "three\n#no heading"),
    ]
    [batch] = batches(tmp_path, path="a.md")
    assert set(batch.columns["title"]) == {"The guide"}
    assert batch.lines.tolist() == [5, 9, 19, 25]


def test_a_fence_that_never_closes_costs_nothing(tmp_path: Path, put: Put) -> None:
    put("a.md", "# A\n~~~\nx\n\n# B\n\ny\n")
    assert sections(tmp_path, path="a.md") == [("A", "~~~\nx\n\n# B\n\ny")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_places_are_those_of_the_file(tmp_path: Path, put: Put, end: str) -> None:
    text = MARKDOWN.replace("\n", end).replace("One", "Öne 😀")
    put("a.md", "\ufeff" + text)
    [batch] = batches(tmp_path, path="a.md")
    for start, stop, said in zip(*(batch.columns[n] for n in ("start", "end", "text")), strict=True):
        assert text[start:stop] == said


# -- plain text ---------------------------------------------------------------------------------


def test_plain_text_is_cut_at_chapters_numbers_and_capitals(tmp_path: Path, put: Put) -> None:
    book = (
        "*** START OF THE PROJECT GUTENBERG EBOOK X ***\n\nPART ONE\n\nChapter 1\n\nIt was dark.\n\nChapter II\n\n"
        "It was light. CHAPTER and verse.\n\n“STOP!”\n\n1.2 Of the moon\n\nRound.\n\nPART TWO\n\n1782 was cold.\n\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK X ***\n\nDonate."
    )
    put("a.txt", "Licence.\n\n" + book)
    assert sections(tmp_path, path="a.txt") == [
        ("PART ONE > Chapter 1", "It was dark."),
        ("PART ONE > Chapter II", "It was light. CHAPTER and verse.\n\n“STOP!”"),
        ("PART ONE > Chapter II > 1.2 Of the moon", "Round."),
        ("PART TWO", "1782 was cold."),
    ]
    [batch] = batches(tmp_path, path="a.txt")
    assert "Project Gutenberg's notice were left out" in batch.warnings[0]


def test_long_sections_are_cut_between_paragraphs_then_sentences(tmp_path: Path, put: Put) -> None:
    short = "A short paragraph of some words, said twice. " * 3
    long = "Sentence number one is here. " * 20
    put("a.txt", f"{short}\n\n{short}\n\n{long}\n\n{'x' * 450}")
    texts = [text for _, text in sections(tmp_path, path="a.txt", max_characters=300)]
    assert max(map(len, texts)) <= 300
    assert texts[0] == f"{short}\n\n{short.rstrip()}"[: len(texts[0])]
    assert all(text.endswith("here.") for text in texts[1:-2])
    assert texts[-2:] == ["x" * 300, "x" * 150]


@given(st.text(st.sampled_from("ab .!\n#`\t😀é-=1"), max_size=400), st.integers(200, 260), st.booleans())
def test_nothing_is_lost_and_every_row_is_a_slice(text: str, longest: int, marked: bool) -> None:
    """What no row holds is headings, marks under them, and space; rows stand in order and do not overlap."""
    found = _sections.markdown(text)[1] if marked else _sections.plain(text)[0]
    rows = list(_sections.rows(found, longest, text))
    at, rest = 0, ""
    for row in rows:
        assert text[row.start : row.end] == row.text
        assert row.start >= at
        assert 0 < len(row.text) <= longest
        rest += text[at : row.start]
        at = row.end
    rest += text[at:]
    headings = "".join("".join(h.split()) for h in _told(found))
    if not any(c in "#`-=*" for c in rest):  # else a heading's own marks are left out with it
        assert not set("".join(rest.split())) - set(headings)


def _told(found: list[_sections.Section]) -> set[str]:
    return {one for section in found for one in section.headings}


# -- HTML ---------------------------------------------------------------------------------------

HTML = """<!DOCTYPE html><html><head><title>A &amp; B</title><style>p {color: red}</style></head>
<body><nav><a href="/">Home</a></nav><header>Logo</header>
<script>if (a < b) document.write("<h1>no</h1>")</script>
<h1>First <em>things</em></h1>
<p>One &lt; two<br>three.</p><div hidden>gone</div><div role="banner">gone</div>
<ul><li>x</li><li>y <b>z</b></li></ul>
<h2>Code</h2><pre>def f():
    return 1</pre>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<footer>Imprint</footer></body></html>"""


def test_html_is_content_without_what_stands_around_it(tmp_path: Path, put: Put) -> None:
    put("a.html", HTML)
    assert sections(tmp_path, path="a.html") == [
        ("First things", "One < two\nthree.\n\n- x\n- y z"),
        ("First things > Code", "def f():\n    return 1\n\na | b\n1 | 2"),
    ]
    [batch] = batches(tmp_path, path="a.html")
    assert set(batch.columns["title"]) == {"A & B"}
    start, end = batch.columns["start"][0], batch.columns["end"][0]
    assert HTML[start:end].startswith("One &lt; two<br>")
    assert HTML[start:end].endswith("z")


def test_what_is_never_closed_hides_nothing(tmp_path: Path, put: Put) -> None:
    put("a.html", "<nav><p>Menu<p>The text.<script>x = 1")
    assert "The text." in sections(tmp_path, path="a.html")[0][1]


def test_main_is_the_page_where_there_is_one(tmp_path: Path, put: Put) -> None:
    put("a.html", "<h1>Site</h1><div>ad</div><main><h2>Page</h2><p>text</p></main><p>see also</p>")
    assert sections(tmp_path, path="a.html") == [("Page", "text")]


@given(st.text(st.sampled_from("<>/=\"' hp1nav!-a&;\n"), max_size=300))
def test_broken_html_is_read(text: str) -> None:
    _title, found = _html.sections(text)
    for row in _sections.rows(found, 200, None):
        assert 0 <= row.start < row.end <= len(text)


def test_many_open_brackets_take_no_time() -> None:
    for text in ("<" * 50_000, "<a " * 20_000, '<a "' * 20_000, "<nav>" * 20_000, "<!--" * 20_000):
        _html.sections(text)


# -- files --------------------------------------------------------------------------------------


def test_folders_are_read_whole_and_what_is_no_document_is_told(tmp_path: Path, put: Put) -> None:
    for name in ("d/b.md", "d/a/z.txt", "d/.hidden/x.md", "d/.x.md", "d/c.pdf", "d/e.PDF", "d/f"):
        put(name, "text")
    inputs, warnings = Documents(path="d").inputs(tmp_path)
    assert [one.path for one in inputs] == ["d/a/z.txt", "d/b.md"]
    assert warnings == ["not read, because they are no text, Markdown or HTML: 1 × without ending, 2 × .pdf"]
    with pytest.raises(DataError, match="its name does not say what it is"):
        batches(tmp_path, path="d/f")
    assert len(batches(tmp_path, path="d/f", format="text")) == 1
    put("e/c.pdf", "x")
    with pytest.raises(DataError, match="e holds no documents"):
        Documents(path="e").inputs(tmp_path)


def test_compressed_and_damaged_and_too_large(tmp_path: Path, put: Put) -> None:
    whole = gzip.compress(b"# A\n\ntext " * 1000)
    put("a.md.gz", whole)
    assert sections(tmp_path, path="a.md.gz")[0][0] == "A"
    put("b.md.gz", whole[:-20])
    with pytest.raises(DataError, match=r"cut off|damaged"):
        batches(tmp_path, path="b.md.gz")
    put("c.txt", b"x" * (2 << 20))
    with pytest.raises(DataError, match="larger than 1 MB"):
        batches(tmp_path, path="c.txt", max_file_mb=1)
    put("d.txt", "\ufefftext".encode("utf-16"))
    with pytest.raises(DataError, match="UTF-16"):
        batches(tmp_path, path="d.txt")
    put("e.txt", b" \n")
    with pytest.raises(DataError, match="holds no text"):
        Documents(path="e.txt").check_empty(Documents(path="e.txt").inputs(tmp_path)[0][0])


def test_bytes_that_are_no_text_cost_their_section_only(tmp_path: Path, put: Put) -> None:
    put("a.md", b"# A\n\ngood\n\n# B\n\nb\xe4d\nline\n\n# C\n\nalso good\n")
    [batch] = batches(tmp_path, path="a.md")
    assert batch.columns["headings"].to_list() == ["A", "C"]
    [bad] = batch.bad
    assert (bad.line, bad.cause, bad.lines, bad.raw) == (7, "invalid_utf8", 2, b"b\xe4d\nline")
    assert sections(tmp_path, path="a.md", encoding="replace")[1] == ("B", "b\ufffdd\nline")


def delivered(tmp_path: Path, **settings: Any) -> list[dict[str, Any]]:
    recipe = Recipe(name="docs", sources=[Documents(**settings)], deliver=[Jsonl(path="out")])
    execute(recipe, tmp_path)
    return [json.loads(line) for line in (tmp_path / "out/data.jsonl").read_text().splitlines()]


def test_a_run_reads_documents_into_the_view_text(tmp_path: Path, put: Put) -> None:
    put("d/a.md", "# A\n\none\n\n# A\n\none\n")
    put("d/b.txt", "two")
    rows = delivered(tmp_path, path="d")
    assert [(row["path"], row["headings"], row["text"]) for row in rows] == [
        ("d/a.md", "A", "one"),
        ("d/a.md", "A", "one"),
        ("d/b.txt", "", "two"),
    ]


def test_ids_stay_when_something_is_inserted_before(tmp_path: Path, put: Put) -> None:
    put("d/a.md", "# A\n\none\n\n# B\n\ntwo\n")
    before = run_ids(tmp_path)
    put("d/a.md", "Something new.\n\n# A\n\none\n\n# B\n\ntwo\n")
    after = run_ids(tmp_path)
    assert before["one"] == after["one"]
    assert before["two"] == after["two"]
    assert len(set(after.values())) == 3


def run_ids(tmp_path: Path) -> dict[str, str]:
    """text → id of every row that a run reads."""
    taken = ingest([Documents(path="d")], root=tmp_path, store=tmp_path / "store")
    found = {}
    for part in taken.partitions:
        frame = pl.read_parquet(part.base.path)
        found |= {r["source.text"]: f"{r['id.high']:016x}{r['id.low']:016x}" for r in frame.to_dicts()}
    return found


def test_a_real_book_is_cut_into_its_chapters(tmp_path: Path, data: Path, put: Put) -> None:
    put("pride.txt.gz", (data / "raw-docs/gutenberg_1342_pride_and_prejudice.txt.gz").read_bytes())
    rows = sections(tmp_path, path="pride.txt.gz")
    chapters = list(dict.fromkeys(head for head, _ in rows if "Chapter" in head))
    assert len(chapters) == 61
    assert chapters[0] == "PRIDE AND PREJUDICE > Chapter 1"
    assert not any("Gutenberg-tm" in text for _, text in rows)


def test_real_markdown_loses_nothing(tmp_path: Path, data: Path, put: Put) -> None:
    with gzip.open(data / "raw-docs/rust_book_md.jsonl.gz", "rt") as lines:
        pages = [json.loads(line) for line in lines][:40]
    for page in pages:
        put(f"book/{page['path']}", page["text"])
    said = dict.fromkeys([f"book/{page['path']}" for page in pages], "")
    for batch in batches(tmp_path, path="book", allow_empty=True):
        for path, text in zip(batch.columns["path"], batch.columns["text"], strict=True):
            said[path] += text + "\n"
    for page in pages:
        kept = "".join(said[f"book/{page['path']}"].split())
        lost = [line for line in page["text"].splitlines() if line.strip() and "".join(line.split()) not in kept]
        assert all(line.lstrip().startswith("#") for line in lost), lost[:3]
