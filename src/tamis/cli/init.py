"""Write a recipe from a look at the data: its format, its shape, and steps that suit it."""

from __future__ import annotations

from pathlib import Path

import click

from .common import answer, json_option


@click.command("init")
@click.argument("data", nargs=-1, required=True)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("recipe.yaml"),
    show_default=True,
    help="Where the recipe goes.",
)
@click.option("--name", default=None, help="The recipe's name (default: from the file's).")
@click.option("--force", is_flag=True, help="Write over a recipe that is there.")
@json_option
def command(data: tuple[str, ...], out: Path, name: str | None, force: bool, as_json: bool) -> None:
    """Write a recipe from a look at the data: its format, its shape, and steps that suit it.

    DATA are files or globs: CSV, TSV, JSON, JSONL, Parquet or Arrow, plain or gzip, zstd, xz. Nothing is sent
    anywhere. Look at the recipe, change what you know better, then run it.

    \b
    Example:
      tamis init data/inquiries.csv
      tamis init "logs/*.jsonl.gz" -o support.yaml
    """
    from tamis.core.errors import UsageError
    from tamis.runner.propose import propose

    if out.exists() and not force:
        raise UsageError(f"{out} is there already", hint="give another --out, or --force")
    made = propose(list(data), out, name)
    try:
        out.write_text(made.yaml, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from None
    if as_json:
        answer(
            {
                "recipe": str(out),
                "shape": made.shape,
                "mapping": made.mapping,
                "confidence": made.confidence,
                "notes": made.notes,
                "columns": made.columns,
            }
        )
        return
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{out}: {made.shape or 'columns'} ({', '.join(made.columns)})")
    click.echo(f"next: tamis run {out}", err=True)
