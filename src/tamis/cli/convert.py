"""Convert a training file from one shape to another, and list what the new shape cannot hold."""

from __future__ import annotations

from pathlib import Path

import click

from .common import answer, json_option


@click.command("convert")
@click.argument("file")
@click.option(
    "--to", "shape", required=True, help="openai, sharegpt, alpaca, prompt_completion, preference, kto or text."
)
@click.option("--out", "-o", type=click.Path(path_type=Path), required=True, help="The JSON Lines file to write.")
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@json_option
def command(file: str, shape: str, out: Path, force: bool, as_json: bool) -> None:
    """Convert a training file from one shape to another, and list what the new shape cannot hold.

    The shape of FILE is recognised. Rows that cannot be of the new shape go to OUT.left.jsonl with the reason.

    \b
    Example:
      tamis convert alpaca.json --to openai -o chat.jsonl
    """
    from tamis.core.errors import UsageError
    from tamis.runner.convert import convert

    if out.exists() and not force:
        raise UsageError(f"{out} is there already", hint="give another --out, or --force")
    told = convert(file, shape, out)
    if as_json:
        answer(told)
        return
    click.echo(
        f"{told['in']:,} in = {told['written']:,} written + {told['left']:,} left + {told['unreadable']:,} unreadable → {out}"
    )
    for what, count in told["lost"].items():
        click.echo(f"  {what}: not held by {shape}, lost from {count:,} rows")
    for reason, count in told["reasons"].items():
        click.echo(f"  left: {count:,} rows, {reason}")
