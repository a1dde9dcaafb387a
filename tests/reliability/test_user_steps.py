"""A user's own function: rows it fails on are quarantined by name, an edit is noticed, and only `run` ever runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tamis.core.errors import StepError, TooManyQuarantined, UsageError
from tamis.runner.execute import RunResult
from tamis.runs.ledger import Ledger

from .workshop import fresh, outcome, run, write_lines

RECIPE = """
tamis: 1
name: own
max_quarantined: MOST
sources: [{use: files, path: rows.jsonl}]
steps:
  - {use: map.auto}
  - {use: python, file: mine.py, SETTINGS}
  - {use: filter.length, min: 1}
deliver: [{use: jsonl, path: dist/own}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "own"
    made.mkdir()
    write_lines(made / "rows.jsonl", [{"prompt": f"q{n}", "completion": f"a{n}", "n": n} for n in range(20)])
    return made


def mine(folder: Path, body: str, *, most: float = 0.5, settings: str = "function: apply") -> None:
    """The user's file: `body` says what `apply(row)` does."""
    text = RECIPE.replace("MOST", str(most)).replace("SETTINGS", settings)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    (folder / "mine.py").write_text(f"def apply(row):\n{lines}", encoding="utf-8")


def left(result: RunResult, step: str = "python") -> list[tuple[int, str, dict[str, Any]]]:
    """(n, outcome, evidence) of the rows that left at a step."""
    ledger = Ledger(result.folder)
    found = []
    for index, frame in ledger.left(step):
        for line in frame.iter_rows(named=True):
            evidence = {
                k.removeprefix("evidence."): v for k, v in line.items() if k.startswith("evidence.") and v is not None
            }
            found.append((ledger.at(index, line["row"]).line - 1, line["outcome"], evidence))
    return found


def test_a_row_it_fails_on_takes_no_other_with_it(folder: Path) -> None:
    mine(folder, "if row['n'] == 7: raise LookupError('seven')\nreturn row['n'] != 3 or 'three'")
    result = run(folder)
    assert left(result) == [
        (3, "dropped", {"why": "three"}),
        (7, "quarantined", {"error": "LookupError: seven (mine.py:2)"}),
    ]
    assert result.outcomes["kept"] == 18
    assert len((folder / "dist/own/data.jsonl").read_text(encoding="utf-8").split("\n")) == 19


def test_where_it_fails_on_every_row_the_run_stops_and_says_with_what(folder: Path) -> None:
    mine(folder, "return row['missing']")
    with pytest.raises(TooManyQuarantined) as caught:
        run(folder)
    assert "step 'python' failed on 20 of 20 rows" in str(caught.value)
    assert "KeyError: 'missing' (mine.py:2)" in str(caught.value), "the first error is told"
    assert caught.value.exit_code == 4
    assert not (folder / "dist").exists()
    last = folder / "runs/own/1"
    assert len(list(Ledger(last).left("python"))) == 1, "the ledger that the hint names is there"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("7", "TypeError: the function answered int; possible: None, True, False, a sentence, a dict"),
        ("{'messages': 'no list'}", "AttributeError"),
        ("{'messages': [{'role': 'user', 'content': ['x']}]}", "ComputeError"),
    ],
)
def test_a_wrong_answer_is_that_rows_alone(answer: str, error: str, folder: Path) -> None:
    mine(folder, f"return {answer} if row['n'] == 5 else True")
    result = run(folder)
    [(n, ended, evidence)] = left(result)
    assert (n, ended) == (5, "quarantined")
    assert evidence["error"].startswith(error)
    assert result.outcomes["kept"] == 19


def test_a_column_that_it_does_not_declare_stops_the_run(folder: Path) -> None:
    mine(folder, "return {'score': 1}")
    with pytest.raises(UsageError, match=r"mine\.py:apply sets 'score', which `sets:` does not declare"):
        run(folder)


@pytest.mark.parametrize("text", ["def apply(row:\n", "raise RuntimeError('at import')\n"])
def test_a_file_that_cannot_be_loaded_stops_the_run(text: str, folder: Path) -> None:
    mine(folder, "return True")
    (folder / "mine.py").write_text(text, encoding="utf-8")
    with pytest.raises(StepError, match=r"mine\.py cannot be loaded: (SyntaxError|RuntimeError)"):
        run(folder)


def calls(folder: Path) -> int:
    path = folder / "calls"
    return len(path.read_text(encoding="utf-8")) if path.exists() else 0


def test_it_is_called_once_a_row_and_again_only_when_the_file_is_edited(folder: Path) -> None:
    body = f"with open({str(folder / 'calls')!r}, 'a') as file: file.write('.')\nreturn row['n'] < LIMIT"
    mine(folder, body.replace("LIMIT", "15"))
    assert run(folder).outcomes["kept"] == 15
    assert calls(folder) == 20
    assert run(folder).outcomes["kept"] == 15
    assert calls(folder) == 20
    mine(folder, body.replace("LIMIT", "10"))
    assert run(folder).outcomes["kept"] == 10
    assert calls(folder) == 40
    mine(folder, body.replace("LIMIT", "15"))  # as it was: that is known
    assert run(folder).outcomes["kept"] == 15
    assert calls(folder) == 40
    same = outcome(folder)
    other = fresh(folder)
    run(other)
    assert outcome(other) == same


def test_an_edit_that_time_and_size_do_not_tell_is_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's bytecode goes by both: it would run the old code, and the outcome be kept as the new one's."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for limit in (15, 10):
        mine(folder, f"return row['n'] < {limit}")
        for file in folder.glob("*.py"):
            os.utime(file, (1_700_000_000, 1_700_000_000))
        assert run(folder).outcomes["kept"] == limit


#: every command that looks at a recipe or a run, but `run`
COMMANDS = [
    ["plan", "recipe.yaml"],
    ["why", "q3"],
    ["check", "dist/own/data.jsonl", "--for", "prompt_completion"],
    ["dropped", "python"],
    ["diff", "1", "1"],
    ["report"],
    ["decide", "python", "--rescue", "ROW"],
    ["steps", "python"],
]


def test_only_run_runs_it(folder: Path) -> None:
    mine(folder, "return row['n'] != 3")
    result = run(folder)
    [row] = [line["id"] for _, frame in Ledger(result.folder).left("python") for line in frame.iter_rows(named=True)]
    with open(folder / "mine.py", "a", encoding="utf-8") as file:
        file.write(f"from pathlib import Path\nPath({str(folder / 'calls')!r}).write_text('!')\n")
    for words in COMMANDS:
        command = [sys.executable, "-m", "tamis", *(row if word == "ROW" else word for word in words)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
        assert calls(folder) == 0, words
    assert run(folder).outcomes["kept"] == 20, "the row was rescued"
    assert calls(folder) == 1, "and `run` does"


def test_a_slow_function_sleeps_on_several_rows_at_once_and_changes_nothing(folder: Path) -> None:
    body = "import time\ntime.sleep(0.001 * (20 - row['n']))\nreturn row['n'] % 3 != 0 or str(row['n'])"
    mine(folder, body)
    one = run(folder, workers=1)
    other = fresh(folder)
    two = run(other, workers=2, kind="processes")
    assert left(one) == left(two)
    assert outcome(folder) == outcome(other)
    assert two.outcomes["kept"] == 13
