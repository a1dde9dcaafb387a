"""Groups of copies as people want them: another row of a group stays, or rows of it are no copies at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import polars as pl

from tamis.core.fingerprint import fingerprint
from tamis.core.row import id_pair
from tamis.engine.judge import KEPT, MERGED
from tamis.engine.rescue import content_hash, find_ids, rows_of
from tamis.engine.stage import Call
from tamis.runs.decisions import Decision, Decisions

from .account import Account
from .table import Gathered, Scattered, survivors_told


class _Row(NamedTuple):
    """A row by its place: the partition, the row in it, and its line in the partition's evidence."""

    part: int
    row: int
    line: int


def regroup(
    call: Call, parts: Sequence[Gathered], scattered: Sequence[Scattered], decisions: Decisions, account: Account
) -> None:
    """Apply `swap` and `split` decisions on a step that merges, in the order they were made.

    A swapped row stays, and the row that stayed for its group is merged into it, with all others of the group. Of a split
    group all rows stay, or those named. What does not fit the groups as they are now is counted as stale.
    """
    made = [d for d in decisions.all if d.step == call.step.name and d.kind in ("swap", "split") and d.row is not None]
    if not made or not any(one.into is not None for one in scattered):
        return
    groups = _Groups(call, parts, scattered, made)
    for one in made:
        fits = groups.swap(one) if one.kind == "swap" else groups.split(one)
        account.stale += not fits
    account.rescued += groups.write()


class _Groups:
    """What is merged into what, as ids that can be changed."""

    def __init__(
        self, call: Call, parts: Sequence[Gathered], scattered: Sequence[Scattered], made: Iterable[Decision]
    ) -> None:
        self.parts, self.scattered, self.step = parts, scattered, call.step.name
        ids = [survivors_told(one) for one in scattered]
        self.into = [None if one is None else one.to_list() for one in ids]
        self.told: list[dict[int, str]] = [{} for _ in scattered]
        self.freed: set[_Row] = set()
        named: dict[str, None] = {}
        for one in made:
            value = one.value if isinstance(one.value, dict) else {}
            others = [value.get("instead_of"), *(value.get("rows") or ())]
            named |= dict.fromkeys(row for row in (one.row, *others) if isinstance(row, str) and len(row) == 32)
        self.places = self._places({id_pair(row): row for row in named})
        self.contents = self._contents({one.row for one in made if one.row is not None and one.content is not None})

    def _places(self, ids: dict[tuple[int, int], str]) -> dict[str, _Row]:
        found = {}
        for index, part in enumerate(self.parts):
            seen = self.scattered[index].evidence["row"].to_numpy()
            for row, pair in find_ids(part.state, ids).items():
                line = int(np.searchsorted(seen, row))
                if line < len(seen) and seen[line] == row:
                    found[ids[pair]] = _Row(index, row, line)
        return found

    def _contents(self, rows: set[str]) -> dict[str, str]:
        """What the rows that decisions name say now."""
        told: dict[str, str] = {}
        by_part: dict[int, list[tuple[int, str]]] = {}
        for row in rows & self.places.keys():
            by_part.setdefault(self.places[row].part, []).append((self.places[row].row, row))
        for index, some in by_part.items():
            records = rows_of(self.parts[index].state, np.array([place for place, _ in sorted(some)], np.int64))
            told |= {row: content_hash(record) for (_, row), record in zip(sorted(some), records, strict=True)}
        return told

    def _stale(self, one: Decision) -> bool:
        return one.content is not None and self.contents.get(one.row or "") != one.content

    def _merged_into(self, at: _Row) -> str | None:
        into = self.into[at.part]
        merged = self.scattered[at.part].outcome[at.row] == MERGED
        return into[at.line] if into is not None and merged else None

    @cached_property
    def _groups(self) -> dict[str, set[_Row]]:
        """Row that stays → the rows merged into it."""
        found: dict[str, set[_Row]] = {}
        for index, into in enumerate(self.into):
            rows = self.scattered[index].evidence["row"].to_numpy()
            for line, target in enumerate(into or ()):
                if target is not None and self.scattered[index].outcome[rows[line]] == MERGED:
                    found.setdefault(target, set()).add(_Row(index, int(rows[line]), line))
        return found

    def _keep(self, at: _Row, words: str) -> None:
        into = self.into[at.part]
        assert into is not None
        self._groups[into[at.line]].discard(at)
        into[at.line] = None
        self.scattered[at.part].outcome[at.row], self.scattered[at.part].reason[at.row] = KEPT, -1
        self.told[at.part][at.line] = words
        self.freed.add(at)

    def swap(self, one: Decision) -> bool:
        """The row stays in place of the one it is merged into. False where it is not merged into that one any more."""
        at = self.places.get(one.row or "")
        instead = one.value.get("instead_of") if isinstance(one.value, dict) else None
        there = self.places.get(instead or "")
        if at is None or there is None or self._stale(one) or self._merged_into(at) != instead:
            return False
        reason = self.scattered[at.part].reason[at.row]
        self._keep(at, f"{one.who}: stays in place of {instead}")
        others = self._groups.pop(str(instead))
        self._groups.setdefault(one.row or "", set()).update({there, *others})
        for other in (there, *others):
            into = self.into[other.part]
            if into is None:
                into = self.into[other.part] = [None] * self.scattered[other.part].evidence.height
            into[other.line] = one.row
        self.scattered[there.part].outcome[there.row], self.scattered[there.part].reason[there.row] = MERGED, reason
        self.told[there.part][there.line] = f"{one.who}: {one.row} stays in place of it"
        self.freed.discard(there)
        return True

    def split(self, one: Decision) -> bool:
        """Rows merged into the row stay, all or those named. False where none of them is merged into it any more."""
        if self._stale(one):
            return False
        wanted = one.value.get("rows") if isinstance(one.value, dict) else None
        members = sorted(self._groups.get(one.row or "", ()))
        if wanted is not None:
            named = {self.places.get(row) for row in wanted}
            members = [member for member in members if member in named]
        for member in members:
            self._keep(member, f"{one.who}: no copy of {one.row}")
        return bool(members)

    def write(self) -> int:
        """Put the groups back; returns how many rows stay that the step had merged."""
        for one, into, told in zip(self.scattered, self.into, self.told, strict=True):
            if into is not None:
                one.into = pl.Series("into", into, dtype=pl.String)
            if any(self.told):
                words = [told.get(line) for line in range(one.evidence.height)]
                one.evidence = one.evidence.with_columns(pl.Series("evidence.people", words, dtype=pl.String))
                one.told = fingerprint(words, into)
        return len(self.freed)
