"""Run a recipe: read, judge, deliver, and account for every row."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from .common import answer, json_option


@click.command("run")
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=None,
    help="How many partitions at once (default: the cores there are).",
)
@click.option(
    "--executor",
    type=click.Choice(["threads", "processes"]),
    default="threads",
    show_default=True,
    help="Threads share memory; processes suit slow Python steps.",
)
@click.option(
    "--on",
    default="local",
    show_default=True,
    metavar="WHERE",
    help="local; ray (an instance of this machine's own); or the address of a Ray cluster: ray://HOST:PORT, HOST:PORT, auto.",
)
@click.option(
    "--store",
    default=None,
    metavar="URL",
    help="With --on: an object store (s3://, gs://, az://, file://) that the cluster's nodes use instead of a shared path.",
)
@click.option(
    "--workspace",
    "-w",
    type=click.Path(path_type=Path),
    default=None,
    help="Where .tamis/, runs/ and dist/ go (default: where the recipe is).",
)
@click.option(
    "--decisions", type=click.Path(path_type=Path), default=None, help="Replay recorded decisions from this file."
)
@click.option(
    "--progress",
    type=click.Choice(["auto", "bars", "plain", "json", "none"]),
    default="auto",
    show_default=True,
    help="How progress is shown, on stderr.",
)
@click.option("--wait", is_flag=True, help="Stay at gates, and go on when people have decided.")
@click.option("--fresh", is_flag=True, help="Use nothing from the cache.")
@click.option(
    "--throwaway-key",
    is_flag=True,
    help="Privacy steps use a key that nobody keeps: the run can be neither resumed nor repeated.",
)
@json_option
def command(
    recipe: Path,
    workers: int | None,
    executor: str,
    on: str,
    store: str | None,
    workspace: Path | None,
    decisions: Path | None,
    progress: str,
    wait: bool,
    fresh: bool,
    throwaway_key: bool,
    as_json: bool,
) -> None:
    """Run a recipe: read, judge, deliver, and account for every row.

    A run that was stopped goes on where it was. Exit codes: 0 done, 1 failed, 2 usage, 3 waiting at a
    gate, 4 too many rows quarantined, 130 interrupted.

    \b
    Example:
      tamis run recipes/customer-intents/recipe.yaml
      tamis run recipe.yaml --workers 4 --json > account.json
      tamis run recipe.yaml --wait
      tamis run recipe.yaml --on ray://head:10001
      tamis run recipe.yaml --on ray://head:10001 --store s3://bucket/project -w /var/tmp/project
    """
    from tamis.core.errors import UsageError
    from tamis.core.events import quiet
    from tamis.recipe.load import load
    from tamis.runner.display import choose
    from tamis.runner.execute import Options, execute

    if on != "local" and executor != "threads":
        raise UsageError(f"--executor {executor} is for --on local; on {on} tasks are always processes")
    if store is not None and on == "local":
        raise UsageError("--store is for a cluster: say --on ADDRESS too", hint="a local run needs no store")
    loaded = load(recipe)
    root = workspace or (recipe if recipe.is_dir() else recipe.parent)
    display = None if progress == "none" else choose(progress)
    if progress not in ("none", "json") and not _compiled():
        click.echo("first run here: compiling for this machine, about half a minute, once", err=True)
    options = Options(
        workers=workers,
        kind="processes" if executor == "processes" else "threads",
        on=on,
        store=store,
        decisions=decisions,
        fresh=fresh,
        throwaway_key=throwaway_key,
        base=recipe if recipe.is_dir() else recipe.parent,
    )
    try:
        if wait:
            from tamis.runner.waiting import execute_waiting

            result = execute_waiting(loaded, root, options, emit=display or quiet, tell=partial(click.echo, err=True))
        else:
            result = execute(loaded, root, options, emit=display or quiet)
    finally:
        if display is not None:
            display.close()
    if as_json:
        answer(result.summary())
    else:
        click.echo(result.text())


def _compiled() -> bool:
    """Whether kernels were compiled here before: beside their source, or where Numba keeps what it may not put there."""
    import os

    beside = Path(__file__).parents[1] / "engine" / "kernels" / "__pycache__"
    elsewhere = Path(os.environ.get("NUMBA_CACHE_DIR", Path.home() / ".cache" / "numba"))
    return next(beside.glob("*.nbc"), None) is not None or elsewhere.is_dir()
