"""What commands share: options, finding a recipe and a run, printing an answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print the answer as one JSON object.")


def workspace_option(function: F) -> F:
    """`--workspace`: where the runs are."""
    return click.option(
        "--workspace",
        "-w",
        type=click.Path(path_type=Path),
        default=None,
        help="Folder that holds runs/ (default: where the recipe is, or here).",
    )(function)


def answer(value: Any) -> None:
    """Print a value as JSON on stdout."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def short(text: Any, width: int = 100) -> str:
    """Text on one line, cut, control characters shown."""
    line = str(text).replace("\r", "␍").replace("\n", "⏎").replace("\t", "⇥").replace("\x1e", " ⏎ ")
    line = "".join(c if c.isprintable() else "�" for c in line)
    return line if len(line) <= width else line[: width - 1] + "…"


def figures(evidence: dict[str, Any], width: int = 40) -> str:
    """Evidence on one line; numbers with three digits."""
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {short(value, width)}"
        for name, value in evidence.items()
    )


def find_run(run: str | None, workspace: Path | None) -> Path:
    """The folder of a run named as a folder, a number, `recipe`, `recipe/number`, a recipe file, or the last one."""
    from tamis.core.errors import UsageError
    from tamis.runs.workspace import Workspace

    root = workspace or Path()
    if run is None:
        return Workspace(root).find_run(None)
    path = Path(run)
    if path.is_dir() and (path / "state.json").exists():
        return path
    if path.suffix in (".yaml", ".yml") or path.is_dir():
        from tamis.recipe.load import load

        recipe = load(path)
        home = workspace or (path if path.is_dir() else path.parent)
        return Workspace(home).find_run(recipe.name)
    if run.isdigit():
        found = Workspace(root).find_run(None)
        return Workspace(root).find_run(found.parent.name, run)
    name, _, number = run.partition("/")
    if not (root / "runs" / name).is_dir():
        raise UsageError(
            f"no run {run!r} under {root.resolve()}", hint="give a run folder, a number, or the recipe's name"
        )
    return Workspace(root).find_run(name, number or None)
