"""The notebook in docs/: kept without outputs, runs from top to bottom, and shows what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOUR = ROOT / "docs/notebook.ipynb"

#: cell → MIME type → text, of what each code cell showed last; `stderr` → what it complained of
Shown = dict[str, dict[str, str]]


def cells(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text(encoding="utf-8"))["cells"])


def test_it_is_kept_without_outputs() -> None:
    code = [cell for cell in cells(TOUR) if cell["cell_type"] == "code"]
    assert code
    assert [cell["id"] for cell in code if cell["outputs"] or cell["execution_count"] or cell["metadata"]] == []


def execute(path: Path, folder: Path) -> Shown:
    """What a notebook shows, beside a copy of the recipes. An error in a cell is raised."""
    pytest.importorskip("nbclient", reason="notebooks are run by the dev group: make setup")
    pytest.importorskip("ipykernel", reason="notebooks are run by the dev group: make setup")
    import nbformat
    from nbclient import NotebookClient

    shutil.copytree(
        ROOT / "recipes", folder / "recipes", ignore=shutil.ignore_patterns(".tamis", "runs", "dist", "decisions")
    )
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    found: Shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            mine = found[cell.id] = {}
            for output in cell.outputs:
                mine |= output.get("data", {})
                if output.output_type == "stream":
                    mine[output.name] = mine.get(output.name, "") + output.text
    assert sorted(entry.name for entry in folder.iterdir()) == ["recipes"], "the notebook leaves something behind"
    return found


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return execute(TOUR, tmp_path_factory.mktemp("tour"))


def test_it_is_the_only_one() -> None:
    assert sorted(ROOT.glob("docs/**/*.ipynb")) == [TOUR], "a notebook that no test runs"


@pytest.mark.filterwarnings("default")
def test_every_cell_shows_something_and_none_complains(tour: Shown) -> None:
    assert [name for name, shown in tour.items() if not shown] == ["end"]
    assert {name: shown["stderr"] for name, shown in tour.items() if "stderr" in shown} == {}


@pytest.mark.filterwarnings("default")
def test_recipe_result_and_lives_show_tables(tour: Shown) -> None:
    assert '<td style="text-align:left">filter.language</td>' in tour["recipe"]["text/html"]
    assert "727 in = " in tour["run"]["text/html"]
    assert "other_language 18" in tour["run"]["text/html"]
    assert "dropped at filter.refusal" in tour["why"]["text/html"]
    assert "i cannot assist" in tour["why"]["text/html"]


@pytest.mark.filterwarnings("default")
def test_only_what_the_change_concerns_is_judged_again(tour: Shown) -> None:
    words = [line.split() for line in tour["change"]["text/plain"].split("\n")[1:]]
    told = {line[1]: (int(line[2]), int(line[4])) for line in words}
    assert told.pop("filter.length") == (579, 0)
    assert told.pop("split.stratified")[1] == 0
    assert [name for name, (rows, reused) in told.items() if rows != reused] == []
    assert len(told) == 7


@pytest.mark.filterwarnings("default")
def test_what_goes_out(tour: Shown) -> None:
    assert ["billing", "52"] in [line.split() for line in tour["out"]["text/plain"].split("\n")]
    *files, line, end = tour["deliver"]["stdout"].split("\n")
    assert files == ["README.md", "SHA256SUMS", "manifest.json", "train.jsonl", "validation.jsonl"]
    assert [turn["role"] for turn in json.loads(line)["messages"]] == ["system", "user", "assistant"]
    assert end == ""
    assert tour["file"]["stdout"].startswith("tamis: 1\nname: notebook\nsteps:\n- use: map.template\n")
