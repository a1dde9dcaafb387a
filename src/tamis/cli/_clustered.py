"""What the `tamis clusters` commands share: the run whose clusterings they are about, and how a cluster is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .common import find_run, short, workspace_option

if TYPE_CHECKING:
    from tamis.runs.cluster_shapes import Card
    from tamis.runs.clusterings import Clusterings
    from tamis.runs.figure import Figure

F = TypeVar("F", bound=Callable[..., Any])


def run_options(function: F) -> F:
    """`--run` and `--workspace`."""
    run = click.option("--run", default=None, help="A run: its folder, number, or recipe (default: the last one).")
    return run(workspace_option(function))


def desk_of(run: str | None, workspace: Path | None) -> Clusterings:
    """The clusterings of a run."""
    from tamis.runs.clusterings import Clusterings

    return Clusterings(find_run(run, workspace))


def told_card(card: Card, width: int = 110) -> list[str]:
    """A cluster on some lines."""
    out = f", {card.outliers:,} outliers" if card.outliers else ""
    right = "" if card.accuracy is None else f", {card.accuracy:.0%} of texts held back fit the name"
    seen = f", seen by {', '.join(card.looked)}" if card.looked else ""
    lines = [f"{card.cluster:>4}  {short(card.name, 70)}  ({card.rows:,} rows{out}{right}{seen})"]
    if card.description:
        lines.append(f"      {short(card.description, width)}")
    if card.named_by != "phrases":
        lines.append(f"      phrases: {short(', '.join(card.phrases), width)}")
    lines += [f"      ·  {short(one.text, width)}" for one in card.central]
    lines += [f"      ~  {short(one.text, width)}" for one in card.boundary]
    return lines


def told_figure(one: Figure) -> str:
    """A figure with its interval."""
    if one.value is None:
        return f"{one.name} –"
    ends = "" if one.low is None or one.high is None else f" ({one.low:.2f} to {one.high:.2f})"
    return f"{one.name} {one.value:.3g}{ends}"
