"""Show what a prompt makes of a few rows, to accept, reject, correct or comment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._prompted import find_prompted, prompt_options
from .common import answer, json_option, short

if TYPE_CHECKING:
    from tamis.runner.pilot import Pilot, Shown

KEYS = "a accept  r reject  c correct  m comment  s skip  u undo  q quit"


@click.command("try")
@prompt_options
@click.option("--rows", "count", type=click.IntRange(1, 500), default=19, show_default=True, help="How many rows.")
@click.option(
    "--per", default=None, metavar="COLUMN", help="Rows from each value of a column in turn, such as a cluster."
)
@click.option("--hardest", is_flag=True, help="Of ten times as many rows, those the model is least sure of.")
@click.option("--new", is_flag=True, help="Other rows, though some of the last try have no verdict.")
@click.option(
    "--decisions",
    type=click.Path(path_type=Path),
    default=None,
    help='Take verdicts from this JSON Lines file (- is stdin): {"row": 3, "verdict": "accept"} each.',
)
@json_option
def command(
    prompt: str,
    recipe_path: Path,
    step: str | None,
    workspace: Path | None,
    count: int,
    per: str | None,
    hardest: bool,
    new: bool,
    decisions: Path | None,
    as_json: bool,
) -> None:
    """Show what a prompt makes of a few rows, to accept, reject, correct or comment.

    The steps before are run, the model is asked about 19 rows drawn by chance, and row and answer stand side by side.
    Every verdict is written to decisions/prompts/ at once. The next try shows other rows, until all were seen.

    \b
    Example:
      tamis prompt try intent
      tamis prompt try prompts/intent.md --recipe recipe.yaml --per cluster.embedding.cluster
      tamis prompt try intent --json > shown.json
      tamis prompt try intent --decisions verdicts.jsonl
    """
    from tamis.core.errors import UsageError
    from tamis.runner.before import rows_before
    from tamis.runner.pilot import Pilot

    if per is not None and hardest:
        raise UsageError("--per and --hardest are two ways to choose rows; use one")
    found = find_prompted(prompt, recipe_path, step, workspace)
    given = None if decisions is None else _decisions(decisions)
    with rows_before(found.recipe, found.root, found.step.name, base=found.base) as before:
        pilot = Pilot(before, found.recipe, found.root)
        shown = pilot.rows(count, per=per, hardest=hardest, new=new)
        if given is not None:
            pilot.decide_all(shown, given)
        elif not as_json and sys.stdin.isatty():
            _ask(pilot, shown)
        elif not as_json:
            _show(pilot, shown)
        summary = pilot.summary(shown)
    if as_json:
        answer(summary)
    else:
        _told(summary)


def _decisions(path: Path) -> list[dict[str, Any]]:
    import json

    from tamis.core.errors import UsageError

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"the verdicts {path} cannot be read: {error.strerror}") from None
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: no JSON: {error}") from None
        if not isinstance(told, dict):
            raise UsageError(f'{path}:{number}: no decision; {{"row": 3, "verdict": "accept"}} is one')
        found.append(told)
    return found


def _told(summary: dict[str, Any]) -> None:
    done = sum(row["verdict"] is not None for row in summary["rows"])
    click.echo(
        f"try {summary['try']} of prompt {summary['prompt']!r} (version {summary['version']}, {summary['model']}): "
        f"{done} of {len(summary['rows'])} rows have a verdict; of all {summary['looked']} looked at, "
        f"{summary['accepted']} were accepted"
    )
    gate = summary["gate"]
    click.echo("all rows may be annotated" if gate["open"] else f"the gate is closed: {gate['missing']}")
    if gate["warning"]:
        click.echo(gate["warning"])


def _show(pilot: Pilot, shown: list[Shown]) -> None:
    for one in shown:
        standing = pilot.verdict(one)
        click.echo(f"{one.number:3}  {one.id[:12]}  {'' if standing is None else standing.verdict}")
        for name, value in one.values.items():
            click.echo(f"     {name}: {short(value, 200)}")
        click.echo(f"     → {short(_answered(one), 200)}")


def _answered(one: Shown) -> str:
    import json

    if one.output is None:
        return f"no answer: {one.answer.error or 'a column is null, so the row is not asked'}"
    return one.output if isinstance(one.output, str) else json.dumps(one.output, ensure_ascii=False, indent=2)


def _ask(pilot: Pilot, shown: list[Shown]) -> None:
    """One row at a time, by keys. Whatever is decided is on disk before the next row shows."""
    comments: dict[str, str] = {}
    at = next((k for k, one in enumerate(shown) if pilot.verdict(one) is None), len(shown))
    while at < len(shown):
        one = shown[at]
        _side_by_side(one, len(shown), comments.get(one.id))
        key = click.getchar(echo=False).lower()
        if key in ("q", "\x03", "\x04", "\x1b"):
            return
        if key == "m":
            comments[one.id] = click.prompt("comment", default="", show_default=False)
        elif key == "u":
            at = max(0, at - 1)
            if pilot.verdict(shown[at]) is not None:
                pilot.decide(shown[at], "undo")
        elif _decide(pilot, one, key, comments.get(one.id) or None):
            at += 1


def _decide(pilot: Pilot, one: Shown, key: str, comment: str | None) -> bool:
    """Whether the key was a verdict."""
    from tamis.core.errors import UsageError

    try:
        if key == "c":
            correction = click.prompt("right is", default=_answered(one) if one.output is not None else None)
            pilot.decide(one, "correct", correction, comment)
        elif key in "ars":
            pilot.decide(one, {"a": "accept", "r": "reject", "s": "skip"}[key], comment=comment)  # type: ignore[arg-type]
        else:
            return False
    except UsageError as error:
        click.echo(str(error))
        return False
    return True


def _side_by_side(one: Shown, total: int, comment: str | None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        expand=True, show_lines=False, title=f"row {one.number} of {total}  {one.id[:12]}", title_justify="left"
    )
    table.add_column("row", ratio=3, overflow="fold")
    sure = "" if one.confidence is None else f" ({one.confidence:.0%} sure)"
    table.add_column(f"answer{sure}", ratio=2, overflow="fold")
    shown = "\n\n".join(f"{name}:\n{value}" for name, value in one.values.items())
    table.add_row(Text(_printable(shown)), Text(_printable(_answered(one))))
    console = Console()
    console.print(table)
    if comment:
        console.print(Text(f"comment: {_printable(comment)}"))
    console.print(Text(KEYS, style="dim"))


def _printable(text: str) -> str:
    """The text without what could move the cursor or hide the rest."""
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
