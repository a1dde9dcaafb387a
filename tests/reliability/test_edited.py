"""Stop, edit, add, delete, rescue, go on: the outcome is always the one of a run from scratch."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tamis.core.errors import DataError, Interrupted
from tamis.engine import store
from tamis.runs.decide import Desk

from .workshop import LONG, RECIPE, Outcome, Process, fresh, outcome, run, set_up, small_slices, write_lines


def same_as_from_scratch(folder: Path) -> None:
    with small_slices():
        run(folder)
        other = fresh(folder)
        run(other)
    assert outcome(folder) == outcome(other)


@pytest.mark.parametrize("point", ["cache.put:25", "run.judged"])
def test_a_recipe_edited_after_a_kill_runs_as_edited(point: str, tmp_path: Path) -> None:
    folder = set_up(tmp_path / "mill")
    assert Process(folder, "--workers", "2", TAMIS_FAILPOINT=point).end().code == -9
    text = RECIPE.replace("min: 2", "min: 5").replace("  - {use: clean.unicode}\n", "").replace("seed: 7", "seed: 8")
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")
    same_as_from_scratch(folder)


def test_sources_that_grow_or_change_after_a_kill_are_read_as_they_are(tmp_path: Path) -> None:
    folder = set_up(tmp_path / "mill")
    assert Process(folder, "--workers", "2", TAMIS_FAILPOINT="run.judged").end().code == -9
    lines = (folder / "chats-1.jsonl").read_text(encoding="utf-8").split("\n")
    (folder / "chats-1.jsonl").write_text(
        "\n".join([lines[1], *lines[5:200], lines[0], *lines[230:]]), encoding="utf-8"
    )
    (folder / "chats-2.jsonl").rename(folder / "chats-0.jsonl")
    write_lines(folder / "chats-9.jsonl", [{"prompt": "a new question", "completion": "an answer", "topic": "orders"}])
    same_as_from_scratch(folder)


def test_another_file_behind_a_source_is_another_first_run(tmp_path: Path) -> None:
    """Ids are made of the columns of the first run; where none is left they would be places, which no id is."""
    folder = tmp_path / "mill"
    folder.mkdir()
    recipe = "tamis: 1\nname: x\nsources: [{use: files, path: PATH}]\nsteps: []\ndeliver: [{use: jsonl, path: dist/x, row_id: id}]\n"
    write_lines(folder / "a.jsonl", [{"question": f"q{n}"} for n in range(5)])
    write_lines(folder / "b.jsonl", [{"text": f"t{n}"} for n in range(5)])
    (folder / "recipe.yaml").write_text(recipe.replace("PATH", "a.jsonl"), encoding="utf-8")
    run(folder)
    (folder / "recipe.yaml").write_text(recipe.replace("PATH", "b.jsonl"), encoding="utf-8")
    same_as_from_scratch(folder)
    write_lines(folder / "b.jsonl", [{"text": f"t{n}", "note": "n"} for n in (4, 3, 2, 1, 0)])
    result = run(folder)
    assert "source 'files' has columns that the first run had not: note" in " ".join(result.manifest["warnings"])


# -- bugs found by the machine below, or that it would find ------------------------------------

HEAD = "tamis: 1\nname: small\nsources: [{use: files, path: rows.jsonl}]\nsteps:\n  - {use: map.text}\n"
TAIL = "deliver: [{use: jsonl, path: dist/small}]\n"
WHERE = "  - {{use: clean.whitespace, in: text{}}}\n  - {{use: filter.length, in: text, unit: characters, min: 5}}\n"
FIRST = (
    '  - {{use: filter.where, id: first, drop: "n >= {}"}}\n  - {{use: clean.whitespace, in: text}}\n'
    "  - {{use: filter.length, in: text, unit: characters, min: {}}}\n"
)


@pytest.mark.parametrize(
    ("edits"),
    [
        pytest.param([WHERE.format(", where: \"kind = 'a'\""), WHERE.format("")], id="`where` is widened"),
        pytest.param([WHERE.format(""), WHERE.format(", where: \"kind = 'a'\"")], id="`where` is narrowed"),
        pytest.param([WHERE.format(", where: \"kind = 'a'\""), WHERE.format(", where: \"kind = 'b'\"")], id="`where` moves"),
        pytest.param([FIRST.format(6, 5), FIRST.format(8, 4), FIRST.format(20, 4)], id="a filter before is loosened"),
        pytest.param([FIRST.format(8, 4), FIRST.format(20, 4), FIRST.format(3, 4)], id="a filter before goes to and fro"),
    ],
)  # fmt: skip
def test_what_is_kept_of_rows_that_were_out_of_the_way_is_right(edits: list[str], tmp_path: Path) -> None:
    """Outcomes are kept by row; rows that a filter or `where` left out have not the text that they would have."""
    folder = tmp_path / "mill"
    folder.mkdir()
    dirty, clean = "  a   b  ", "one two three four"
    write_lines(
        folder / "rows.jsonl",
        [{"n": n, "text": dirty if n % 2 else clean, "kind": "a" if n < 5 else "b"} for n in range(10)],
    )
    for text in edits:
        (folder / "recipe.yaml").write_text(HEAD + text + TAIL, encoding="utf-8")
        same_as_from_scratch(folder)


# -- any order of events -----------------------------------------------------------------------

TOPICS = ("orders", "billing", "returns")
STEPS = """
tamis: 1
name: machine
seed: {seed}
sources: [{{use: files, name: rows, path: "rows*.jsonl"}}]
steps:
  - {{use: filter.where, id: early, drop: "n >= {most}"}}
  - {{use: map.auto}}
  - {{use: clean.whitespace{where}}}
  - {{use: filter.length, unit: characters, min: {least}}}
  - {{use: python, file: mine.py, function: shout, columns: [messages], where: "topic = 'orders'"}}
  - {{use: filter.where, id: late, drop: "topic = '{unwanted}'"}}
  - {{use: dedup.exact, on: prompt, keep: {keep}}}
  - {{use: filter.length, id: whole, in: all, unit: characters, max: {whole}}}
  - {{use: split.random, shares: {{train: 0.7, test: 0.3}}}}
deliver:
  - {{use: jsonl, path: dist/all, row_id: id}}
  - {{use: openai_chat, path: dist/chat}}
"""
MINE = """
def shout(row):
    messages = row["messages"]
    if "x" in messages[-1]["content"]:
        return False
    messages[-1]["content"] = messages[-1]["content"].upper() + "!" * LOUD
    return {"messages": messages}
"""


def make_rows(first: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "prompt": f"Question {n * 7 % 23}" + "?" * (n % 2),
            "completion": (" ok  " * (n % 5) + "x" * (n % 7 == 3) + "  so   be it") * (n % 3) + str(n % 11),
            "topic": TOPICS[n % 3],
            "n": n % 40,
        }
        for n in range(first, first + count)
    ]


class Machine(RuleBasedStateMachine):
    """A workspace to which anything may happen. The model: a new workspace with the same files and decisions."""

    def __init__(self) -> None:
        super().__init__()
        self.base = Path(tempfile.mkdtemp(prefix="tamis-machine-"))
        self.folder = self.base / "mill"
        self.folder.mkdir()
        self.settings: dict[str, Any] = {
            "seed": 1, "most": 30, "where": "", "least": 6, "unwanted": "none", "keep": "first", "whole": 60,
        }  # fmt: skip
        self.loud = 0
        self.count = 0
        self.files = 0

    @initialize()
    def begin(self) -> None:
        self.add(30)
        self.write()

    def write(self) -> None:
        (self.folder / "recipe.yaml").write_text(STEPS.format(**self.settings), encoding="utf-8")
        (self.folder / "mine.py").write_text(MINE.replace("LOUD", str(self.loud)), encoding="utf-8")

    def outcome(self, folder: Path) -> Outcome | str:
        try:
            with small_slices(700):
                run(folder)
        except DataError as error:
            return error.message
        return outcome(folder)

    @rule()
    def run_to_the_end(self) -> None:
        assert self.outcome(self.folder) == self.outcome(fresh(self.folder))

    @rule(after=st.integers(1, 120))
    def run_and_be_stopped(self, after: int) -> None:
        """At the n-th file that is written, wherever that is."""
        left = [after]

        def stop(name: str) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "failpoint", stop)
            with contextlib.suppress(Interrupted, KeyboardInterrupt):
                self.outcome(self.folder)

    @rule(
        change=st.one_of(
            st.tuples(st.just("most"), st.sampled_from([10, 20, 30, 50])),
            st.tuples(st.just("where"), st.sampled_from(["", ", where: \"topic = 'orders'\"", ', where: "n < 15"'])),
            st.tuples(st.just("least"), st.sampled_from([2, 6, 9, 12])),
            st.tuples(st.just("unwanted"), st.sampled_from(["none", "billing", "returns"])),
            st.tuples(st.just("keep"), st.sampled_from(["first", "last", "longest"])),
            st.tuples(st.just("whole"), st.sampled_from([30, 60, 600])),
            st.tuples(st.just("seed"), st.sampled_from([1, 2])),
        )
    )
    def edit_the_recipe(self, change: tuple[str, Any]) -> None:
        self.settings[change[0]] = change[1]
        self.write()

    @rule(loud=st.integers(0, 2))
    def edit_the_function(self, loud: int) -> None:
        self.loud = loud
        self.write()

    @rule(count=st.integers(1, 12))
    def add_a_file(self, count: int) -> None:
        self.add(count)

    def add(self, count: int) -> None:
        self.files += 1
        name = f"rows-{self.files * 37 % 100:02}.jsonl"  # not in the order of their names
        write_lines(self.folder / name, make_rows(self.count, count))
        self.count += count

    @rule(count=st.integers(1, 6))
    def append_to_a_file(self, count: int) -> None:
        with open(self.folder / "rows-37.jsonl", "a", encoding="utf-8") as file:
            file.write("".join(json.dumps(row) + "\n" for row in make_rows(self.count, count)))
        self.count += count

    @precondition(lambda self: (self.folder / ".tamis").exists())
    @rule(what=st.sampled_from(["cache", "cache/steps", "raw/slices"]))
    def delete_the_cache(self, what: str) -> None:
        shutil.rmtree(self.folder / ".tamis" / what, ignore_errors=True)

    @precondition(lambda self: any((self.folder / "runs/machine").glob("*/ledger/steps.json")))
    @rule(step=st.sampled_from(["filter.length", "dedup.exact", "late", "python", "whole"]), pick=st.integers(0, 99))
    def rescue_a_row(self, step: str, pick: int) -> None:
        desk = Desk(self.folder, "machine")
        left = [row for _, frame in desk.ledger.left(step) for row in frame["id"].to_list()]
        if left:
            desk.decide(step, "rescue", [left[pick % len(left)]], every=False, why="it is fine", who="me")

    def teardown(self) -> None:
        shutil.rmtree(self.base, ignore_errors=True)


TestAnyOrderOfEvents = Machine.TestCase
TestAnyOrderOfEvents.settings = settings(
    max_examples=int(os.environ.get("TAMIS_EXAMPLES", 100 if LONG else 8)),
    stateful_step_count=12 if LONG else 8,
    deadline=None,
    derandomize=not LONG,
    suppress_health_check=list(HealthCheck),
)
