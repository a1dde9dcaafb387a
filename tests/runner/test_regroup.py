"""Groups of copies as people want them: which row stays, and which are no copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tamis.recipe.load import parse
from tamis.recipe.model import Recipe
from tamis.runner.execute import execute
from tamis.runs.decisions import Decision, append
from tamis.runs.ledger import Ledger
from tamis.runs.why import Why

RECIPE = """
tamis: 1
name: copies
sources: [{use: files, path: rows.jsonl, id: [n]}]
steps: [{use: map.auto}, {use: dedup.exact, on: response}]
deliver: [{use: jsonl, path: dist/copies}]
"""
ANSWERS = ["yes", "Yes.", "YES", "no", "No.", "maybe"]


class Copies:
    """A workspace whose rows 0, 1, 2 and 3, 4 are copies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe: Recipe = parse(RECIPE)
        self.write(ANSWERS)
        self.run()
        by_line = {one.line: one.id for one in map(self._found, range(len(ANSWERS)))}
        self.ids = [by_line[n + 1] for n in range(len(ANSWERS))]

    def write(self, answers: list[str]) -> None:
        lines = [json.dumps({"n": n, "prompt": f"q{n}", "completion": a}) + "\n" for n, a in enumerate(answers)]
        (self.folder / "rows.jsonl").write_text("".join(lines))

    def _found(self, row: int) -> Any:
        return self.ledger.at(0, row)

    @property
    def ledger(self) -> Ledger:
        return Ledger(max((self.folder / "runs/copies").iterdir(), key=lambda p: int(p.name)))

    def decide(self, *made: Decision) -> None:
        append(self.folder / "decisions/copies.jsonl", made)

    def run(self) -> dict[str, Any]:
        """The account of the step, from a new run."""
        result = execute(self.recipe, self.folder)
        return dict(result.summary()["steps"]["dedup.exact"])

    def kept(self) -> list[int]:
        return [json.loads(line)["n"] for line in (self.folder / "dist/copies/data.jsonl").read_text().splitlines()]

    def into(self) -> dict[int, int]:
        """Row → the row it is merged into."""
        lines = Ledger(self.ledger.run).part(self.ledger.step("dedup.exact"), 0)
        assert lines is not None
        place = {row: n for n, row in enumerate(self.ids)}
        return {r["row"]: place[r["into"]] for r in lines.iter_rows(named=True) if r["outcome"] == "merged"}


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    return Copies(tmp_path)


def swap(copies: Copies, row: int, instead: int, **more: Any) -> Decision:
    return Decision("swap", "dedup.exact", copies.ids[row], value={"instead_of": copies.ids[instead]}, **more)


def test_a_swapped_row_stays_and_its_whole_group_is_merged_into_it(copies: Copies) -> None:
    assert copies.kept() == [0, 3, 5]
    copies.decide(swap(copies, 2, 0, who="ann"))
    account = copies.run()
    assert copies.kept() == [2, 3, 5]
    assert copies.into() == {0: 2, 1: 2, 4: 3}
    assert (account["kept"], account["merged"], account["rescued"]) == (3, 3, 1)
    life = Why(copies.ledger.run).life(copies.ledger.find(copies.ids[0])[0])
    assert life["steps"][1]["evidence"]["people"] == f"ann: {copies.ids[2]} stays in place of it"


def test_swaps_follow_each_other_and_come_back(copies: Copies) -> None:
    copies.decide(swap(copies, 2, 0), swap(copies, 1, 2))
    copies.run()
    assert copies.kept() == [1, 3, 5]
    assert copies.into() == {0: 1, 2: 1, 4: 3}
    copies.decide(swap(copies, 0, 1))
    copies.run()
    assert copies.kept() == [0, 3, 5]


@pytest.mark.parametrize(("rows", "kept"), [(None, [0, 1, 2, 3, 5]), ([1], [0, 1, 3, 5])])
def test_of_a_split_group_all_rows_stay_or_those_named(copies: Copies, rows: list[int] | None, kept: list[int]) -> None:
    value = None if rows is None else {"rows": [copies.ids[row] for row in rows]}
    copies.decide(Decision("split", "dedup.exact", copies.ids[0], value=value))
    account = copies.run()
    assert copies.kept() == kept
    assert account["rescued"] == len(kept) - 3


STALE: list[Callable[[Copies], Decision]] = [
    lambda copies: swap(copies, 2, 0, content="of another text"),
    lambda copies: swap(copies, 2, 3),  # it is merged into another row
    lambda copies: swap(copies, 5, 0),  # it is no copy
    lambda copies: Decision("split", "dedup.exact", copies.ids[5]),
    lambda copies: Decision("swap", "dedup.exact", "f" * 32, value={"instead_of": copies.ids[0]}),
    lambda copies: Decision("swap", "dedup.exact", copies.ids[1]),
]


@pytest.mark.parametrize("case", range(len(STALE)))
def test_what_does_not_fit_the_groups_any_more_changes_nothing_and_is_told(copies: Copies, case: int) -> None:
    copies.decide(STALE[case](copies))
    account = copies.run()
    assert copies.kept() == [0, 3, 5]
    assert account["stale"] == 1


def test_a_group_across_partitions_is_swapped_too(tmp_path: Path) -> None:
    copies = Copies(tmp_path)
    copies.recipe = parse(
        RECIPE.replace("sources: [", "sources: [{use: files, name: more, path: more.jsonl, id: [n]}, ")
    )
    (tmp_path / "more.jsonl").write_text(json.dumps({"n": 9, "prompt": "q", "completion": "yes"}) + "\n")
    copies.run()
    assert copies.kept() == [9, 3, 5]
    more = copies.ledger.at(0, 0)
    copies.decide(Decision("swap", "dedup.exact", copies.ids[1], value={"instead_of": more.id}))
    copies.run()
    assert copies.kept() == [1, 3, 5]


def test_an_undone_swap_is_none(copies: Copies) -> None:
    [made] = append(copies.folder / "decisions/copies.jsonl", [swap(copies, 2, 0)])
    copies.decide(Decision("undo", "dedup.exact", undoes=made.key))
    copies.run()
    assert copies.kept() == [0, 3, 5]
