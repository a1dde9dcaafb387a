"""Keep reviewed rows as a prompt's examples."""

from __future__ import annotations

from pathlib import Path

import click

from ._prompted import find_prompted, prompt_options
from .common import answer, json_option


@click.command("examples")
@prompt_options
@json_option
def command(prompt: str, recipe_path: Path, step: str | None, workspace: Path | None, as_json: bool) -> None:
    """Keep reviewed rows as a prompt's examples.

    Rows that people accepted or corrected in pilots are written to <prompt>.examples.jsonl beside the prompt, whose
    front matter says how they are picked: `examples: {pick: similar, count: 4}`. Rows frozen for evaluation are left
    out. The file is part of the prompt's version: new examples close the gate again.

    \b
    Example:
      tamis prompt examples intent --recipe recipe.yaml
    """
    from tamis.runner.before import rows_before
    from tamis.runner.pilot import Pilot

    found = find_prompted(prompt, recipe_path, step, workspace)
    with rows_before(found.recipe, found.root, found.step.name, base=found.base) as before:
        file, count = Pilot(before, found.recipe, found.root).keep_examples()
    if as_json:
        answer({"file": str(file), "examples": count})
    else:
        click.echo(f"{count} example{'s' if count != 1 else ''} in {file}")
