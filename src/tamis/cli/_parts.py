"""A command of several parts, each in a module beside this one, loaded when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

import click


class Parts(click.Group):
    """`parts`: subcommand → its module, in the order `--help` shows them. A module of one has `command`, of several `COMMANDS`."""

    def __init__(self, *args: Any, parts: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parts = parts

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.parts)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.parts:
            return None
        module = importlib.import_module(f"tamis.cli.{self.parts[name]}")
        command = module.COMMANDS[name] if hasattr(module, "COMMANDS") else module.command
        assert isinstance(command, click.Command)
        return command
