"""scripts/setup.sh and the Makefile: a machine that cannot do it is told why; one that did it is left alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def stub(path: Path, script: str) -> Path:
    """An executable that stands for a Python."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def setup(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(ROOT / "scripts/setup.sh"), ".venv", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_an_old_python_is_refused_with_its_version(tmp_path: Path) -> None:
    old = stub(tmp_path / "python3", 'case "$1" in -c) exit 1;; --version) echo Python 3.9.2;; esac')
    done = setup(tmp_path, str(old))
    assert done.returncode == 1
    assert f"Tamis needs Python 3.11 or newer; {old} is Python 3.9.2" in done.stderr
    assert "make setup PYTHON=" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = setup(tmp_path, "/nowhere/python3")
    assert done.returncode == 1
    assert "/nowhere/python3 is not there" in done.stderr


def test_without_the_venv_module_the_package_is_named(tmp_path: Path) -> None:
    bare = stub(
        tmp_path / "python3",
        'case "$1" in -c) exit 0;; --version) echo Python 3.12.1;; *) mkdir -p .venv; exit 1;; esac',
    )
    done = setup(tmp_path, str(bare))
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists(), "half an environment is left behind"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The Makefile beside a setup script that only says that it ran."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/setup.sh").write_text("mkdir -p $1 && echo setup-ran with python=$2\n")
    return tmp_path


def make(folder: Path, *arguments: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    done = subprocess.run(["make", *arguments], cwd=folder, capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_setup_runs_once_until_something_changes(project: Path) -> None:
    assert "setup-ran" in make(project, "setup")
    assert make(project, "setup") == ""
    later = (project / ".venv/.tamis-setup").stat().st_mtime + 10
    os.utime(project / "pyproject.toml", (later, later))
    assert "setup-ran with python=python3.12" in make(project, "setup", "PYTHON=python3.12")


def test_setup_runs_again_where_the_folder_was_moved(project: Path) -> None:
    make(project, "setup")
    moved = project.with_name("moved")
    project.rename(moved)
    assert "setup-ran" in make(moved, "setup")
    assert make(moved, "setup") == ""


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("\nmake test")
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert re.search(r"^make test\b", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_test_command_ends_with_the_tests() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^test: setup\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert recipe is not None
    tools = [line.split("$(BIN)/")[1].split()[0] for line in recipe[1].splitlines()]
    assert tools == ["ruff", "ruff", "mypy", "lint-imports", "pytest"]
