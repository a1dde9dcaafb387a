"""Build test sets once, that recipes then name, and list, show and remove them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .common import answer, json_option, short


def folder_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--folder`: where the built test sets are."""
    return click.option(
        "--folder", type=click.Path(path_type=Path), default=None,
        help="Where they are kept (default: TAMIS_BENCHMARKS, else your data folder).",
    )(function)  # fmt: skip


@click.group("benchmarks", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Build test sets once, that recipes then name, and list, show and remove them.

    A built test set is one checked file that `decontaminate.*` steps name: `against: [gsm8k]`. It holds the questions,
    answers and choices; docs/benchmarks.md has the format. Each command answers in JSON with --json.

    \b
    Example:
      tamis benchmarks add gsm8k gsm8k_test.jsonl.gz --licence MIT
      tamis benchmarks list
    """


@command.command("add")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--question", default=None, help="The column of questions (default: recognised).")
@click.option("--answer", "answer_column", default=None, help="The column of answers (default: recognised).")
@click.option("--choices", default=None, help="The column of choices (default: recognised).")
@click.option(
    "--id", "id_column", default=None, help="The column of ids (default: recognised, else the item's number)."
)
@click.option("--licence", default="", help="Under which licence the test set may be used; kept with it.")
@click.option("--replace", is_flag=True, help="Build it anew where one of that name is there.")
@folder_option
@json_option
def add(
    name: str, files: tuple[Path, ...], question: str | None, answer_column: str | None, choices: str | None,
    id_column: str | None, licence: str, replace: bool, folder: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Build the test set NAME from FILES (JSON, JSON Lines, CSV, TSV, Parquet; also .gz).

    \b
    Example:
      tamis benchmarks add gsm8k gsm8k_test.jsonl.gz --licence MIT
      tamis benchmarks add house-exam exam.csv --question task --answer key
    """
    from tamis.engine.benchmarks import add as build
    from tamis.engine.benchmarks import place
    from tamis.engine.testsets import Named

    named = Named(question, answer_column, choices, id_column)
    made = build(name, files, named=named, licence=licence, replace=replace, folder=folder)
    told = {**made.facts, "path": str(place(name, folder))}
    if as_json:
        answer(told)
        return
    answered = sum(bool(item.answers) for item in made.items)
    click.echo(f"{name}: {len(made.items):,} items, {answered:,} with an answer → {told['path']}")
    click.echo(f"  the first: {short(made.items[0].question, 90)}")
    click.echo(f"use it: against: [{name}]", err=True)


@command.command("list")
@folder_option
@json_option
def list_(folder: Path | None, as_json: bool) -> None:
    """List the test sets that were built.

    \b
    Example:
      tamis benchmarks list
    """
    from tamis.core.errors import TamisError
    from tamis.engine.benchmarks import home, known, place, read

    found: list[dict[str, Any]] = []
    for name in known(folder):
        try:
            facts = read(place(name, folder)).facts
        except TamisError as error:
            facts = {"problem": error.message}
        found.append({"name": name, **{k: facts[k] for k in ("items", "licence", "sources", "problem") if k in facts}})
    if as_json:
        answer(found)
        return
    if not found:
        click.echo(f"no test set has been built in {folder or home()}; tamis benchmarks add NAME FILE …", err=True)
    for one in found:
        if "problem" in one:
            click.echo(f"{one['name']:<24} {one['problem']}")
        else:
            click.echo(f"{one['name']:<24} {one['items']:>8,} items  {one['licence'] or 'licence unknown'}")


@command.command("show")
@click.argument("name")
@click.option("--limit", type=click.IntRange(0), default=3, show_default=True, help="How many items are shown.")
@folder_option
@json_option
def show(name: str, limit: int, folder: Path | None, as_json: bool) -> None:
    """Show a test set: where it is from, and its first items.

    \b
    Example:
      tamis benchmarks show gsm8k
    """
    from tamis.engine.benchmarks import located, read

    path = located(name, folder)
    one = read(path)
    if as_json:
        items = [item._asdict() for item in one.items[:limit]]
        answer({**one.facts, "path": str(path), "first": items})
        return
    click.echo(f"{name}: {len(one.items):,} items, {one.facts['licence'] or 'licence unknown'}\n{path}")
    for source in one.facts["sources"]:
        click.echo(f"  from {source['file']}: {source['items']:,} items, sha256 {source['sha256']}")
    for item in one.items[:limit]:
        click.echo(f"\n{item.id}: {short(item.question, 300)}")
        for text in item.answers:
            click.echo(f"  answer: {short(text, 200)}")
        for text in item.choices:
            click.echo(f"  choice: {short(text, 200)}")


@command.command("remove")
@click.argument("name")
@folder_option
@json_option
def remove(name: str, folder: Path | None, as_json: bool) -> None:
    """Remove a test set. Recipes that name it stop until it is built again.

    \b
    Example:
      tamis benchmarks remove gsm8k
    """
    from tamis.engine.benchmarks import remove as delete

    path = delete(name, folder)
    if as_json:
        answer({"removed": str(path)})
    else:
        click.echo(f"removed {path}")
