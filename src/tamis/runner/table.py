"""Table steps: gather → decide → scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import CallTableStep
from tamis.core.fingerprint import fingerprint
from tamis.core.outcome import Changer
from tamis.core.row import CHAT_VIEWS
from tamis.core.step import ChoiceStep, TableStep
from tamis.engine.cache import Cache, Entry
from tamis.engine.embedded import vectors_of
from tamis.engine.executor import side_by_side
from tamis.engine.frame import Frame
from tamis.engine.ids import hex_ids
from tamis.engine.judge import KEPT, change_name, resolve
from tamis.engine.layers import Layer, Mask, mask_hash
from tamis.engine.store import columns_of
from tamis.engine.task import Call, PartState

#: bytes of gathered columns up to which all are read at once
_AT_ONCE = 128 << 20


@dataclass(frozen=True)
class Gathered:
    """What a table step gathered of one partition, and which rows of it the step sees."""

    state: PartState
    entry: str
    seen: Mask


@dataclass
class Scattered:
    """A table step's decisions on one partition: per partition row as in `stage.Applied`.

    into: the survivors for each row of `evidence`, or their ids as text, or None; evidence: has `row` and figures; changed: how many
    rows were rewritten; told: a hash of what people add to evidence; copies: how often each row is born again, or None.
    """

    outcome: NDArray[np.uint8]
    reason: NDArray[np.int8]
    into: Survivors | pl.Series | None
    evidence: pl.DataFrame
    layer: Layer | None
    versions: dict[str, str]
    changed: int = 0
    told: str = ""
    copies: NDArray[np.int64] | None = None


@dataclass
class Survivors:
    """The rows that those of one partition are merged into: their places in the table, -1 where a row stays.

    Their ids are made when they are asked for: a decision that was written up before needs none.
    """

    places: NDArray[np.int64]
    table: GatheredTable

    def ids(self) -> pl.Series:
        """The ids as text, null where a row stays."""
        high, low = self.table.ids()
        return hex_ids(high[self.places], low[self.places], valid=self.places >= 0).alias("into")


def survivors_told(one: Scattered) -> pl.Series | None:
    """The ids of the rows that those of one partition are merged into."""
    return one.into.ids() if isinstance(one.into, Survivors) else one.into


class GatheredTable:
    """All that was gathered, over the rows a step sees, in global row order."""

    def __init__(self, parts: Sequence[Gathered], cache: Cache, seed: int, recorded: Path | None = None) -> None:
        self._parts, self._cache, self._seed, self._recorded = parts, cache, seed, recorded
        self._counts = np.array([int(part.seen.sum()) for part in parts], np.int64)
        self._starts = np.concatenate([[0], np.cumsum(self._counts)])
        self._columns: dict[str, pl.Series] = {}
        self._ids: tuple[NDArray[np.uint64], NDArray[np.uint64]] | None = None

    @property
    def height(self) -> int:
        return int(self._starts[-1])

    @property
    def seed(self) -> int:
        return self._seed

    @property
    def starts(self) -> NDArray[np.int64]:
        """Where each partition's rows begin."""
        return self._starts

    def __getitem__(self, name: str) -> pl.Series:
        if name not in self._columns:
            names = self._names(name)
            frames = side_by_side(lambda index: self.part(index, names), range(len(self._parts)))
            whole = pl.concat(frames, how="vertical_relaxed", rechunk=True)
            self._columns |= {one: whole[one] for one in names}
        return self._columns[name]

    def _names(self, name: str) -> list[str]:
        """The columns that are read with this one: all, unless they are large, as sketches are."""
        entries = [self._entry(index) for index in range(len(self._parts))]
        large = sum(entry.files["gathered"].size for entry in entries) > _AT_ONCE
        every = {tuple(entry.columns("gathered")) for entry in entries} if not large else set()
        return [name] if len(every) != 1 else [one for one in every.pop() if one != "row"]

    def _entry(self, index: int) -> Entry:
        entry = self._cache.get(self._parts[index].entry)
        assert entry is not None, "gathered a moment ago"
        return entry

    def part(self, index: int, names: Sequence[str]) -> pl.DataFrame:
        entry, part = self._entry(index), self._parts[index]
        whole = entry.files["gathered"].rows == part.state.rows  # then line k is of row k
        frame = entry.read("gathered", list(names) if whole else ["row", *names])
        seen = part.seen if whole else part.seen[frame["row"].to_numpy()]
        return (frame if seen.all() else frame.filter(pl.Series(seen))).select(names)

    def vectors(self, name: str) -> NDArray[Any]:
        return vectors_of(self[name], self._recorded)

    def recorded(self, kind: str) -> Path | None:
        return None if self._recorded is None else self._recorded / kind

    def derived(self, key: str, make: Callable[[], dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
        fp = fingerprint("derived", gathered_key(self._parts), key)
        entry = self._cache.get(fp)
        if entry is None:
            entry = self._cache.put(fp, make(), {})
        return {name: entry.read(name) for name in entry.files}

    def ids(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        if self._ids is None:
            halves = [side_by_side(partial(_half, name), self._parts) for name in ("id.high", "id.low")]
            empty = [np.empty(0, np.uint64)]
            self._ids = (np.concatenate(halves[0] or empty), np.concatenate(halves[1] or empty))
        return self._ids

    def sources(self) -> pl.Series:
        names = pl.Series("source", [part.state.source for part in self._parts], dtype=pl.String)
        return names.gather(pl.Series(np.repeat(np.arange(len(self._parts)), self._counts).astype(np.uint32)))

    def fetch(self, rows: NDArray[np.int64], columns: Sequence[str]) -> pl.DataFrame:
        rows = np.asarray(rows, np.int64)
        which = np.searchsorted(self._starts, rows, side="right") - 1
        frames, order = [], []
        for index in np.unique(which):
            mine = np.flatnonzero(which == index)
            part = self._parts[int(index)]
            inside = np.flatnonzero(part.seen)[rows[mine] - self._starts[index]]
            reader = part.state.reader()
            frame = Frame(part.state.rows, reader.names, reader.read).take(inside)
            frames.append(pl.DataFrame([_column(frame, name).alias(name) for name in columns]))
            order.append(mine)
        if not frames:
            return pl.DataFrame({name: [] for name in columns})
        back = np.argsort(np.concatenate(order), kind="stable")
        return pl.concat(frames)[pl.Series(back, dtype=pl.UInt32)]


def _half(name: str, part: Gathered) -> NDArray[np.uint64]:
    """Half of the ids of the rows seen."""
    whole = part.state.reader().read(name).to_numpy()
    return whole if part.seen.all() else whole[part.seen]


def _column(frame: Frame, name: str) -> pl.Series:
    view = name.removeprefix("view:")
    return frame.text(view) if name != view or view in CHAT_VIEWS else frame[name]


class Decided(NamedTuple):
    """A table step's decisions, scattered over the partitions; their fingerprint; whether they were cached; what to tell; the
    recordings they rest on; and where people choose, what they still have to do, and what they chose."""

    scattered: list[Scattered]
    fingerprint: str
    cached: bool
    warnings: list[str]
    recordings: list[str]
    waits: str | None = None
    choice: dict[str, Any] | None = None


def gathered_key(parts: Sequence[Gathered]) -> list[tuple[str, ...]]:
    """What was gathered, of which rows, and their ids."""
    return [
        (part.entry, mask_hash(part.seen), part.state.content, *filter(None, [part.state.versions.get("id.high")]))
        for part in parts
    ]


def decision_fingerprint(call: Call, parts: Sequence[Gathered]) -> str:
    """What a table step's decision depends on: the step, what was gathered, the rows it sees and their ids."""
    return fingerprint("table", call.step.name, call.identity, gathered_key(parts))


def decide(
    call: Call,
    parts: Sequence[Gathered],
    cache: Cache,
    recorded: Path | None = None,
    consult: Callable[[CallTableStep, GatheredTable], Any] | None = None,
) -> Decided:
    """A table step's decisions. recorded: the workspace's folder of what cannot be derived again; consult: asks the models
    of a step that needs them."""
    step = call.step
    assert isinstance(step, TableStep)
    fp = decision_fingerprint(call, parts)
    table = GatheredTable(parts, cache, call.seed, recorded)
    entry = cache.get(fp)
    cached = entry is not None
    if entry is None:
        if isinstance(step, CallTableStep) and table.height:
            assert consult is not None, "a run whose recipe calls models has somebody to ask them"
            step = step.hear(consult(step, table))
        entry = _store(cache, fp, step, table, parts)
    told = list(entry.facts["warnings"]), list(entry.facts.get("recordings", []))
    asks = (step.waits_for(table), step.choice(table)) if isinstance(step, ChoiceStep) else (None, None)
    return Decided(_scatter(step, fp, entry, table, parts), fp, cached, *told, *asks)


def _store(cache: Cache, fp: str, step: TableStep, table: GatheredTable, parts: Sequence[Gathered]) -> Entry:
    verdict = step.decide(table)
    n = table.height
    judged = resolve(step, verdict, height=n, before={}, not_applicable=np.zeros(n, np.bool_))
    columns = [pl.Series("outcome", judged.outcome), pl.Series("reason", judged.reason)]
    if judged.into is not None:
        columns.append(pl.Series("into", judged.into))
    if judged.copies is not None:
        columns.append(pl.Series("copies", judged.copies))
    columns += [column.alias(f"evidence.{name}") for name, column in judged.evidence.items()]
    frames: Mapping[str, pl.DataFrame] = {"decision": pl.DataFrame(columns)}
    if judged.changes:
        rows = np.concatenate([np.flatnonzero(part.seen) for part in parts]).astype(np.uint32)
        frames = {**frames, "changes": pl.DataFrame([pl.Series("row", rows), *judged.changes.values()])}
    elif verdict.changer is not None:
        frames = _Lazily(frames["decision"], verdict.changer, step, table, parts)
    facts = {
        "step": step.name, "sets": list(judged.changes), "warnings": list(verdict.warnings),
        "recordings": list(verdict.recordings),
    }  # fmt: skip
    return cache.put(fp, frames, facts)


class _Lazily(Mapping[str, pl.DataFrame]):
    """The decision, then the changed rows of each partition that has some, made when asked for."""

    def __init__(
        self, decision: pl.DataFrame, changer: Changer, step: TableStep, table: GatheredTable, parts: Sequence[Gathered]
    ) -> None:
        self._decision, self._changer, self._step, self._table, self._parts = decision, changer, step, table, parts

    def __getitem__(self, name: str) -> pl.DataFrame:
        if name == "decision":
            return self._decision
        place = int(name.removeprefix("changes."))
        start, stop = (int(self._table.starts[k]) for k in (place, place + 1))
        at, columns = self._changer(start, stop)
        rows = np.flatnonzero(self._parts[place].seen)[at.to_numpy() - start].astype(np.uint32)
        named = [column.alias(change_name(self._step, name)) for name, column in columns.items()]
        return pl.DataFrame([pl.Series("row", rows), *named])

    def __iter__(self) -> Iterator[str]:
        return iter(["decision", *(f"changes.{place}" for place in range(len(self._parts)))])

    def __len__(self) -> int:
        return 1 + len(self._parts)


def _scatter(
    step: TableStep, fp: str, entry: Entry, table: GatheredTable, parts: Sequence[Gathered]
) -> list[Scattered]:
    decision = entry.read("decision")
    outcome, reason = decision["outcome"].to_numpy(), decision["reason"].to_numpy()
    into = decision["into"].to_numpy() if "into" in decision.columns else None
    figures = [name for name in decision.columns if name.startswith("evidence.")]
    scattered = []
    for place, (part, start, stop) in enumerate(zip(parts, table.starts[:-1], table.starts[1:], strict=True)):
        n = part.state.rows
        full_outcome, full_reason = np.full(n, KEPT, np.uint8), np.full(n, -1, np.int8)
        full_outcome[part.seen] = outcome[start:stop]
        full_reason[part.seen] = reason[start:stop]
        rows = np.flatnonzero(part.seen).astype(np.uint32)
        targets = None if into is None else Survivors(into[start:stop], table)
        evidence = pl.DataFrame([pl.Series("row", rows), *(decision[name][int(start) : int(stop)] for name in figures)])
        layer, versions, changed = None, dict(part.state.versions), 0
        if entry.has("changes"):
            names = tuple(entry.facts["sets"])
            layer = Layer(names, entry.files["changes"], int(start), int(stop), step=step.name)
            versions |= {name: fingerprint(versions.get(name, ""), fp, int(start)) for name in names}
        elif entry.has(f"changes.{place}") and entry.files[f"changes.{place}"].rows:
            stored = entry.files[f"changes.{place}"]
            names = tuple(name for name in columns_of(stored) if name != "row")
            layer, changed = Layer(names, stored, step=step.name), stored.rows
            versions |= {name: fingerprint(versions.get(name, ""), stored.xxh3) for name in names}
        copies = None
        if "copies" in decision.columns:
            copies = np.zeros(n, np.int64)
            copies[part.seen] = decision["copies"].to_numpy()[start:stop]
        scattered.append(
            Scattered(full_outcome, full_reason, targets, evidence, layer, versions, changed, copies=copies)
        )
    return scattered
