"""Every room of the review app in a browser: readable by everybody, on any width, and deaf to what rows hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .pages import AXE, NASTY, Review, decisions, enter, make_run, needs_pages, reviewed, room, until

pytestmark = needs_pages

ROOMS = (
    "overview", "rows", "queue", "queue?tab=disagreements", "queue?tab=agreement", "queue?tab=history",
    "clusters", "map", "prompts", "duplicates", "contamination", "privacy", "delivery",
)  # fmt: skip
COLUMNS = "source.nasty,source.category,source.score,source.messages"


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("pages") / "waiting", count=120)


@pytest.fixture(scope="module")
def review(waiting: Path) -> Iterator[Review]:
    with reviewed(waiting) as review:
        yield review


@pytest.fixture(scope="module")
def opened(browser: Any, review: Review) -> dict[str, Any]:
    """The cookies of somebody who gave a name."""
    page, _ = enter(browser, review)
    state: dict[str, Any] = page.context.storage_state()
    page.context.close()
    return state


def again(browser: Any, review: Review, state: dict[str, Any], **how: Any) -> tuple[Any, list[str]]:
    """A page of somebody who was here before."""
    from .pages import Watch

    context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, "storage_state": state, **how})
    page = context.new_page()
    watch = Watch(page, review.address)
    page.goto(f"{review.address}/")
    page.wait_for_selector("nav[aria-label=Rooms]", state="attached")
    return page, watch.wrong


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci in frontend/")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_every_room(browser: Any, review: Review, opened: dict[str, Any], scheme: str) -> None:
    page, wrong = again(browser, review, opened, color_scheme=scheme, reduced_motion="reduce")
    axe = AXE.read_text(encoding="utf-8")
    found = []
    for where in (*ROOMS, f"rows?columns={COLUMNS}", "help", "reject", "edit", "label", "many"):
        keys = {"help": "?", "reject": "r", "edit": "e", "label": "l", "many": "b"}
        if where in keys:
            room(page, "#/queue")
            page.wait_for_selector("article.card")
            page.keyboard.press(keys[where])
            page.wait_for_timeout(150)
        else:
            room(page, f"#/{where}")
            page.wait_for_timeout(250)
        if where.startswith("rows?"):
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            page.wait_for_selector("article.life section")
        page.evaluate(axe)  # as the browser's own console would: the page's policy forbids script tags
        told = page.evaluate(
            "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        found += [
            f"{where}: {one['id']}: {one['nodes'][0]['html'][:200]} ({len(one['nodes'])}) {one['nodes'][0]['failureSummary'][:300]}"
            for one in told["violations"]
        ]
        if where in keys:
            page.keyboard.press("Escape")
    page.context.close()
    assert not found, "\n".join(found)
    assert wrong == []


@pytest.mark.parametrize("width", [380, 820, 1920])
def test_rooms_fit_the_window(browser: Any, review: Review, opened: dict[str, Any], width: int) -> None:
    page, wrong = again(browser, review, opened, viewport={"width": width, "height": 800})
    wide = []
    for where in ROOMS:
        room(page, f"#/{where}")
        page.wait_for_timeout(200)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(where)
    page.context.close()
    assert wide == []
    assert wrong == []


def test_what_rows_hold_does_nothing(browser: Any, review: Review, opened: dict[str, Any]) -> None:
    page, wrong = again(browser, review, opened)
    for where in ROOMS:
        room(page, f"#/{where}")
        page.wait_for_timeout(200)
    room(page, f"#/rows?columns={COLUMNS}")
    page.wait_for_selector("[role=row] [role=gridcell]")
    for k in range(30):
        page.keyboard.press("j")
        if k == 0:
            page.keyboard.press("Enter")
        page.wait_for_selector("article.life section")
    room(page, "#/queue")
    page.wait_for_selector("article.card")
    for _ in range(60):
        page.keyboard.press("j")
    inside = page.evaluate(
        "() => document.querySelectorAll('main script, main img, main iframe, main [onload], main [onerror], main [style*=url]').length"
    )
    links = page.evaluate("() => [...document.querySelectorAll('a[href]')].map(one => one.href)")
    page.context.close()
    assert wrong == []
    assert inside == 0
    assert [one for one in links if not one.startswith(review.address)] == []


def test_hidden_characters_are_seen(browser: Any, review: Review, opened: dict[str, Any]) -> None:
    page, _ = again(browser, review, opened)
    room(page, "#/rows?q=gnp.exe&columns=source.nasty")
    page.wait_for_selector("[role=gridcell]")
    assert "abc⟨202E⟩gnp.exe⟨2066⟩" in page.locator("[role=row]").nth(1).inner_text()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("article.life .chip")
    assert {"U+202E", "U+2066", "U+200B", "U+0000", "U+001B"} <= set(
        page.locator("article.life .chip").all_inner_texts()
    )
    page.context.close()


def test_the_first_thing_asked_is_a_name(browser: Any, waiting: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(waiting, tmp_path / "work")
    with reviewed(folder) as review:
        page = browser.new_context().new_page()
        page.goto(review.links[0])
        page.wait_for_selector("dialog[open] #reviewer")
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 1
        page.fill("#reviewer", "Zoë <b>")
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog[open]", state="detached")
        page.keyboard.press("Q")
        page.wait_for_selector("article.card")
        page.keyboard.press("a")
        until(page, "() => document.querySelector('.saving')?.textContent.trim() === ''")
        page.context.close()
    assert [one["who"] for one in decisions(folder)] == ["Zoë <b>"]


def test_rows_are_narrowed_and_the_address_keeps_it(browser: Any, review: Review, opened: dict[str, Any]) -> None:
    page, wrong = again(browser, review, opened)
    room(page, "#/rows?columns=source.category,source.score")
    page.wait_for_selector("[role=gridcell]")
    page.fill("input[aria-label='Filter, as in SQL']", "no_such_column > 3")
    page.keyboard.press("Enter")
    page.wait_for_selector("#where-error [role=alert]")
    assert "no_such_column" in page.locator("#where-error [role=alert]").inner_text()
    page.fill("input[aria-label='Filter, as in SQL']", "\"source.category\" = 'bug'")
    page.keyboard.press("Enter")
    page.wait_for_selector("#where-error [role=alert]", state="detached")
    page.select_option("select[aria-label=Outcome]", "dropped")
    page.get_by_role("columnheader", name="source.score").get_by_role("button").click()
    until(
        page,
        "() => document.querySelectorAll('[role=row] [role=gridcell]').length > 0 && location.hash.includes('sort=')",
    )
    page.wait_for_timeout(400)
    told = [line.split("\n") for line in page.locator("[role=row]:has([role=gridcell])").all_inner_texts()]
    address = page.url
    other, _ = again(browser, review, opened)
    other.goto(address)
    other.wait_for_selector("[role=gridcell]")
    assert [line.split("\n") for line in other.locator("[role=row]:has([role=gridcell])").all_inner_texts()] == told
    page.context.close()
    other.context.close()
    assert told
    assert all("bug" in line and "dropped" in " ".join(line) for line in told)
    scores = [float(line[-1]) for line in told]
    assert scores == sorted(scores)
    assert wrong == []


def test_a_drop_is_overruled_with_a_reason(browser: Any, waiting: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(waiting, tmp_path / "work")
    with reviewed(folder) as review:
        page, watch = enter(browser, review)
        room(page, "#/rows?outcome=dropped")
        page.wait_for_selector("[role=gridcell]")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Rescue this row…").click()
        assert page.get_by_role("button", name="Rescue the row").is_disabled()
        page.keyboard.type("a short answer is an answer")
        page.get_by_role("button", name="Rescue the row").click()
        page.get_by_text("People rescued this row").wait_for()
        (made,) = decisions(folder)
        page.get_by_role("button", name="Undo").click()
        page.get_by_role("button", name="Rescue this row…").wait_for()
        assert watch.wrong == []
        page.context.close()
    assert (made["kind"], made["step"], made["why"], made["who"]) == (
        "rescue", "filter.length", "a short answer is an answer", "Ada"
    )  # fmt: skip
    assert decisions(folder)[-1]["undoes"] == made["key"]


def test_letters_can_be_switched_off(browser: Any, waiting: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(waiting, tmp_path / "work")
    with reviewed(folder) as review:
        page, _ = enter(browser, review)
        page.keyboard.press("Q")
        page.wait_for_selector("article.card")
        page.keyboard.press("?")
        told = page.locator("dialog[open]").inner_text()
        for words in ("Accept the row", "Reject it", "Take back the last decision", "Guidelines", "Overview"):
            assert words in told
        page.locator("dialog[open] input[type=checkbox]").uncheck()
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog[open]", state="detached")
        page.keyboard.press("a")
        page.wait_for_timeout(300)
        assert decisions(folder) == []
        page.get_by_role("button", name="Accept").click()
        until(page, "() => document.querySelector('.saving')?.textContent.trim() === ''")
        page.context.close()
    assert [one["kind"] for one in decisions(folder)] == ["accept"]


def test_five_megabytes_in_a_row_are_cut_and_never_edited_away(browser: Any, tmp_path: Path) -> None:
    lines = [
        {"messages": [{"role": "user", "content": f"Question {k}?"}, {"role": "assistant", "content": NASTY[3] + "long words " * (500_000 if k == 0 else 3)}],
         "category": "bug"}
        for k in range(3)
    ]  # fmt: skip
    folder = make_run(tmp_path / "long", lines=lines)
    with reviewed(folder) as review:
        page, watch = enter(browser, review)
        page.keyboard.press("Q")
        page.wait_for_selector("article.card")
        assert page.get_by_role("button", name="Edit").count() == 0
        assert len(page.locator("article.card").inner_text()) < 6000
        page.get_by_role("button", name="Show more").click()
        assert 30_000 < len(page.locator("article.card").inner_text()) < 60_000
        page.keyboard.press("a")
        until(page, "() => document.querySelector('article.card .user .said .text')?.innerText === 'Question 1?'")
        assert page.get_by_role("button", name="Edit").count() == 1
        assert watch.wrong == []
        page.context.close()
    assert [one["kind"] for one in decisions(folder)] == ["accept"]
