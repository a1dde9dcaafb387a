"""The report's section about test items: what leaked of each set, and the places side by side."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tamis.recipe.load import load
from tamis.runner.execute import execute
from tamis.runs._report.contamination import contamination_section
from tamis.runs.report import report_data, write_report

CHROMIUM = next((f for name in ("chromium", "chromium-browser", "google-chrome") if (f := shutil.which(name))), None)
QUESTIONS = [
    f"The {animal} of the old {place} keeps {n} <keys> in a drawer, and gives {m} of them to each of its friends. How many friends can it have?"
    for animal, place, n, m in (
        ("bear", "mill", 120, 6),
        ("wolf", "harbour", 96, 8),
        ("hare", "station", 35, 7),
        ("crow", "library", 64, 4),
    )
]


def workspace(folder: Path, more: str = "") -> Path:
    test = folder / "exam.jsonl"
    test.write_text("".join(json.dumps({"question": q, "answer": "See the key."}) + "\n" for q in QUESTIONS))
    rows = [
        ("Solve it: " + QUESTIONS[0].upper(), "twenty"),
        (QUESTIONS[0] + "\n\n" + QUESTIONS[2], "twenty and five"),
        (QUESTIONS[1].replace("96", "72"), "nine"),
        *((f"What is {k} plus {k}?", str(2 * k)) for k in range(20)),
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in rows))
    (folder / "recipe.yaml").write_text(
        "tamis: 1\nname: clean\nsources:\n  - use: files\n    path: rows.jsonl\nsteps:\n  - use: map.prompt_completion\n"
        f"  - use: decontaminate.ngram\n    against: exam.jsonl\n{more}deliver:\n  - use: jsonl\n    path: dist/clean\n"
    )
    return execute(load(folder / "recipe.yaml"), folder).folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("leaks"))


def test_what_leaked_is_counted_both_ways(run: Path) -> None:
    [step] = report_data(run)["contamination"]
    assert (step["step"], step["in"], step["rows"]) == ("decontaminate.ngram", 23, 2)
    [exam] = step["sets"]
    counted: dict[str, Any] = {k: exam[k] for k in ("name", "rows", "items", "leaked", "questions", "answers", "whole")}
    assert counted == {"name": "exam", "rows": 2, "items": 4, "leaked": 2, "questions": 2, "answers": 0, "whole": 2}
    first, second = exam["examples"]
    assert (first["line"], first["item"], first["more"], second["more"]) == (1, "1", 0, 1)
    for example in (first, second):
        for side in ("row", "item"):
            marked = [example[f"{side}_text"][a:b] for a, b in example[f"{side}_marks"]]
            assert marked[0].lower().startswith("the bear of the old mill keeps 120")


def test_the_page_has_both_sides(run: Path) -> None:
    html = write_report(run).read_text(encoding="utf-8")
    assert '<a href="#contamination">Test items</a>' in html
    section = html[html.index('<section id="contamination"') : html.index('<section id="rows"')]
    assert "2 rows of 23 (8.7 %) held test items" in section
    assert "<b>50 %</b>" in section  # of the test set
    assert "<mark>THE BEAR OF THE OLD MILL KEEPS 120 &lt;KEYS&gt; IN A DRAWER" in section
    assert "<mark>The bear of the old mill keeps 120 &lt;keys&gt; in a drawer" in section
    assert "<keys>" not in html.lower()
    assert "row_text" not in html


def test_no_text_that_a_later_step_takes_away(run: Path) -> None:
    from tamis.runs._report.contamination import contamination
    from tamis.runs.ledger import Ledger

    steps = report_data(run)["steps"]
    told = contamination(Ledger(run), steps, 3)
    assert "bear" not in json.dumps(told).lower()
    html = contamination_section({"contamination": told})
    assert "a later step takes personal data away" in html
    assert "50 %" in html


def test_nothing_is_said_where_nobody_looked() -> None:
    assert contamination_section({"contamination": []}) == ""
    none = {"step": "decontaminate.exact", "anchor": "step-1", "in": 7, "rows": 0, "sets": []}
    assert "No test item was found in 7 rows" in contamination_section({"contamination": [none]})


def test_a_changed_test_set_is_judged_again(tmp_path: Path) -> None:
    workspace(tmp_path)
    (tmp_path / "exam.jsonl").write_text(
        json.dumps({"question": "Whose keys are the keys in the drawer of the mill?"}) + "\n"
    )
    again = execute(load(tmp_path / "recipe.yaml"), tmp_path)
    assert again.outcomes["kept"] == 23


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed: apt-get install chromium")
def test_in_a_browser(run: Path, scheme: Any) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    path = write_report(run)
    with api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            tab = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
            tab.goto(path.resolve().as_uri() + "#contamination")
            boxes = tab.locator("#contamination .side").evaluate_all(
                "all => all.map(one => one.getBoundingClientRect().toJSON())"
            )
            ink, ground = tab.locator("#contamination mark").first.evaluate(
                "m => [getComputedStyle(m).color, getComputedStyle(m).backgroundColor]"
            )
        finally:
            browser.close()
    assert boxes[0]["y"] == boxes[1]["y"]  # side by side
    assert boxes[0]["x"] < boxes[1]["x"]
    assert ink != ground
