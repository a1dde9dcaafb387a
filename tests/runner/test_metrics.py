"""`metrics:` of a recipe: told in the report, checked before anything runs, and no row changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import GateWaiting, RecipeError
from tamis.core.events import Event, Warned
from tamis.recipe.load import parse
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.filter.where import Where
from tamis.steps.privacy.anonymize import Anonymize
from tamis.steps.review.gate import Gate

ROWS = [
    {"key": str(k), "good": k % 2 == 0, "kind": "ab"[k % 3 == 0], "by": f"ann{k % 5}@example.com"} for k in range(40)
]


def recipe(*steps: Any, metrics: list[dict[str, Any]]) -> Recipe:
    return Recipe(
        name="asked",
        sources=[Frames(data=ROWS, name="log", id=("key",))],
        steps=steps,
        deliver=[Jsonl(path="dist/out")],
        metrics=metrics,
        unprotected="test",
    )


def told(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "metrics.json").read_text()))


def test_the_report_has_what_the_recipe_asks_for(tmp_path: Path) -> None:
    asked = [{"outcome": "good", "by": ["kind"], "rows": "read"}, {"reference": "read", "by": "kind"}]
    folder = execute(recipe(Where(keep="kind = 'a'"), metrics=asked), tmp_path).folder
    found = told(folder)
    assert [one["rows"] for one in found["outcomes"]] == [40]
    assert [(one["rows"], one["reference_rows"]) for one in found["references"]] == [(26, 40)]
    page = (folder / "report.html").read_text()
    assert 'id="metrics"' in page
    assert 'href="#metrics"' in page
    without = execute(recipe(Where(keep="kind = 'a'"), metrics=[]), tmp_path)
    assert 'id="metrics"' not in (without.folder / "report.html").read_text()


def test_a_reference_file_lies_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "traffic.csv").write_text("kind\na\nb\nb\nb\n")
    folder = execute(recipe(metrics=[{"reference": "traffic.csv"}]), tmp_path).folder
    (found,) = told(folder)["references"]
    assert (found["reference"], found["reference_rows"]) == ("traffic.csv", 4)


def test_a_run_that_waits_tells_what_it_can(tmp_path: Path) -> None:
    asked = [{"outcome": "good", "by": ["kind"], "rows": "read"}, {"outcome": "good", "by": ["kind"], "rows": "late"}]
    with pytest.raises(GateWaiting):
        execute(recipe(Gate(), Where(id="late", keep="good"), metrics=asked), tmp_path)
    assert [one["which"] for one in told(tmp_path / "runs/asked/1")["outcomes"]] == ["read"]


def test_a_misspelt_column_is_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"metrics:.*'god'.*good"):
        execute(recipe(metrics=[{"outcome": "god", "by": "kind"}]), tmp_path)


def test_what_turns_out_not_to_be_answerable_does_not_undo_a_delivery(tmp_path: Path) -> None:
    heard: list[Event] = []
    folder = execute(recipe(metrics=[{"outcome": "kind", "by": "good"}]), tmp_path, emit=heard.append).folder
    assert any(isinstance(one, Warned) and "'kind' is neither yes/no nor a number" in one.message for one in heard)
    assert (folder / "report.html").exists()


def test_names_of_groups_are_told_without_personal_data(tmp_path: Path) -> None:
    asked = [{"outcome": "good", "by": ["by"], "rows": "read"}]
    privacy = Anonymize(mode="tag")
    folder = execute(recipe(privacy, metrics=asked), tmp_path).folder
    assert "example.com" not in (folder / "metrics.json").read_text()


HEAD = "tamis: 1\nname: x\nsteps:\n  - use: filter.empty\nmetrics:\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("  - {by: a}", "`outcome` or `reference`"),
        ("  - {outcome: a}", "compared `by` something"),
        ("  - {outcome: a, by: b, reference: read}", "one of them"),
        ("  - {outcome: a, by: b, rows: filter.emty}", "did you mean 'filter.empty'"),
        ("  - {reference: filter.emty}", "did you mean 'filter.empty'"),
        ("  - {outcome: a, by: b, each_user_once: true}", "needs `by_user`"),
        ("  - {outcome: a, by: b, groups: c}", "groups"),
    ],
)
def test_what_metrics_cannot_be_is_told_with_the_recipe(text: str, what: str) -> None:
    with pytest.raises(RecipeError, match=what):
        parse(HEAD + text)


def test_metrics_come_back_from_yaml() -> None:
    one = parse(HEAD + "  - {outcome: [a, b], by: c, by_user: d, rows: read}\n  - {reference: traffic.csv}")
    assert parse(one.to_yaml()) == one
