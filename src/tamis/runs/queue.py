"""The queue of a gate: which row a reviewer sees next, what they decide, how far it is. Reads a run, appends decisions.

No web and no terminal here: both call this. All methods may be called from several threads.
"""

from __future__ import annotations

import hashlib
import secrets
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import Conflict, UsageError
from tamis.engine.allocate import seeded_order
from tamis.engine.frame import find_column
from tamis.engine.rescue import content_hash

from . import decisions as decided
from .decisions import Decision, Decisions, check_kind
from .fits import check_decision
from .ledger import Ledger
from .reviewing import Known
from .rows import RunRows
from .settle import DECIDING, OPEN, Settled
from .standing import DIFFERS, IS_DECIDED, IS_OPEN, Standing

#: decisions a reviewer makes between a row and its repeat, while there are others
REPEAT_AFTER = 20
#: seconds for which a row shown to one reviewer is not given to another
LEASE = 300.0


@dataclass(frozen=True)
class Card:
    """One row as a reviewer sees it. round: to be given back with the decision, and not shown.

    version: how many decisions were told of it; record: its columns at the gate, without those hidden from reviewers;
    mine: the reviewer's own decisions that stand; others: everybody's, empty until the row waits for a last word.
    """

    row: str
    version: int
    round: str | None
    record: Mapping[str, Any]
    content: str | None
    mine: tuple[Decision, ...] = ()
    others: tuple[Decision, ...] = ()
    settled: Settled = OPEN


@dataclass(frozen=True)
class Progress:
    """How far a queue is. Rows: `asked` = `decided` + `differing` + `open`; `mine`: decided by the reviewer asked about,
    `left`: rows that wait for them. Seconds: the median a row, and what is left of that; None where no time was kept."""

    asked: int
    decided: int
    differing: int
    open: int
    mine: int
    left: int
    skipped: int
    median_seconds: float | None
    seconds_left: float | None
    closed: bool


class Queue(Standing):
    """The rows that a gate of a run asks about, and the decisions on them.

    decisions: the file, by default the workspace's own. reviewers: the people who share the rows; each row goes to as many
    of them as the gate wants, the same ones whenever asked. Without them everybody sees every row until it is decided.
    """

    def __init__(self, run: Path, step: str, *, decisions: Path | None = None, reviewers: Sequence[str] = ()) -> None:
        super().__init__(run, step, decisions)
        self.reviewers = tuple(dict.fromkeys(reviewers))
        self.known: dict[str, Known] = {one.row: one for one in self.gate.calibration}
        self._rows: RunRows | None = None
        self._leases: dict[int, dict[str, float]] = {}
        self._assigned = self._shares()

    # -- which row is next --------------------------------------------------------------------

    def _shares(self) -> dict[str, NDArray[np.bool_]]:
        """Reviewer → (n,) bool, the rows assigned to them: each row's first reviewers by a hash of seed, row and name."""
        wanted, people = self.setup.reviewers, self.reviewers
        if len(people) <= wanted:
            return {}
        words = [
            seeded_order(self.gate.seed ^ _number("reviewer", who), self.gate.high, self.gate.low) for who in people
        ]
        ranks = np.argsort(np.argsort(np.stack(words), axis=0, kind="stable"), axis=0, kind="stable")
        return {who: ranks[k] < wanted for k, who in enumerate(people)}

    def next(self, who: str, limit: int = 1, *, every: bool = False) -> list[Card]:
        """The rows a reviewer decides on next: known answers first, then the queue with its repeats, then what they skipped.

        every: also rows assigned to others. A row shown is kept for the reviewer for some minutes.
        """
        self.refresh()
        with self._lock:
            chosen: list[tuple[str, str | None]]
            if known := self._uncalibrated(who):
                chosen = [(row, "calibration") for row in known]
            else:
                fresh = self._fresh(who, limit, every)
                again = self._repeats(who, bool(fresh))[:1]
                chosen = [*((row, "repeat") for row in again), *((row, None) for row in fresh)]
            return [self.card(row, who, round=round_) for row, round_ in chosen[:limit]]

    def _uncalibrated(self, who: str) -> list[str]:
        done = {d.row for d in self.told(who) if d.round == "calibration"}
        return [row for row in self.known if row not in done]

    def _waits_for(self, who: str, *, every: bool = False) -> NDArray[np.bool_]:
        """(n,) bool: rows that are open, not seen by the reviewer, and theirs."""
        mask: NDArray[np.bool_] = (self._status == IS_OPEN) & ~self._mask(who)
        return mask & self._assigned[who] if who in self._assigned and not every else mask

    def _fresh(self, who: str, limit: int, every: bool) -> list[str]:
        now = time.monotonic()
        for places in (np.flatnonzero(self._waits_for(who, every=every)[self._order]), self._skipped(who)):
            found: list[int] = []
            for place in places:
                index = int(self._order[place])
                leases = {name: end for name, end in self._leases.get(index, {}).items() if end > now}
                others = set(leases) - {who}
                if len(others | set(self._settled.get(index, OPEN).who)) >= self.setup.reviewers:
                    continue
                self._leases[index] = {**leases, who: now + LEASE}
                found.append(index)
                if len(found) == limit:
                    break
            if found:
                return self.gate.ids(np.array(found))
        return []

    def _skipped(self, who: str) -> NDArray[np.intp]:
        """Where in the order the rows stand that the reviewer skipped and that are still open."""
        last = {d.row: d.kind for d in self.told(who) if d.round is None and d.kind in (*DECIDING, "skip")}
        rows = [self.gate.index(row) for row, kind in last.items() if kind == "skip" and row is not None]
        mask = np.zeros(self.gate.height, np.bool_)
        mask[[index for index in rows if index is not None]] = True
        return np.flatnonzero((mask & (self._status == IS_OPEN))[self._order])

    def _repeats(self, who: str, others: bool) -> list[str]:
        """Rows to ask this reviewer again; while there are other rows, only some decisions after the first time."""
        if not self.setup.repeat:
            return []
        mine = [d for d in self.told(who) if d.kind in DECIDING]
        again = {d.row for d in mine if d.round == "repeat"}
        first = list(dict.fromkeys(d.row for d in mine if d.round is None and d.row is not None))
        due = (
            first[: len(first) - REPEAT_AFTER] if others and len(first) > REPEAT_AFTER else [] if others else first[:-1]
        )
        return [row for row in due if row not in again and self._asked_twice(row, who)]

    def _asked_twice(self, row: str, who: str) -> bool:
        return _number("repeat", self.gate.seed, row, who) < self.setup.repeat * 2**64

    # -- one row ------------------------------------------------------------------------------

    def card(self, row: str, who: str, *, round: str | None = None, reveal: bool = False) -> Card:
        """A row as a reviewer sees it. reveal: with the hidden columns and what all others said, for who has the last word."""
        self.refresh()
        known = self.known.get(row)
        if known is not None and known.text is not None:
            return Card(row, self.version(row), "calibration", {"text": known.text}, None)
        index = self.gate.index(row)
        record, content = self._record(row, index)
        settled = OPEN if index is None else self._settled.get(index, OPEN)
        standing = self._standing(row, index)
        if not reveal:
            hidden = {_found(name, list(record)) for name in self.setup.blind}
            record = {name: value for name, value in record.items() if name not in hidden}
        mine = () if round == "repeat" else tuple(d for d in standing if d.who == who and d.round == round)
        others = tuple(standing) if reveal or (settled.status == "differ" and who in settled.who) else ()
        return Card(row, self.version(row), round, record, content, mine, others, settled)

    def _record(self, row: str, index: int | None) -> tuple[dict[str, Any], str]:
        """A row's columns before the gate, as people may be told of them, and the hash of what it really says."""
        if self._rows is None:
            self._rows = RunRows(self.run)
            names = [step["name"] for step in Ledger(self.run).steps]
            self._before = names[: names.index(self.step)]
        if index is None:
            found = Ledger(self.run).find(row)
            if len(found) != 1:
                raise UsageError(f"no row {row!r} in {self.run}", hint="tamis why TEXT finds ids")
            partition, place = found[0].partition, found[0].row
        else:
            partition, place = self.gate.place(index)
        record = self._rows.records(partition, [place], steps=self._before)[0]
        content = content_hash(record)
        if self._rows.privacy:
            record = self._rows.told(partition, [place], steps=self._before)[0]
        return {k: v for k, v in record.items() if not k.startswith(("id.", "at."))}, content

    # -- deciding -----------------------------------------------------------------------------

    def decide(
        self,
        who: str,
        row: str,
        kind: str,
        *,
        value: Any = None,
        reason: str | None = None,
        why: str | None = None,
        seconds: float | None = None,
        round: str | None = None,
        content: str | None = None,
        expected_version: int | None = None,
    ) -> Decision:
        """Append one decision durably. UsageError where it does not fit the gate.

        content: the hash on the card (else the row's own now); expected_version: the card's. Conflict where others decided
        on the row since; nothing is appended then.
        """
        known = self.known.get(row)
        index = self.gate.index(row)
        if index is None and known is None:
            raise UsageError(f"gate {self.step!r} does not ask about row {row!r}")
        if content is None and (known is None or known.text is None):
            content = self._record(row, index)[1]
        made = Decision(
            check_kind(kind), self.step, row, content, reason, who, why=why, value=value, round=round, seconds=seconds
        )
        check_decision(self.gate, made)
        return self._append([made], {} if expected_version is None else {row: expected_version})[0]

    def decide_many(
        self, who: str, rows: Sequence[str], kind: str, *, value: Any = None, reason: str | None = None,
        why: str | None = None, expected_versions: Mapping[str, int] | None = None,
    ) -> list[Decision]:  # fmt: skip
        """One decision for many rows, in one append; `undo` takes them back together."""
        act = secrets.token_hex(8)
        made = []
        for number, row in enumerate(rows):
            index = self.gate.index(row)
            if index is None:
                raise UsageError(f"gate {self.step!r} does not ask about row {row!r}")
            content = self._record(row, index)[1] if len(rows) <= _FEW else None
            key = f"{act}.{number}"
            made.append(Decision(check_kind(kind), self.step, row, content, reason, who, why=why, value=value, key=key))
        for one in made[:1]:
            check_decision(self.gate, one)
        return self._append(made, expected_versions or {})

    def undo(self, who: str, count: int = 1) -> list[Decision]:
        """Take back this reviewer's last acts on any rows, newest first; returns what does not stand any more.

        An act is a decision, or all decisions of one `decide_many`.
        """
        mine = self.told(who)
        taken: list[Decision] = []
        for _ in range(count):
            if not mine:
                break
            act = mine[-1].key.split(".")[0]
            taken += [d for d in reversed(mine) if d.key.split(".")[0] == act]
            mine = [d for d in mine if d.key.split(".")[0] != act]
        self._append([Decision("undo", self.step, d.row, who=who, undoes=d.key) for d in taken], {})
        for one in taken:  # who took it back sees it again, and nobody else meanwhile
            index = None if one.row is None else self.gate.index(one.row)
            if index is not None:
                self._leases[index] = {who: time.monotonic() + LEASE}
        return taken

    def _append(self, made: Sequence[Decision], versions: Mapping[str, int]) -> list[Decision]:
        def unchanged(found: Decisions) -> None:
            with self._lock:
                self._take(found)
                for row, version in versions.items():
                    said = self._by_row.get(row, [])
                    if len(said) != version:
                        last = said[-1]
                        raise Conflict(
                            f"{last.who} said {last.kind!r} of row {row} meanwhile; nothing was added",
                            hint="look at the row again",
                        )

        if not made:
            return []
        done = decided.append(self.path, made, check=unchanged)
        self.refresh()
        return done

    # -- how far ------------------------------------------------------------------------------

    def progress(self, who: str | None = None) -> Progress:
        """How far the gate is, and one reviewer."""
        self.refresh()
        with self._lock:
            counts = np.bincount(self._status, minlength=3)
            mine = self.told(who)
            here = [d for d in mine if d.round is None]
            kinds = {d.row: d.kind for d in here if d.kind in (*DECIDING, "skip")}
            done = sum(kind != "skip" for kind in kinds.values())
            waits = self._waits_for(who) if who is not None else self._status == IS_OPEN
            left = int(waits.sum()) + (len(self._skipped(who)) if who is not None else 0)
            times = [d.seconds for d in mine if d.seconds is not None and d.kind in DECIDING]
            median = statistics.median(times) if times else None
            return Progress(
                self.gate.height, int(counts[IS_DECIDED]), int(counts[DIFFERS]), int(counts[IS_OPEN]), done, left,
                sum(kind == "skip" for kind in kinds.values()), median, None if median is None else median * left,
                self._closed,
            )  # fmt: skip


#: rows of one bulk decision whose content is hashed, so that it is asked again when a row changes
_FEW = 1000


def _number(*parts: Any) -> int:
    """A whole number below 2**64 that follows from the parts alone."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest())


def _found(name: str, names: Sequence[str]) -> str:
    try:
        return find_column(name, names)
    except UsageError:
        return name
