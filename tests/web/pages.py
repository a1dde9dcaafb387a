"""The pages in a browser: runs to look at, the server as its command starts it, and what a page must never do."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tamis.web
from tamis.core.errors import GateWaiting
from tamis.recipe.load import load
from tamis.runner.execute import execute

CHROMIUM = next((f for name in ("chromium", "chromium-browser", "google-chrome") if (f := shutil.which(name))), None)
BUILT = (Path(tamis.web.__file__).parent / "static" / "index.html").is_file()
AXE = Path(__file__).resolve().parents[2] / "frontend/node_modules/axe-core/axe.min.js"

needs_pages = [
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed: apt-get install chromium"),
    pytest.mark.skipif(not BUILT, reason="the pages are not built: make web"),
]

#: what rows may hold to harm whoever reads a page
NASTY = (
    "<script>alert('row')</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></script><svg onload=alert(2)>",
    "abc\u202egnp.exe\u2066 and \u200b\x00\x1b[31m hidden",
    "javascript:alert(3) https://example.com/pixel.png",
    "&lt;already&gt; &amp; escaped",
    "مرحبا بالعالم with עברית",
    "👩‍👩‍👧 family, e\u0301",
    "{{constructor.constructor('alert(4)')()}} ${alert(5)}",
    "![x](https://example.com/a.png) [click](javascript:alert(6))",
)

RECIPE = """
tamis: 1
name: replies
description: "Replies that people looked at. <b>Not bold</b>"
sources:
  - use: files
    path: rows.jsonl
steps:
  - use: map.auto
  - use: clean.whitespace
  - use: filter.length
    min: 3
  - use: dedup.exact
    on: all
  - use: review.gate
    id: look
    question: "Would you send this reply? <img src=x onerror=alert(7)>"
    show: ["column:category"]
    guidelines: "Accept what answers. <script>alert(8)</script>"
    questions: [{id: context, text: "Is it aware of the context?"}, {id: invented, text: "Is something invented?"}]
    reject_reasons: [invented, off_topic, rude]
    labels: {tone: [friendly, cold, rude]}
    edit: true
    rate: true
  - use: split.random
    shares: {train: 0.8, validation: 0.2}
deliver:
  - use: openai_chat
    path: dist/replies
"""


def rows(count: int) -> list[dict[str, Any]]:
    """Conversations; some carry a payload in each of their texts, some are too short, some are copies."""
    made = []
    for k in range(count):
        order = k * 7919 % 100_000
        question = f"Question number {k}: how do I change the address of order {order}?"
        answer = f"Open order {order}, press Change, and write the new address. It is number {k} of today."
        if k % 7 == 5:
            question += " " + NASTY[k // 7 % len(NASTY)]
            answer += " " + NASTY[(k // 7 + 3) % len(NASTY)]
        if k % 17 == 0:
            answer = "Yes."
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        one = {"messages": turns, "category": ("billing", "account", "bug")[k % 3], "nasty": NASTY[k % len(NASTY)]}
        made.append({**one, "score": k / count})
        if k % 20 == 3:
            made.append({**one, "score": 2.0})
    return made


def make_run(
    folder: Path, *, count: int = 260, recipe: str = RECIPE, lines: list[dict[str, Any]] | None = None
) -> Path:
    """A workspace whose run waits at its gate."""
    folder.mkdir(parents=True)
    told = [json.dumps(one, ensure_ascii=False) + "\n" for one in lines or rows(count)]
    (folder / "rows.jsonl").write_text("".join(told), encoding="utf-8")
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    with pytest.raises(GateWaiting):
        execute(load(folder / "recipe.yaml"), folder)
    return folder


class Review:
    """`tamis review` as a process. `links`: a link of each person, in the order they were named."""

    def __init__(self, folder: Path, *more: str, port: int = 0) -> None:
        command = [
            sys.executable,
            "-m",
            "tamis",
            "review",
            "--no-browser",
            "--port",
            str(port),
            "-w",
            str(folder),
            *more,
        ]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=dict(os.environ)
        )
        assert self.process.stdout is not None
        self.links: list[str] = []
        said: list[str] = []
        for line in self.process.stdout:
            said.append(line)
            self.links += [word for word in line.split() if word.startswith("http://")]
            if "Ctrl-C" in line:
                break
        assert self.links, "".join(said)
        self.address = self.links[0].split("/enter")[0]
        self.port = int(self.address.rpartition(":")[2])

    def end(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it, by Ctrl-C or as a power failure would."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(timeout=30)


@contextmanager
def reviewed(folder: Path, *more: str, port: int = 0) -> Iterator[Review]:
    """A server over a workspace, while it is needed."""
    review = Review(folder, *more, port=port)
    try:
        yield review
    finally:
        review.end()


class Watch:
    """What a page did that it must not: dialogs, errors, requests that leave."""

    def __init__(self, page: Any, address: str) -> None:
        self.wrong: list[str] = []
        page.on("dialog", self._dialog)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("console", self._said)
        page.on("request", lambda request: None if request.url.startswith(address) else self.wrong.append(request.url))

    def _dialog(self, dialog: Any) -> None:
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.wrong.append(message.text)


def enter(browser: Any, review: Review, link: int = 0, **how: Any) -> tuple[Any, Watch]:
    """A page of a browser of its own, past the link and the name."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **how})
    page = context.new_page()
    watch = Watch(page, review.address)
    page.goto(review.links[link])
    button = page.locator("form button")
    page.wait_for_selector("nav[aria-label=Rooms], #reviewer, form button")
    if "/enter" in page.url and button.count():
        button.first.click()
    page.wait_for_selector("nav[aria-label=Rooms]", state="attached")
    if "reviewers" not in " ".join(map(str, review.process.args)):
        page.wait_for_selector("#reviewer")
        page.fill("#reviewer", "Ada")
        page.keyboard.press("Enter")
        page.wait_for_selector("#reviewer", state="detached")
    return page, watch


def until(page: Any, holds: str, told: Any = None) -> None:
    """Wait until a function of the page holds; the page's own policy forbids Playwright's waiting."""
    for _ in range(600):
        if page.evaluate(holds, told):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never: {holds} {told!r}; the page says: {page.locator('main').inner_text()[:500]}")


def room(page: Any, where: str) -> None:
    """Go to a room and wait until it stands."""
    page.evaluate("where => location.hash = where", where)
    until(page, "() => document.querySelector('main h1, main h2') !== null && !document.querySelector('.loading')")


def decisions(folder: Path, recipe: str = "replies") -> list[dict[str, Any]]:
    """The lines of the decisions file."""
    path = folder / "decisions" / f"{recipe}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def saved(page: Any) -> None:
    """Wait until nothing is on its way to the server."""
    until(page, "() => document.querySelector('.saving')?.textContent.trim() === ''")
