"""scripts/new_step.py: what it writes works as it stands, and nothing is ever overwritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tamis.core.registry import class_name

ROOT = Path(__file__).resolve().parents[2]


def call(copy: Path, address: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/new_step.py"), address, "--root", str(copy)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources, without compiled files."""
    shutil.copytree(ROOT / "src/tamis", tmp_path / "src/tamis", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("address", ["filter.shouting_words", "clean.nothing_yet", "split.by_nothing", "brandnew.step"])
def test_what_is_written_passes_its_own_tests_and_doctest(copy: Path, address: str) -> None:
    family, module = address.split(".")
    done = call(copy, address)
    assert done.returncode == 0, done.stderr
    step, test = copy / f"src/tamis/steps/{family}/{module}.py", copy / f"tests/steps/{family}/test_{module}.py"
    assert f"class {class_name(module)}(" in step.read_text()
    assert f"wrote src/tamis/steps/{family}/{module}.py" in done.stdout
    assert (step.parent / "__init__.py").read_text().startswith('"""')
    environment = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", str(step), str(test)],
        capture_output=True, text=True, check=False, cwd=copy, env=environment,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    cases = test.read_text().count("    ({")
    assert f"{cases + 1} passed" in ran.stdout
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        linted = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(step), str(test)],
            capture_output=True, text=True, check=False, cwd=copy,
        )  # fmt: skip
        assert linted.returncode == 0, linted.stdout + linted.stderr


def test_an_existing_step_is_not_touched(copy: Path) -> None:
    path = copy / "src/tamis/steps/filter/length.py"
    before = path.read_bytes()
    done = call(copy, "filter.length")
    assert done.returncode == 1
    assert "src/tamis/steps/filter/length.py is there already; nothing was written" in done.stderr
    assert path.read_bytes() == before
    assert not (copy / "tests/steps/filter/test_length.py").exists()


@pytest.mark.parametrize("address", ["length", "Filter.x", "filter.x.y", "filter.class", "../x.y", "filter.", ""])
def test_an_address_that_cannot_be_is_refused(tmp_path: Path, address: str) -> None:
    done = call(tmp_path, address)
    assert done.returncode == 2
    assert "Hint: make step NAME=filter.shouting" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_family_is_no_new_one(copy: Path) -> None:
    done = call(copy, "filtre.shouting")
    assert done.returncode == 2
    assert "no family 'filtre'; did you mean 'filter'?" in done.stderr
    assert "Hint: make step NAME=filter.shouting" in done.stderr
    assert not (copy / "src/tamis/steps/filtre").exists()
