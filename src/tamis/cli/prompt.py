"""Try a prompt on a few rows, keep reviewed rows as its examples, or open its gate with a reason."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

#: subcommand → the module beside this one that holds it, in the order `--help` shows them
PARTS = {
    "try": "prompt_try",
    "eval": "prompt_eval",
    "compare": "prompt_compare",
    "examples": "prompt_examples",
    "override": "prompt_override",
}


class Parts(click.Group):
    """Loads its commands when they are asked for; those whose module is not there are not offered."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in PARTS.items() if Path(__file__).with_name(f"{module}.py").exists()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"tamis.cli.{PARTS[name]}").command
        assert isinstance(command, click.Command)
        return command


@click.group("prompt", cls=Parts)
def command() -> None:
    """Try a prompt on a few rows, keep reviewed rows as its examples, or open its gate with a reason.

    \b
    Example:
      tamis prompt try intent --recipe recipe.yaml
      tamis prompt examples intent --recipe recipe.yaml
      tamis prompt override intent --recipe recipe.yaml --reason "labels are checked by hand later"
    """
