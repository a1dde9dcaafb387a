"""Gates: what people decided is applied; what they have not decided stops the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tamis.core.row import id_pair, id_text
from tamis.core.step import GateStep
from tamis.engine.judge import DROPPED, HELD, KEPT
from tamis.engine.rescue import content_hash, find_ids, rows_of
from tamis.engine.stage import Call
from tamis.runs.decisions import Decision, Decisions

from .account import Account
from .table import Gathered, Scattered


@dataclass(frozen=True)
class GateAsk:
    """A gate that waits: what it asks, how many rows it asked about, how many are decided."""

    step: str
    question: str
    asked: int
    decided: int
    rows: tuple[str, ...]


def ask_people(
    call: Call, parts: Sequence[Gathered], scattered: Sequence[Scattered], decisions: Decisions, account: Account
) -> GateAsk | None:
    """Apply the decisions to the rows the gate holds; returns what it still waits for, None where it is open."""
    step = call.step
    assert isinstance(step, GateStep)
    slugs = list(step.reasons)
    made = decisions.rows(step.name, ("accept", "reject"))
    asked = sum(int((one.outcome == HELD).sum()) for one in scattered)
    for part, one in zip(parts, scattered, strict=True):
        if made and (one.outcome == HELD).any():
            account.stale += _apply(part, one, made, slugs.index("rejected"))
    undecided = sum(int((one.outcome == HELD).sum()) for one in scattered)
    if undecided and not decisions.closed(step.name):
        return GateAsk(step.name, step.question_text(), asked, asked - undecided, _undecided_ids(parts, scattered))
    if undecided and step.undecided != "hold":
        for one in scattered:
            open_rows = one.outcome == HELD
            one.outcome[open_rows] = KEPT if step.undecided == "keep" else DROPPED
            one.reason[open_rows] = -1 if step.undecided == "keep" else slugs.index("undecided")
    return None


def _apply(part: Gathered, one: Scattered, made: dict[str, Decision], rejected: int) -> int:
    """Apply decisions to one partition; returns how many are stale."""
    ids = {id_pair(row): decision for row, decision in made.items()}
    found = {row: pair for row, pair in find_ids(part.state, ids).items() if one.outcome[row] == HELD}
    if not found:
        return 0
    rows = np.array(sorted(found), np.int64)
    stale = 0
    for row, record in zip(rows.tolist(), rows_of(part.state, rows), strict=True):
        decision = ids[found[row]]
        if decision.content is not None and decision.content != content_hash(record):
            stale += 1
        elif decision.kind == "accept":
            one.outcome[row], one.reason[row] = KEPT, -1
        else:
            one.outcome[row], one.reason[row] = DROPPED, rejected
    return stale


def _undecided_ids(parts: Sequence[Gathered], scattered: Sequence[Scattered], limit: int = 10_000) -> tuple[str, ...]:
    """The ids of the rows that wait, in row order, at most `limit`."""
    found: list[str] = []
    for part, one in zip(parts, scattered, strict=True):
        rows = np.flatnonzero(one.outcome == HELD)[: limit - len(found)]
        if len(rows):
            reader = part.state.reader()
            high, low = reader.read("id.high").to_numpy()[rows], reader.read("id.low").to_numpy()[rows]
            found += [id_text(int(h), int(l)) for h, l in zip(high, low, strict=True)]
        if len(found) >= limit:
            break
    return tuple(found)
