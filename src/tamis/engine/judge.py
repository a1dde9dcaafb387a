"""From a step's verdict to one outcome per row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import StepError, did_you_mean
from tamis.core.outcome import Verdict
from tamis.core.row import RESERVED
from tamis.core.step import Step

KEPT, DROPPED, MERGED, HELD, QUARANTINED = range(5)
CODES = ("kept", "dropped", "merged", "held", "quarantined")


@dataclass
class Judged:
    """One outcome per row judged.

    outcome: (n,) uint8, an index into CODES; reason: (n,) int8, an index into the step's reasons, -1
    where kept; into: (n,) int64 or None, the position of the survivor; not_applicable: (n,) bool;
    evidence: figures by name; changed: (n,) bool; changes: whole new columns by full name; copies: (n,) int64 or None, how
    often a row is born again, 0 where it does not stay.
    """

    outcome: NDArray[np.uint8]
    reason: NDArray[np.int8]
    not_applicable: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    evidence: dict[str, pl.Series]
    changes: dict[str, pl.Series]
    into: NDArray[np.int64] | None = None
    copies: NDArray[np.int64] | None = None


def resolve(
    step: Step, verdict: Verdict, *, height: int, before: dict[str, pl.Series | None], not_applicable: NDArray[np.bool_]
) -> Judged:
    """The outcome of each row. `before` holds the old values of the columns the verdict changes."""
    slugs = list(step.reasons)
    outcome = np.zeros(height, np.uint8)
    reason = np.full(height, -1, np.int8)
    into: NDArray[np.int64] | None = None
    for clause in verdict.clauses:
        if clause.reason not in step.reasons:
            raise StepError(
                f"step {step.name!r} gives the undeclared reason {clause.reason!r}; {did_you_mean(clause.reason, slugs)}"
            )
        _check_length(step, "when", clause.when, height)
        when = clause.when.fill_null(False) if clause.when.null_count() else clause.when
        hit = when.to_numpy() & (outcome == KEPT) & ~not_applicable
        outcome[hit] = MERGED if clause.into is not None else HELD if clause.held else DROPPED
        reason[hit] = slugs.index(clause.reason)
        if clause.into is not None:
            if into is None:
                into = np.full(height, -1, np.int64)
            targets = clause.into.cast(pl.Int64).fill_null(-1).to_numpy()
            into[hit] = targets[hit]
    for name, column in verdict.evidence.items():
        _check_length(step, name, column, height)
    evidence = dict(verdict.evidence)
    if verdict.failures is not None:
        _check_length(step, "failures", verdict.failures, height)
        failed = verdict.failures.is_not_null().to_numpy()
        if failed.any():
            outcome[failed], reason[failed] = QUARANTINED, -1
            evidence["error"] = verdict.failures
    changed = np.zeros(height, np.bool_)
    changes: dict[str, pl.Series] = {}
    for name, column in verdict.changes.items():
        _check_length(step, name, column, height)
        full = change_name(step, name)
        old = before.get(full)
        changes[full] = column if column.name == full else column.alias(full)
        if old is None:
            changed[:] = True
        elif column is not old and verdict.changed is None:
            changed |= column.ne_missing(old).to_numpy()
    if verdict.changed is not None and changes:
        _check_length(step, "changed", verdict.changed, height)
        changed |= verdict.changed.fill_null(False).to_numpy()
    copies = None
    if verdict.copies is not None:
        _check_length(step, "copies", verdict.copies, height)
        copies = np.where(outcome == KEPT, verdict.copies.cast(pl.Int64).fill_null(0).to_numpy(), 0)
    return Judged(outcome, reason, not_applicable, changed, evidence, changes, into, copies)


def _check_length(step: Step, what: str, column: object, height: int) -> None:
    if not isinstance(column, pl.Series):
        raise StepError(f"step {step.name!r}: {what!r} is a {type(column).__name__}, not a polars.Series")
    if len(column) != height:
        raise StepError(f"step {step.name!r}: {what!r} has {len(column)} values for {height} rows")


def absent_views(step: Step, frame: object) -> NDArray[np.bool_]:
    """(n,) bool: rows for which every view the step reads is null; the step does not apply to them."""
    from .frame import Frame

    assert isinstance(frame, Frame)
    views = step.views()
    absent = np.full(frame.height, bool(views), np.bool_)
    for view in views:
        absent &= ~frame.present(view)
    return absent


def change_name(step: Step, name: str) -> str:
    """The full name of a column a step sets: reserved and source columns as they are, its own with its id."""
    theirs = step.rewrites and "." in name
    return name if theirs or name in RESERVED or name.startswith("source.") else f"{step.name}.{name}"
