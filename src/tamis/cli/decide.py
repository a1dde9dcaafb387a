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
@click.option("--accept", is_flag=True, help="Keep these rows.")
@click.option("--reject", is_flag=True, help="Drop these rows.")
@click.option("--rescue", is_flag=True, help="Take rows back that STEP dropped or merged.")
@click.option("--unrescue", is_flag=True, help="Undo a rescue.")
@click.option("--swap", is_flag=True, help="Of copies, keep these rows in place of those that stay.")
@click.option("--split", is_flag=True, help="Keep all copies that STEP merged into these rows.")
@click.option("--edit", metavar="FILE|JSON", help='Keep with other messages: {"messages": […]} or the list alone.')
@click.option("--relabel", multiple=True, metavar="COLUMN=VALUE", help="Keep with another value in a column.")
@click.option("--rate", type=click.IntRange(1, 5), help="Points, 1 to 5.")
@click.option("--reason", default=None, help="Why rows are rejected: one of the gate's reasons.")
@click.option("--adjudicate", is_flag=True, help="The last word, where reviewers differ.")
@click.option("--undo", is_flag=True, help="Take back your last decision at STEP, or yours on ROWS.")
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
    edit: str | None,
    relabel: tuple[str, ...],
    rate: int | None,
    reason: str | None,
    adjudicate: bool,
    undo: bool,
    every: bool,
    close: bool,
    reopen: bool,
    why: str | None,
    who: str,
    recipe_name: str | None,
    limit: int,
    workspace: Path | None,
    as_json: bool,
    **plain: bool,
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
      tamis decide review.gate 3f9a --relabel category=refund
      tamis decide review.gate --undo
    """
    from tamis.core.errors import UsageError
    from tamis.runs.decide import Desk

    desk = Desk(workspace or Path(), recipe_name)
    desk.check_step(step)
    kind, value = _said(step, [word for word, given in plain.items() if given], edit, relabel, rate)
    if undo:
        made = desk.undo(step, list(rows), who=who)
    elif kind is None and not close and not reopen:
        waiting = desk.waiting(step, limit)
        if as_json:
            answer(waiting)
        else:
            _show(waiting)
        return
    else:
        if kind is not None and not rows and not every:
            raise UsageError("which rows?", hint=f"tamis decide {step} ID … --{kind}, or --all")
        made = []
        if kind is not None:
            made = desk.decide(
                step, kind, list(rows), every=every, why=why, who=who, value=value, reason=reason, last_word=adjudicate
            )
        if close or reopen:
            made += desk.gate(step, "close" if close else "open", why=why, who=who)
    if as_json:
        answer({"file": str(desk.path), "decisions": [json.loads(line) for line in made]})
    else:
        click.echo(f"{len(made)} decision{'s' if len(made) != 1 else ''} appended to {desk.path}")
        click.echo("run the recipe again to go on", err=True)


def _said(
    step: str, plain: list[str], edit: str | None, relabel: tuple[str, ...], rate: int | None
) -> tuple[str | None, Any]:
    """The one decision that the options make, and what it says."""
    from tamis.core.errors import UsageError

    given: list[tuple[str, Any]] = [(kind, None) for kind in plain]
    if edit is not None:
        try:
            said = json.loads(edit if edit.lstrip()[:1] in ("{", "[") else Path(edit).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(
                f"--edit {edit[:80]!r} cannot be used: {error}", hint='{"messages": [{"role": "user", "content": "…"}]}'
            ) from None
        given.append(("edit", {"messages": said} if isinstance(said, list) else said))
    if relabel:
        if odd := [one for one in relabel if "=" not in one]:
            raise UsageError(
                f"--relabel {odd[0]!r} has no value", hint=f"tamis decide {step} ID --relabel column=value"
            )
        given.append(("relabel", dict(one.split("=", 1) for one in relabel)))
    if rate is not None:
        given.append(("rate", rate))
    if len(given) > 1:
        raise UsageError(f"one decision at a time, not {' and '.join(name for name, _ in given)}")
    return given[0] if given else (None, None)


def _show(waiting: dict[str, Any]) -> None:
    if not waiting["waits"]:
        click.echo(f"{waiting['step']}: nothing waits here")
        return
    click.echo(f"{waiting['step']}: {waiting['question']}")
    for row in waiting["rows"]:
        click.echo(f"  {row['id'][:12]}  {'(reviewers differ) ' if row['differ'] else ''}{short(row['text'], 140)}")
    click.echo(
        f"{len(waiting['rows'])} of {waiting['undecided']} undecided rows (of {waiting['asked']} asked)", err=True
    )
