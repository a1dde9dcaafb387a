"""Compare two prompts on the same frozen rows: wins, losses, and the rows that changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._prompted import find_prompted, prompt_options
from .common import answer, json_option, short

if TYPE_CHECKING:
    from tamis.runner.contrast import Contrast


@click.command("compare")
@prompt_options
@click.argument("other")
@click.option("--gold", default=None, metavar="COLUMN", help="The column of right labels.")
@click.option(
    "--judge", default=None, metavar="STEP", help="The score.judge step that rates free text (default: the next one)."
)
@click.option("--rows", "count", type=click.IntRange(2), default=501, show_default=True, help="How many rows.")
@click.option("--field", default=None, help="Which part of an extracted value is compared.")
@click.option("--group", default=None, metavar="COLUMN", help="Rows alike in it (one customer's) count as one draw.")
@click.option("--show", type=click.IntRange(0), default=10, show_default=True, help="Changed rows shown.")
@click.option("--fail-if-worse", is_flag=True, help="Exit code 1 where OTHER is worse, beyond chance.")
@json_option
def command(
    prompt: str,
    other: str,
    recipe_path: Path,
    step: str | None,
    workspace: Path | None,
    gold: str | None,
    judge: str | None,
    count: int,
    field: str | None,
    group: str | None,
    show: int,
    fail_if_worse: bool,
    as_json: bool,
) -> None:
    """Compare two prompts on the same frozen rows: wins, losses, and the rows that changed.

    PROMPT (A) is one that a step of the recipe asks by; OTHER (B) is another prompt file for the same step, such as its
    next version. Both are asked about the same rows, and answers that were bought before cost nothing. A win is a row
    that B alone gets right, or has a higher rating for; the sign test tells whether chance would make so many.

    \b
    Example:
      tamis prompt compare prompts/intent.md prompts/intent-2.md --gold category
      tamis prompt compare summary prompts/summary-short.md --judge score.judge --json
    """
    from tamis.runner.before import rows_before
    from tamis.runner.contrast import contrast

    found = find_prompted(prompt, recipe_path, step, workspace)
    with rows_before(found.recipe, found.root, found.step.name, base=found.base) as before:
        told = contrast(
            before,
            found.recipe,
            found.root,
            _file(other, found.base),
            count=count,
            gold=gold,
            judge=judge,
            field=field,
            group=group,
        )
    if as_json:
        answer(told.told())
    else:
        _show(told, show)
    worse = told.comparison.p is not None and told.comparison.p < 0.05 and told.comparison.losses > told.comparison.wins
    if fail_if_worse and worse:
        raise click.exceptions.Exit(1)


def _file(named: str, base: Path) -> Path:
    from tamis.core.errors import UsageError

    tried = [Path(named), base / named, base / "prompts" / f"{named}.md"]
    for path in tried:
        if path.is_file():
            return path.resolve()
    raise UsageError(f"no prompt file {named!r}", hint=f"tried {', '.join(map(str, tried))}")


def _show(told: Contrast, show: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    one, console = told.comparison, Console(highlight=False)
    for letter, named in (("A", told.a), ("B", told.b)):
        console.print(Text(f"{letter}  prompt {named[0]!r} (version {named[1]}, {named[2]})"))
    for line in told.warnings:
        console.print(Text(f"! {line}"))
    if one.p is not None:
        ends = "" if one.difference.low is None else f" ({one.difference.low:+.3f} to {one.difference.high:+.3f})"
        console.print(Text(f"{one.rows:,} rows: B wins {one.wins:,}, loses {one.losses:,}, ties {one.ties:,}"))
        if one.difference.value is not None:
            console.print(Text(f"B less A: {one.difference.value:+.3f}{ends} {told.unit}"))
    console.print(Text(f"{one.verdict}; {len(one.changed):,} answers changed, {one.same:,} are the same"))
    if not told.rows or not show:
        return
    table = Table(expand=True, show_lines=True)
    for head, ratio in (("row", 3), ("A", 2), ("B", 2)):
        table.add_column(head, ratio=ratio, overflow="fold")
    if told.rows[0].right is not None:
        table.add_column("right", ratio=1, overflow="fold")
    for row in told.rows[:show]:
        values = "\n".join(f"{name}: {short(text, 300)}" for name, text in row.values.items())
        cells: list[Any] = [Text(f"{row.id[:12]}\n{values}"), _cell(row.a, row.scores[0]), _cell(row.b, row.scores[1])]
        table.add_row(*cells, *([] if told.rows[0].right is None else [Text(row.right or "")]))
    console.print(table)
    if len(told.rows) > show:
        console.print(Text(f"{len(told.rows) - show:,} more changed rows: --show {len(told.rows)}"))


def _cell(said: str | None, score: float | None) -> Any:
    from rich.text import Text

    text = "(no answer)" if said is None else "".join(c if c.isprintable() or c in "\n\t" else "�" for c in said)
    return Text(text if score is None else f"[{score:g}] {text}")
