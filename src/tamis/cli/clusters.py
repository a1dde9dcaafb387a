"""Look at clusterings side by side, test them blind, choose one, name and mend its clusters."""

from __future__ import annotations

import importlib
from pathlib import Path

import click

#: subcommand → the module beside this one that holds it, in the order `--help` shows them
PARTS = {
    "list": "clusters_show",
    "show": "clusters_show",
    "compare": "clusters_compare",
    "test": "clusters_blind",
    "look": "clusters_decide",
    "shortlist": "clusters_decide",
    "choose": "clusters_decide",
    "rename": "clusters_decide",
    "merge": "clusters_decide",
    "split": "clusters_decide",
}


class Parts(click.Group):
    """Loads its commands when they are asked for; those whose module is not there are not offered."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, module in PARTS.items() if Path(__file__).with_name(f"{module}.py").exists()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command = importlib.import_module(f"tamis.cli.{PARTS[name]}").COMMANDS[name]
        assert isinstance(command, click.Command)
        return command


@click.group("clusters", cls=Parts)
def command() -> None:
    """Look at clusterings side by side, test them blind, choose one, name and mend its clusters.

    A clustering is named by the step that made it, or as `tamis clusters list` names it. What people decide is appended to
    decisions/<recipe>.jsonl; the next `tamis run` consumes it. Each command answers in JSON with --json.

    \b
    Example:
      tamis clusters list
      tamis clusters compare topics fine --html compare.html
      tamis clusters test topics fine
      tamis clusters choose fine --why "cards and refunds are two things"
      tamis clusters rename fine 3 "Lost cards"
    """
