"""Look at this machine and this workspace, and say what is missing or broken."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from .common import answer, json_option

CORE = ("polars", "numpy", "numba", "pydantic", "pyyaml", "click", "rich", "ftfy", "xxhash", "zstandard", "nanoarrow")
EXTRAS = {"ray": ("ray",), "tokens": ("bpe_openai", "tokenizers")}


@click.command("doctor")
@click.option(
    "--workspace", "-w", type=click.Path(path_type=Path), default=None, help="Folder of the workspace (default: here)."
)
@json_option
def command(workspace: Path | None, as_json: bool) -> None:
    """Look at this machine and this workspace, and say what is missing or broken.

    Reads every file of the cache and compares it with its hash. Exit code 1 where something is wrong.

    \b
    Example:
      tamis doctor
      tamis doctor -w recipes/customer-intents
    """
    told = {
        "machine": _machine(),
        "libraries": _libraries(),
        "extras": _extras(),
        "workspace": _workspace(workspace or Path()),
    }
    wrong = [name for name, found in told["libraries"].items() if found is None] + told["workspace"]["wrong"]
    if as_json:
        answer({**told, "wrong": wrong})
    else:
        _print(told, wrong)
    if wrong:
        sys.exit(1)


def _machine() -> dict[str, Any]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    free = shutil.disk_usage(Path()).free
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": cores,
        "memory_gb": round(memory / 1e9, 1),
        "disk_free_gb": round(free / 1e9, 1),
    }


def _libraries() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in CORE:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _extras() -> dict[str, bool]:
    return {extra: all(importlib.util.find_spec(m) is not None for m in modules) for extra, modules in EXTRAS.items()}


def _workspace(root: Path) -> dict[str, Any]:
    hidden = root / ".tamis"
    if not hidden.is_dir():
        return {"path": str(root.resolve()), "there": False, "entries": 0, "wrong": []}
    from tamis.core.errors import TamisError
    from tamis.engine.cache import Cache
    from tamis.runs import decisions

    wrong: list[str] = []
    cache = Cache(hidden / "cache" / "steps")
    entries = [path.parent for path in cache.root.glob("*/*/entry.json")]
    wrong += [
        f"{folder}: the bytes are not the ones written; it will be computed again"
        for folder in entries
        if cache.get(folder.name) is None
    ]
    for path in sorted((root / "decisions").glob("*.jsonl")) if (root / "decisions").is_dir() else []:
        try:
            decisions.read(path)
        except TamisError as error:
            wrong.append(str(error))
    if hidden.stat().st_mode & 0o077:
        wrong.append(f"{hidden} can be read by others; chmod 700 it")
    size = sum(p.stat().st_size for p in hidden.rglob("*") if p.is_file())
    return {
        "path": str(root.resolve()),
        "there": True,
        "entries": len(entries),
        "size_mb": round(size / 1e6, 1),
        "wrong": wrong,
    }


def _print(told: dict[str, Any], wrong: list[str]) -> None:
    m, w = told["machine"], told["workspace"]
    click.echo(
        f"machine    Python {m['python']}, {m['cores']} cores, {m['memory_gb']} GB memory, {m['disk_free_gb']} GB disk free"
    )
    click.echo(f"libraries  {', '.join(f'{name} {found}' for name, found in told['libraries'].items() if found)}")
    for extra, there in told["extras"].items():
        click.echo(
            f"extra      [{extra}] {'installed' if there else 'not installed: pip install ' + chr(34) + f'tamis[{extra}]' + chr(34)}"
        )
    if w["there"]:
        click.echo(f"workspace  {w['path']}: {w['entries']} cached results, {w['size_mb']} MB")
    else:
        click.echo(f"workspace  none at {w['path']} yet")
    for line in wrong:
        click.echo(f"wrong      {line}")
    if not wrong:
        click.echo("all is well")
