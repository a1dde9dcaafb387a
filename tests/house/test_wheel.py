"""The wheel: everything a run needs, and nothing else."""

from __future__ import annotations

import email
import json
import re
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel built from the tree as it stands."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_it_holds_every_module_and_data_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    source = ROOT / "src"
    wanted = {
        path.relative_to(source).as_posix()
        for path in (source / "tamis").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "tamis/engine/kernels/data/language.npz" in wanted
    assert "tamis/py.typed" in wanted
    assert wanted - set(wheel.namelist()) == set()


def test_it_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    for name in wheel.namelist():
        assert name.startswith(("tamis/", "tamis-")), name
        assert not name.endswith((".pth", ".pyc", ".nbi", ".nbc")), name
        assert "__pycache__" not in name


def test_it_is_small(wheel: zipfile.ZipFile) -> None:
    assert sum(item.compress_size for item in wheel.infolist()) < 5_000_000


def test_its_metadata_names_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    (folder,) = {name.split("/")[0] for name in wheel.namelist() if ".dist-info/" in name}
    metadata = email.message_from_bytes(wheel.read(f"{folder}/METADATA"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"{folder}/licenses/LICENSE" in wheel.namelist()
    assert b"tamis = tamis.cli:command" in wheel.read(f"{folder}/entry_points.txt")


STATIC = ROOT / "src/tamis/web/static"


@pytest.fixture(scope="module")
def pages(wheel: zipfile.ZipFile) -> set[str]:
    """The pages in the wheel."""
    if not (STATIC / "index.html").exists():
        pytest.skip("the review app's pages are not built here: make web")
    return {name for name in wheel.namelist() if name.startswith("tamis/web/static/")}


def test_it_holds_the_pages_and_all_that_they_load(wheel: zipfile.ZipFile, pages: set[str]) -> None:
    """Git ignores them; the wheel must not."""
    assert "tamis/web/static/index.html" in pages
    index = wheel.read("tamis/web/static/index.html").decode()
    loaded = re.findall(r'(?:src|href)="(?:\./|/)?([^":]+)"', index)
    assert any(name.endswith(".js") for name in loaded)
    assert {f"tamis/web/static/{name}" for name in loaded} <= pages
    assert "http://" not in index.replace("http://www.w3.org/", "")
    assert "https://" not in index


def test_it_serves_the_app_where_there_is_no_node(wheel: zipfile.ZipFile, pages: set[str], tmp_path: Path) -> None:
    installed, work = tmp_path / "installed", tmp_path / "work"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target"]
    subprocess.run([*pip, str(installed), str(wheel.filename)], check=True)
    work.mkdir()
    (work / "a.csv").write_text("question,answer\nWhere is it?,Here.\n")
    (work / "recipe.yaml").write_text(
        "tamis: 1\nname: tiny\nsources: [{use: files, path: a.csv}]\n"
        "steps: [{use: map.template, user: '{question}', assistant: '{answer}'}]\ndeliver: [{use: jsonl, path: dist/tiny}]\n"
    )
    bare = {"PATH": "/nowhere", "PYTHONPATH": str(installed), "HOME": str(tmp_path), "BROWSER": "/nowhere"}
    tamis = [sys.executable, "-m", "tamis"]
    subprocess.run(
        [*tamis, "run", "recipe.yaml", "--progress", "none"], cwd=work, env=bare, check=True, capture_output=True
    )
    review = [*tamis, "review", "recipe.yaml", "--no-browser", "--port", "0"]
    process = subprocess.Popen(review, cwd=work, env=bare, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        link = process.stdout.readline().strip()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        assert browser.open(link, timeout=60).status == 200
        base = link.partition("/enter")[0]
        for name in sorted(pages):
            address = name.removeprefix("tamis/web/static")
            assert browser.open(base + ("/" if address == "/index.html" else address), timeout=60).read() == wheel.read(
                name
            )
        told = json.loads(browser.open(f"{base}/api/overview", timeout=60).read())
        assert told["run"]["kept"] == 1
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "ended" in said
