"""One address for each thing, small rooms, and nothing that must never be in the repository."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tamis.core.registry import addresses

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/tamis"

#: no file written by people may be longer: pattern → lines
LIMITS = {"src/tamis/steps/**/*.py": 150, "src/tamis/**/*.py": 400}

#: longer for a reason that a design page names
LONGER: dict[str, int] = {}


def tracked() -> list[Path]:
    """Every file that git has, or would have: what is ignored does not count."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: what belongs to the repository cannot be told")
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


@pytest.mark.parametrize("pattern", LIMITS)
def test_files_stay_small(pattern: str) -> None:
    for path in sorted(ROOT.glob(pattern)):
        lines = len(path.read_text(encoding="utf-8").split("\n")) - 1
        limit = LONGER.get(str(path.relative_to(SOURCE)), LIMITS[pattern])
        assert lines <= limit, (
            f"{path.relative_to(ROOT)} has {lines} lines; at most {limit} are a room one can overlook"
        )


def test_exceptions_to_the_limit_are_still_needed() -> None:
    for name in LONGER:
        assert len((SOURCE / name).read_text(encoding="utf-8").split("\n")) - 1 > LIMITS["src/tamis/**/*.py"], name


def test_every_folder_of_modules_is_a_package_that_says_what_it_is() -> None:
    for folder in sorted({path.parent for path in SOURCE.rglob("*.py")}):
        door = folder / "__init__.py"
        assert door.is_file(), f"{folder.relative_to(ROOT)} has no __init__.py"
        assert ast.get_docstring(ast.parse(door.read_text(encoding="utf-8"))), (
            f"{door.relative_to(ROOT)} has no docstring"
        )


def test_every_module_says_what_it_is() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), (
            f"{path.relative_to(ROOT)} has no docstring"
        )


@pytest.mark.parametrize("address", addresses("steps"))
def test_every_step_has_its_test_file(address: str) -> None:
    *family, name = address.split(".")
    assert ROOT.joinpath("tests/steps", *family, f"test_{name}.py").is_file()


def test_every_step_test_has_its_step() -> None:
    known = set(addresses("steps"))
    for path in sorted((ROOT / "tests/steps").rglob("test_*.py")):
        family = path.parent.relative_to(ROOT / "tests/steps").parts
        address = ".".join([*family, path.stem.removeprefix("test_")])
        assert address in known, f"{path.relative_to(ROOT)} tests no step"


def test_the_root_is_easy_to_overlook() -> None:
    entries = sorted({path.relative_to(ROOT).parts[0] for path in tracked()})
    assert len(entries) <= 17, f"{len(entries)} entries in the root: {', '.join(entries)}"


def test_nothing_names_the_machine_it_was_written_on() -> None:
    # written so that this file does not match itself
    places = re.compile(rb"(?<![\w.$}])/(?:" + b"|".join([b"wo" + b"rk", b"ro" + b"ot"]) + rb")/[\w.]")
    for path in tracked():
        match = places.search(path.read_bytes())
        assert match is None, f"{path.relative_to(ROOT)} names a folder of one machine: {match.group()!r}"


def test_the_pattern_for_machine_paths_would_find_one(tmp_path: Path) -> None:
    pattern = re.compile(rb"(?<![\w.$}])/(?:wo" + rb"rk)/[\w.]")
    assert pattern.search(b'open("/wo' + b'rk/data.csv")')
    assert not pattern.search(b"docs/network/work/x")


def imports(tree: ast.AST) -> list[str]:
    """Every module a file imports, wherever in it."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.append(node.module)
    return found


def test_data_is_never_unpickled() -> None:
    for path in [p for p in tracked() if p.suffix == ".py"]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name in imports(tree):
            assert name.split(".")[0] not in {
                "pickle",
                "cPickle",
                "dill",
                "cloudpickle",
                "joblib",
                "shelve",
                "marshal",
            }, f"{path.relative_to(ROOT)} imports {name}: data that can run code"
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert ast.unparse(node.value) == "False", f"{path.relative_to(ROOT)}:{node.value.lineno}"
