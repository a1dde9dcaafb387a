"""Delete the original text from a workspace: what was read, what is cached, lines that could not be read."""

from __future__ import annotations

from pathlib import Path

import click

from .common import answer, json_option, workspace_option


@click.command("purge")
@click.option("--yes", is_flag=True, help="Really delete; without it, only tell what would be deleted.")
@click.option("--runs", is_flag=True, help="Also runs and earlier deliveries that were made without privacy steps.")
@click.option("--replies", is_flag=True, help="Also what models were asked and replied; it is bought again then.")
@workspace_option
@json_option
def command(yes: bool, runs: bool, replies: bool, workspace: Path | None, as_json: bool) -> None:
    """Delete the original text from a workspace: what was read, what is cached, lines that could not be read.

    Ledgers, reports and deliveries of runs with privacy steps stay; `tamis why` still answers, without the
    text. Sources are never deleted; those in the workspace are named. The next run reads them again.

    \b
    Example:
      tamis purge
      tamis purge --yes --json
    """
    from tamis.core.errors import UsageError
    from tamis.runs.purge import purge

    told = purge(workspace or Path(), runs=runs, replies=replies, really=yes)
    if as_json:
        answer(told)
    else:
        verb = "deleted" if yes else "would delete"
        for one in told["deleted"]:
            click.echo(f"{verb}  {one['path']}  ({one['files']:,} files, {one['bytes']:,} bytes)")
        for one in told["left"]:
            click.echo(f"left     {one['path']}  ({one['why']})")
        if not told["deleted"]:
            click.echo("nothing to delete")
    if not yes and told["deleted"]:
        raise UsageError("nothing was deleted", hint="tamis purge --yes")
