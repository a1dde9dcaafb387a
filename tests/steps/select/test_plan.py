"""select.plan"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tamis.core.errors import GateWaiting, UsageError
from tamis.recipe.load import parse
from tamis.runner.execute import execute
from tamis.runs.decisions import Decision, append
from tamis.runs.queue import Queue
from tamis.steps.select.plan import Plan
from tamis.testing import run_step

OUT = "not_drawn"
KINDS = [{"by": "kind", "counts": {"a": 1}, "at_least": 0}]


def rows(**columns: list[Any]) -> list[dict[str, Any]]:
    return [
        {"prompt": "?", **dict(zip(columns, values, strict=True))} for values in zip(*columns.values(), strict=True)
    ]


CASES: list[Any] = [
    ({"quotas": [{"by": "kind", "each": 1}], "rejected": ["0" * 32]}, rows(kind=list("aa")), ["rejected", "kept"]),
    ({"quotas": [{"by": "kind", "each": 1}], "prefer": ["age"]}, rows(kind=list("aab"), age=[2, 1, 3]), [OUT, "kept", "kept"]),
    ({"quotas": [{"by": "kind", "each": 1}], "prefer": ["-age"]}, rows(kind=list("aab"), age=[2, 1, 3]), ["kept", OUT, "kept"]),
    ({"quotas": [{"by": "kind", "each": 1}], "prefer": ["-age"]}, rows(kind=list("aa"), age=[None, 1]), [OUT, "kept"]),
    ({"quotas": [{"by": "kind", "shares": {"a": 1}}], "rows": 1}, rows(kind=list("ab")), ["kept", OUT]),
    ({"quotas": [{"by": "kind", "at_most": 0}]}, rows(kind=list("ab")), [OUT, OUT]),
    ({"quotas": [{"by": "kind", "counts": {"(none)": 1}, "at_most": 0}]}, rows(kind=["a", None]), [OUT, "kept"]),
    ({"quotas": [{"by": ["kind", "topic"], "counts": {"a | x": 1}, "at_most": 0}]}, rows(kind=list("ab"), topic=list("xx")), ["kept", OUT]),
]  # fmt: skip


def counted(result: Any, name: str) -> dict[Any, int]:
    return dict(Counter(row[f"source.{name}"] for row in result.kept))


def many() -> list[dict[str, Any]]:
    """Two kinds over five topics, very uneven."""
    sizes = {("general", t): n for t, n in zip("vwxyz", (300, 120, 40, 9, 2), strict=True)}
    sizes |= {("specific", t): n for t, n in zip("vwxyz", (30, 200, 10, 60, 50), strict=True)}
    return [{"prompt": "?", "kind": k, "topic": t, "n": n} for (k, t), size in sizes.items() for n in range(size)]


def test_plans_that_cross_hold_together() -> None:
    plan = Plan(
        rows=100, quotas=[{"by": "kind", "shares": {"general": 0.5, "specific": 0.5}}, {"by": "topic", "each": 20}]
    )
    result = run_step(plan, many())
    assert counted(result, "kind") == {"general": 50, "specific": 50}
    assert counted(result, "topic") == dict.fromkeys("vwxyz", 20)
    assert result.line == "821 in = 100 kept + 721 dropped (not_drawn 721)"
    [first] = {
        (e["group"], e["drawn"])
        for e, r in zip(result.evidence, result.rows, strict=True)
        if r["source.topic"] == "z" and r["source.kind"] == "general"
    }
    assert first[0] == "general | z"


def test_a_shortage_is_told_by_group_and_number_or_stops() -> None:
    quotas = [{"by": ["kind", "topic"], "counts": {"general | z": 5}, "at_most": 3}]
    told: list[str] = []
    from tamis._scripted import ScriptedModels  # noqa: F401  (the same memory table as run_step)
    from tamis.engine.frame import Frame
    from tamis.testing import MemoryTable, rows_frame

    frame = Frame.of(rows_frame(many()))
    plan = Plan(quotas=quotas)
    told += plan.decide(MemoryTable(frame, plan.gather(frame))).warnings
    assert told == ["kind, topic general | z is short of 3 rows (5 asked, 2 drawn, 2 there)"]
    with pytest.raises(UsageError, match="short of 3 rows"):
        run_step(Plan(quotas=quotas, short="error"), many())


def test_rare_rows_are_not_lost_by_default() -> None:
    quotas = [{"by": "topic", "at_most": 1000}, {"by": "kind", "at_most": 1000}]
    assert counted(run_step(Plan(rows=20, quotas=quotas), many()), "topic")["z"] >= 2
    assert counted(run_step(Plan(rows=20, quotas=quotas, rare=0), many()), "topic").get("z", 0) <= 2


def test_more_rows_change_nothing_of_the_order_within_a_cell() -> None:
    few = [{"prompt": str(n), "kind": "a", "n": n} for n in range(50)]
    quotas = [{"by": "kind", "each": 10}]
    first = {row["source.n"] for row in run_step(Plan(quotas=quotas), few, seed=5).kept}
    again = {row["source.n"] for row in run_step(Plan(quotas=quotas), few, seed=5).kept}
    other = {row["source.n"] for row in run_step(Plan(quotas=quotas), few, seed=6).kept}
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quotas": []}, "is empty"),
        ({"quotas": [{"by": "kind"}]}, "needs `shares`"),
        ({"quotas": [{"by": "kind", "shares": {"a": 0.9, "b": 0.2}}], "rows": 5}, "to more than 1"),
        ({"quotas": [{"by": "kind", "shares": {"a": 0.5}}]}, "say how many rows"),
        ({"quotas": [{"by": "kind", "counts": {"a": 9}}], "rows": 5}, "more than `rows`"),
        ({"quotas": [{"by": "kind", "each": 2, "at_most": 3}]}, "says how many"),
        ({"quotas": [{"by": "kind", "at_least": 4, "at_most": 3}]}, "less than"),
    ],
)
def test_plans_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Plan(**settings)


def test_a_misspelt_group_is_told() -> None:
    with pytest.raises(UsageError, match="no row has 'genral' in kind; did you mean 'general'"):
        run_step(Plan(rows=4, quotas=[{"by": "kind", "shares": {"genral": 0.5}}]), many())


RECIPE = """
tamis: 1
name: drawn
sources: [{use: files, path: rows.jsonl, id: [n]}]
steps:
  - use: map.template
    user: "{kind} {n}"
  - use: select.plan
    quotas: [{by: kind, each: 2}]
    redraw: look
  - use: review.gate
    id: look
    question: Is it good?
deliver: [{use: jsonl, path: dist/drawn}]
"""


def test_a_row_that_people_reject_is_made_up_for(tmp_path: Path) -> None:
    recipe = parse(RECIPE)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({"n": n, "kind": "ab"[n % 2]}) + "\n" for n in range(9)))
    decisions = tmp_path / "decisions/drawn.jsonl"
    seen: list[str] = []

    def wait() -> list[str]:
        with pytest.raises(GateWaiting):
            execute(recipe, tmp_path)
        [run] = (tmp_path / "runs/drawn").iterdir()
        return Queue(run, "look").undecided()

    first = wait()
    assert len(first) == 4
    append(
        decisions,
        [Decision("reject", "look", row) for row in first[:1]] + [Decision("accept", "look", row) for row in first[1:]],
    )
    seen = wait()
    assert len(seen) == 1  # the one drawn in its place
    assert seen[0] not in first
    append(decisions, [Decision("accept", "look", seen[0])])
    result = execute(recipe, tmp_path)
    [plan] = [step for step in result.manifest["steps"] if step["name"] == "select.plan"]
    assert plan["reasons"] == {"not_drawn": 4, "rejected": 1}
    rows = [json.loads(line) for line in (tmp_path / "dist/drawn/data.jsonl").read_text().splitlines()]
    assert sorted(row["kind"] for row in rows) == ["a", "a", "b", "b"]
