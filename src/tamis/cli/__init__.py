"""The command line: one file per command, loaded only when it is called."""

from __future__ import annotations

import ast
import errno
import importlib
import os
import sys
import threading
from pathlib import Path

import click

from tamis import __version__
from tamis.core.errors import TamisError, UsageError, did_you_mean
from tamis.engine.memory import keep_polars_memory

from ._process import as_process

#: in the order `--help` shows them
COMMANDS = (
    "init", "run", "plan", "why", "dropped", "metrics", "diff", "report", "review", "decide", "llm", "prompt", "clusters",
    "steps", "check", "convert", "benchmarks", "privacy", "purge", "doctor",
)  # fmt: skip


class Commands(click.Group):
    """Finds a command by its file; the list of commands reads first lines, and imports nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"tamis.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise UsageError(f"no command {args[0]!r}; {did_you_mean(args[0], COMMANDS)}", hint="tamis --help")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, summary(name)) for name in COMMANDS]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def summary(name: str) -> str:
    """The first line of a command file's docstring."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tamis")
def tamis() -> None:
    """Raw data in, a fine-tuning set out that its owner can defend row by row.

    \b
    Example:
      tamis init data/inquiries.csv     write a recipe from a look at the data
      tamis run recipe.yaml             run it
      tamis why INQ-00017               the whole life of a row
    """


def main() -> None:
    """Run the command line. Mistakes of the user print one message and no traceback."""
    keep_polars_memory()
    try:
        code = tamis.main(standalone_mode=False)
    except TamisError as error:
        click.echo(f"tamis: {error}", err=True)
        code = error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        code = 2
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "tamis"
        click.echo(f"tamis: {error.format_message()}\nHint: {where} --help", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("tamis: interrupted; run the same command again to go on", err=True)
        code = 130
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        click.echo(f"tamis: the disk is full: {error}", err=True)
        code = 1
    if code == 130 and any(thread.name.startswith("tamis") for thread in threading.enumerate()):
        sys.stdout.flush(), sys.stderr.flush()
        os._exit(130)  # asked twice: rows at work are not waited for
    sys.exit(code if isinstance(code, int) else 0)


def command() -> None:
    """`tamis`: the command line, as a process of its own."""
    as_process(main)
