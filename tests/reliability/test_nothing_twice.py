"""Nothing is done twice: what is known of a row is not asked again, and the bytes are those of a run from scratch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tamis.runner.execute import RunResult

from .workshop import RECIPE, Process, delivered, fresh, outcome, records, run, set_up, small_slices, write_lines

#: steps that look at all rows at once; they decide again when rows come or go
TABLE = ("dedup.exact", "split.stratified")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that ran. To be copied, not used."""
    folder = set_up(tmp_path_factory.mktemp("known") / "mill")
    with small_slices():
        run(folder)
    return folder


@pytest.fixture
def folder(known: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(known, tmp_path / "mill"))


def again(folder: Path) -> RunResult:
    with small_slices():
        return run(folder)


def judged(result: RunResult) -> dict[str, int]:
    """How many rows each step judged, of those that came to it; steps that judged none are left out."""
    steps = {step["name"]: step["in"] for step in result.manifest["steps"]}
    found = {name: rows - result.manifest["reused_rows"][name] for name, rows in steps.items()}
    return {name: rows for name, rows in found.items() if rows}


def partitions(result: RunResult) -> list[dict[str, Any]]:
    """The last run's partitions that something was computed for."""
    lines = (result.folder / "events.jsonl").read_text(encoding="utf-8").split("\n")
    events = [json.loads(line) for line in lines if line]
    begun = max(number for number, event in enumerate(events) if event["event"] == "RunStarted")
    return [event for event in events[begun:] if event["event"] == "PartitionDone" and not event["cached"]]


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "recipe.yaml"
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")


def same_as_from_scratch(folder: Path) -> None:
    other = fresh(folder)
    again(other)
    assert outcome(folder) == outcome(other)


def test_a_first_run_judges_everything(known: Path) -> None:
    manifest = json.loads((known / "runs/mill/1/manifest.json").read_text(encoding="utf-8"))
    reused = {name: rows for name, rows in manifest["reused_rows"].items() if rows}
    assert reused == {"sheet-map": 600, "map.auto": 100}, "rows that are none of theirs"
    assert len(manifest["reused_rows"]) == 11


def test_the_same_again_judges_nothing(folder: Path) -> None:
    for _ in range(2):
        result = again(folder)
        assert judged(result) == {}
        assert partitions(result) == []


def test_a_changed_last_step_judges_nothing_before_it(folder: Path) -> None:
    edit(folder, "shares: {train: 0.8, test: 0.2}", "shares: {train: 0.5, test: 0.5}")
    result = again(folder)
    assert list(judged(result)) == ["split.stratified"]
    assert partitions(result) == []
    same_as_from_scratch(folder)


def test_one_more_file_is_the_only_one_judged(folder: Path) -> None:
    rows = [{**row, "prompt": f"new {n} {row['prompt']}"} for n, row in enumerate(records(9, seed=8))]
    write_lines(folder / "chats-1b.jsonl", rows)  # between the others, as names go
    result = again(folder)
    asked = judged(result)
    assert set(asked) >= {"map.auto", "clean.unicode", "filter.empty"}
    assert all(0 < count <= len(rows) for name, count in asked.items() if name not in TABLE)
    assert {event["rows"] for event in partitions(result) if event["stage"] != "read"} == {len(rows)}
    assert len([event for event in partitions(result) if event["stage"] == "read"]) == 1
    same_as_from_scratch(folder)


def test_rows_appended_to_a_file_touch_only_its_last_slice(folder: Path) -> None:
    with open(folder / "chats-1.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({"prompt": "one more", "completion": "an answer to it", "topic": "orders"}) + "\n")
    result = again(folder)
    assert len([event for event in partitions(result) if event["stage"] == "read"]) == 1
    assert judged(result)["map.auto"] < 200
    same_as_from_scratch(folder)


@pytest.mark.parametrize(
    ("before", "after", "rejudged"),
    [
        ("filter.length, min: 2", "filter.length, min: 4", {"filter.length"}),
        ("drop: \"topic = 'spam'\"", "drop: \"topic in ('spam', 'returns')\"", {"not-spam"}),
    ],
)
def test_a_stricter_filter_is_the_only_row_step_judged(
    before: str, after: str, rejudged: set[str], folder: Path
) -> None:
    edit(folder, before, after)
    assert {name for name in judged(again(folder)) if name not in TABLE} == rejudged
    same_as_from_scratch(folder)


def test_a_laxer_filter_has_only_the_rows_it_lets_through_judged(folder: Path) -> None:
    edit(folder, "drop: \"topic = 'spam'\"", "drop: \"topic = 'none'\"")
    result = again(folder)
    steps = {step["name"]: step for step in result.manifest["steps"]}
    asked = judged(result)
    assert asked.pop("not-spam") == steps["not-spam"]["in"]
    assert "clean.whitespace" not in asked
    assert 0 < asked["short-enough"] < 0.5 * steps["short-enough"]["in"]
    same_as_from_scratch(folder)


def test_a_stricter_filter_before_a_step_that_changes_text(folder: Path) -> None:
    text = RECIPE.replace(
        "  - {use: clean.unicode}\n",
        "  - {use: filter.where, id: early, drop: \"topic = 'spam'\"}\n  - {use: clean.unicode}\n",
    )
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    again(folder)
    edit(folder, "id: early, drop: \"topic = 'spam'\"", "id: early, drop: \"topic in ('spam', 'billing')\"")
    assert {name for name in judged(again(folder)) if name not in TABLE} == {"early"}
    same_as_from_scratch(folder)


def test_what_a_killed_run_judged_is_kept(tmp_path: Path) -> None:
    folder = set_up(tmp_path / "mill")
    assert Process(folder, "--workers", "2", TAMIS_FAILPOINT="run.judged").end().code == -9
    result = again(folder)
    assert result.folder.name == "1"
    assert judged(result) == {}
    assert partitions(result) == []


def test_two_recipes_of_a_workspace_keep_what_each_knows(folder: Path) -> None:
    write_lines(folder / "chats-1b.jsonl", records(5, seed=8))
    again(folder)
    first = delivered(folder)
    other = (
        RECIPE.replace("name: mill", "name: other")
        .replace("chats*.jsonl", "chats-2.jsonl")
        .replace("dist/", "dist/other-")
    )
    mine = (folder / "recipe.yaml").read_text(encoding="utf-8")
    for _ in range(2):
        (folder / "recipe.yaml").write_text(other, encoding="utf-8")
        again(folder)
        (folder / "recipe.yaml").write_text(mine, encoding="utf-8")
        result = again(folder)
        assert (judged(result), partitions(result)) == ({}, [])
    assert {name: sha for name, sha in delivered(folder).items() if "other" not in name} == first
