"""A real run of the demo's rows with a gate in it, and servers over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import GateWaiting
from tamis.recipe.load import load
from tamis.runner.execute import execute

from .pages import CHROMIUM
from .serving import Client, Served

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "recipes/customer-intents"
GATE = """  - use: review.gate
    question: Is the label right?
    where: category = 'shipping'
    reject_reasons: [wrong_label, not_an_inquiry]
    labels: {category: [shipping, returns]}
    questions: [{id: relevant, text: 'Is it relevant?'}]
    edit: true
    rate: true
"""


def with_gate(folder: Path) -> Path:
    """A workspace with the demo's recipe, which stops at a gate before the split; it has run as far as that."""
    folder.mkdir()
    for path in DEMO.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    recipe = folder / "recipe.yaml"
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(text.replace("  - use: split.stratified", GATE + "  - use: split.stratified"), encoding="utf-8")
    with pytest.raises(GateWaiting):
        execute(load(recipe), folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    with api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose run waits at the gate. Tests that decide take a copy: `workspace`."""
    return with_gate(tmp_path_factory.mktemp("web") / "waiting")


@pytest.fixture
def workspace(waiting: Path, tmp_path: Path) -> Path:
    """A copy of its own."""
    return shutil.copytree(waiting, tmp_path / "workspace")


@pytest.fixture(scope="session")
def delivered(waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose run has delivered: the gate was closed."""
    from tamis.runs.decide import Desk

    folder = shutil.copytree(waiting, tmp_path_factory.mktemp("web") / "delivered")
    Desk(folder).gate("review.gate", "close", why=None, who="test")
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    (folder / "recipe.yaml").write_text(
        text.replace("    question: Is", "    undecided: keep\n    question: Is"), encoding="utf-8"
    )
    execute(load(folder / "recipe.yaml"), folder)
    return folder


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages, as the build lays them down."""
    folder = tmp_path_factory.mktemp("static")
    (folder / "assets").mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Tamis</title>")
    (folder / "assets/index-1a2b.js").write_text("export {};")
    (folder / "notes.exe").write_text("no page")
    (folder / "link.js").symlink_to("/etc/passwd")
    return folder


Start = Callable[..., Served]


@pytest.fixture
def start(static: Path) -> Iterator[Start]:
    """Starts servers, and stops them."""
    started: list[Served] = []

    def begin(root: Path, **more: Any) -> Served:
        started.append(Served(root, static, **more))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture(scope="module")
def server(delivered: Path, static: Path) -> Iterator[Served]:
    """A server that only answers, over the delivered run."""
    served = Served(delivered, static)
    yield served
    assert served.stop() == 0


@pytest.fixture(scope="module")
def client(server: Served) -> Client:
    """Its one reader."""
    return server.enter()
