"""Imports go down only; each outside library is known in its own room."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/tamis"

#: library → where it may be imported
ROOMS = {
    "numba": ("engine",),
    "llvmlite": ("engine",),
    "nanoarrow": ("engine",),
    "multiprocessing": ("engine",),
    "concurrent": ("engine",),
    "ftfy": ("engine", "steps/clean"),
    "click": ("cli",),
    "rich": ("cli",),
    "yaml": ("recipe", "runs"),
    "requests": (),
    "httpx": (),
    "urllib.request": (),
    "http": (),
    "random": (),
}


def imports(path: Path) -> list[tuple[int, str]]:
    """(line, module) of every import of a file, with relative ones spelt out."""
    package = path.relative_to(SOURCE.parent).with_suffix("").parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            found.append((node.lineno, ".".join(part for part in (base, node.module or "") if part)))
    return found


def test_the_floors_hold() -> None:
    script = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_the_floors_are_the_ones_of_the_architecture() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(c for c in contracts if c["type"] == "layers")["layers"]
    named = {room.strip() for layer in layers for room in layer.split("|")}
    rooms = {f"tamis.{path.parent.name}" for path in SOURCE.glob("*/__init__.py")}
    assert rooms - {"tamis.web"} <= named, f"no floor for {sorted(rooms - named)}"


@pytest.mark.parametrize("library", ROOMS)
def test_each_library_stays_in_its_room(library: str) -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        if where.startswith(tuple(f"{room}/" for room in ROOMS[library])):
            continue
        for line, module in imports(path):
            assert not (module == library or module.startswith(f"{library}.")), (
                f"src/tamis/{where}:{line} imports {module}; allowed in: {', '.join(ROOMS[library]) or 'no room'}"
            )


def test_step_families_do_not_know_each_other() -> None:
    for path in sorted((SOURCE / "steps").rglob("*.py")):
        family = path.parent.name
        for line, module in imports(path):
            if module.startswith("tamis.steps."):
                assert module.split(".")[2] == family, f"{path.relative_to(ROOT)}:{line} imports {module}"


def test_steps_import_nothing_above_the_engine() -> None:
    for path in sorted((SOURCE / "steps").rglob("*.py")):
        for line, module in imports(path):
            if module.startswith("tamis."):
                assert module.split(".")[1] in {"core", "engine", "steps", "testing"}, f"{path.relative_to(ROOT)}:{line} imports {module}"


def test_library_code_never_prints() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "T20" in ruff["select"]
    allowed = {pattern for pattern, codes in ruff["per-file-ignores"].items() if "T20" in codes}
    assert {pattern for pattern in allowed if pattern.startswith("src/")} == {"src/tamis/cli/*"}
