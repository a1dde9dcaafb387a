"""List the rows that left at a step, with reason, evidence and text."""

from __future__ import annotations

from pathlib import Path

import click

from .common import answer, figures, find_run, json_option, short, workspace_option


@click.command("dropped")
@click.argument("step", required=False)
@click.option("--reason", default=None, help="Only rows that left for this reason.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many rows to show.")
@click.option(
    "--run", "run_name", default=None, help="A run folder, number, recipe file or recipe name (default: the last run)."
)
@workspace_option
@json_option
def command(
    step: str | None, reason: str | None, limit: int, run_name: str | None, workspace: Path | None, as_json: bool
) -> None:
    """List the rows that left at a step, with reason, evidence and text.

    Without STEP: how many left at which step, for which reason. STEP is a name or a number; `read` lists
    lines that could not be read.

    \b
    Example:
      tamis dropped
      tamis dropped filter.refusal --limit 50
    """
    from tamis.runs.ledger import Ledger
    from tamis.runs.questions import dropped_rows

    ledger = Ledger(find_run(run_name, workspace))
    if step is None:
        table = [
            {
                "step": s["name"],
                **{k: s[k] for k in ("dropped", "merged", "held", "quarantined")},
                "reasons": s["reasons"],
            }
            for s in ledger.steps
        ]
        if as_json:
            answer({"run": str(ledger.run), "steps": table, "read": ledger.unreadable()})
            return
        for line in table:
            if any(line[k] for k in ("dropped", "merged", "held", "quarantined")):
                told = [f"{slug} {count:,}" for slug, count in line["reasons"].items()]
                told += [f"{line[end]:,} {end}" for end in ("held", "quarantined") if line[end]]
                click.echo(f"{line['step']:<24} {', '.join(told)}")
        if unreadable := ledger.unreadable():
            click.echo(f"{'read':<24} {unreadable:,} lines could not be read")
        return
    if step == "read":
        bad, total = ledger.quarantined(), ledger.unreadable()
        if as_json:
            answer({"run": str(ledger.run), "lines": bad[:limit], "total": total})
        else:
            for line in bad[:limit]:
                click.echo(f"{line['file']}:{line['line']}  {line['cause']}: {short(line['message'], 120)}")
            few = f"; the first {len(bad):,} are kept by name" if len(bad) < total else ""
            click.echo(f"{total:,} lines could not be read{few}", err=True)
        return
    rows, total = dropped_rows(ledger, step, reason, limit)
    if as_json:
        answer({"run": str(ledger.run), "step": ledger.step(step)["name"], "rows": rows, "total": total})
        return
    for row in rows:
        evidence = figures(row["evidence"])
        into = f" into {row['into'][:8]}" if row["into"] else ""
        click.echo(
            f"{row['id'][:8]}  {row['reason'] or row['outcome']}{into}  [{evidence}]  {row['file']}:{row['line']}"
        )
        click.echo(f"          {short(row['text'], 140)}")
    click.echo(f"{min(limit, total):,} of {total:,} rows", err=True)
