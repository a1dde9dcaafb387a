"""Draw a prompt's evaluations as one page, and say where it is."""

from __future__ import annotations

from pathlib import Path

import click

from ._prompted import find_prompted, prompt_options
from .common import answer, json_option


@click.command("report")
@prompt_options
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@json_option
def command(
    prompt: str, recipe_path: Path, step: str | None, workspace: Path | None, show: bool, as_json: bool
) -> None:
    """Draw a prompt's evaluations as one page, and say where it is.

    Figures with their intervals, groups of rows where it is worst, what was taken for what, and versions side by side;
    from decisions/prompts/ alone, nothing is asked. `--json` prints what the page is drawn from.

    \b
    Example:
      tamis prompt report intent
      tamis prompt report intent --open
    """
    from tamis.runs.prompt_report import prompt_data, write_prompt_report

    found = find_prompted(prompt, recipe_path, step, workspace)
    gate = found.step.prompt_gate()
    assert gate is not None
    if as_json:
        answer(prompt_data(found.root, gate.prompt))
        return
    path = write_prompt_report(found.root, gate.prompt)
    click.echo(path)
    if show:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
