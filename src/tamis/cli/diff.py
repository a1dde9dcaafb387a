"""Compare two runs: rows won and lost, and at which step."""

from __future__ import annotations

from pathlib import Path

import click

from .common import answer, find_run, json_option, workspace_option


@click.command("diff")
@click.argument("run_a")
@click.argument("run_b", required=False)
@click.option(
    "--limit", type=click.IntRange(0), default=5, show_default=True, help="How many ids to show of each kind."
)
@workspace_option
@json_option
def command(run_a: str, run_b: str | None, limit: int, workspace: Path | None, as_json: bool) -> None:
    """Compare two runs: rows won and lost, and at which step.

    Runs are folders, numbers, or RECIPE/NUMBER; without RUN_B the last run is meant.

    \b
    Example:
      tamis diff 1 2
      tamis diff customer-intents/1 --json
    """
    from tamis.runs.questions import compare

    told = compare(find_run(run_a, workspace), find_run(run_b, workspace), limit)
    if as_json:
        answer(told)
        return
    click.echo(f"{told['a']} ({told['rows_a']:,} rows) → {told['b']} ({told['rows_b']:,} rows)")
    for line in told["recipe"]:
        click.echo(f"  {line}")
    sentences = {
        "lost": "kept before, gone now",
        "won": "gone before, kept now",
        "moved": "gone at another step",
        "new": "only in the second",
        "gone": "only in the first",
    }
    for key, sentence in sentences.items():
        part = told[key]
        if part["rows"]:
            click.echo(f"{part['rows']:,} rows {sentence}")
            for way in part["ways"]:
                click.echo(f"  {way['rows']:>8,}  {way['from'] or '—'} → {way['to'] or '—'}")
            if part["ids"]:
                click.echo(f"            {' '.join(i[:8] for i in part['ids'])}")
    if not any(told[key]["rows"] for key in sentences):
        click.echo("the same rows, kept and dropped at the same steps")
