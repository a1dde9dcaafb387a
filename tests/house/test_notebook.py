"""The notebook in docs/: runs from top to bottom, is kept without outputs, and shows what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs/tour.ipynb"


def test_it_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """What each code cell showed last, as MIME type → text."""
    pytest.importorskip("nbclient", reason="notebooks are run by the dev group: make setup")
    import nbformat
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("tour")
    shutil.copytree(
        ROOT / "recipes", folder / "recipes", ignore=shutil.ignore_patterns(".tamis", "runs", "dist", "decisions")
    )
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    ).execute()
    return [
        cell.outputs[-1].get("data", {}) if cell.outputs else {} for cell in notebook.cells if cell.cell_type == "code"
    ]


@pytest.mark.filterwarnings("default")
def test_every_cell_shows_something(outputs: list[Any]) -> None:
    assert len(outputs) == 7
    assert [index for index, shown in enumerate(outputs) if not shown and index != 1] == []


@pytest.mark.filterwarnings("default")
def test_the_result_shows_its_account(outputs: list[Any]) -> None:
    shown = outputs[2]["text/html"]
    assert "702 in = " in shown
    assert "<table>" in shown
    assert "filter.language" in shown


@pytest.mark.filterwarnings("default")
def test_only_what_the_change_concerns_is_judged_again(outputs: list[Any]) -> None:
    lines = outputs[6]["text/plain"].split("\n")
    told = {cells[0]: cells[1:] for line in lines if len(cells := [c.strip() for c in line.strip("│").split("┆")]) == 3}
    for name in ("map.template", "clean.unicode", "clean.whitespace", "filter.language"):
        assert told[name][0] == told[name][1], f"{name} was judged again"
    assert told["filter.length"][1] == "0"
