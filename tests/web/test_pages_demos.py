"""The review app on real runs of the demo recipes: every room opens, shows what the run holds, and loads nothing from elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tamis.recipe.load import load
from tamis.runner.execute import Options, execute

from .pages import Review, Watch, enter, needs_pages, reviewed, room, until

pytestmark = needs_pages
RECIPES = Path(__file__).resolve().parents[2] / "recipes"

#: recipe → room → words that the room must show of its run
SHOWN = {
    "customer-intents": {
        "overview": ("500", "dedup.exact", "question_leaked"),
        "rows": ("727 rows", "too_short"),
        "queue": (),
        "clusters": (),
        "map": (),
        "prompts": (),
        "duplicates": ("115 groups",),
        "contamination": ("test_questions", "TEST-01"),
        "privacy": ("email", "phone"),
        "delivery": ("train.jsonl", "400"),
    },
    "email-replies": {
        "overview": ("800", "review.clusters", "select.plan"),
        "rows": ("1,906 rows",),
        "queue": ("Would you send this reply",),
        "clusters": ("by-mail", "by-kin", "by-wish"),
        "map": ("1,116 rows",),
        "prompts": (),
        "duplicates": ("groups",),
        "contamination": (),
        "privacy": ("person",),
        "delivery": ("train.jsonl", "720"),
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=list(SHOWN))
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A finished run of a demo recipe."""
    name = str(request.param)
    if name == "email-replies":
        for extra, library in (("local", "wordllama"), ("cluster", "umap")):
            pytest.importorskip(library, reason=f'pip install "tamis[{extra}]"')
    folder = tmp_path_factory.mktemp("demo") / name
    shutil.copytree(RECIPES / name, folder, ignore=shutil.ignore_patterns(".tamis", "runs", "dist", "decisions"))
    answers = folder / "decisions.jsonl"
    execute(load(folder / "recipe.yaml"), folder, Options(decisions=answers if answers.exists() else None))
    return name, folder


@pytest.fixture(scope="module")
def page(demo: tuple[str, Path], browser: Any) -> Iterator[tuple[Any, Watch]]:
    with reviewed(demo[1]) as review:
        assert isinstance(review, Review)
        found, watch = enter(browser, review)
        yield found, watch
        found.context.close()


def test_every_room_shows_what_the_run_holds(demo: tuple[str, Path], page: tuple[Any, Watch]) -> None:
    found, watch = page
    for where, words in SHOWN[demo[0]].items():
        room(found, f"#/{where}")
        for word in words:
            until(found, "word => document.querySelector('main').innerText.includes(word)", word)
        assert found.locator("main").inner_text().strip(), where
    assert watch.wrong == []
