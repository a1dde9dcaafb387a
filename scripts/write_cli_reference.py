"""Write `docs/cli.md` from the `--help` of every command: `make schema`."""

from __future__ import annotations

from pathlib import Path

import click

from tamis.cli import COMMANDS, tamis

TARGET = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
WIDTH = 100

HEAD = """\
# Command line

<!-- Written by scripts/write_cli_reference.py from the commands' own help (`make schema`). Do not edit. -->

The answer goes to stdout, the talk to stderr. Exit codes: 0 done, 1 failed, 2 usage, 3 waiting at a gate,
4 rows quarantined above the limit, 130 interrupted.
"""


def help_of(command: click.Command, name: str, parent: click.Context | None = None) -> str:
    """The help a user sees, at one width everywhere."""
    settings = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, parent=parent, info_name=name, **settings)
    return "\n".join(line.rstrip() for line in command.get_help(context).split("\n"))


def text() -> str:
    """The reference as the committed file has it."""
    parts = [HEAD, f"\n```text\n{help_of(tamis, 'tamis')}\n```\n"]
    whole = click.Context(tamis, info_name="tamis", **tamis.context_settings)
    for name in COMMANDS:
        command = tamis.get_command(whole, name)
        assert command is not None, name
        parts.append(f"\n## tamis {name}\n\n```text\n{help_of(command, name, whole)}\n```\n")
        if isinstance(command, click.Group):
            inside = click.Context(command, parent=whole, info_name=name, **command.context_settings)
            for word in command.list_commands(inside):
                inner = command.get_command(inside, word)
                assert inner is not None, word
                parts.append(f"\n### tamis {name} {word}\n\n```text\n{help_of(inner, word, inside)}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(TARGET.parents[1])}")
