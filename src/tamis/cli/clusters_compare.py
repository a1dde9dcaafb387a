"""Clusterings side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._clustered import desk_of, run_options
from .common import answer, json_option, short


@click.command("compare")
@click.argument("clusterings", nargs=-1)
@click.option(
    "--grid",
    type=click.Path(path_type=Path),
    default=None,
    help="A YAML list of clustering steps, whose fields may be lists of values to try, over the run's vectors.",
)
@click.option("--html", type=click.Path(path_type=Path), default=None, help="Write the page, with every cluster, here.")
@click.option(
    "--refits",
    type=click.IntRange(0, 10),
    default=5,
    show_default=True,
    help="Fits on 80% of the rows for the stability of steps that are quick; 0: none.",
)
@click.option("--show", type=click.IntRange(0), default=8, show_default=True, help="Clusters of each that are printed.")
@run_options
@json_option
def compare(
    clusterings: tuple[str, ...], grid: Path | None, html: Path | None, refits: int, show: int, run: str | None,
    workspace: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Clusterings side by side: sizes, key phrases, rows, what splits into what, figures, and blind tests.

    Without names: all of the run's. Figures are measured once and kept; they are hints, none of which picks the right one.

    \b
    Example:
      tamis clusters compare
      tamis clusters compare topics fine --html compare.html
      tamis clusters compare --grid grid.yaml --json
    """
    from tamis.core.errors import UsageError
    from tamis.runner.cluster_grid import fit_grid, read_grid
    from tamis.runner.cluster_measures import Embedded, measure
    from tamis.runs.cluster_compare import compared, write_page

    desk = desk_of(run, workspace)
    names = list(clusterings)
    if grid is not None:
        names += fit_grid(desk, read_grid(grid))
    elif not names:
        names = list(desk.used)
    if not names:
        raise UsageError("no clusterings: the run has no step that clusters", hint="name some, or give a --grid")
    cache: dict[str, Embedded] = {}
    for name in names:
        try:
            measure(desk, name, refits=refits, cache=cache)
        except UsageError as error:  # of another run, or the text and vectors are gone: shown without figures
            click.echo(f"{name} is not measured: {error.message}", err=True)
    told = compared(desk, names)
    if html is not None:
        write_page(told, html)
    if as_json:
        answer(told)
    else:
        _show(told, show)
        if html is not None:
            click.echo(f"{html}: every cluster, side by side")


def _show(told: dict[str, Any], show: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    figures = list(dict.fromkeys(f["name"] for one in told["clusterings"] for f in one["hints"]))
    table = Table(expand=False)
    for head in ("clustering", "clusters", "largest", "smallest", "outliers", *figures):
        table.add_column(head, justify="left" if head == "clustering" else "right", overflow="fold")
    for one in told["clusterings"]:
        sizes = [card["rows"] for card in one["cards"]] or [0]
        mine = {f["name"]: f for f in one["hints"]}
        cells = [f"{len(one['cards'])}", f"{max(sizes):,}", f"{min(sizes):,}", f"{one['outliers']:,}"]
        cells += [_figure(mine.get(name)) for name in figures]
        table.add_row(Text(f"{one['step']}\n{one['use']}"), *map(Text, cells))
    console.print(table)
    console.print(Text(told["hint"]))
    for one in told["clusterings"]:
        console.print(Text(f"\n{one['step']} ({one['clustering']})", style="bold"))
        for card in one["cards"][:show]:
            console.print(Text(f"  {card['cluster']:>4}  {card['rows']:>7,}  {short(card['name'], 90)}"))
            for example in card["central"][:2]:
                console.print(Text(f"                 · {short(example['text'], 90)}"))
        if len(one["cards"]) > show:
            console.print(Text(f"  {len(one['cards']) - show} more: tamis clusters show {one['step']}, or --html"))
    for flow in told["flows"]:
        console.print(Text("\nWhat splits into what", style="bold"))
        for line in flow["sentences"][: 2 * show or None]:
            console.print(Text(f"  {line}"))
    for test in told["tests"]:
        console.print(
            Text(f"\nBlind test of {test['a']} and {test['b']}: {test['verdict']} ({test['answers']} answers)")
        )


def _figure(one: dict[str, Any] | None) -> str:
    if one is None or one["value"] is None:
        return "–"
    return f"{one['value']:.3f}" if one["low"] is None else f"{one['value']:.2f} ({one['low']:.2f}–{one['high']:.2f})"


COMMANDS = {"compare": compare}
