"""What the dataset card and the warnings of a run say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tamis import __version__
from tamis.core.errors import UsageError
from tamis.core.origin import Delivered, Sink
from tamis.engine.frame import find_column
from tamis.engine.stage import PartState
from tamis.recipe.model import Recipe
from tamis.runs.card import FEW_OF_A_LABEL, FEW_ROWS, card

from .deliver import Target
from .ingest import Ingest
from .run import Flow
from .write_up import file_records

#: with more labels than this, a hundred rows of each are a sensible minimum
MANY_LABELS = 20
#: labels of a column with more different values than this are not counted on the card
MOST_LABELS = 200


def json_columns(taken: Ingest) -> set[str]:
    """Full names of the source columns that hold JSON text."""
    return {f"source.{name}" for part in taken.partitions for name, kind in part.kinds.items() if kind == "json"}


def card_facts(recipe: Recipe, flow: Flow, taken: Ingest, outcomes: dict[str, int]) -> dict[str, Any]:
    """What is known of a delivery before its files are."""
    labels = label_counts(recipe, flow.states)
    licences = {source.label: source.license for source in recipe.sources}
    sources = []
    for record in file_records(taken):
        path = Path(str(record["path"]))
        sources.append(
            {
                **record,
                "unreadable": record["bad"],
                "path": path.name if path.is_absolute() else str(path),
                "license": licences.get(str(record.get("source", "")), ""),
            }
        )
    return {
        "name": recipe.name,
        "description": recipe.description,
        "license": recipe.license,
        "seed": recipe.seed,
        "tamis": __version__,
        "steps": [
            {"name": log.step.name, **log.account.record(), "sentences": dict(log.step.reasons)} for log in flow.logs
        ],
        "choices": [log.choice for log in flow.logs if log.choice],
        "sources": sources,
        "outcomes": outcomes,
        "labels": labels,
        "models": model_facts(recipe, flow.states),
        "warnings": size_warnings(outcomes["kept"], labels),
    }


def write_card(facts: dict[str, Any], sinks: Sequence[tuple[Sink, Target]], delivered: Sequence[Delivered]) -> str:
    """The card, once the files are known."""
    targets = []
    for sink, target in sinks:
        mine = [one.path for one in delivered if one.rows and one.path.endswith(sink.suffix)]
        told = {"columns": target.described(), "files": mine}
        targets.append({"use": sink.address(), **sink.settings_note(), **told})
    # what is warned of on the card's own count of rows and labels is not said twice
    return card({**facts, "warnings": [], "targets": targets, "files": [one._asdict() for one in delivered]})


def label_counts(recipe: Recipe, states: Sequence[PartState]) -> dict[str, dict[str, int]]:
    """Rows per label, for the columns by which rows are stratified."""
    wanted: list[str] = []
    for step in recipe.steps:
        by = getattr(step, "by", None)
        if step.address() == "split.stratified" and by:
            wanted += [by] if isinstance(by, str) else list(by)
    found: dict[str, dict[str, int]] = {}
    for name in dict.fromkeys(wanted):
        counts: Counter[str] = Counter()
        for state in states:
            reader = state.reader()
            try:
                column = reader.read(find_column(name, reader.names))
            except UsageError:
                continue
            if state.live.any():
                live = column.filter(pl.Series(state.live)).cast(pl.String)
                counts.update(dict(live.fill_null("(null)").value_counts(name="n").iter_rows()))
        if 0 < len(counts) <= MOST_LABELS:
            found[name] = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
    return found


def model_facts(recipe: Recipe, states: Sequence[PartState]) -> list[dict[str, Any]]:
    """Which models were asked, by which steps, on whose terms, and of how many delivered rows each is the producer."""
    wrote: Counter[str] = Counter()
    for state in states if recipe.calling() else ():
        if "producer" in state.names and state.live.any():
            live = state.reader().read("producer").filter(pl.Series(state.live)).drop_nulls()
            wrote.update(dict(live.value_counts(name="n").iter_rows()))
    steps: dict[str, list[str]] = {}
    for step in recipe.calling():
        for role in step.roles():
            steps.setdefault(role, []).append(step.name)
    return [
        {
            "role": role,
            "model": recipe.models[role].model,
            "steps": asked_by,
            "rows": wrote[recipe.models[role].model],
            "terms": recipe.models[role].terms,
            "trains": recipe.models[role].trains,
        }
        for role, asked_by in steps.items()
        if role in recipe.models
    ]


def size_warnings(rows: int, labels: dict[str, dict[str, int]]) -> list[str]:
    """What is too small to train on, or hardly enough."""
    found = []
    if rows < FEW_ROWS:
        found.append(f"only {rows} rows: fewer than {FEW_ROWS} are rarely enough to fine-tune on")
    for name, counts in labels.items():
        rare = [label for label, count in counts.items() if count < FEW_OF_A_LABEL]
        if rare:
            shown = ", ".join(rare[:5]) + (", …" if len(rare) > 5 else "")
            found.append(
                f"{len(rare)} of {len(counts)} values of {name!r} have fewer than {FEW_OF_A_LABEL} rows: {shown}"
            )
        elif len(counts) > MANY_LABELS and rows < 100 * len(counts):
            found.append(
                f"{rows} rows for {len(counts)} values of {name!r}: with so many, hundreds of rows each are usual"
            )
    return found
