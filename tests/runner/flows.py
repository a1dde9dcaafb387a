"""Flows of rows for tests, without sources: a base partition per frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, change, drop, merge
from tamis.core.step import Reasons, RowStep, TableStep
from tamis.engine.executor import LocalExecutor
from tamis.engine.stage import PartState
from tamis.engine.store import write_frame
from tamis.recipe.model import Recipe
from tamis.runner.run import Flow, Judge
from tamis.runs.decisions import Decisions, Prefix
from tamis.runs.workspace import Workspace
from tamis.testing import rows_frame


class Upper(RowStep):
    """Upper-cases the response."""

    seen: ClassVar[list[int]] = []

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def judge(self, rows: Columns) -> Verdict:
        Upper.seen.append(rows.height)
        new = rows["messages"].list.eval(pl.element().struct.with_fields(pl.field("content").str.to_uppercase()))
        return change(messages=new)


class Holds(RowStep):
    """Drops rows whose response holds a word."""

    reasons: ClassVar[Reasons] = {"holds": "the word stands in the text"}
    seen: ClassVar[list[int]] = []
    word: str = Field("x", description="the word")

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def judge(self, rows: Columns) -> Verdict:
        Holds.seen.append(rows.height)
        text = rows.text("response")
        return drop("holds", when=text.str.contains(self.word, literal=True), length=text.str.len_chars())


class Brittle(RowStep):
    """Fails on a batch that holds the word."""

    word: str = Field("boom", description="the word")

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def judge(self, rows: Columns) -> Verdict:
        if rows.text("response").str.contains(self.word, literal=True).any():
            raise ValueError("cannot read this")
        return Verdict()


class Same(TableStep):
    """Merges rows with the same response into the first."""

    reasons: ClassVar[Reasons] = {"same": "the response stands earlier"}
    sets: ClassVar[tuple[str, ...]] = ("order",)
    decided: ClassVar[list[int]] = []

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        return {"hash": rows.text("response").hash(7)}

    def decide(self, table: Table) -> Verdict:
        Same.decided.append(table.height)
        hashes = table["hash"]
        first: dict[int, int] = {}
        into = [first.setdefault(h, i) for i, h in enumerate(hashes.to_list())]
        targets = pl.Series([None if t == i else t for i, t in enumerate(into)], dtype=pl.Int64)
        return merge("same", into=targets).change(order=pl.Series(range(table.height), dtype=pl.Int64))


def make_states(folder: Path, parts: list[list[dict[str, Any]]]) -> list[PartState]:
    """One base partition for each list of rows; ids count up from 1."""
    states, next_id = [], 1
    for number, rows in enumerate(parts):
        frame = rows_frame(rows)
        n = frame.height
        lineage = pl.DataFrame(
            {
                "id.high": pl.Series(np.arange(next_id, next_id + n), dtype=pl.UInt64),
                "id.low": pl.Series(np.zeros(n), dtype=pl.UInt64),
                "at.file": pl.Series(np.zeros(n), dtype=pl.UInt32),
                "at.line": pl.Series(np.arange(1, n + 1), dtype=pl.UInt64),
            }
        )
        next_id += n
        stored = write_frame(folder / f"base-{number}.parquet", pl.concat([lineage, frame], how="horizontal"))
        columns = (*lineage.columns, *frame.columns)
        states.append(PartState(stored, n, "rows", stored.xxh3, columns, (), {}, np.ones(n, np.bool_)))
    return states


def judge(
    folder: Path, steps: list[Any], states: list[PartState], *, workers: int = 1, decisions: list[Any] | None = None
) -> Flow:
    """Take states through steps."""
    recipe = Recipe.model_construct(
        tamis=1, name="t", seed=1, max_quarantined=0.5, sources=(), steps=tuple(steps), deliver=()
    )
    workspace = Workspace(folder)
    workspace.prepare()
    with LocalExecutor(workers) as executor:
        flow = Flow(list(states), list(range(len(states))))
        return Judge(recipe, workspace, executor, Decisions(tuple(decisions or ()), Prefix(0, ""))).run(flow)


def responses(flow: Flow) -> list[str]:
    """The responses of the live rows, in order."""
    from tamis.engine.frame import Frame

    found: list[str] = []
    for state in flow.states:
        reader = state.reader()
        frame = Frame(state.rows, reader.names, reader.read)
        found += frame.text("response").filter(pl.Series(state.live)).to_list()
    return found
