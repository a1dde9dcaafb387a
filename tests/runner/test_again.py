"""The same run again: what stands is let stand, what was looked at is not looked at again, and nobody can tell."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import RecipeError
from tamis.recipe.load import parse
from tamis.runner import _standing, delivery, preflight
from tamis.runner.execute import Options, RunResult, execute
from tamis.runs import report
from tamis.runs.report import report_data, write_report

from ..reliability.workshop import Process, whole

RECIPE = """
tamis: 1
name: again
description: rows
sources:
  - {use: files, path: rows.jsonl}
steps:
  - use: map.auto
  - use: clean.whitespace
  - use: filter.length
    min: 1
    unit: words
  - use: dedup.exact
  - use: split.random
    shares: {train: 0.8, test: 0.2}
deliver:
  - {use: openai_chat, path: dist/chat}
  - {use: parquet, path: dist/table, row_id: id}
"""


def write(path: Path, count: int = 120) -> None:
    records = [{"prompt": f"question {n % 100}", "completion": "  yes,\tof course " * (n % 7)} for n in range(count)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def run(folder: Path, text: str = RECIPE, **options: Any) -> RunResult:
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    return execute(parse(text), folder, Options(**options))


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Every delivered file: its inode and its time."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in sorted((folder / "dist").rglob("*"))
        if path.is_file()
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "dist").rglob("*"))
        if path.is_file() and "/." not in str(path.relative_to(folder))
    }


def data(folder: Path) -> dict[str, bytes]:
    told = ("README.md", "manifest.json", "SHA256SUMS")
    return {name: content for name, content in contents(folder).items() if Path(name).name not in told}


def never(*words: Any, **more: Any) -> Any:
    raise AssertionError("this was done in the run before")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace that ran once."""
    write(tmp_path / "rows.jsonl")
    run(tmp_path)
    return tmp_path


def test_a_delivery_that_stands_is_left_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, first = stamps(folder), run_record(folder, 1)
    monkeypatch.setattr(delivery, "encode_chunk", never)
    result = run(folder)
    assert stamps(folder) == before, "not one file was written"
    assert result.manifest["delivered"] == first["delivered"]
    assert result.manifest["outcomes"] == first["outcomes"]
    for split in ("train", "test"):
        places = [folder / f"runs/again/{n}/ledger/delivered/{split}.parquet" for n in (1, 2)]
        assert places[0].read_bytes() == places[1].read_bytes()


def run_record(folder: Path, number: int) -> dict[str, Any]:
    return dict(json.loads((folder / f"runs/again/{number}/manifest.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["dist/chat/train.jsonl", "dist/table/data/test-00000-of-00001.parquet"])
@pytest.mark.parametrize("harm", ["flipped", "longer", "gone"])
def test_a_delivered_file_that_changed_is_written_again(folder: Path, name: str, harm: str) -> None:
    expected, path = contents(folder), folder / name
    content = bytearray(path.read_bytes())
    if harm == "flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif harm == "longer":
        path.write_bytes(content + b"\n")
    else:
        path.unlink()
    run(folder)
    assert data(folder) == {name: content for name, content in expected.items() if name in data(folder)}
    assert path.read_bytes() == expected[name]


@pytest.mark.parametrize("name", ["README.md", "SHA256SUMS", "manifest.json"])
def test_what_is_told_of_a_delivery_is_told_again_where_it_changed(folder: Path, name: str) -> None:
    expected, path = contents(folder), folder / "dist/chat" / name
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"seed"', '"seeds"').replace("again", "other").replace("  ", " ", 1), encoding="utf-8")
    run(folder)
    assert contents(folder) == expected


def test_a_new_description_makes_a_new_card_of_the_same_bytes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = data(folder)
    monkeypatch.setattr(delivery, "encode_chunk", never)
    run(folder, RECIPE.replace("description: rows", "description: rows of a shop"))
    assert data(folder) == expected
    assert "rows of a shop" in (folder / "dist/chat/README.md").read_text(encoding="utf-8")
    monkeypatch.undo()
    fresh = folder / "fresh"
    fresh.mkdir()
    write(fresh / "rows.jsonl")
    run(fresh, RECIPE.replace("description: rows", "description: rows of a shop"))
    for name in ("README.md", "SHA256SUMS"):
        assert (folder / "dist/chat" / name).read_bytes() == (fresh / "dist/chat" / name).read_bytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("row_id: id", "row_id: key"),
        ("name: again", "name: again\norder: shuffle"),
        ("name: again", "name: again\nseed: 5"),
        ("min: 1", "min: 3"),
        ("  - use: clean.whitespace\n", ""),
        ("train: 0.8, test: 0.2", "train: 0.5, test: 0.5"),
    ],
)
def test_what_decides_a_byte_decides_whether_it_stands(folder: Path, tmp_path: Path, old: str, new: str) -> None:
    assert RECIPE.count(old) == 1
    changed = RECIPE.replace(old, new)
    run(folder, changed)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    write(fresh / "rows.jsonl")
    run(fresh, changed)
    assert data(folder) == data(fresh)


def test_more_rows_are_delivered(folder: Path) -> None:
    write(folder / "rows.jsonl", 150)
    result = run(folder)
    assert result.manifest["outcomes"]["in"] == 150
    shutil.rmtree(folder / ".tamis")
    expected = data(folder)
    run(folder)
    assert data(folder) == expected


def test_a_target_that_is_not_tamis_own_is_asked_every_time() -> None:
    from tamis.sinks.jsonl import Jsonl

    class Mine(Jsonl):
        """Its code may change from run to run."""

    assert _standing.made_of([Mine(path="x")], [], frozenset(), []) is None
    assert _standing.made_of([Jsonl(path="x")], [], frozenset(), []) is not None


@pytest.mark.parametrize("point", ["deliver.described", "deliver.staged", "deliver.before_swap", "deliver.swapped"])
def test_killed_while_a_new_card_is_put_in_place(folder: Path, point: str) -> None:
    expected = data(folder)
    text = RECIPE.replace("description: rows", "description: rows of a shop")
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    assert Process(folder, TAMIS_FAILPOINT=point).end().code == -9
    assert whole(folder)
    assert data(folder) == expected
    assert Process(folder).end().code == 0
    assert data(folder) == expected
    for target in ("chat", "table"):
        assert "rows of a shop" in (folder / "dist" / target / "README.md").read_text(encoding="utf-8")
    assert not list((folder / "dist").glob(".*.new"))


# -- the report -------------------------------------------------------------------------------


def test_a_report_is_the_same_whoever_looked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = folder / "runs/again/1"
    drawn = (first / "report.html").read_bytes()
    assert write_report(first).read_bytes() == drawn, "drawn from the folder alone"
    looked = report.look(folder / "runs/again/1")
    monkeypatch.setattr(report, "look", never)
    second = run(folder).folder
    assert not run_record(folder, 2)["warnings"]
    drawn = (second / "report.html").read_bytes()
    assert report_data(second, looked) == report_data(second)
    assert write_report(second).read_bytes() == drawn, "what was kept says what the folder says"


def test_a_report_of_other_rows_is_another(folder: Path) -> None:
    write(folder / "rows.jsonl", 150)
    second = run(folder).folder
    drawn = (second / "report.html").read_bytes()
    assert write_report(second).read_bytes() == drawn
    assert report_data(second)["outcomes"]["in"] == 150


def test_a_report_that_cannot_be_drawn_undoes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: Path) -> dict[str, Any]:
        raise ValueError("no figures today")

    shutil.rmtree(folder / ".tamis")
    shutil.rmtree(folder / "dist")
    monkeypatch.setattr(report, "look", broken)
    result = run(folder)
    assert whole(folder)
    events = (result.folder / "events.jsonl").read_text(encoding="utf-8")
    assert "the report could not be drawn: ValueError: no figures today" in events
    monkeypatch.undo()
    third = run(folder).folder
    assert (third / "report.html").exists(), "what failed was not kept"


# -- the look ahead ---------------------------------------------------------------------------


def test_steps_are_tried_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "_dry", never)
    run(folder)
    run(folder, RECIPE.replace("path: dist/chat", "path: dist/chats"))
    with pytest.raises(AssertionError, match="the run before"):
        run(folder, RECIPE.replace("min: 1", "min: 2"))


def test_a_problem_is_told_every_time(folder: Path) -> None:
    wrong = RECIPE.replace("    min: 1\n", "    min: 1\n    where: '\"source.nothing\" = 1'\n")
    for _ in range(2):
        with pytest.raises(RecipeError, match="nothing"):
            run(folder, wrong)
    (folder / "dist/other").mkdir()
    (folder / "dist/other/mine.txt").write_text("not made by tamis")
    for _ in range(2):
        with pytest.raises(RecipeError, match="was not made by tamis"):
            run(folder, RECIPE.replace("path: dist/chat", "path: dist/other"))


def test_a_column_that_is_gone_is_told_though_the_steps_are_known(folder: Path) -> None:
    text = RECIPE.replace("    unit: words\n", "    unit: words\n    where: '\"source.prompt\" is not null'\n")
    run(folder, text)
    rows = [{"question": f"question {n}", "answer": "yes"} for n in range(20)]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(RecipeError, match=r"source\.prompt"):
        run(folder, text)


# -- what is loaded ---------------------------------------------------------------------------

LOADED = """
import sys
from tamis.cli import main
sys.argv = ["tamis", "run", sys.argv[1], "--progress", "none"]
try:
    main()
except SystemExit as end:
    assert end.code in (0, None), end.code
slow = ("numba", "scipy", "asyncio", "multiprocessing", "tamis.engine.pii_rules", "tamis.engine.neardup")
print("loaded:", " ".join(name for name in slow if name in sys.modules))
"""


def test_a_run_that_finds_everything_loads_no_compiler(folder: Path) -> None:
    command = [sys.executable, "-c", LOADED, str(folder / "recipe.yaml")]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert said.rsplit("loaded:", 1)[1].split() == []
