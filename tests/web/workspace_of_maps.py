"""A workspace with clusterings, a map, copies, leaks and personal data; a server on it; a browser that looks."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import GateWaiting
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.cluster.kmeans import Kmeans
from tamis.steps.decontaminate.ngram import Ngram
from tamis.steps.dedup.minhash import Minhash
from tamis.steps.embed.layout import Layout
from tamis.steps.map.template import Template
from tamis.steps.privacy.anonymize import Anonymize
from tamis.steps.review.clusters import Clusters
from tamis.steps.split.random import Random

from .pages import CHROMIUM

TOPICS = ("card", "refund", "password", "hotel", "parcel")
ASKED = ("where is my {}", "please help me with the {}", "I ask about the {} again", "the {} is late", "cancel the {}")
NASTY = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \u202egnp.exe\u2066 \u200b zero"
ITEM = "what is the capital of the country that lies between the two long rivers of the old world"


def inquiries(many: int = 120) -> list[dict[str, Any]]:
    chance = random.Random(4)
    rows = []
    for n in range(many):
        at = n % len(TOPICS)
        text = f"{chance.choice(ASKED).format(TOPICS[at])}, number {n}, {chance.choice(('now', 'today', 'soon'))} and {chance.random():.6f}"
        vector = [(1.0 if k == at else 0.0) + chance.gauss(0, 0.12) for k in range(len(TOPICS))]
        rows.append({"key": f"r{n}", "say": text, "vector": vector, "score": chance.random()})
    said = "I would like to have my money back for the blue shoes that I bought in your shop last week"
    for n, end in enumerate(("please", "please now", "as soon as you can")):
        rows.append({"key": f"copy{n}", "say": f"{said}, {end}", "vector": [0, 1, 0, 0, 0.01 * n], "score": 0.5})
    rows.append({"key": "leak", "say": f"Tell me {ITEM}, please", "vector": [0, 0, 0, 1, 0.1], "score": 0.1})
    rows.append(
        {"key": "mail", "say": "write to bob@post.org about the card", "vector": [1, 0, 0, 0, 0.1], "score": 0.9}
    )
    rows.append({"key": "nasty", "say": f"{NASTY} card", "vector": [1, 0.1, 0, 0, 0.1], "score": 0.2})
    return rows


def workspace(folder: Path) -> Path:
    """A finished run `seen/1`, and `chosen/1`, which waits until a clustering is chosen."""
    (folder / "test.jsonl").write_text(json.dumps({"question": ITEM, "answer": "Paris"}) + "\n")
    source = Frames(data=inquiries(), name="inbox", id=("key",))
    many = [
        Kmeans(k=k, id=name, vectors="column:vector", name_by="column:say") for k, name in ((5, "fine"), (2, "coarse"))
    ]
    chosen = Recipe(
        name="chosen", sources=[source], steps=[*many, Clusters(candidates=("fine", "coarse"))],
        deliver=[Jsonl(path="dist/chosen", columns={"say": "say"})],
    )  # fmt: skip
    with contextlib.suppress(GateWaiting):
        execute(chosen, folder)
    seen = Recipe(
        name="seen", sources=[source],
        steps=[
            Template(user="{say}", assistant="I shall look into it."), Minhash(on="prompt"),
            Ngram(against=(folder / "test.jsonl",)), Layout(vectors="column:vector", method="pca"), *many,
            Anonymize(), Random(shares={"train": 0.8, "test": 0.2}),
        ],
        deliver=[Jsonl(path="dist/seen", columns={"say": "say"})],
    )  # fmt: skip
    execute(seen, folder)
    return folder


@contextlib.contextmanager
def serving(root: Path) -> Iterator[str]:
    """The server on a workspace; its link, which lets one browser in."""
    command = [sys.executable, "-m", "tamis", "review", "--no-browser", "--workspace", str(root)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            ready, _, _ = select.select([server.stdout], [], [], 60)
            link = server.stdout.readline().strip() if ready else ""
            if not link.startswith("http"):
                server.kill()
                raise AssertionError(f"the server said {link!r}; {server.stderr.read()}")
            yield link
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()


class Looking:
    """A browser tab, and what it said and asked for."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        self.said: list[str] = []
        self.asked: list[str] = []
        tab.on("console", lambda message: message.type in ("error", "warning") and self.said.append(message.text))
        tab.on("pageerror", lambda error: self.said.append(str(error)))
        tab.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        tab.on("request", lambda request: self.asked.append(request.url))

    def enter(self, link: str, name: str = "ann") -> str:
        """Let the tab in and give a name; the app's address."""
        self.tab.goto(link)
        self.tab.wait_for_selector("nav")
        self.tab.wait_for_selector("dialog input")
        self.tab.fill("dialog input", name)
        self.tab.keyboard.press("Enter")
        self.tab.wait_for_selector("dialog", state="detached")
        return str(self.tab.url.split("#")[0])

    def until(self, script: str, seconds: float = 20) -> Any:
        """What a script gives once that is something; fails after a while."""
        end = time.monotonic() + seconds
        while not (found := self.tab.evaluate(script)):
            assert time.monotonic() < end, f"never: {script}"
            self.tab.wait_for_timeout(50)
        return found

    def drawn(self) -> dict[str, str]:
        """The map's own figures, once it stands still."""
        self.until("document.querySelector('.stage')?.dataset.still === 'true'")
        found: dict[str, str] = self.tab.evaluate("({...document.querySelector('.stage').dataset})")
        return found


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    with api.sync_playwright() as player:
        found = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield found
        finally:
            found.close()


def axe(look: Looking) -> list[str]:
    """What axe finds wrong (WCAG 2.2 A and AA), one line each."""
    source = Path(__file__).parents[2] / "frontend/node_modules/axe-core/axe.min.js"
    look.tab.evaluate(source.read_text(encoding="utf-8") + "\n;0")
    told = look.tab.evaluate(
        "axe.run(document, {runOnly: ['wcag2a','wcag2aa','wcag21a','wcag21aa','wcag22aa']})"
        ".then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' ' + (n.any[0]?.message ?? '')).slice(0, 3).join(' | ')))"
    )
    return list(told)
