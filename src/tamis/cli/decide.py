"""Decide what a gate asks, close it, or take a dropped row back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .common import answer, json_option, short, workspace_option


@click.command("decide")
@click.argument("step")
@click.argument("rows", nargs=-1)
@click.option("--accept", "kind", flag_value="accept", help="Keep these rows.")
@click.option("--reject", "kind", flag_value="reject", help="Drop these rows.")
@click.option("--rescue", "kind", flag_value="rescue", help="Take rows back that STEP dropped or merged.")
@click.option("--unrescue", "kind", flag_value="unrescue", help="Undo a rescue.")
@click.option("--all", "every", is_flag=True, help="Every row the gate still asks about.")
@click.option("--close", is_flag=True, help="Close the gate: rows nobody decided on go as `undecided:` says.")
@click.option("--open", "reopen", is_flag=True, help="Open a closed gate again.")
@click.option("--why", default=None, help="A comment, kept with the decision.")
@click.option("--who", default="", help="Whose decision it is (default: TAMIS_USER or the login name).")
@click.option("--recipe", "recipe_name", default=None, help="The recipe's name (default: the one that ran last).")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many waiting rows to show.")
@workspace_option
@json_option
def command(
    step: str,
    rows: tuple[str, ...],
    kind: str | None,
    every: bool,
    close: bool,
    reopen: bool,
    why: str | None,
    who: str,
    recipe_name: str | None,
    limit: int,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Decide what a gate asks, close it, or take a dropped row back.

    Without a decision: the rows that wait. ROWS are ids or unique beginnings of ids. Decisions are appended
    to decisions/<recipe>.jsonl; the next `tamis run` consumes them.

    \b
    Example:
      tamis decide review.gate
      tamis decide review.gate 3f9a 77c0 --accept
      tamis decide review.gate --all --reject --why "off topic"
      tamis decide filter.refusal 3f9a --rescue --why "a real question"
    """
    from tamis.core.errors import UsageError
    from tamis.runs.decide import Desk

    desk = Desk(workspace or Path(), recipe_name)
    desk.check_step(step)
    if kind is None and not close and not reopen:
        waiting = desk.waiting(step, limit)
        if as_json:
            answer(waiting)
        else:
            _show(waiting)
        return
    if kind is not None and not rows and not every:
        raise UsageError("which rows?", hint=f"tamis decide {step} ID … --{kind}, or --all")
    made = desk.decide(step, kind, list(rows), every=every, why=why, who=who) if kind else []
    if close or reopen:
        made += desk.gate(step, "close" if close else "open", why=why, who=who)
    if as_json:
        answer({"file": str(desk.path), "decisions": [json.loads(line) for line in made]})
    else:
        click.echo(f"{len(made)} decision{'s' if len(made) != 1 else ''} appended to {desk.path}")
        click.echo("run the recipe again to go on", err=True)


def _show(waiting: dict[str, Any]) -> None:
    if not waiting["waits"]:
        click.echo(f"{waiting['step']}: nothing waits here")
        return
    click.echo(f"{waiting['step']}: {waiting['question']}")
    for row in waiting["rows"]:
        click.echo(f"  {row['id'][:12]}  {short(row['text'], 140)}")
    click.echo(
        f"{len(waiting['rows'])} of {waiting['undecided']} undecided rows (of {waiting['asked']} asked)", err=True
    )
