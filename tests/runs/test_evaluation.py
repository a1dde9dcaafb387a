"""Evaluations as a pure function, and their page in a browser."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import polars as pl
import pytest

from tamis.runs import prompts
from tamis.runs.evaluation import Evaluation, compare, evaluate_labels, evaluate_ratings, evaluate_texts
from tamis.runs.prompt_report import write_prompt_report

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
NAMES = ["billing", "delivery", "a rather long label that must break", "<i>odd</i>"]


def labels(rows: int = 300, right: float = 0.8) -> Evaluation:
    """Labels of which those in French are bad."""
    chance = random.Random(rows)
    gold = [chance.choice(NAMES) for _ in range(rows)]
    language = [chance.choice(["en", "en", "fr"]) for _ in range(rows)]
    said = [
        one if chance.random() < (right if other == "en" else 0.4) else chance.choice([*NAMES, None])
        for one, other in zip(gold, language, strict=True)
    ]
    return evaluate_labels(gold, said, pl.DataFrame({"language": language}), labels=NAMES)


def test_rows_without_a_right_label_are_left_out_of_everything() -> None:
    told = evaluate_labels(["a", None, "b"], ["a", "a", None], pl.DataFrame({"x": [1, 2, 3]}))
    assert (told.rows, told.answered, told.wrong) == (2, 1, (False, True))
    assert told.cells == (("a", "a", 1), ("b", None, 1))
    assert told.metrics["accuracy"].value == 0.5
    assert any("1 of 2 rows have no answer" in one for one in told.reading)
    assert any("2 rows are few" in one for one in told.reading)


def test_what_is_told_is_json_and_figures_are_what_the_gate_reads() -> None:
    told = labels()
    assert json.loads(json.dumps(told.told(), allow_nan=False))["metrics"] == told.figures()
    assert all(set(one) <= {"value", "low", "high"} for one in told.figures().values())
    assert [one.name for one in told.slices.slices] == ["language = fr"]


def test_skewed_labels_say_that_kappa_misleads() -> None:
    gold = ["ok"] * 123 + ["bad"] * 2
    told = evaluate_labels(gold, ["ok"] * 118 + ["bad"] * 5 + ["ok"] * 2)
    assert told.metrics["kappa"].value < 0 < 0.9 < told.metrics["ac1"].value  # type: ignore[operator]
    assert any(line.startswith("kappa (-0.02) is misleading here") for line in told.reading)


def test_ratings_have_a_mean_a_distribution_and_bad_groups() -> None:
    ratings = [4.0] * 60 + [0.0] * 20 + [None] * 2 + [2.0] * 18
    told = evaluate_ratings(ratings, pl.DataFrame({"kind": ["a"] * 60 + ["b"] * 22 + ["c"] * 18}))
    assert told.metrics["rating"].value == pytest.approx((240 + 36) / 98)
    assert told.distribution == {"very bad": 20, "bad": 0, "moderate": 18, "good": 0, "excellent": 60}
    assert [one.name for one in told.slices.slices] == ["kind = b"]
    assert "2 of 100 rows have no rating" in told.reading[0]
    assert evaluate_ratings([None, None]).metrics == {}


def test_texts_without_a_judge_are_said_to_be_counted_only() -> None:
    told = evaluate_texts(["the pump leaks", None], ["the pump leaks", "it is fine"])
    assert told.metrics["rouge_1"].value == 0.5
    assert "do not see whether a text is true" in told.reading[0]


def test_comparisons_are_by_row() -> None:
    told = compare(["x"] * 10, ["y"] * 9 + ["x"], gold=["y"] * 9 + ["x"])
    assert (told.wins, told.losses, told.ties) == (9, 0, 1)
    assert told.p == pytest.approx(2 / 2**9)
    assert "B is better" in told.verdict
    rated = compare(["a", "b", "c"], ["d", "e", "f"], scores=([1, 2, None], [2, 2, 4]))
    assert (rated.rows, rated.wins, rated.ties) == (2, 1, 1)
    assert "no difference that chance would not make" in rated.verdict
    assert compare(["a"], ["b"]).p is None


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("prompt")
    for k, told in enumerate((labels(right=0.6), labels(right=0.9))):
        facts = told.told()
        facts.pop("metrics")
        record = prompts.Record("evaluation", "intent", f"{k}bc123def456", "lab/m", metrics=told.figures(), facts=facts)
        prompts.append(prompts.prompt_file(root, "intent"), [record])
    return write_prompt_report(root, "intent")


def test_the_page_is_the_same_for_the_same_data_and_lets_no_label_speak(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert write_prompt_report(page.parents[2], "intent").read_text(encoding="utf-8") == text
    assert "&lt;i&gt;odd&lt;/i&gt;" in text
    assert "<i>" not in text


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed: apt-get install chromium")
def test_in_a_browser(page: Path, width: int, scheme: str) -> None:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    said: list[str] = []
    with api.sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            tab.on("console", lambda message: said.append(message.text))
            tab.goto(page.resolve().as_uri())
            wide = tab.evaluate("document.documentElement.scrollWidth")
            shades = tab.locator(".heat td.right").evaluate_all(
                "all => all.map(one => getComputedStyle(one).backgroundColor)"
            )
            heads = tab.locator("h2").all_inner_texts()
        finally:
            browser.close()
    assert said == []
    assert wide <= width
    assert all(shade not in ("", "rgba(0, 0, 0, 0)") for shade in shades)
    assert [one for one in heads if "thing" not in one] == [
        "Figures",
        "Where it is worst",
        "What was taken for what",
        "Label by label",
        "Versions side by side",
    ]
