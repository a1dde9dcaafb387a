"""docs/models.md as it stands: its recipe is planned, runs out of money, is planned again, and goes on."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tamis.core.events import CallsProgress
from tamis.llm.spec import Budget, Connection, Model, Price
from tamis.runner.display import calls_text
from tests.endpoint import Endpoint, Said

from .terminal import Terminal

PAGE = Path(__file__).parents[2] / "docs/models.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_page_says_what_happens(tamis: Terminal, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGE.read_text(encoding="utf-8")
    blocks = FENCE.findall(page)
    recipe = next(text for language, text in blocks if language == "yaml")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    endpoint.script = lambda asked: Said("Thank you for asking.", tokens_in=60, tokens_out=200)
    tamis.demo()
    codes = []
    for language, text in blocks:
        if language != "text" or not text.startswith("$ "):
            continue
        usd = "{usd: 0.10}" if len(codes) < 3 else "{usd: 0.50}"
        here = recipe.replace("{usd: 0.10}", usd)
        tamis.write("recipe.yaml", f"{here}connections: {{openai: {{url: {endpoint.url}, slots: 8}}}}\n")
        command, _, expected = text.removeprefix("$ ").partition("\n")
        said = tamis(*shlex.split(command)[1:])
        codes.append(said.code)
        printed = said.out + said.err
        shown = [one.rstrip() for one in printed.splitlines()]
        for line in expected.splitlines():
            begins = line.endswith("…")
            assert any(one.startswith(line[:-1]) if begins else one == line for one in shown), f"{line}\n\n{printed}"
    assert codes == [0, 5, 0, 0]
    assert len(endpoint.posts()) == 606
    assert "budget: {usd: 0.50}" in page


def test_the_line_of_progress_is_a_real_one() -> None:
    failed = {"length": 18, "timeout": 2}
    told = CallsProgress(
        "summary", rows=20_000, known=0, ok=1380, failed=20, requests=1400, cached=0, tokens_in=310_000, tokens_out=84_000,
        usd=0.25, usd_to_come=3.32, window=64, in_flight=64, seconds=33.6, reasons=failed,
    )  # fmt: skip
    shown = next(text for language, text in FENCE.findall(PAGE.read_text(encoding="utf-8")) if "20,000 rows" in text)
    assert shown == f"  summary: 1,400 of 20,000 rows: {calls_text(told)}\n"


@pytest.mark.parametrize(("kind", "left"), [(Model, {"model", "connection"}), (Connection, set()), (Price, set())])
def test_every_key_is_told_of(kind: type[Model] | type[Connection] | type[Price], left: set[str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [key for key in kind.model_fields if f"`{key}`" not in page and key not in left] == []


def test_every_limit_of_the_budget_is_told_of() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [key for key in Budget.model_fields if f"`{key}`" not in page] == []
