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
    tools = [line.split("$(BIN)/")[1].split()[0] for line in recipe[1].splitlines() if "$(BIN)/" in line]
    assert tools == ["ruff", "ruff", "mypy", "lint-imports", "pytest"]


# -- the pages ----------------------------------------------------------------------------------


@pytest.fixture
def pages(project: Path) -> Path:
    """A project with pages, and a node and an npm that only say what they were asked."""
    shutil.copy(ROOT / "scripts/pages.sh", project / "scripts")
    (project / "frontend").mkdir()
    (project / "frontend/package.json").write_text("{}")
    (project / "frontend/package-lock.json").write_text("{}")
    (project / "tools").mkdir()
    stub(project / "tools/node", "exit 0")
    build = "mkdir -p ../src/tamis/web/static && echo page > ../src/tamis/web/static/index.html"
    installed = "mkdir -p node_modules && echo > node_modules/.package-lock.json"
    stub(project / "tools/npm", f'echo "npm $*" >> ../log; case "$1" in ci) {installed};; run) {build};; esac')
    return project


def make_with(folder: Path, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")} | {"PATH": path}
    return subprocess.run(
        ["make", *arguments], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def tools_without_node(folder: Path) -> str:
    """A path on which there is neither node nor npm."""
    found = folder / "bare"
    found.mkdir()
    for name in ("bash", "sh", "make", "mkdir", "cat", "find", "echo", "touch", "dirname", "rm"):
        where = shutil.which(name)
        assert where is not None
        (found / name).symlink_to(where)
    return str(found)


def test_the_pages_are_built_once_until_they_change(pages: Path) -> None:
    path = f"{pages / 'tools'}:{os.environ['PATH']}"
    assert "pages: built" in make_with(pages, path, "setup").stdout
    assert (pages / "log").read_text() == "npm ci --no-audit --no-fund --loglevel=error\nnpm run --silent build\n"
    assert make_with(pages, path, "setup").stdout == ""
    (pages / "frontend/new.ts").write_text("")
    later = (pages / ".venv/.tamis-pages").stat().st_mtime + 10
    os.utime(pages / "frontend/new.ts", (later, later))
    assert "pages: built" in make_with(pages, path, "setup").stdout
    assert (pages / "log").read_text().count("npm ci") == 1
    shutil.rmtree(pages / "src")
    assert "pages: built" in make_with(pages, path, "setup").stdout


def test_without_node_one_line_says_so_and_setup_goes_on(pages: Path) -> None:
    bare = tools_without_node(pages)
    done = make_with(pages, bare, "setup")
    assert done.returncode == 0
    assert "pages: Node is not here (20.19 or newer builds them)" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert make_with(pages, bare, "setup").stderr == ""
    asked = make_with(pages, bare, "web")
    assert asked.returncode != 0
    assert "Node is not here" in asked.stderr


def test_an_old_node_is_named(pages: Path) -> None:
    stub(pages / "tools/node", 'case "$1" in --version) echo v18.1.0;; *) exit 1;; esac')
    done = make_with(pages, f"{pages / 'tools'}:{os.environ['PATH']}", "setup")
    assert done.returncode == 0
    assert "Node v18.1.0 is too old" in done.stderr
