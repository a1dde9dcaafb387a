"""What goes together with an outcome in a run's rows, and how a selection differs from a reference."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tamis.core.errors import UsageError
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.runs.metric_words import outcome_lines, reference_lines
from tamis.runs.metrics import column, outcome_tables, reference_table, rows_of_frame, rows_of_run, users_of
from tamis.sinks.jsonl import Jsonl
from tamis.sources.frames import Frames
from tamis.steps.clean.whitespace import Whitespace
from tamis.steps.filter.where import Where
from tamis.steps.map.template import Template
from tamis.steps.map.threads import Threads


def log(n: int = 120) -> list[dict[str, Any]]:
    """Drafts: of version 2 more are accepted, each fifth row is long, users have three to five rows, some drafts nobody's."""
    return [
        {
            "key": f"{k:03d}",
            "version": 1 + (k >= n // 2),
            "accepted": (k % 3 != 0) if k >= n // 2 else (k % 3 == 0),
            "edits": None if k % 10 == 0 else k % 7,
            "user": None if k % 12 == 0 else f"u{k // 4}",
            "stayed": k // 4 % 2,
            "draft": " ".join(["word"] * (30 if k % 5 == 0 else 3)),
            "topic": "ab"[k % 2],
        }
        for k in range(n)
    ]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    recipe = Recipe(
        name="log",
        sources=[Frames(data=log(), name="log", id=("key",))],
        steps=[Template(user="?", assistant="{draft}"), Where(keep="version = 2 or topic = 'a'")],
        deliver=[Jsonl(path="dist/out")],
    )
    return execute(recipe, tmp_path).folder


def groups(table: dict[str, Any], by: str) -> dict[str, dict[str, Any]]:
    (found,) = (one for one in table["by"] if one["column"] == by)
    return {group["group"]: group for group in found["groups"]}


def test_rows_are_those_kept_those_read_or_those_after_a_step(run: Path) -> None:
    rows = rows_of_run(run)
    assert {name: int(mask.sum()) for name, mask in rows.masks.items()} == {
        "kept": 90, "read": 120, "map.template": 120, "filter.where": 90,
    }  # fmt: skip
    (read,) = outcome_tables(rows, ["accepted"], ["version"], which="read")
    assert (read["rows"], read["value"]) == (120, pytest.approx(60 / 120))
    assert groups(read, "version")["2"]["value"] == pytest.approx(40 / 60)
    (kept,) = outcome_tables(rows, ["accepted"], ["version"])
    assert {name: one["rows"] for name, one in groups(kept, "version").items()} == {"1": 30, "2": 60}
    with pytest.raises(UsageError, match=r"no step 'filter\.wher'.*filter\.where"):
        rows.mask("filter.wher")


def test_lengths_users_and_missing_outcomes(run: Path) -> None:
    rows = rows_of_run(run)
    (table,) = outcome_tables(rows, ["edits"], ["length:response", "topic"], which="read", by_user="user")
    assert (table["measure"], table["with_outcome"]) == ("mean", 108)
    assert table["users"] == 30 + 8  # rows of nobody count alone
    assert [g["rows"] for g in groups(table, "length:response").values()] == [96, 12]
    assert [*groups(table, "length:response")] == ["up to 3", "above 3"]
    assert (users_of(rows, "user") == -1).sum() == 10


def test_an_outcome_of_users_counts_users(run: Path) -> None:
    rows = rows_of_run(run)
    (table,) = outcome_tables(rows, ["stayed"], ["topic"], which="read", by_user="user")
    assert table["each_user_once"] is True
    assert "users are counted, not rows" in table["cautions"][0]
    (rows_only,) = outcome_tables(rows, ["stayed"], ["topic"], which="read")
    assert rows_only["each_user_once"] is False
    assert "independent" in rows_only["cautions"][-1]


def test_a_selection_is_compared_with_what_was_read(run: Path) -> None:
    table = reference_table(rows_of_run(run), "read", ["topic", "version", "length:response"])
    assert (table["rows"], table["reference_rows"], table["within"]) == (90, 120, True)
    topic = groups(table, "topic")
    assert (topic["a"]["share"], topic["a"]["reference_share"]) == (60 / 90, 0.5)
    assert topic["a"]["low"] > 0
    every = reference_table(rows_of_run(run), "read")
    assert [one["column"] for one in every["by"]] == [f"source.{name}" for name in ("version", "accepted", "edits", "user", "stayed", "draft", "topic")]  # fmt: skip
    assert "source.key" in every["cautions"][0]
    back = reference_table(rows_of_run(run), "filter.where", ["topic"], which="read")
    assert back["within"] is False
    assert "are not among those" in back["cautions"][0]


def test_a_selection_is_compared_with_a_file(run: Path) -> None:
    traffic = rows_of_frame(pl.DataFrame({"topic": ["a"] * 10 + ["c"] * 30, "version": ["2"] * 40}), "traffic.csv")
    table = reference_table(rows_of_run(run), traffic)
    assert [one["column"] for one in table["by"]] == ["version", "topic"]
    topic = groups(table, "topic")
    assert (topic["c"]["share"], topic["c"]["reference_share"], topic["b"]["ratio"]) == (0, 0.75, None)
    assert groups(table, "version")["2"]["reference_share"] == 1  # text there, whole numbers here


def test_children_are_rows_from_the_step_that_made_them_on(tmp_path: Path) -> None:
    replies = [{"role": "assistant", "text": text} for text in ("two", "2", "three")]
    tree = json.dumps({"role": "prompter", "text": "1+1?", "replies": replies})
    recipe = Recipe(
        name="threads",
        sources=[Frames(data=[{"key": "1", "tree": tree, "good": True}], name="log", id=("key",))],
        steps=[Whitespace(), Threads(column="tree"), Where(keep="good")],
        deliver=[Jsonl(path="dist/out")],
    )
    rows = rows_of_run(execute(recipe, tmp_path).folder)
    counts = {name: int(mask.sum()) for name, mask in rows.masks.items()}
    assert counts == {"read": 1, "clean.whitespace": 1, "map.threads": 3, "filter.where": 3, "kept": 3}
    assert column(rows, "good").series.to_list() == [True] * 4


def test_what_cannot_be_asked_is_told(run: Path) -> None:
    rows = rows_of_run(run)
    for outcomes, by, what in ((["acepted"], ["topic"], "accepted"), (["draft"], ["topic"], "neither yes/no"), (["accepted"], ["key"], "make no groups"), (["accepted"], [], "no column")):  # fmt: skip
        with pytest.raises(UsageError, match=what):
            outcome_tables(rows, outcomes, by, which="read")


def test_tables_in_words(run: Path) -> None:
    rows = rows_of_run(run)
    (table,) = outcome_tables(rows, ["accepted"], ["version", "numbers:edits"], which="read", by_user="user")
    lines = [*outcome_lines(table)]
    assert lines[0].startswith("accepted: share 50.0% [")
    assert "120 of 120 rows (read) have it, of 40 users" in lines[0]
    assert any(line.split()[:4] == ["2", "60", "20", "66.7%"] for line in lines)
    assert any(line.startswith("by edits: Spearman's rho") for line in lines) or any(
        "numbers:edits" in line for line in lines
    )
    told = [*reference_lines(reference_table(rows, "read", ["topic"]))]
    assert told[0] == "90 rows (kept) against 120 (read)"
    assert any(line.split()[:5] == ["a", "60", "66.7%", "50.0%", "+16.7"] for line in told)
