"""Open a prompt's gate with a reason, without the proof."""

from __future__ import annotations

from pathlib import Path

import click

from ._prompted import find_prompted, prompt_options
from .common import answer, json_option


@click.command("override")
@prompt_options
@click.option(
    "--reason", required=True, help="Why all rows may be annotated unproven; kept in the decisions, and told."
)
@json_option
def command(
    prompt: str, recipe_path: Path, step: str | None, workspace: Path | None, reason: str, as_json: bool
) -> None:
    """Open a prompt's gate with a reason, without the proof.

    For this version of the prompt and this model alone: after a change the gate is closed again. The reason stands in
    decisions/prompts/, with who gave it and when, and every run tells it.

    \b
    Example:
      tamis prompt override intent --reason "every label is checked by hand later"
    """
    from tamis.core.errors import UsageError
    from tamis.runner.before import model_of
    from tamis.runs import prompts

    if not reason.strip():
        raise UsageError("the reason is empty", hint='--reason "every label is checked by hand later"')
    found = find_prompted(prompt, recipe_path, step, workspace)
    gate = found.step.prompt_gate()
    assert gate is not None
    model = model_of(found.recipe, found.step)
    path = prompts.prompt_file(found.root, gate.prompt)
    prompts.append(path, [prompts.Record("override", gate.prompt, gate.version, model, reason=reason.strip())])
    if as_json:
        answer({"file": str(path), "prompt": gate.prompt, "version": gate.version, "model": model, "reason": reason})
    else:
        click.echo(f"prompt {gate.prompt!r} (version {gate.version}, {model}) is open; the reason stands in {path}")
