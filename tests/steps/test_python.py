"""python: a user's own function."""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from tamis.core.errors import StepError, UsageError
from tamis.steps.python import Python
from tamis.testing import run_step

FILE = Path(mkdtemp()) / "mine.py"
FILE.write_text(
    """
def short(row):
    turns = row.get("messages") or [{"content": ""}]
    return len(turns[-1]["content"] or "") < 5 or "too long"

def shout(row):
    turns = row["messages"]
    turns[-1]["content"] = turns[-1]["content"].upper()
    return {"messages": turns, "loud": True}

def no(row):
    return False

def odd(row):
    return 3

def undeclared(row):
    return {"other": 1}
"""
)

#: (fields, row or rows, the expected outcome): the conformance suite runs them
CASES: list[Any] = [
    ({"file": str(FILE), "function": "short"}, {"response": "yes"}, "kept"),
    ({"file": str(FILE), "function": "short"}, {"response": "certainly"}, "rejected"),
    ({"file": str(FILE), "function": "no"}, {"response": "yes"}, "rejected"),
]


def test_a_sentence_is_kept_as_evidence() -> None:
    result = run_step(Python(file=FILE, function="short"), [{"response": "certainly"}, {"response": "yes"}])
    assert result.outcomes == ["rejected", "kept"]
    assert [e["why"] for e in result.evidence] == ["too long", None]


def test_a_dict_sets_messages_and_declared_columns() -> None:
    step = Python(file=FILE, function="shout", sets={"loud": "boolean"}, id="mine")
    [row] = run_step(step, [{"prompt": "q", "response": "yes"}]).rows
    assert row["messages"][1]["content"] == "YES"
    assert row["mine.loud"] is True


def test_a_source_column_with_the_name_of_a_reserved_one_keeps_its_prefix(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def names(row):\n    return f\"{row['source.messages']}, {row['text']}, {row['note']}\"")
    table = [{"text": "t", "source.messages": "theirs", "source.note": "n"}]
    result = run_step(Python(file=file, function="names"), table)
    assert result.evidence[0]["why"] == "theirs, t, n"


def test_mistakes_are_told_with_what_is_possible() -> None:
    rows = [{"response": "yes"}]
    with pytest.raises(UsageError, match="did you mean 'short'"):
        run_step(Python(file=FILE, function="shor"), rows)
    with pytest.raises(UsageError, match="sets 'other', which `sets:` does not declare"):
        run_step(Python(file=FILE, function="undeclared"), rows)
    with pytest.raises(UsageError, match="cannot read"):
        run_step(Python(file=FILE.with_name("none.py")), rows)
    with pytest.raises(TypeError, match="answered int; possible"):
        run_step(Python(file=FILE, function="odd"), rows)
    broken = FILE.with_name("broken.py")
    broken.write_text("def apply(row:")
    with pytest.raises(StepError, match="cannot be loaded: SyntaxError"):
        run_step(Python(file=broken), rows)


def test_an_edited_file_is_loaded_anew(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def apply(row): return True")
    assert run_step(Python(file=file), [{"response": "x"}]).outcomes == ["kept"]
    file.write_text("def apply(row): return False")
    assert run_step(Python(file=file), [{"response": "x"}]).outcomes == ["rejected"]


def test_a_table_without_rows_never_loads_the_file(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    file = tmp_path / "mine.py"
    file.write_text(f"open({str(marker)!r}, 'w').close()\ndef apply(row): return True")
    assert run_step(Python(file=file), []).outcomes == []
    assert not marker.exists()
