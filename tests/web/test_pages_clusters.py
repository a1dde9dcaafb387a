"""The rooms where people compare and choose clusterings, and look at copies, leaks and personal data: by keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tamis.runs.clusterings import Clusterings
from tamis.runs.recall import draw

from .pages import needs_pages
from .workspace_of_maps import Looking, axe, browser, serving, workspace

pytestmark = needs_pages


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = workspace(tmp_path_factory.mktemp("clusters"))
    (found / "decisions").mkdir(exist_ok=True)
    draw(found / "runs/seen/1", found / "decisions/seen.sample.jsonl", 8)
    return found


@pytest.fixture(scope="module")
def app(root: Path) -> Iterator[tuple[Looking, str]]:
    with serving(root) as link, browser() as chromium:
        look = Looking(chromium.new_page(viewport={"width": 1200, "height": 900}, bypass_csp=False))
        yield look, look.enter(link)


def decided(root: Path, recipe: str) -> list[dict[str, Any]]:
    path = root / f"decisions/{recipe}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def room(app: tuple[Looking, str], place: str, shown: str) -> Looking:
    look, base = app
    look.tab.goto(f"{base}#/{place}")
    look.tab.wait_for_selector(shown)
    return look


def test_a_clustering_is_looked_at_named_shortlisted_and_chosen(app: tuple[Looking, str], root: Path) -> None:
    for k, (name, many) in enumerate((("fine", 5), ("coarse", 2))):
        root_name = next(one for one in Clusterings(root / "runs/chosen/1").used if one.startswith(name))
        look = room(
            app,
            f"clusters?run=chosen%2F1&view=cards&clustering={root_name}",
            f"h1 ~ nav, .grid article >> nth={many - 1}",
        )
        look.until(f"document.querySelectorAll('.grid article').length === {many}")
        for seen in range(many):
            look.tab.keyboard.press("x")
            look.until(
                f"document.querySelector('.top [role=status]').innerText.startsWith('looked at {seen + 1} of {many}')"
            )
        if not k:
            look.tab.keyboard.press("k")
            look.tab.keyboard.press("n")
            look.tab.wait_for_selector("article input")
            look.tab.keyboard.type("Ümlaut & <b>refunds</b>")
            look.tab.keyboard.press("Enter")
            look.until(
                "[...document.querySelectorAll('article h2')].some(one => one.innerText === 'Ümlaut & <b>refunds</b>')"
            )
    look = room(app, "clusters?run=chosen%2F1", ".gate")
    for _ in range(2):
        left = look.tab.locator("button:has-text('Shortlist')").count()
        look.tab.locator("button:has-text('Shortlist')").first.click()
        look.until(
            f"[...document.querySelectorAll('button')].filter(one => one.innerText.startsWith('Shortlist')).length === {left - 1}"
        )
    look.tab.locator("button:has-text('Choose')").first.click()
    look.tab.fill("textarea", "cards and refunds are two things")
    look.tab.locator("dialog button[type=submit]").click()
    look.until("document.querySelector('.gate').innerText.includes('is chosen, by ann')")
    kinds = [one["kind"] for one in decided(root, "chosen")]
    assert kinds == ["look"] * 5 + ["rename"] + ["look"] * 2 + ["shortlist"] * 2 + ["choose"]
    assert decided(root, "chosen")[-1]["why"] == "cards and refunds are two things"


def test_two_clusterings_flow_into_each_other(app: tuple[Looking, str]) -> None:
    look = room(app, "clusters?run=chosen%2F1&view=compare", ".flow path")
    look.until("document.querySelectorAll('.flow .a button').length === 5")
    look.tab.locator(".flow .b button").first.click()
    rows = look.until("[...document.querySelectorAll('section table tbody tr')].map(one => one.innerText)")
    head = look.tab.locator("section h2").first.inner_text()
    assert sum(int(one.split("\t")[1]) for one in rows) == int(head.rsplit(":", 1)[1].split()[0])


def test_the_blind_test_is_answered_by_keys(app: tuple[Looking, str], root: Path) -> None:
    look = room(app, "clusters?run=chosen%2F1&view=blind", ".q")
    for answered in range(3):
        pair = "same topic" in look.tab.locator(".q").inner_text()
        assert "fine" not in look.tab.locator(".rows").inner_text()
        look.tab.keyboard.press("y" if pair else "2")
        look.until(f"document.querySelector('.top [role=status]').innerText.startsWith('{answered + 1} of')")
    said = [one for one in decided(root, "chosen") if one["kind"] in ("same_topic", "odd_one_out")]
    assert len(said) == 3
    assert all(one["who"] == "ann" and one["value"]["answer"] for one in said)
    look.tab.click("summary")
    look.until("document.querySelector('.results').innerText.includes('3 answers')")


def test_of_copies_another_stays_or_both(app: tuple[Looking, str], root: Path) -> None:
    look = room(app, "duplicates?run=seen%2F1", "[data-copy]")
    assert look.tab.locator("[data-copy] ins").count() > 0
    look.tab.keyboard.press("i")
    look.until("document.querySelector('.groups').innerText.includes('stays instead, by ann')")
    look.tab.keyboard.press("j")
    look.tab.keyboard.press("b")
    look.until("document.querySelector('.groups').innerText.includes('stays, too, by ann')")
    swap, rescue = decided(root, "seen")
    assert (swap["kind"], rescue["kind"]) == ("swap", "rescue")
    assert swap["value"]["instead_of"] != swap["row"] != rescue["row"]


def test_a_leak_stands_beside_its_test_item(app: tuple[Looking, str]) -> None:
    look = room(app, "contamination?run=seen%2F1", "[data-leak]")
    marks = look.tab.locator("[data-leak] mark").all_inner_texts()
    assert len(marks) == 2
    assert marks[0].lower() == marks[1].lower()


def test_the_privacy_sample_is_read_by_keys(app: tuple[Looking, str], root: Path) -> None:
    look = room(app, "privacy?run=seen%2F1", ".q")
    status = "document.querySelector('.top [role=status]').innerText"
    look.tab.keyboard.press("n")
    look.until(f"{status}.startsWith('1 of 8')")
    look.tab.select_option(".room select", "email")
    look.tab.locator("h1").click()
    look.tab.keyboard.press("y")
    look.tab.wait_for_selector(".marks")
    look.tab.locator("h1").click()
    look.tab.keyboard.press("Enter")
    look.until(f"{status}.startsWith('2 of 8')")
    lines = [json.loads(line) for line in (root / "decisions/seen.sample.jsonl").read_text().splitlines()[1:]]
    assert sorted(json.dumps(one["missed"]) for one in lines if one["checked"]) == ['{"email": 1}', "{}"]


@pytest.mark.parametrize(
    "place",
    ["clusters?run=chosen%2F1", "clusters?run=chosen%2F1&view=cards", "clusters?run=chosen%2F1&view=compare",
     "clusters?run=chosen%2F1&view=blind", "prompts?run=seen%2F1", "duplicates?run=seen%2F1", "contamination?run=seen%2F1",
     "privacy?run=seen%2F1", "map?run=seen%2F1"],
)  # fmt: skip
def test_axe_finds_nothing_and_rows_do_nothing(app: tuple[Looking, str], place: str) -> None:
    look = room(app, place, "main h1, main .map, .room")
    look.tab.wait_for_timeout(600)
    assert axe(look) == []
    assert look.tab.evaluate("document.documentElement.scrollWidth") <= 1200
    assert [one for one in look.said if "dialog" in one or "policy" in one] == []
    assert {one.split("/")[2] for one in look.asked} == {app[1].split("/")[2]}
