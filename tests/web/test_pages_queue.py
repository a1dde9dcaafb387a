"""The review queue in a browser, by keyboard alone, on a real run and a real server."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import GateWaiting
from tamis.recipe.load import load
from tamis.runner.execute import execute

from .pages import RECIPE, Review, decisions, enter, make_run, needs_pages, reviewed, room, rows, saved, until

pytestmark = needs_pages

PAIRS = RECIPE.replace("rate: true", "pair: true").replace('    show: ["column:category"]\n', "")


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("pages") / "waiting")


@pytest.fixture
def folder(waiting: Path, tmp_path: Path) -> Path:
    return shutil.copytree(waiting, tmp_path / "work")


def at(page: Any) -> str:
    """The question of the row that is shown."""
    return page.locator("article.card .user .said .text").first.inner_text()


def shows(page: Any, text: str, *, no: bool = False) -> None:
    """Wait until the row with this question is shown, or another."""
    here = "document.querySelector('article.card .user .said .text')?.innerText"
    until(page, f"text => {here} !== undefined && {here} {'!' if no else '='}== text", text)


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def begin(page: Any) -> None:
    page.keyboard.press("Q")
    page.wait_for_selector("article.card")


def test_every_decision_is_made_by_keys_alone(browser: Any, folder: Path) -> None:
    with reviewed(folder) as review:
        page, watch = enter(browser, review)
        begin(page)
        press(page, "a")
        press(page, "r", "2")
        press(page, "r", "w")
        page.keyboard.type("it is about another order")
        press(page, "Escape", "1")
        press(page, "e")
        page.wait_for_selector("textarea:focus")
        page.keyboard.type(" Thank you!")
        press(page, "Control+Enter")
        press(page, "l", "1")
        press(page, "4")
        press(page, "f", "c")
        page.keyboard.type("look at this")
        press(page, "Control+Enter", "Alt+1", "Alt+2", "Alt+2", "s")
        press(page, "Alt+1", "Alt+2", "Alt+2", "a")
        saved(page)
        assert watch.wrong == []
        page.context.close()
    made = decisions(folder)
    assert [one["kind"] for one in made] == [
        "accept", "reject", "reject", "edit", "relabel", "rate", "flag", "comment", "skip", "accept"
    ]  # fmt: skip
    assert {one["who"] for one in made} == {"Ada"}
    assert len({one["row"] for one in made}) == 8
    assert made[1]["reason"] == "off_topic"
    assert (made[2]["reason"], made[2]["why"]) == ("invented", "it is about another order")
    assert made[3]["value"]["messages"][-1]["content"].endswith("of today. Thank you!")
    assert made[4]["value"] == {"tone": "friendly"}
    assert made[5]["value"] == 4
    assert made[7]["why"] == "look at this"
    assert made[9]["value"] == {"answers": {"context": "yes", "invented": "no"}}
    assert all(one["seconds"] >= 0 for one in made if one["kind"] not in ("flag", "comment"))
    assert all(one["content"] for one in made if one["kind"] in ("accept", "edit"))


def test_pairs_are_judged_by_arrows(browser: Any, tmp_path: Path) -> None:
    lines = [
        {"prompt": f"Question {k}?", "chosen": f"A good answer to {k}.", "rejected": f"A bad answer to {k}, perhaps."}
        for k in range(12)
    ]
    folder = make_run(tmp_path / "pairs", recipe=PAIRS, lines=lines)
    with reviewed(folder) as review:
        page, watch = enter(browser, review)
        begin(page)
        assert page.locator(".pair section").count() == 2
        press(page, "ArrowLeft", "ArrowRight", "t")
        saved(page)
        assert watch.wrong == []
        page.context.close()
    assert [(one["kind"], one["value"]) for one in decisions(folder)] == [
        ("prefer", "a"), ("prefer", "b"), ("prefer", "tie")
    ]  # fmt: skip


def test_a_decision_outlives_the_server_and_is_taken_back_after_it(browser: Any, folder: Path) -> None:
    review = Review(folder)
    page, _ = enter(browser, review)
    begin(page)
    first = at(page)
    press(page, "r", "1")
    saved(page)
    review.end(signal.SIGKILL)
    page.context.close()
    assert [one["kind"] for one in decisions(folder)] == ["reject"]
    with reviewed(folder) as again:
        page, watch = enter(browser, again)
        begin(page)
        assert at(page) != first
        press(page, "u")
        shows(page, first)
        press(page, "a")
        saved(page)
        assert watch.wrong == []
        page.context.close()
    made = decisions(folder)
    assert [one["kind"] for one in made] == ["reject", "undo", "accept"]
    assert made[1]["undoes"] == made[0]["key"]
    assert len({one["row"] for one in made}) == 1


def test_undo_goes_back_row_by_row(browser: Any, folder: Path) -> None:
    with reviewed(folder) as review:
        page, _ = enter(browser, review)
        begin(page)
        seen = []
        for _ in range(4):
            seen.append(at(page))
            press(page, "a")
        saved(page)
        for text in reversed(seen):
            press(page, "u")
            shows(page, text)
        page.context.close()
    assert [one["kind"] for one in decisions(folder)] == ["accept"] * 4 + ["undo"] * 4


def test_two_tabs_on_one_row_lose_nothing(browser: Any, folder: Path) -> None:
    with reviewed(folder) as review:
        page, _ = enter(browser, review)
        begin(page)
        other = page.context.new_page()
        other.goto(f"{review.address}/#/queue")
        other.wait_for_selector("article.card")
        text = at(page)
        assert at(other) == text
        press(page, "r", "3")
        saved(page)
        press(other, "a")
        other.wait_for_selector("dialog[open]")
        told = other.locator("dialog[open]").inner_text()
        assert "Ada rejected as rude" in told
        assert "You said: accept" in told
        assert [one["kind"] for one in decisions(folder)] == ["reject"]
        press(other, "a")  # keys rest while the question stands
        other.get_by_role("button", name="Look at it again").click()
        assert at(other) == text
        press(other, "a")
        saved(other)
        page.context.close()
    assert [one["kind"] for one in decisions(folder)] == ["reject", "accept"]


def test_what_the_server_did_not_take_is_kept_and_sent_again(browser: Any, folder: Path) -> None:
    review = Review(folder)
    page, _ = enter(browser, review)
    begin(page)
    review.end(signal.SIGKILL)
    press(page, "a")
    page.wait_for_selector("dialog[open]")
    assert "not written" in page.locator("dialog[open]").inner_text().lower()
    assert decisions(folder) == []
    with reviewed(folder, port=review.port):
        page.get_by_role("button", name="Try again").click()
        page.wait_for_selector("dialog[open]", state="detached")
        saved(page)
        page.context.close()
    assert [one["kind"] for one in decisions(folder)] == ["accept"]


def test_many_rows_are_seen_then_decided_then_taken_back(browser: Any, folder: Path) -> None:
    with reviewed(folder) as review:
        page, watch = enter(browser, review)
        begin(page)
        press(page, "b")
        page.fill("dialog input[aria-label='Open rows where']", "\"source.category\" = 'bug'")
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog li input")
        assert decisions(folder) == []
        count = page.locator("dialog li input:checked").count()
        assert count == page.locator("dialog li").count() > 50
        page.locator("dialog li input").first.uncheck()
        page.select_option("dialog select >> nth=0", "reject")
        page.select_option("dialog select >> nth=1", "off_topic")
        page.get_by_role("button", name=f"Reject {count - 1} rows").click()
        page.wait_for_selector("dialog", state="detached")
        made = decisions(folder)
        assert Counter((one["kind"], one["reason"]) for one in made) == {("reject", "off_topic"): count - 1}
        press(page, "u")
        page.get_by_text(f"{count - 1} decisions taken back").wait_for()
        assert watch.wrong == []
        page.context.close()
    undone = {one["undoes"] for one in decisions(folder) if one["kind"] == "undo"}
    assert undone == {one["key"] for one in made}


def test_two_hundred_rows_cost_a_key_each_and_two_where_rejected(browser: Any, folder: Path) -> None:
    with reviewed(folder) as review:
        page, watch = enter(browser, review)
        begin(page)
        keys = 0
        for k in range(200):
            here = at(page)
            for key in ("r", "1") if k % 4 == 0 else ("a",):
                page.keyboard.press(key)
                keys += 1
            shows(page, here, no=True)
        saved(page)
        assert watch.wrong == []
        page.context.close()
    assert keys == 150 + 2 * 50
    assert Counter(one["kind"] for one in decisions(folder)) == {"accept": 150, "reject": 50}


def test_reviewed_rows_flow_into_the_next_run(browser: Any, folder: Path) -> None:
    with reviewed(folder) as review:
        page, _ = enter(browser, review)
        begin(page)
        for k in range(100):
            here = at(page)
            press(page, *(("r", "2") if k % 10 == 0 else ("a",)))
            shows(page, here, no=True)
        saved(page)
        page.context.close()
    with pytest.raises(GateWaiting):
        execute(load(folder / "recipe.yaml"), folder)
    with reviewed(folder) as review:
        page, _ = enter(browser, review)
        room(page, "#/overview")
        page.wait_for_selector(".equation")
        cells = page.locator("section:has(h2#steps) tbody tr", has_text="look").locator("th, td").all_inner_texts()
        page.context.close()
    asked = len(rows(260)) - 16 - 13
    assert cells[1:] == [str(asked), "0", "10", "0", str(asked - 100), "0", "90", "0"]


def test_reviewers_differ_and_a_lead_has_the_last_word(browser: Any, tmp_path: Path) -> None:
    recipe = RECIPE.replace("    edit: true\n    rate: true\n", "    reviewers: 2\n")
    folder = make_run(tmp_path / "team", recipe=recipe, count=12)
    with reviewed(folder, "--reviewers", "ann,bob,kim:lead") as review:
        texts: dict[str, str] = {}
        for link, keys in ((0, ("a",)), (1, ("r", "1"))):
            page, _ = enter(browser, review, link)
            begin(page)
            while page.locator("article.card").count():
                texts[at(page)] = ""
                press(page, *keys)
                saved(page)
                page.wait_for_timeout(150)
            page.context.close()
        page, watch = enter(browser, review, 2)
        room(page, "#/queue?tab=disagreements")
        page.wait_for_selector("ol.said li")
        told = page.locator("ol.said").inner_text()
        assert "ann accepted" in told
        assert "bob rejected as invented" in told
        press(page, "2")
        page.get_by_text("The last word is written down.").wait_for()
        room(page, "#/queue?tab=agreement")
        page.wait_for_selector("td")
        assert "ann" in page.locator("main table").inner_text()
        assert watch.wrong == []
        page.context.close()
    last = decisions(folder)[-1]
    assert (last["kind"], last["who"], last["value"]["kind"], last["reason"]) == (
        "adjudicate",
        "kim",
        "reject",
        "invented",
    )
