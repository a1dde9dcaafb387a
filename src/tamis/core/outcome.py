"""What a step says of its rows.

A `Verdict` is built from whole columns and read by the engine:

>>> import polars as pl
>>> length = pl.Series([1, 5, 40])
>>> verdict = drop("too_short", when=length < 2, length=length).drop("too_long", when=length > 30)
>>> [clause.reason for clause in verdict.clauses]
['too_short', 'too_long']
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

Outcome = Literal["kept", "dropped", "merged", "held", "quarantined", "born"]
OUTCOMES: tuple[Outcome, ...] = ("kept", "dropped", "merged", "held", "quarantined")


#: (first row, row after the last) -> (positions of the rows changed in between, ascending; their new values by column)
Changer = Callable[[int, int], tuple[pl.Series, dict[str, pl.Series]]]


@dataclass(frozen=True)
class Clause:
    """One condition of a verdict. Rows where `when` is true (null is false) leave for `reason`.

    `into`: for merges, the position, among the rows judged, of the row that stays; else None.
    """

    reason: str
    when: pl.Series
    into: pl.Series | None = None
    held: bool = False


@dataclass(frozen=True)
class Verdict:
    """Clauses (the first that holds wins), evidence (one column per figure) and changed columns.

    Every series has one value per row judged, in order. Evidence is kept for all rows, so that a
    threshold can be retuned without judging again; it is null where it says nothing.
    `changes` hold whole new columns; rows whose value is the same as before, or that `changed` (n,) bool names
    not, count as unchanged. `changer` makes changes of a few rows at a time, for a table step that rewrites texts.
    `copies` (n,) whole numbers: how often each row that stays is born again, as a copy; of table steps.
    `failures` (n,) String: rows that are quarantined, with the error; null for all others.
    `recordings`: what of `.tamis/recorded` the verdict rests on, as paths below it.
    """

    clauses: tuple[Clause, ...] = ()
    evidence: dict[str, pl.Series] = field(default_factory=dict)
    changes: dict[str, pl.Series] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    changed: pl.Series | None = None
    changer: Changer | None = None
    failures: pl.Series | None = None
    copies: pl.Series | None = None
    recordings: tuple[str, ...] = ()

    def drop(self, reason: str, *, when: pl.Series, **evidence: pl.Series) -> Verdict:
        """Also drop the rows where `when` holds."""
        clause = Clause(reason, when)
        return replace(self, clauses=(*self.clauses, clause), evidence={**self.evidence, **evidence})

    def merge(self, reason: str, *, into: pl.Series, **evidence: pl.Series) -> Verdict:
        """Also merge rows into others: `into` is the position of the survivor, null where the row stays."""
        clause = Clause(reason, into.is_not_null(), into=into)
        return replace(self, clauses=(*self.clauses, clause), evidence={**self.evidence, **evidence})

    def hold(self, reason: str, *, when: pl.Series, **evidence: pl.Series) -> Verdict:
        """Also hold the rows where `when` holds: they wait for people."""
        clause = Clause(reason, when, held=True)
        return replace(self, clauses=(*self.clauses, clause), evidence={**self.evidence, **evidence})

    def quarantine(self, errors: pl.Series) -> Verdict:
        """Also quarantine the rows for which `errors` says what went wrong; null where nothing did."""
        return replace(self, failures=errors)

    def repeat(self, copies: pl.Series) -> Verdict:
        """Also let rows that stay be born again, `copies` times each: null and 0 are none. For table steps."""
        return replace(self, copies=copies)

    def change(self, **columns: pl.Series) -> Verdict:
        """Also set columns. Names are reserved ones, or are prefixed with the step's id by the engine."""
        return replace(self, changes={**self.changes, **columns})

    def change_by(self, changer: Changer) -> Verdict:
        """Also set columns, made when they are written, some rows at a time. For table steps that rewrite texts."""
        return replace(self, changer=changer)

    def only(self, changed: pl.Series) -> Verdict:
        """Also say which rows the changes are about, where the step knows; else whole columns are compared."""
        return replace(self, changed=changed)

    def warn(self, message: str) -> Verdict:
        """Also tell people something about all rows. Warnings of table and birth steps are told."""
        return replace(self, warnings=(*self.warnings, message))

    def rests_on(self, *recordings: str) -> Verdict:
        """Also say which recordings it rests on. Those of table steps are told, and handed to later steps that ask."""
        return replace(self, recordings=(*self.recordings, *recordings))

    def note(self, **evidence: pl.Series) -> Verdict:
        """Also remember figures."""
        return replace(self, evidence={**self.evidence, **evidence})


def keep() -> Verdict:
    """Nothing leaves."""
    return Verdict()


def drop(reason: str, *, when: pl.Series, **evidence: pl.Series) -> Verdict:
    """Drop the rows where `when` holds, for `reason`; `evidence` says why."""
    return Verdict().drop(reason, when=when, **evidence)


def merge(reason: str, *, into: pl.Series, **evidence: pl.Series) -> Verdict:
    """Merge each row with a position in `into` into the row at that position."""
    return Verdict().merge(reason, into=into, **evidence)


def hold(reason: str, *, when: pl.Series, **evidence: pl.Series) -> Verdict:
    """Hold the rows where `when` holds, until people decide."""
    return Verdict().hold(reason, when=when, **evidence)


def change(**columns: pl.Series) -> Verdict:
    """Set columns."""
    return Verdict().change(**columns)
