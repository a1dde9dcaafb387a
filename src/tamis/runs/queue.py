"""The queue of a gate: which row a reviewer sees next, what they decide, how far it is. Reads a run, appends decisions.

No web and no terminal here: both call this. All methods may be called from several threads.
"""

from __future__ import annotations

import hashlib
import secrets
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import Conflict, UsageError
from tamis.engine.allocate import seeded_order
from tamis.engine.frame import find_column
from tamis.engine.rescue import content_hash
from tamis.engine.reviewing import Known, Order

from . import decisions as decided
from .decisions import Decision, Decisions, check_kind
from .fits import check_decision
from .ledger import Ledger
from .rows import RunRows
from .settle import DECIDING, OPEN, Settled
from .standing import DIFFERS, IS_DECIDED, IS_OPEN, Standing

#: decisions a reviewer makes between a row and its repeat, while there are others
REPEAT_AFTER = 20
#: seconds for which a row shown to one reviewer is not given to another
LEASE = 300.0

#: row → its columns, and the hash of what it says
Records = dict[str, tuple[dict[str, Any], str]]


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
        self._orders: dict[Order, NDArray[np.int64]] = {self.setup.order: self._order}
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

    def next(self, who: str, limit: int = 1, *, every: bool = False, order: Order | None = None) -> list[Card]:
        """The rows a reviewer decides on next: known answers first, then the queue with its repeats, then what they skipped.

        every: also rows assigned to others; order: another than the gate's. A row
        shown is kept for the reviewer for some minutes.
        """
        self.refresh()
        with self._lock:
            chosen: list[tuple[str, str | None]]
            if known := self._uncalibrated(who):
                chosen = [(row, "calibration") for row in known]
            else:
                fresh = self._fresh(who, limit, every, order or self.setup.order)
                again = self._repeats(who, bool(fresh))[:1]
                chosen = [*((row, "repeat") for row in again), *((row, None) for row in fresh)]
            read = self._records([row for row, _ in chosen[:limit]])
            return [self._card(row, who, read, round_) for row, round_ in chosen[:limit]]

    def _uncalibrated(self, who: str) -> list[str]:
        done = {d.row for d in self.told(who) if d.round == "calibration"}
        return [row for row in self.known if row not in done]

    def _waits_for(self, who: str, *, every: bool = False) -> NDArray[np.bool_]:
        """(n,) bool: rows that are open, not seen by the reviewer, and theirs."""
        mask: NDArray[np.bool_] = (self._status == IS_OPEN) & ~self._mask(who)
        return mask & self._assigned[who] if who in self._assigned and not every else mask

    def _fresh(self, who: str, limit: int, every: bool, order: Order) -> list[str]:
        now = time.monotonic()
        if order not in self._orders:
            self._orders[order] = self.gate.order(order)
        places = self._orders[order]
        for mask in (self._waits_for(who, every=every), self._skipped(who)):
            found: list[int] = []
            for index in places[mask[places]].tolist():
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

    def _skipped(self, who: str) -> NDArray[np.bool_]:
        """(n,) bool: the rows that the reviewer skipped and that are still open."""
        last = {d.row: d.kind for d in self.told(who) if d.round is None and d.kind in (*DECIDING, "skip")}
        rows = [self.gate.index(row) for row, kind in last.items() if kind == "skip" and row is not None]
        mask: NDArray[np.bool_] = np.zeros(self.gate.height, np.bool_)
        mask[[index for index in rows if index is not None]] = True
        mask &= self._status == IS_OPEN
        return mask

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
        return self.cards([row], who, round=round, reveal=reveal)[0]

    def cards(self, rows: Sequence[str], who: str, *, round: str | None = None, reveal: bool = False) -> list[Card]:
        """Several of them: each partition's columns are read once."""
        self.refresh()
        read = self._records(rows)
        return [self._card(row, who, read, round, reveal) for row in rows]

    def _card(self, row: str, who: str, read: Records, round: str | None, reveal: bool = False) -> Card:
        if row not in read:
            text = self.known[row].text
            return Card(row, self.version(row), "calibration", {"text": text}, None)
        index = self.gate.index(row)
        record, content = read[row]
        settled = OPEN if index is None else self._settled.get(index, OPEN)
        standing = self._standing(row, index)
        if not reveal:
            hidden = {_found(name, list(record)) for name in self.setup.blind}
            record = {name: value for name, value in record.items() if name not in hidden}
        mine = () if round == "repeat" else tuple(d for d in standing if d.who == who and d.round == round)
        others = tuple(standing) if reveal or (settled.status == "differ" and who in settled.who) else ()
        return Card(row, self.version(row), round, record, content, mine, others, settled)

    def _reader(self) -> tuple[RunRows, list[str]]:
        """Who reads rows, and the steps before the gate."""
        if self._rows is None:
            self._ledger = Ledger(self.run)
            names = [step["name"] for step in self._ledger.steps]
            self._before = names[: names.index(self.step)]
            self._rows = RunRows(self.run)
        return self._rows, self._before

    def _records(self, rows: Sequence[str]) -> Records:
        """Row → its columns before the gate, as people may be told of them, and the hash of what it really says. Known answers
        that bring their own text have none."""
        reader, before = self._reader()
        places: dict[int, dict[int, str]] = {}
        for row in rows:
            known = self.known.get(row)
            if known is None or known.text is None:
                partition, place = self._place(row)
                places.setdefault(partition, {})[place] = row
        found: Records = {}
        for partition, named in places.items():
            some = list(named)
            records = reader.records(partition, some, steps=before)
            told = reader.told(partition, some, steps=before) if reader.veils(before) else records
            for place, record, shown in zip(some, records, told, strict=True):
                own = {k: v for k, v in shown.items() if not k.startswith(("id.", "at."))}
                found[named[place]] = own, content_hash(record)
        return found

    def _place(self, row: str) -> tuple[int, int]:
        """The partition and the place in it of a row, asked about or not."""
        index = self.gate.index(row)
        if index is not None:
            return self.gate.place(index)
        found = self._ledger.find(row)
        if len(found) != 1:
            raise UsageError(f"no row {row!r} in {self.run}", hint="tamis why TEXT finds ids")
        return found[0].partition, found[0].row

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
        if content is None:
            content = self.contents([row])[row]
        made = Decision(
            check_kind(kind), self.step, row, content, reason, who, why=why, value=value, round=round, seconds=seconds
        )
        return self.decide_all(who, [made], {} if expected_version is None else {row: expected_version})[0]

    def decide_many(
        self,
        who: str,
        rows: Sequence[str],
        kind: str,
        *,
        value: Any = None,
        reason: str | None = None,
        why: str | None = None,
        expected_versions: Mapping[str, int] | None = None,
    ) -> list[Decision]:
        """One decision for many rows, as one act."""
        contents = self.contents(rows)
        made = [Decision(check_kind(kind), self.step, row, contents[row], reason, why=why, value=value) for row in rows]
        return self.decide_all(who, made, expected_versions)

    def decide_all(
        self, who: str, made: Sequence[Decision], expected_versions: Mapping[str, int] | None = None
    ) -> list[Decision]:
        """Any decisions, all or none, as one act: one append, and one `undo` takes them back together."""
        act = secrets.token_hex(8)
        named = [replace(one, who=who, step=self.step, key=f"{act}.{n}") for n, one in enumerate(made)]
        for one in named:
            if one.row is None or (one.row not in self.known and self.gate.index(one.row) is None):
                raise UsageError(f"gate {self.step!r} does not ask about row {one.row!r}")
            check_decision(self.gate, one)
        return self._append(named, expected_versions or {})

    def contents(self, rows: Sequence[str]) -> dict[str, str | None]:
        """Row → the hash of what it says. Rows of a partition are read together."""
        told: dict[str, str | None] = dict.fromkeys(rows)
        places: dict[int, list[tuple[str, int]]] = {}
        for row in told:
            index = self.gate.index(row)
            if index is not None:
                partition, place = self.gate.place(index)
                places.setdefault(partition, []).append((row, place))
        for partition, some in sorted(places.items()):
            reader, before = self._reader()
            records = reader.records(partition, [place for _, place in some], steps=before)
            told |= {row: content_hash(record) for (row, _), record in zip(some, records, strict=True)}
        return told

    def undo(self, who: str, count: int = 1, *, keys: Sequence[str] = ()) -> list[Decision]:
        """Take back this reviewer's last acts on any rows, newest first, or the decisions with these keys; returns them.

        An act is a decision, or all decisions of one `decide_many` or `decide_all`. UsageError where a key is not of a
        decision of theirs that stands.
        """
        mine = self.told(who)
        named = {d.key: d for d in mine}
        if missing := [key for key in keys if key not in named]:
            raise UsageError(f"no decision {missing[0]!r} of {who} stands at {self.step!r}")
        taken: list[Decision] = [named[key] for key in reversed(keys)]
        for _ in range(0 if keys else count):
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
            left = int(waits.sum()) + (int(self._skipped(who).sum()) if who is not None else 0)
            times = [d.seconds for d in mine if d.seconds is not None and d.kind in DECIDING]
            median = statistics.median(times) if times else None
            return Progress(
                self.gate.height, int(counts[IS_DECIDED]), int(counts[DIFFERS]), int(counts[IS_OPEN]), done, left,
                sum(kind == "skip" for kind in kinds.values()), median, None if median is None else median * left,
                self._closed,
            )  # fmt: skip


def _number(*parts: Any) -> int:
    """A whole number below 2**64 that follows from the parts alone."""
    return int.from_bytes(hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest())


def _found(name: str, names: Sequence[str]) -> str:
    try:
        return find_column(name, names)
    except UsageError:
        return name
