"""What stands of the decisions at a gate: row by row, reviewer by reviewer, kept up with the file as it grows."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np

from . import decisions as decided
from .decisions import Decision, Decisions
from .gates import Gate, read_gate
from .settle import DECIDING, OPEN, Settled, Stand, current, settle, stand
from .workspace import decisions_of

IS_OPEN, DIFFERS, IS_DECIDED = range(3)
#: kinds after which a reviewer is not asked about a row again
_SEEN = frozenset((*DECIDING, "skip"))
_CODE = {"open": IS_OPEN, "differ": DIFFERS, "decided": IS_DECIDED}


class Standing:
    """The decisions at a gate of a run, up to date at every question. `order`: positions of rows as they are asked about."""

    def __init__(self, run: Path, step: str, decisions: Path | None = None) -> None:
        self.run, self.step = run, step
        self.gate: Gate = read_gate(run, step)
        self.setup = self.gate.setup
        self.path = decisions or decisions_of(run)
        self.reviewers: tuple[str, ...] = ()
        self._lock = threading.RLock()
        self._stamp: tuple[int, int] | None = None
        self._order = self.gate.order()
        self._forget()
        self.refresh()

    def _forget(self) -> None:
        self._told = 0
        self._undone: set[str] = set()
        self._by_row: dict[str, list[Decision]] = {}
        self._settled: dict[int, Settled] = {}
        self._status = np.zeros(self.gate.height, np.uint8)
        self._seen: dict[str, np.ndarray] = {}
        self._by_who: dict[str, list[Decision]] = {}
        self._keys: dict[str, Decision] = {}
        self._closed = False
        self._last: Decisions | None = None

    def refresh(self) -> None:
        """Take in what was decided since; costs a `stat` where nothing was."""
        with self._lock:
            try:
                status = os.stat(self.path)
                stamp = (status.st_mtime_ns, status.st_size)
            except FileNotFoundError:
                stamp = (0, 0)
            if stamp != self._stamp:
                self._take(decided.read(self.path))
                self._stamp = stamp

    def _take(self, found: Decisions) -> None:
        if self._last is not None and found.told[: self._told] != self._last.told:
            self._forget()  # the file was changed by hand
        touched: set[str] = set()
        for one in found.told[self._told :]:
            if one.kind == "undo" and one.undoes is not None:
                self._undone.add(one.undoes)
                undone = self._keys.get(one.undoes)
                touched |= {undone.row} if undone is not None and undone.row is not None else set()
            if one.step != self.step:
                continue
            self._keys[one.key] = one
            if one.row is not None:
                self._by_row.setdefault(one.row, []).append(one)
                touched.add(one.row)
            if one.kind != "undo":
                self._by_who.setdefault(one.who, []).append(one)
        self._told, self._last, self._closed = len(found.told), found, found.closed(self.step)
        for row in touched:
            self._resettle(row)

    def _resettle(self, row: str) -> None:
        index = self.gate.index(row)
        if index is None:
            return
        standing = self._standing(row, index)
        settled = settle(standing, self.setup.reviewers, self.setup.consensus)
        self._settled[index] = settled
        self._status[index] = _CODE[settled.status]
        for mask in self._seen.values():
            mask[index] = False
        for one in standing:
            if one.round is None and one.kind in _SEEN:
                self._mask(one.who)[index] = True

    def _mask(self, who: str) -> np.ndarray:
        """(n,) bool: the rows this reviewer has decided on or skipped."""
        return self._seen.setdefault(who, np.zeros(self.gate.height, np.bool_))

    def _standing(self, row: str, index: int | None = None) -> list[Decision]:
        """The decisions on a row that stand and are about what it says now."""
        told = [d for d in self._by_row.get(row, ()) if d.kind != "undo" and d.key not in self._undone]
        return current(told, None if index is None else self.gate.content(index))

    def standing(self, row: str) -> list[Decision]:
        """The decisions on a row that stand, in order."""
        self.refresh()
        with self._lock:
            return self._standing(row, self.gate.index(row))

    def version(self, row: str) -> int:
        """How many decisions were told of a row, undone ones too."""
        self.refresh()
        return len(self._by_row.get(row, ()))

    def settled(self, row: str) -> Settled:
        """What a row's decisions come to."""
        self.refresh()
        index = self.gate.index(row)
        return OPEN if index is None else self._settled.get(index, OPEN)

    def met(self) -> bool:
        """Whether the gate has nothing to wait for: it is closed, or every row is decided."""
        self.refresh()
        return self._closed or bool((self._status == IS_DECIDED).all())

    def undecided(self, limit: int | None = None) -> list[str]:
        """The ids of the rows that are not decided, in the queue's order; disagreements too."""
        self.refresh()
        places = np.flatnonzero(self._status[self._order] != IS_DECIDED)[:limit]
        return self.gate.ids(self._order[places])

    def disagreements(self, limit: int | None = None) -> list[str]:
        """The ids of the rows that wait for somebody's last word, in the queue's order."""
        self.refresh()
        places = np.flatnonzero(self._status[self._order] == DIFFERS)[:limit]
        return self.gate.ids(self._order[places])

    def people(self) -> list[str]:
        """Everybody who decided anything here, and everybody who is to."""
        self.refresh()
        return list(dict.fromkeys([*self.reviewers, *self._by_who]))

    def stands(self) -> dict[str, dict[str, Stand]]:
        """Row → reviewer → what they say of it, of rows of the gate; without repeats and known answers."""
        self.refresh()
        found: dict[str, dict[str, Stand]] = {}
        for row in list(self._by_row):
            index = self.gate.index(row)
            by: dict[str, list[Decision]] = {}
            for one in [] if index is None else self._standing(row, index):
                if one.round is None:
                    by.setdefault(one.who, []).append(one)
            said = {who: told for who, some in by.items() if (told := stand(some)) is not None}
            if said:
                found[row] = said
        return found

    def told(self, who: str | None = None) -> list[Decision]:
        """The decisions of this gate that stand, all or one reviewer's, in order; those of all rounds."""
        self.refresh()
        names = [who] if who is not None else list(self._by_who)
        found = [d for name in names for d in self._by_who.get(name, ()) if d.key not in self._undone]
        if who is None and self._last is not None:
            place = {d.key: k for k, d in enumerate(self._last.told)}
            found.sort(key=lambda d: place[d.key])
        return found
