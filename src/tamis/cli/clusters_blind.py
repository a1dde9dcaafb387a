"""A blind test of two clusterings at the terminal."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ._clustered import desk_of, run_options, told_figure
from .common import answer, json_option, short

if TYPE_CHECKING:
    from tamis.runs.blind import Question, Results


@click.command("test")
@click.argument("a")
@click.argument("b")
@click.option("--who", default="", help="Who answers (default: TAMIS_USER or the login name).")
@click.option("--results", "only", is_flag=True, help="Ask nothing; show what was answered so far.")
@run_options
@json_option
def test(a: str, b: str, who: str, only: bool, run: str | None, workspace: Path | None, as_json: bool) -> None:
    """A blind test: do two rows have the same topic, and which of five does not belong?

    Rows are drawn where the clusterings disagree, and nothing tells which clustering put them together. Each answer is
    written at once; the test goes on where it was left. q stops.

    \b
    Example:
      tamis clusters test topics fine
      tamis clusters test topics fine --results --json
    """
    from tamis.runs.blind import BlindTest

    blind = BlindTest(desk_of(run, workspace), a, b)
    while not (only or as_json) and (asked := blind.next(who)).kind is not None:
        said, seconds = _ask(asked)
        if said is None:
            break
        blind.answer(asked.token, said, who=who, seconds=seconds)
    told = blind.results()
    if as_json:
        answer(asdict(told))
    else:
        _show(told)


def _ask(asked: Question) -> tuple[str | None, float]:
    """What somebody says, None where they stop; and how many seconds it took."""
    click.echo(f"\n[{asked.asked + 1} of {asked.asked + asked.left}]")
    for number, row in enumerate(asked.rows, 1):
        click.echo(f"  {number}  {short(row.text, 300)}")
    pair = asked.kind == "same_topic"
    keys = {"s": "same", "d": "different"} if pair else {str(n): row.id for n, row in enumerate(asked.rows, 1)}
    words = "The same topic? s: same, d: different" if pair else "Which one does not belong? its number"
    started = time.monotonic()
    said = click.prompt(f"{words}, u: unsure, q: stop", type=click.Choice([*keys, "u", "q"]), show_choices=False)
    seconds = round(time.monotonic() - started, 1)
    return (None if said == "q" else "unsure" if said == "u" else keys[said]), seconds


def _show(told: Results) -> None:
    click.echo(f"{told.answers} answers of {told.people} {'person' if told.people == 1 else 'people'}: {told.verdict}")
    for name, figures in (("pairs where people hold with it", told.wins), ("odd rows found", told.odd)):
        for one in figures:
            click.echo(f"  {name}: {told_figure(one)}{f' of {one.n}' if one.n else ''}")


COMMANDS = {"test": test}
