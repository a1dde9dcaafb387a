"""Say what a run would do: what is cached, what will run, how many rows, calls and dollars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .common import answer, json_option


@click.command("plan")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--workspace",
    "-w",
    type=click.Path(path_type=Path),
    default=None,
    help="Folder of the workspace (default: where the recipe is).",
)
@json_option
def command(recipe: Path, workspace: Path | None, as_json: bool) -> None:
    """Say what a run would do: what is cached, what will run, how many rows, calls and dollars.

    Reads and checks the inputs, judges nothing. Row counts after the first step that is not cached are
    upper bounds, marked ≤.

    \b
    Example:
      tamis plan recipe.yaml
    """
    from tamis.recipe.load import load
    from tamis.runner.execute import Options
    from tamis.runner.foresee import foresee

    loaded = load(recipe)
    base = recipe if recipe.is_dir() else recipe.parent
    told = foresee(loaded, workspace or base, Options(base=base))
    if as_json:
        answer(told)
        return
    click.echo(
        f"{told['recipe']}: {told['rows']:,} rows from {told['files']} file{'s' if told['files'] != 1 else ''}, {told['partitions']} partition{'s' if told['partitions'] != 1 else ''}"
    )
    for step in told["steps"]:
        bound = "" if step["certain"] else "≤ "
        work = "cached" if not step["to_judge"] else f"{step['to_judge']:,} to judge: {step['why']}"
        click.echo(f"  {step['step']:<24} {bound}{step['in']:,} in; {work}")
        asks = step.get("asks")
        if asks and asks["rows"]:
            click.echo(f"  {'':<24} {asks['rows']:,} row{'s' * (asks['rows'] != 1)} to ask about, {_cost(asks)}")
        if asks and asks["waits"]:
            click.echo(f"  {'':<24} waits first: {asks['waits']}")
    for item in told["deliver"]:
        click.echo(f"  → {item['target']} {item['path']}")
    for warning in told["warnings"]:
        click.echo(f"  warning: {warning}")
    usd = "cost not known" if told["usd"] is None else f"{told['usd']:.2f} USD"
    click.echo(f"  {told['calls']:,} model calls, {usd}")


def _cost(asks: dict[str, Any]) -> str:
    """'40k tokens in, 9k out: 0.12 USD'."""
    if not asks.get("measured", True):
        return "cost not known before the steps ahead of it have run"
    usd = "price unknown; state `price:` with the model" if asks["usd"] is None else f"{asks['usd']:.2f} USD"
    return f"about {asks['tokens_in']:,} tokens in, {asks['tokens_out']:,} out: {usd}"
