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

#: library → where below src/tamis it may be imported
ROOMS = {
    "numba": ("engine/",),
    "llvmlite": ("engine/",),
    "nanoarrow": ("engine/", "sources/"),
    "multiprocessing": ("engine/",),
    "concurrent": ("engine/", "llm/"),
    "aiohttp": ("llm/",),
    "xllamacpp": ("llm/",),
    "obstore": ("engine/",),
    "ray": ("engine/",),
    "ftfy": ("engine/", "steps/clean/"),
    "click": ("cli/",),
    "rich": ("cli/", "runner/display.py"),
    "requests": (),
    "httpx": (),
    "urllib.request": ("llm/",),
    "http": (),
    "random": ("llm/",),  # the pauses between tries
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
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(c for c in contracts if c["type"] == "layers")["layers"]
    named = {room.strip() for layer in layers for room in layer.split("|")}
    rooms = {f"tamis.{path.parent.name}" for path in SOURCE.glob("*/__init__.py")}
    assert rooms - {"tamis.web"} <= named, f"no floor for {sorted(rooms - named)}"


@pytest.mark.parametrize("library", ROOMS)
def test_each_library_stays_in_its_room(library: str) -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        where = path.relative_to(SOURCE).as_posix()
        if where.startswith(ROOMS[library]):
            continue
        for line, module in imports(path):
            assert not f"{module}.".startswith(f"{library}."), (
                f"src/tamis/{where}:{line} imports {module}; allowed in: {', '.join(ROOMS[library]) or 'no room'}"
            )


def test_step_families_do_not_know_each_other() -> None:
    for path in sorted((SOURCE / "steps").rglob("*.py")):
        family = path.parent.name
        for line, module in imports(path):
            if module.startswith("tamis.steps."):
                assert module.split(".")[2] == family, f"{path.relative_to(ROOT)}:{line} imports {module}"


def test_steps_import_nothing_above_their_floor() -> None:
    for path in sorted((SOURCE / "steps").rglob("*.py")):
        for line, module in imports(path):
            if module.startswith("tamis."):
                assert module.split(".")[1] in {"core", "engine", "llm", "steps", "testing"}, (
                    f"{path.relative_to(ROOT)}:{line} imports {module}"
                )


def test_library_code_never_prints() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert "T20" in ruff["select"]
    allowed = {pattern for pattern, codes in ruff["per-file-ignores"].items() if "T20" in codes}
    assert {pattern for pattern in allowed if pattern.startswith("src/")} == {"src/tamis/cli/*"}


def is_hidden(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def hidden_uses(path: Path) -> list[tuple[int, str, str]]:
    """(line, hidden name, the folder it belongs to) of everything a file imports that begins with an underscore."""
    package = path.relative_to(SOURCE.parent).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom):
            continue
        parts = (*package[: len(package) - node.level + 1],) if node.level else ()
        parts += tuple((node.module or "").split(".")) if node.module else ()
        if parts[:1] != ("tamis",):
            continue
        found += [(node.lineno, part, ".".join(parts[:i])) for i, part in enumerate(parts) if is_hidden(part)]
        folder = parts if SOURCE.parent.joinpath(*parts).is_dir() else parts[:-1]
        found += [(node.lineno, alias.name, ".".join(folder)) for alias in node.names if is_hidden(alias.name)]
    return found


def test_what_begins_with_an_underscore_stays_in_its_folder_or_the_one_around_it() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        home = ".".join(path.relative_to(SOURCE.parent).parts[:-1])
        for line, name, owner in hidden_uses(path):
            near = f"{home}.".startswith(f"{owner}.") or owner.rpartition(".")[0] == home
            assert near, f"{path.relative_to(ROOT)}:{line} uses {name} of {owner}"


def test_doors_lead_somewhere() -> None:
    import importlib

    for path in sorted(SOURCE.rglob("__init__.py")):
        module = importlib.import_module(".".join(path.parent.relative_to(SOURCE.parent).parts))
        for name in getattr(module, "__all__", []):  # that it is sorted, ruff checks
            assert hasattr(module, name), f"{path.relative_to(ROOT)}: __all__ names {name}, which is not there"
