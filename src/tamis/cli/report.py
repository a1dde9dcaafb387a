"""Draw a run's report again and say where it is."""

from __future__ import annotations

from pathlib import Path

import click

from .common import answer, find_run, json_option, workspace_option


@click.command("report")
@click.argument("run_name", metavar="[RUN]", required=False)
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@workspace_option
@json_option
def command(run_name: str | None, show: bool, workspace: Path | None, as_json: bool) -> None:
    """Draw a run's report again and say where it is.

    RUN is a folder, a number, a recipe file or a recipe's name (default: the last run). `--json` prints what
    the report is drawn from.

    \b
    Example:
      tamis report
      tamis report customer-intents/3 --open
    """
    from tamis.runs.report import report_data, write_report

    run = find_run(run_name, workspace)
    if as_json:
        answer(report_data(run))
        return
    path = write_report(run)
    click.echo(path)
    if show:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
