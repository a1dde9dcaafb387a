"""Every code block of the README and the documentation runs; the site builds strictly; the CLI reference is current."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from tamis.recipe.load import parse

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = {"yaml", "python", "sh", "text", "pycon"}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: where it begins, in which language, and what is in it."""

    where: str
    language: str
    text: str


def pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "recipes").glob("*/README.md")])


def blocks(*languages: str) -> list[Block]:
    """Every fenced block in these languages; all of them without any."""
    found = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(f"{page.relative_to(ROOT)}:{line}", match[1], match[2]))
    return [block for block in found if not languages or block.language in languages]


def script(name: str) -> ModuleType:
    """A file of scripts/, as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"scripts/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_block_says_its_language() -> None:
    for block in blocks():
        assert block.language in LANGUAGES, (
            f"{block.where}: a block in {block.language or 'no language'!r} cannot be tested"
        )


@pytest.mark.parametrize("block", blocks("yaml"), ids=lambda block: block.where)
def test_recipes_load(block: Block) -> None:
    recipe = parse(block.text, where=block.where)
    assert recipe.steps


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.where)
def test_python_runs(block: Block, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "recipes", tmp_path / "recipes", ignore=shutil.ignore_patterns(".tamis", "runs", "dist", "decisions")
    )
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", block.text], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


def commands(block: Block) -> list[list[str]]:
    """The command lines of a shell block."""
    text = block.text.replace("\\\n", " ")
    return [words for line in text.split("\n") if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("block", blocks("sh"), ids=lambda block: block.where)
def test_shell_runs(block: Block, tmp_path: Path) -> None:
    """`tamis` commands run beside a copy of the recipes; of `make` the targets must be there."""
    shutil.copytree(
        ROOT / "recipes", tmp_path / "recipes", ignore=shutil.ignore_patterns(".tamis", "runs", "dist", "decisions")
    )
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for words in commands(block):
        if words[0] == "make":
            assert words[1] in targets, f"{block.where}: make has no {words[1]}"
        elif words[0] == "tamis":
            command = [sys.executable, "-m", "tamis", *words[1:]]
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        else:
            assert words[:2] == ["pip", "install"], f"{block.where}: {words[0]} is not tested"


def test_the_command_line_reference_is_what_help_says() -> None:
    committed = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    assert script("write_cli_reference").text() == committed, "docs/cli.md is out of date: make schema"


def test_every_command_has_an_example() -> None:
    reference = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    for part in reference.split("\n## ")[1:]:
        assert "  Example:\n    tamis " in part, part.split("\n")[0]


def test_every_dependency_is_accounted_for() -> None:
    import tomllib

    told = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8").lower()
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*found["project"]["dependencies"], *found["dependency-groups"]["dev"]]
    wanted += [one for extra in found["project"]["optional-dependencies"].values() for one in extra]
    for requirement in wanted:
        name = re.split(r"[<>=!~\[; ]", requirement)[0].lower()
        assert re.search(rf"\b{re.escape(name)}\b", told), f"docs/dependencies.md does not say why {name} is needed"


def test_the_site_builds_strictly(tmp_path: Path) -> None:
    pytest.importorskip("properdocs", reason="the site generator is in the dev group: make setup")
    builder = script("build_docs")
    done = builder.build(tmp_path, tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site/steps/filter/length.html").read_text(encoding="utf-8")
    assert "too_short" in page
    assert "Shortest length kept" in page
    recipe = (tmp_path / "site/recipe.html").read_text(encoding="utf-8")
    assert "Largest share of unreadable rows" in recipe
    assert builder.MARK not in recipe


def test_the_site_asks_nobody_else_for_anything(tmp_path: Path) -> None:
    pytest.importorskip("properdocs", reason="the site generator is in the dev group: make setup")
    builder = script("build_docs")
    done = builder.build(tmp_path, tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (tmp_path / "site").rglob("*.html"):
        outside = re.findall(
            r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//[^\"]+", page.read_text(encoding="utf-8")
        )
        assert outside == [], f"{page.name}: {outside}"


def test_a_link_that_leads_nowhere_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("properdocs", reason="the site generator is in the dev group: make setup")
    builder = script("build_docs")
    real = builder.generated
    monkeypatch.setattr(builder, "generated", lambda: {**real(), "steps/odd.md": "# odd\n\n[gone](nowhere.md)\n"})
    done = builder.build(tmp_path, tmp_path / "site")
    assert done.returncode != 0
    assert "nowhere.md" in done.stdout + done.stderr


def test_the_recipe_in_the_readme_is_the_demo() -> None:
    shown = [block.text for block in blocks("yaml") if block.where.startswith("README.md")]
    assert shown[0] == (ROOT / "recipes/customer-intents/recipe.yaml").read_text(encoding="utf-8")


def test_the_output_in_the_readme_is_the_real_one(tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "recipes", tmp_path / "recipes", ignore=shutil.ignore_patterns(".tamis", "runs", "dist", "decisions")
    )
    command = [sys.executable, "-m", "tamis", "run", "recipes/customer-intents/recipe.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = next(block.text for block in blocks("text") if block.where.startswith("README.md"))
    pace = re.compile(r"^.*rows/s.*\n", re.MULTILINE)  # said only where a stage takes seconds
    assert shown == pace.sub("", done.stderr) + done.stdout
