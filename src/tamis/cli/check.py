"""Check a training file for a trainer or service: what it would refuse, ignore or misread."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from .common import answer, json_option, short


@click.command("check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "target",
    required=True,
    help="openai_chat, openai_dpo, trl_sft, trl_dpo, trl_kto, alpaca, sharegpt, mistral, together, fireworks, gemini, …",
)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many problems to show.")
@json_option
def command(file: Path, target: str, limit: int, as_json: bool) -> None:
    """Check a training file for a trainer or service: what it would refuse, ignore or misread.

    Exit code 1 where there are errors; warnings alone are 0.

    \b
    Example:
      tamis check dist/mine/train.jsonl --for openai_chat
    """
    from tamis.sinks.checks import Problem, iter_problems, summarise

    shown: list[Problem] = []

    def watched() -> Iterator[Problem]:
        for problem in iter_problems(file, target):
            if len(shown) < limit:
                shown.append(problem)
            yield problem

    told = summarise(watched())
    if as_json:
        answer({"file": str(file), "target": target, **told, "problems": [p._asdict() for p in shown]})
    else:
        for p in shown:
            where = f"{file}:{p.line}" if p.line else str(file)
            click.echo(f"{where}  {p.severity}: {p.rule}: {p.message}  {short(p.value, 80)}")
        click.echo(
            f"{told['error']} errors, {told['warning']} warnings, {told['ignored_by_trainer']} ignored by the trainer",
            err=True,
        )
    if told["error"]:
        sys.exit(1)
