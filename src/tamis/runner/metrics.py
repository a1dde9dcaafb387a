"""The figures a recipe's `metrics:` asks for, kept in the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from tamis.core.errors import DataError, TamisError, UsageError
from tamis.engine.store import write_json
from tamis.recipe.metrics import Metrics
from tamis.recipe.model import Recipe
from tamis.runs.metrics import Rows, outcome_tables, reference_table, rows_of_frame, rows_of_run
from tamis.sources.files import Files

NAME = "metrics.json"


def write_metrics(run: Path, recipe: Recipe, base: Path, *, waiting: bool = False) -> list[str]:
    """Write `metrics.json`; returns what went wrong. A run that waits at a gate tells what can be told by now."""
    if not recipe.metrics:
        return []
    rows = rows_of_run(run)
    told: dict[str, Any] = {"outcomes": [], "references": []}
    problems: list[str] = []
    for asked in recipe.metrics:
        try:
            _answer(asked, recipe, rows, base, told)
        except UsageError as error:
            problems += [] if waiting else [f"metrics: {error.message}"]
        except TamisError as error:
            problems.append(f"metrics: {error.message}")
    write_json(run / NAME, told)
    return problems


def _answer(asked: Metrics, recipe: Recipe, rows: Rows, base: Path, told: dict[str, Any]) -> None:
    if asked.reference is None:
        told["outcomes"] += outcome_tables(
            rows, asked.outcomes(), asked.columns(), which=asked.rows, by_user=asked.by_user,
            each_user_once=asked.each_user_once, adjust=asked.adjust, seed=recipe.seed,
        )  # fmt: skip
        return
    file = asked.file(step.name for step in recipe.steps)
    reference = asked.reference if file is None else rows_of_file(file, base)
    told["references"].append(
        reference_table(rows, reference, asked.columns(), which=asked.rows, adjust=asked.adjust, seed=recipe.seed)
    )


def rows_of_file(path: str, base: Path = Path()) -> Rows:
    """The rows of a file, seen from `base`. DataError where it is not there, or lines of it cannot be read."""
    source = Files(path=path)
    frames, bad = [], 0
    cuts = [(what, source.cut(what)) for what in source.inputs(base)[0]]
    wanted = source.readings(cuts)
    for what, cut in cuts:
        for batch in source.read(what, cut.slices, wanted):
            bad += sum(batch.bad_counts.values())
            frames.append(pl.DataFrame([series.alias(name) for name, series in batch.columns.items()]))
    if bad:
        raise DataError(
            f"{path}: {bad:,} lines cannot be read", hint=f"tamis init {path}, then tamis run: it says which"
        )
    return rows_of_frame(pl.concat(frames, how="diagonal_relaxed"), path)
