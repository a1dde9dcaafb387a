"""The commands that pages tell: the server runs nothing itself."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from .asked import Site

_NAME = re.compile(r"^name:\s*[\"']?([\w.-]+)", re.MULTILINE)
#: YAML files looked at for a recipe's name
MOST = 200


def run_command(site: Site, recipe: str) -> str:
    """The command that runs a recipe again."""
    return f"tamis run {shlex.quote(_shown(recipe_path(site, recipe), recipe))}"


def decide_command(site: Site, step: str) -> str:
    """The command that shows what a gate waits for."""
    return f"tamis decide {shlex.quote(step)}"


def recipe_path(site: Site, recipe: str) -> Path | None:
    """The file of a recipe: the one given, or one in the workspace's folder that names it."""
    if site.recipe_file is not None and site.recipe == recipe:
        return site.recipe_file
    root = site.workspace.root
    files = sorted(path for ending in ("*.yaml", "*.yml") for path in root.glob(ending))
    for path in files[:MOST]:
        try:
            head = path.read_text(encoding="utf-8")[:20_000]
        except (OSError, UnicodeDecodeError):
            continue
        named = _NAME.search(head)
        if named is not None and named[1] == recipe:
            return path
    return None


def _shown(path: Path | None, recipe: str) -> str:
    if path is None:
        return f"{recipe}.yaml"
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
