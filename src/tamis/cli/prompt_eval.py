"""Measure a prompt on frozen rows, against right labels or a judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._prompted import find_prompted, prompt_options
from .common import answer, json_option

if TYPE_CHECKING:
    from tamis.runs.evaluation import Evaluation


@click.command("eval")
@prompt_options
@click.option("--gold", default=None, metavar="COLUMN", help="The column of right labels, or of reference texts.")
@click.option(
    "--judge", default=None, metavar="STEP", help="The score.judge step that rates free text (default: the next one)."
)
@click.option("--rows", "count", type=click.IntRange(2), default=501, show_default=True, help="How many rows.")
@click.option("--field", default=None, help="Which part of an extracted value is compared.")
@click.option("--group", default=None, metavar="COLUMN", help="Rows alike in it (one customer's) count as one draw.")
@click.option("--overlap", is_flag=True, help="BLEU and ROUGE against --gold beside the ratings.")
@click.option(
    "--support", type=click.IntRange(2), default=None, help="Fewest rows of a group that is told as bad (default: 20)."
)
@json_option
def command(
    prompt: str,
    recipe_path: Path,
    step: str | None,
    workspace: Path | None,
    gold: str | None,
    judge: str | None,
    count: int,
    field: str | None,
    group: str | None,
    overlap: bool,
    support: int | None,
    as_json: bool,
) -> None:
    """Measure a prompt on frozen rows, against right labels or a judge.

    The rows are the same in every version of the prompt, and none was seen in a pilot or is an example. All figures
    have 95% intervals; groups of rows with more errors than the rest are looked for. The figures are written to
    decisions/prompts/, where the gate reads them. Exit code 3 where they are below the prompt's `bar:`.

    \b
    Example:
      tamis prompt eval intent --gold category
      tamis prompt eval intent --gold category --group customer --rows 1000 --json
      tamis prompt eval summary --judge score.judge
      tamis prompt eval summary --gold reference --overlap
    """
    from tamis.runner.before import rows_before
    from tamis.runner.evaluate import Evaluator

    found = find_prompted(prompt, recipe_path, step, workspace)
    with rows_before(found.recipe, found.root, found.step.name, base=found.base) as before:
        one = Evaluator(before, found.recipe, found.root)
        told = one.evaluate(
            count=count, gold=gold, judge=judge, field=field, group=group, overlap=overlap, support=support
        )
    name, version, model = one.about()
    below = one.below_bar(told)
    if as_json:
        head = {"prompt": name, "version": version, "model": model, "warnings": one.warnings, "below_bar": below}
        answer({**head, **told.told(), "file": str(one.path)})
    else:
        _show(told, f"prompt {name!r} (version {version}, {model})", one.warnings)
        click.echo(f"written to {one.path}")
        if below:
            click.echo(f"below its bar: {below}")
    if below:
        raise click.exceptions.Exit(3)


def _show(told: Evaluation, named: str, warnings: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None, highlight=False)
    console.print(Text(f"{named}: {told.rows:,} rows, {told.answered:,} with an answer"))
    for line in (*warnings, *told.reading):
        console.print(Text(f"! {line}"))
    table = Table(box=None, pad_edge=False)
    for head in ("figure", "value", "95% interval"):
        table.add_column(head, justify="left" if head == "figure" else "right")
    for name, figures in told.figures().items():
        table.add_row(name.replace("_", " "), f"{figures['value']:.3f}", _interval(figures))
    console.print(table)
    if told.distribution:
        top = max(told.distribution.values())
        for level, rows in told.distribution.items():
            console.print(Text(f"{level:>10} {rows:6,} {'█' * round(30 * rows / top) if top else ''}"))
    if told.by_label:
        console.print(_labels(told))
    if told.slices.slices:
        console.print(Text(f"\nWhere it is worst ({told.slices.looked_at:,} groups looked at):"))
        for one in told.slices.slices:
            share = f"{one.errors:,} of {one.rows:,} bad, {one.rate:.0%} ({one.low:.0%} to {one.high:.0%})"
            more = f"{100 * one.difference:+.0f} points to the rest, by chance {one.adjusted:.1g}"
            console.print(Text(f"  {one.name}: {share}, {more}"), soft_wrap=True)
    elif told.slices.looked_at:
        console.print(Text(f"No group of rows is worse than the rest ({told.slices.looked_at:,} looked at)."))


def _labels(told: Evaluation, most: int = 20) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, title_justify="left")
    for head in ("label", "rows", "precision", "recall", "F1", "often taken for"):
        table.add_column(head, justify="left" if head in ("label", "often taken for") else "right", overflow="fold")
    named = sorted(told.by_label, key=lambda name: (told.by_label[name]["f1"]["value"] or 0, name))
    for name in named[:most]:
        figures = told.by_label[name]
        shown = [
            "–" if figures[k]["value"] is None else f"{figures[k]['value']:.2f}" for k in ("precision", "recall", "f1")
        ]
        other = sorted(((n, b) for a, b, n in told.cells if a == name and b != name), key=lambda p: (-p[0], str(p[1])))
        taken = "" if not other else f"{other[0][1] or 'no answer'} ({other[0][0]})"
        table.add_row(Text(name), f"{figures['support']:,}", *shown, Text(taken))
    if len(named) > most:
        table.caption = f"the worst {most} of {len(named)} labels; --json has all"
    return table


def _interval(figures: dict[str, float]) -> str:
    return f"{figures['low']:.3f} to {figures['high']:.3f}" if "low" in figures else "–"
