"""Try a prompt on a few rows, measure it, compare two, before it annotates all rows."""

from __future__ import annotations

import click

from ._parts import Parts

#: subcommand → the module beside this one that holds it, in the order `--help` shows them
PARTS = {
    "try": "prompt_try",
    "eval": "prompt_eval",
    "compare": "prompt_compare",
    "report": "prompt_report",
    "examples": "prompt_examples",
    "override": "prompt_override",
}


@click.group("prompt", cls=Parts, parts=PARTS)
def command() -> None:
    """Try a prompt on a few rows, measure it, compare two, before it annotates all rows.

    Each command answers in JSON with --json.

    \b
    Example:
      tamis prompt try intent --recipe recipe.yaml
      tamis prompt examples intent --recipe recipe.yaml
      tamis prompt override intent --recipe recipe.yaml --reason "labels are checked by hand later"
    """
