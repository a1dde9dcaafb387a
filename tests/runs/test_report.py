"""The report: what it says is what the run's manifest says, and nothing a row holds can do anything to the page."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.core.errors import DataError
from tamis.core.outcome import hold
from tamis.core.step import RowStep
from tamis.engine.cache import Cache
from tamis.recipe.model import Recipe
from tamis.runner.account import totals
from tamis.runner.gate import GateAsk
from tamis.runner.write_up import write_gate, write_ledger, write_manifest
from tamis.runs._report import gather, outcomes, texts
from tamis.runs._report.diffs import differ
from tamis.runs._report.examples import shown
from tamis.runs._report.figures import figure
from tamis.runs._report.flow import flow_picture
from tamis.runs._report.markup import count, marked, number, percent, size, text
from tamis.runs._report.measures import length_edges
from tamis.runs._report.page import page
from tamis.runs.decisions import Prefix
from tamis.runs.report import report_data, write_report
from tamis.runs.workspace import Workspace
from tamis.steps.clean.whitespace import Whitespace
from tamis.steps.dedup.exact import Exact
from tamis.steps.filter.length import Length
from tamis.steps.filter.where import Where
from tamis.steps.split.random import Random

from ..runner.flows import Brittle, Holds, Upper, judge, make_states

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)

#: what rows may hold to harm whoever reads the page
NASTY = (
    "<script>alert('row')</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></script><svg onload=alert(2)>",
    "abc\u202egnp.exe\u2066 and \u200b\x00\x1b[31m hidden",
    "javascript:alert(3) https://example.com/pixel.png",
    "&lt;already&gt; &amp; escaped",
    "مرحبا بالعالم with עברית",
    "👩‍👩‍👧 family, e\u0301 and a\u0300\u0301\u0302",
)


class Waits(RowStep):
    """Holds rows that ask for it."""

    reasons = {"asks": "the row asks to be held"}

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def judge(self, rows: Any) -> Any:
        return hold("asks", when=rows.text("response").str.contains("hold me"))


class Masks(Upper):
    """Stands for a step that takes personal data away."""

    @classmethod
    def address(cls) -> str:
        return "privacy.masks"


def rows(count: int = 40) -> list[dict[str, Any]]:
    """Rows of every fate: kept, too short, with the word, copies, untidy, nasty."""
    made = []
    for k in range(count):
        label = f"kind-{k % 3}"
        made.append(
            {"prompt": f"Question {k}?", "response": f"Answer number {k} is here, and  it is long.", "label": label}
        )
    made += [{"prompt": "short?", "response": "Yes", "label": "kind-0"} for _ in range(3)]
    made += [{"prompt": "word?", "response": f"this holds the forbidden word {k}", "label": "kind-1"} for k in range(7)]
    made += [{"prompt": "Question 1?", "response": "Answer number 1 is here, and  it is LONG.", "label": "kind-1"}]
    made += [
        {"prompt": f"nasty {k}", "response": f"{nasty} and more words", "label": nasty[:20]}
        for k, nasty in enumerate(NASTY)
    ]
    return made


STEPS = (
    Whitespace(),
    Length(min=3, id="length"),
    Holds(word="forbidden", id="holds"),
    Exact(on="response"),
    Random(shares={"train": 0.8, "test": 0.2}),
)


def make_run(
    root: Path,
    parts: list[list[dict[str, Any]]],
    steps: tuple[Any, ...] = STEPS,
    *,
    quarantined: tuple[dict[str, Any], ...] = (),
    manifest: bool = True,
    **more: Any,
) -> Path:
    """A run folder as the runner leaves it, without sources and sinks."""
    workspace = Workspace(root)
    workspace.prepare()
    flow = judge(root, list(steps), make_states(workspace.raw, parts))
    folder = workspace.runs("t") / "1"
    folder.mkdir(parents=True)
    read = sum(len(part) for part in parts)
    files = [
        {"path": "in.jsonl", "source": "rows", "xxh3": "ab" * 16, "size": 1234, "rows": read, "bad": len(quarantined)}
    ]
    causes = dict(Counter(line["cause"] for line in quarantined))
    taken: Any = SimpleNamespace(
        files=files, quarantined=list(quarantined), causes=causes, bad=len(quarantined), rows=read
    )
    write_ledger(folder, workspace, flow, taken, Cache(workspace.cache / "steps"))
    if not manifest:
        return folder
    recipe = Recipe(name="t", description=more.pop("description", "A <b>test</b>"), license="CC-BY-4.0", steps=steps)
    told = totals([log.account for log in flow.logs], read + len(quarantined), len(quarantined))
    delivered = [
        {"target": "jsonl", "folder": str(root / "dist"), "path": str(root / "dist" / f"{name}.jsonl"), "split": name, "rows": n, "size": 10 * n, "sha256": "cd" * 32}
        for name, n in Counter(_splits(flow)).items()
    ]  # fmt: skip
    seconds = {"read": 0.1, "steps": 0.5, "total": 0.75}
    write_manifest(folder, recipe, flow, taken, told, delivered, Prefix(0, ""), seconds, more.pop("warnings", []))
    return folder


def _splits(flow: Any) -> list[str]:
    found: list[str] = []
    for state in flow.states:
        if "split" in state.names:
            found += state.reader().read("split").filter(pl.Series(state.live)).to_list()
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bad = ({"source": "rows", "file": "in.jsonl", "line": 17, "cause": "bad_utf8", "message": "byte 0xff <b>here</b>"},)
    made = rows()
    return make_run(tmp_path_factory.mktemp("run"), [made[:30], made[30:]], quarantined=bad)


class Page(HTMLParser):
    """What a page is made of."""

    VOID = {"meta", "link", "input", "br", "hr", "img"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tags: Counter[str] = Counter()
        self.headings: list[int] = []
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name == "href":
                self.links.append(value or "")
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def said(self) -> str:
        return " ".join(" ".join(self.words).split())


def html_of(run: Path) -> str:
    return write_report(run).read_text(encoding="utf-8")


# -- what it says -------------------------------------------------------------------------------


def test_the_numbers_are_the_manifests(run: Path) -> None:
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    data = report_data(run)
    assert (
        data["outcomes"]
        == manifest["outcomes"]
        == {"in": 60, "born": 0, "kept": 48, "dropped": 10, "merged": 1, "held": 0, "quarantined": 1}
    )
    said = Page(html_of(run)).said
    assert "60 in = 48 kept + 10 dropped + 1 merged + 1 quarantined" in said
    assert "59 in = 56 kept + 3 dropped" in said
    assert "56 in = 49 kept + 7 dropped" in said
    assert "49 in = 48 kept + 1 merged" in said
    for one in manifest["delivered"]:
        assert f"dist/{one['split']}.jsonl {one['split']} {one['rows']}" in said
    assert "cd" * 32 in said


def test_every_step_and_every_reason_has_its_section(run: Path) -> None:
    data = report_data(run)
    parsed = Page(html_of(run))
    expected = {(s["name"], r["reason"], r["rows"]) for s in data["steps"] for r in s["leaving"]}
    assert expected == {("length", "too_short", 3), ("holds", "holds", 7), ("dedup.exact", "duplicate", 1)}
    for step in data["steps"]:
        assert step["anchor"] in parsed.ids
        for reason in step["leaving"]:
            assert reason["anchor"] in parsed.ids
            assert f"#{reason['anchor']}" in parsed.links  # the picture leads there
    assert "The text is shorter than min ." in parsed.said
    assert "The word stands in the text." in parsed.said


def test_the_page_is_sound(run: Path) -> None:
    parsed = Page(html_of(run))
    assert (parsed.unbalanced, parsed.open) == ([], [])
    assert [i for i, n in Counter(parsed.ids).items() if n > 1] == []
    assert {link for link in parsed.links if link.startswith("#")} - {f"#{i}" for i in parsed.ids} == set()
    assert parsed.headings[0] == 1
    assert parsed.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(parsed.headings, parsed.headings[1:], strict=False))
    assert ("html", "lang", "en") in parsed.attributes
    assert {v for t, n, v in parsed.attributes if t == "th" and n == "scope"} == {"row", "col"}
    labels = {v for t, n, v in parsed.attributes if n == "aria-labelledby"}
    assert labels <= set(parsed.ids)


def test_nothing_is_loaded_from_anywhere(run: Path) -> None:
    html = html_of(run)
    parsed = Page(html)
    for tag, name, value in parsed.attributes:
        assert name not in ("src", "srcset", "style", "background", "action", "ping"), (tag, name)
        assert not name.startswith("on"), (tag, name)
        if name in ("href", "xlink:href"):
            assert value.startswith("#") or value == "data:,", (tag, value)
    assert "url(" not in html
    assert "@import" not in html
    policy = next(v for t, n, v in parsed.attributes if t == "meta" and v.startswith("default-src"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert (parsed.tags["script"], parsed.tags["style"], parsed.tags["img"]) == (1, 1, 0)


def test_what_rows_hold_does_nothing(run: Path) -> None:
    html = html_of(run)
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "<svg onload" not in html
    assert "<b>here</b>" not in html
    assert "<b>test</b>" not in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", html)
    said = Page(html).said
    assert "byte 0xff <b>here</b>" in said
    assert "A <b>test</b>" in said


def test_hidden_characters_are_shown_and_writing_is_left_alone() -> None:
    told = text("a\u202eb\x00c\u200d<i>")
    assert "".join(Page(told).words) == "aU+202EbU+0000c\u200d<i>"
    assert 'title="right-to-left override"' in told
    assert text("👩‍👩‍👧 می‌خواهم\n\tcode") == "👩‍👩‍👧 می‌خواهم\n\tcode"
    assert marked("a subscription, a script", ["script"]) == "a subscription, a <mark>script</mark>"
    assert marked("A Bad <word> here", ["bad <WORD>"]) == "A <mark>Bad &lt;word&gt;</mark> here"


def test_names_of_steps_labels_and_files_are_text_too(tmp_path: Path) -> None:
    made = rows()
    folder = make_run(tmp_path, [made], (Length(min=3, id="a-b.c_1"),), description="\u202eevil <img src=x>")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace("in.jsonl", "<img src=y>.jsonl"))
    places = folder / "ledger" / "partitions.json"
    places.write_text(places.read_text().replace("in.jsonl", "<img src=y>.jsonl"))
    parsed = Page(html_of(folder))
    assert parsed.tags["img"] == 0
    assert "<img src=y>.jsonl :41" in parsed.said
    assert "U+202E evil <img src=x>" in parsed.said


def test_examples_show_where_rows_stand_what_was_measured_and_the_text(run: Path) -> None:
    data = report_data(run)
    length = next(s for s in data["steps"] if s["name"] == "length")
    first = length["leaving"][0]["examples"][0]
    assert (first["file"], first["line"], first["evidence"]) == ("in.jsonl", 11, {"length": 1})
    assert [t["text"] for t in first["row"]["turns"]] == ["short?", "Yes"]
    assert len(first["id"]) == 32
    assert len(next(s for s in data["steps"] if s["name"] == "holds")["leaving"][0]["examples"]) == 5


def test_evidence_is_marked_in_the_text() -> None:
    long = "x " * 1000 + "the Needle stands here " + "y " * 1000
    row = shown({"text": long}, ["the needle"])
    assert row is not None
    turn = row["turns"][0]
    assert "the Needle stands" in turn["text"]
    assert len(turn["text"]) <= 702
    assert turn["length"] == len(long)
    assert "<mark>the Needle</mark>" in marked(turn["text"], ["the needle"])


def test_copies_stand_side_by_side_with_their_differences_marked(run: Path) -> None:
    data = report_data(run)
    example = next(s for s in data["steps"] if s["name"] == "dedup.exact")["leaving"][0]["examples"][0]
    assert example["other"]["line"] == 2
    assert [pair["same"] for pair in example["pairs"]] == [True, False]
    html = html_of(run)
    assert "it is <del>LONG</del>." in html
    assert "it is <ins>long</ins>." in html


def test_changes_are_shown_before_and_after(run: Path) -> None:
    data = report_data(run)
    tidy = data["steps"][0]
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert tidy["changed"] == manifest["steps"][0]["changed"] > 40
    assert len(tidy["changes"]) == 5
    pair = tidy["changes"][0]["pairs"][0]
    assert "".join(piece for _, piece in pair["left"]) == "Answer number 0 is here, and  it is long."
    assert "".join(piece for _, piece in pair["right"]) == "Answer number 0 is here, and it is long."
    assert ["-", " "] in pair["left"]
    assert "<del class=ws>·</del>" in html_of(run)


def test_lengths_before_and_after(run: Path) -> None:
    data = report_data(run)
    response = next(one for one in data["lengths"] if one["view"] == "response")
    assert (response["before"]["rows"], response["after"]["rows"]) == (59, 48)
    assert (response["before"]["least"], response["after"]["least"]) == (1, 4)
    assert sum(response["after"]["counts"]) == 48
    assert "measured over every row: 59 before, 48 delivered" in Page(html_of(run)).said


def test_what_is_delivered_is_measured_as_it_is_delivered(tmp_path: Path) -> None:
    data = report_data(make_run(tmp_path, [rows()[:20]], (Whitespace(),)))
    response = next(one for one in data["lengths"] if one["view"] == "response")
    assert response["before"]["characters"] - response["after"]["characters"] == 1.0  # two spaces became one


def test_labels_are_counted_before_after_and_by_split(tmp_path: Path) -> None:
    made = [r for r in rows(90) if r["label"].startswith("kind")]
    data = report_data(make_run(tmp_path, [made[:50], made[50:]]))
    (label,) = data["labels"]
    assert label["column"] == "source.label"
    found = {row["label"]: (row["before"], row["after"]) for row in label["rows"]}
    assert found == {"kind-0": (33, 30), "kind-1": (38, 30), "kind-2": (30, 30)}
    for row in label["rows"]:
        assert sum(row["splits"].values()) == row["after"]
    assert {one["split"]: one["rows"] for one in data["splits"]} == {
        one["split"]: one["rows"] for one in data["delivered"]
    }


def test_quarantined_lines_are_listed(run: Path) -> None:
    data = report_data(run)
    assert data["quarantined"]["causes"] == {"bad_utf8": 1}
    assert "in.jsonl :17 bad_utf8 byte 0xff" in Page(html_of(run)).said


def test_only_the_first_quarantined_lines_are_listed(tmp_path: Path) -> None:
    bad = tuple(
        {"source": "rows", "file": "in.jsonl", "line": k, "cause": "ragged", "message": f"no {k}"} for k in range(1, 81)
    )
    data = report_data(make_run(tmp_path, [rows()], quarantined=bad))
    assert data["quarantined"]["count"] == 80
    assert [line["line"] for line in data["quarantined"]["lines"]] == list(range(1, 51))
    assert "The first 50 are" in Page(page(data)).said


def test_what_it_cost_and_how_to_build_it_again(run: Path) -> None:
    said = Page(html_of(run)).said
    assert "The run took 0.75 s ." in said
    assert "Seed 42 ." in said
    assert "polars " in said
    assert "id: length" in said


# -- warnings -----------------------------------------------------------------------------------


def warned(run: Path) -> list[str]:
    return [warning["text"] for warning in report_data(run)["warnings"]]


def test_few_rows_are_warned_of(run: Path) -> None:
    assert warned(run)[0] == "Only 48 rows: fewer than 100 are rarely enough to fine-tune on."
    assert "1 line could not be read; it stands in quarantine." in warned(run)


def test_rare_labels_are_warned_of(tmp_path: Path) -> None:
    made = [
        {"prompt": f"q {k}", "response": f"an answer {k}", "label": "rare" if k < 4 else f"often {k % 2}"}
        for k in range(120)
    ]
    assert warned(make_run(tmp_path, [made])) == ["1 of 3 values of label have fewer than 10 rows: rare."]


def test_ids_that_stand_twice_are_no_labels(tmp_path: Path) -> None:
    made = [{"prompt": f"q {k}", "response": f"an answer {k}", "thread": f"4fce6b{k // 3:02d}"} for k in range(120)]
    assert warned(make_run(tmp_path, [made])) == []


def test_many_labels_are_warned_of(tmp_path: Path) -> None:
    made = [{"prompt": f"q {k}", "response": f"an answer {k}", "label": f"class {k % 25}"} for k in range(500)]
    assert warned(make_run(tmp_path, [made])) == [
        "500 rows for 25 values of label: with so many classes, hundreds of rows each are usual."
    ]


def test_what_the_run_warned_of_stands_first_and_once(tmp_path: Path) -> None:
    made = [{"prompt": f"q {k}", "response": f"an answer {k}", "label": f"class {k % 25}"} for k in range(500)]
    said = ["500 rows for 25 values of 'label': with so many, hundreds of rows each are usual"]
    assert warned(make_run(tmp_path, [made], warnings=said)) == [said[0] + "."]


def test_steps_that_did_not_apply_are_warned_of(tmp_path: Path) -> None:
    made = [{"prompt": f"q {k}", "response": f"an answer {k}"} for k in range(120)]
    found = warned(make_run(tmp_path, [made], (Length(view="system", id="sys"),)))
    assert found == ["sys did not apply to any row: none has the text it looks at."]


# -- odd runs -----------------------------------------------------------------------------------


def test_a_run_without_steps(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [rows()], ())
    data = report_data(folder)
    assert (data["steps"], data["outcomes"]["kept"]) == ([], 59)
    parsed = Page(html_of(folder))
    assert "The recipe has no steps" in parsed.said
    assert (parsed.unbalanced, parsed.open) == ([], [])


def test_a_run_without_rows(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [[]], (Holds(word="x"), Random(shares={"train": 0.5, "test": 0.5})))
    data = report_data(folder)
    assert data["outcomes"]["kept"] == 0
    assert "0 in = 0 kept" in Page(page(data)).said


def test_a_run_of_ten_rows(tmp_path: Path) -> None:
    data = report_data(make_run(tmp_path, [rows()[:10]]))
    assert data["sample"]["after"] == data["outcomes"]["kept"] == 10
    assert data["sample"]["whole"] is True


def test_a_run_whose_text_is_gone(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [rows()])
    shutil.rmtree(tmp_path / ".tamis")
    data = report_data(folder)
    assert data["text_gone"]
    assert str(tmp_path) not in data["text_gone"]
    assert data["steps"][1]["leaving"][0]["rows"] == 3
    assert data["steps"][1]["leaving"][0]["examples"][0]["row"] is None
    assert data["steps"][1]["figures"][0]["limits"] == {"least": 4.0}
    parsed = Page(html_of(folder))
    assert "no longer in the workspace" in parsed.said
    assert parsed.unbalanced == []


def test_a_run_whose_cache_is_gone_still_shows_what_was_read(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [rows()])
    shutil.rmtree(tmp_path / ".tamis" / "cache")
    data = report_data(folder)
    assert data["text_gone"]
    assert data["lengths"][0]["before"]["rows"] == 59
    assert data["lengths"][0]["after"]["rows"] == 0


def test_rows_that_made_a_step_fail(tmp_path: Path) -> None:
    made = [*rows()[:5], {"prompt": "q", "response": "boom goes <it>", "label": "x"}]
    data = report_data(make_run(tmp_path, [made], (Brittle(id="brittle"),)))
    (one,) = data["steps"][0]["leaving"]
    assert (one["outcome"], one["rows"], one["anchor"]) == ("quarantined", 1, "step-1-quarantined")
    assert "cannot read this" in one["examples"][0]["evidence"]["error"]
    assert "brittle failed on 1 rows; they stand in quarantine." in [w["text"] for w in data["warnings"]]


def test_a_run_that_waits_for_people(tmp_path: Path) -> None:
    made = [*rows()[:5], {"prompt": "q", "response": "hold me please", "label": "x"}]
    folder = make_run(tmp_path, [made], (Waits(id="gate"),), manifest=False)
    write_gate(folder, GateAsk("gate", "Good?", 1, 0))
    data = report_data(folder)
    assert data["finished"] is False
    assert data["outcomes"] == {"in": 6, "born": 0, "kept": 5, "dropped": 0, "merged": 0, "held": 1, "quarantined": 0}
    assert data["warnings"][0]["text"] == "The gate gate waits for people: nothing is delivered yet."
    assert data["steps"][0]["leaving"][0]["outcome"] == "held"
    assert "Nothing is delivered yet" in Page(page(data)).said


def test_text_from_before_personal_data_were_taken_away_is_not_shown(tmp_path: Path) -> None:
    made = [
        {"prompt": "hi", "response": f"call anna smith {k % 20}", "label": "anna" if k < 15 else "b"} for k in range(40)
    ]
    made += [{"prompt": "hi", "response": "short", "label": "secret"}] * 3
    steps = (Length(min=3, id="length"), Exact(on="response"), Masks(id="masks"), Where(drop="label = 'b'"))
    bad = ({"source": "rows", "file": "in.jsonl", "line": 9, "cause": "ragged", "message": "near anna@example.com"},)
    folder = make_run(tmp_path, [made], steps, quarantined=bad)
    html = html_of(folder)
    assert "anna smith" not in html
    assert "anna@example.com" not in html
    assert "secret" not in html
    assert html.count("a later step takes personal data away") == 8
    assert "CALL ANNA SMITH 15" in html  # after the step, rows are shown as it left them
    data = report_data(folder)
    assert data["steps"][0]["leaving"][0]["examples"][0]["evidence"] == {"length": 1}
    assert data["steps"][2]["changes"] == []


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no ledger"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


# -- large runs, here made to seem so -----------------------------------------------------------


def test_a_sample_says_that_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gather, "SAMPLE", 20)
    folder = make_run(tmp_path, [rows(200)[:100], rows(200)[100:]])
    data = report_data(folder)
    assert data["sample"]["whole"] is False
    assert data["sample"]["before"] <= 20
    assert f"{data['sample']['before']} of 219 rows before" in Page(page(data)).said
    assert data["steps"][1]["figures"][0]["rows"] == 219  # counts stay exact


def test_text_is_read_from_few_partitions_and_rare_reasons_are_found_anyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "SMALL", 0)
    monkeypatch.setattr(outcomes, "LEDGER_PARTITIONS", 3)
    parts = [[{"prompt": f"q {p} {k}", "response": f"a long answer {p} {k}"} for k in range(5)] for p in range(12)]
    parts[6][2]["response"] = "forbidden fruit"
    opened: list[int] = []
    walk = texts.Texts.walk
    monkeypatch.setattr(texts.Texts, "walk", lambda self, p, rows: opened.append(p) or walk(self, p, rows))
    data = report_data(make_run(tmp_path, parts, (Holds(word="forbidden", id="holds"),)))
    (one,) = data["steps"][0]["leaving"]
    assert one["examples"][0]["row"]["turns"][1]["text"] == "forbidden fruit"
    assert sorted(opened) == [0, 3, 6, 7, 11]
    assert data["steps"][0]["figures"][0]["all"] is False
    assert "of the part of the run that was looked at" in Page(page(data)).said


def test_the_same_folder_gives_the_same_bytes_wherever_it_stands(run: Path, tmp_path: Path) -> None:
    first = html_of(run)
    assert html_of(run) == first
    copy = tmp_path / "elsewhere"
    shutil.copytree(run.parents[2], copy)
    manifest = copy / "runs" / "t" / "1" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(str(run.parents[2]), str(copy)))
    assert html_of(copy / "runs" / "t" / "1") == first
    assert str(run.parents[2]) not in first


def test_the_data_are_json(run: Path) -> None:
    data = report_data(run)
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert page(json.loads(json.dumps(data))) == page(data)


# -- parts --------------------------------------------------------------------------------------


def lines(values: list[Any], left: list[bool]) -> pl.DataFrame:
    return pl.DataFrame({"value": values, "left": left}, strict=False)


def test_a_histogram_shows_where_keeping_begins_and_ends() -> None:
    told = figure("length", lines([1, 1, 2, 3, 4, 9], [True, True, False, False, False, True]))
    assert told is not None
    assert told["limits"] == {"least": 2.0, "most": 4.0}
    assert (sum(told["kept"]), sum(told["left"])) == (3, 3)


def test_a_histogram_has_no_limit_where_the_figure_does_not_decide() -> None:
    told = figure("length", lines([1, 2, 3, 4], [False, True, False, True]))
    assert told is not None
    assert told["limits"] == {}


@given(
    st.lists(st.integers(-5, 100_000), min_size=2, max_size=60),
    st.integers(0, 2**60),
)
def test_every_value_is_in_a_bin(values: list[int], seed: int) -> None:
    left = np.random.default_rng(seed).random(len(values)) < 0.3
    told = figure("n", lines(values, left.tolist()))
    if told is None or told["kind"] == "words":
        assert len(set(values)) <= 3
        return
    zeros = told["zeros"] or {"kept": 0, "left": 0}
    assert sum(told["kept"]) + zeros["kept"] == int((~left).sum())
    assert sum(told["left"]) + zeros["left"] == int(left.sum())
    assert len(told["edges"]) == len(told["kept"]) + 1 <= 44
    edges = length_edges(np.array(values))
    assert np.histogram(values, edges)[0].sum() == len(values)


def test_a_number_with_few_values_is_told_like_words() -> None:
    told = figure("loop", lines([0.0] * 9 + [1.0], [False] * 9 + [True]))
    assert told is not None
    assert told["bars"] == [{"value": "0", "kept": 9, "left": 0}, {"value": "1", "kept": 0, "left": 1}]


def test_words_that_are_nearly_all_different_are_not_drawn() -> None:
    assert figure("phrase", lines([f"phrase {k}" for k in range(50)], [False] * 50)) is None
    told = figure("language", lines(["en"] * 8 + ["de"] * 2, [False] * 8 + [True] * 2))
    assert told is not None
    assert told["bars"] == [{"value": "en", "kept": 8, "left": 0}, {"value": "de", "kept": 0, "left": 2}]


@given(st.text(max_size=80), st.text(max_size=80))
def test_differences_leave_nothing_out(a: str, b: str) -> None:
    left, right = differ(a, b)
    assert "".join(piece for _, piece in left) == a
    assert "".join(piece for _, piece in right) == b
    assert "".join(p for k, p in left if k == "=") == "".join(p for k, p in right if k == "=")
    assert {kind for kind, _ in left} <= {"=", "-"}
    if a == b:
        assert all(kind == "=" for kind, _ in [*left, *right])


def test_differences_of_long_texts_are_cut_around_them() -> None:
    a = "word " * 20_000 + "here is red wine" + " word" * 20_000
    b = "word " * 20_000 + "here is white wine" + " word" * 20_000
    left, right = differ(a, b)
    assert ("-", "red") in left
    assert ("+", "white") in right
    assert sum(len(piece) for _, piece in left) < 300


@pytest.mark.parametrize("steps", [0, 1, 3, 25])
def test_the_picture_shows_every_step_and_the_thinnest_branch(steps: int) -> None:
    each = [
        {
            "name": f"filter.step-{k}", "in": 100_000 - k, "born": 0, "changed": 0, "anchor": f"step-{k}",
            "leaving": [{"outcome": "dropped", "reason": f"reason_{k}", "rows": 1, "anchor": f"step-{k}-r"}],
        }
        for k in range(steps)
    ]  # fmt: skip
    data = {
        "quarantined": {"count": 0}, "sources": [1], "outcomes": {"in": 100_000, "kept": 100_000 - steps}, "steps": each, "finished": True,
        "delivered": [{"target": "jsonl", "split": s, "rows": n} for s, n in (("train", 90_000), ("test", 10_000 - steps))],
    }  # fmt: skip
    svg = flow_picture(data)
    assert svg.count("<svg") == 2
    for k in range(steps):
        assert svg.count(f"filter.step-{k}<") >= 2
        assert svg.count(f'href="#step-{k}-r"') >= 2
    for path in re.findall(r'class="dropped" d="([^"]+)"', svg):
        heights = [float(y) for y in re.findall(r"L[\d.]+ ([\d.]+)", path)]
        assert max(heights) - min(heights) >= 1.3  # one row of a hundred thousand can be seen
    assert "90,000" in svg
    assert not re.search(r"nan|-\d", re.sub(r'<title>.*?</title>|class="[^"]*"|href="[^"]*"|step-\d+', "", svg))


def test_rows_leave_below_the_place_where_the_band_grows() -> None:
    leaving = [{"outcome": "merged", "reason": "", "rows": 100, "anchor": "m"}]
    each = [{"name": "map.threads", "in": 100, "born": 564, "changed": 0, "anchor": "s", "leaving": leaving}]
    data = {
        "quarantined": {"count": 0}, "sources": [1], "outcomes": {"in": 100, "kept": 564}, "steps": each, "finished": True, "delivered": [],
    }  # fmt: skip
    for svg in flow_picture(data).split("</svg>")[:2]:
        band = re.findall(r'class="band" d="M[\d.]+ ([\d.]+)(.*?)Z', svg)[1]
        edge = [tuple(map(float, pair)) for pair in re.findall(r"L([\d.]+) ([\d.]+)", band[1])]
        widest = max(edge)
        ribbon = re.search(r'class="merged" d="M([\d.]+) ([\d.]+)', svg)
        assert ribbon is not None
        assert float(ribbon[1]) == widest[0]
        assert float(ribbon[2]) >= widest[1]
    assert "100 + 564 born" in svg


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (percent(0, 10), "0 %"),
        (percent(1, 100_000), "< 0.1 %"),
        (percent(5, 1000), "0.5 %"),
        (percent(999, 1000), "99.9 %"),
        (percent(99_999, 100_000), "> 99.9 %"),
        (percent(10, 10), "100 %"),
        (percent(24, 241), "10 %"),
        (percent(1, 0), "–"),
        (number(1234567), "1,234,567"),
        (number(0.98765), "0.988"),
        (number(64.95), "65.0"),
        (size(999), "999 B"),
        (size(1_500_000), "1.5 MB"),
        (count(1, "row"), "1 row"),
    ],
)
def test_figures_are_told_briefly(told: str, expected: str) -> None:
    assert told == expected


def test_where_stands_in_for_a_step_without_figures(tmp_path: Path) -> None:
    data = report_data(make_run(tmp_path, [rows()], (Where(drop="label = 'kind-1'"),)))
    assert data["steps"][0]["leaving"][0]["reason"] == "matching"
    assert data["steps"][0]["figures"] == []


# -- in a browser -------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed: apt-get install chromium")
def test_in_a_browser(run: Path, width: int, scheme: str) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    path = write_report(run)
    said: list[str] = []
    asked: list[str] = []
    with api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            tab.on("console", lambda message: said.append(message.text))
            tab.on("pageerror", lambda error: said.append(str(error)))
            tab.on("dialog", lambda dialog: said.append(dialog.message))
            tab.on("request", lambda request: asked.append(request.url))
            tab.goto(path.resolve().as_uri())
            wide = tab.evaluate("document.documentElement.scrollWidth")
            dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            shown = tab.locator(".flow svg:visible").evaluate_all("all => all.map(one => one.getAttribute('class'))")
            inside = tab.locator(".flow svg:visible text").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect()).every(box => box.left >= 0 && box.right <= innerWidth)"
            )
            before = tab.locator(".ex:visible").count()
            tab.fill("#find", "forbidden")
            after = tab.locator(".ex:visible").count()
            tab.click("#open")
            opened = tab.locator("details:not([open])").count()
        finally:
            browser.close()
    assert said == []
    assert asked == [path.resolve().as_uri()]
    assert wide <= width
    assert dark == ("rgb(21, 23, 27)" if scheme == "dark" else "rgb(253, 252, 250)")
    assert shown == ["wide" if width > 700 else "narrow"]
    assert inside
    assert (before > after, after) == (True, 5)
    assert opened == 0


def test_what_models_cost_is_told_of_all_runs_of_the_recipe() -> None:
    from tamis.runs._report.page import _money

    assert _money({"usd": 0.0}).startswith("Nothing was paid for")
    told = _money({"usd": 0.0, "in_all": {"calls": 120, "usd": 1.5, "unknown": 0}})  # all from the cache
    assert "<b>0.0000 USD</b> in this run" in told
    assert "1.5000 USD for 120 calls." in told
    told = _money({"usd": None, "in_all": {"calls": 3, "usd": 0.0, "unknown": 3}})
    assert "not known in this run" in told
    assert "Nothing" not in told
