"""Delivery: the rows that are left, through every sink, into folders that appear as a whole."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.fingerprint import derive_seed, fingerprint
from tamis.core.origin import Sink
from tamis.core.row import LINEAGE
from tamis.core.step import Step
from tamis.engine.allocate import seeded_order
from tamis.engine.cache import Cache
from tamis.engine.executor import Executor, LocalExecutor
from tamis.engine.frame import Frame
from tamis.engine.ids import hex_ids
from tamis.engine.judge import KEPT, QUARANTINED
from tamis.engine.parts import part_frame
from tamis.engine.stage import PartState
from tamis.recipe.model import Recipe
from tamis.runs.ledger import link

from ._standing import Standing, made_of, recall, remember, stands
from .account import Account
from .deliver import Encoded, Publisher, Target
from .preflight import state_schema
from .run import Flow, StepLog

if TYPE_CHECKING:
    from tamis.engine.rescan import Rescan

#: bytes of text that one bucket of a shuffled delivery may hold, roughly
BUCKET_BYTES = 128 << 20


class Deliver(Step):
    """What delivery does to rows: it quarantines those that a target would refuse."""

    @property
    def name(self) -> str:
        return "deliver"


@dataclass(frozen=True)
class Chunk:
    """One chunk's work: the rows of some partitions whose place in the order lies in [low, high)."""

    states: tuple[PartState, ...]
    positions: tuple[int, ...]
    columns: tuple[str, ...]
    seed: int | None = None
    low: int = 0
    high: int = 1 << 64


@dataclass
class Written:
    """A chunk, encoded for each target; where its rows stood; and those that a target refuses, with why."""

    targets: list[list[Encoded]]
    partition: NDArray[np.uint32]
    row: NDArray[np.uint32]
    refused: list[tuple[int, int, str]]


@dataclass
class Delivery:
    """Targets being written to.

    with Delivery(recipe, root, flow, cache) as delivery:
        refused = delivery.write(executor, check)
        told = delivery.publish(card, facts)

    Where the same rows were delivered before and stand there still, nothing is written: `write` finds that out.
    private: what privacy steps look for, as a hash; with it `rescan` looks through the rows.
    """

    recipe: Recipe
    root: Path
    flow: Flow
    cache: Cache
    json_columns: frozenset[str] = frozenset()
    rescan: Rescan | None = None
    private: str = ""
    _stack: ExitStack = field(default_factory=ExitStack)
    _publishers: dict[str, Publisher] = field(default_factory=dict)
    _targets: list[tuple[Sink, Target]] = field(default_factory=list)
    _made_of: str | None = None
    _stood: bool = False
    places: dict[str, list[tuple[NDArray[np.uint32], NDArray[np.uint32]]]] = field(default_factory=dict)

    def __enter__(self) -> Delivery:
        schema = self._schema()
        for sink in self.recipe.deliver:
            path = str(self.root / sink.path)
            if path not in self._publishers:
                self._publishers[path] = self._stack.enter_context(Publisher(Path(path)))
            target = self._publishers[path].target(sink, schema, json_columns=self.json_columns)
            self._targets.append((sink, target))
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stack.__exit__(*exception)

    def _schema(self) -> dict[str, pl.DataType]:
        """Every column of the rows, over all partitions, and `id`."""
        found: dict[str, pl.DataType] = {"id": pl.String()}
        for state in self.flow.states:
            for name, dtype in state_schema(state).items():
                if name not in LINEAGE and name != "born.from":
                    found.setdefault(name, dtype)
        return found

    def _chunks(self) -> list[Chunk]:
        names = {name for _, target in self._targets for name in target.columns} | {"split"}
        columns = tuple(sorted(names))
        live = [(i, s) for i, s in enumerate(self.flow.states) if s.live.any()]
        if self.recipe.order == "source":
            return [Chunk((state,), (i,), columns) for i, state in live]
        size = sum(state.base.size for _, state in live) * 3
        count = max(1, -(-size // BUCKET_BYTES))
        edges = [(1 << 64) * k // count for k in range(count + 1)]
        states, positions = tuple(s for _, s in live), tuple(i for i, _ in live)
        seed = derive_seed(self.recipe.seed, "order")
        return [Chunk(states, positions, columns, seed, low, high) for low, high in itertools.pairwise(edges)]

    def write(self, executor: Executor, check: Callable[[], None]) -> list[tuple[int, int, str]]:
        """Encode and write every row; returns (partition, row, what is wrong) of those that a target refuses."""
        refused: list[tuple[int, int, str]] = []
        order = [self.recipe.order, self.recipe.seed, self.private if self.rescan else None]
        self._made_of = made_of(self.recipe.deliver, self.flow.states, self.json_columns, order)
        if self._stand():
            return refused
        if not executor.shares_memory:  # encoding holds no lock that threads would wait for
            workers = executor.workers if isinstance(executor, LocalExecutor) else None
            executor = self._stack.enter_context(LocalExecutor(workers))
        targets = [target for _, target in self._targets]
        encode = partial(encode_chunk, targets=targets, json_columns=self.json_columns, rescan=self.rescan)
        for written in executor.map(encode, self._chunks()):
            check()
            refused += written.refused
            for (_, target), encoded in zip(self._targets, written.targets, strict=True):
                target.append(encoded)
            for part in written.targets[0] if written.targets else []:
                place = (written.partition[part.positions], written.row[part.positions])
                self.places.setdefault(part.split or "data", []).append(place)
        if refused:
            self._made_of = None  # those rows are told of anew in every run
        return refused

    def _stand(self) -> bool:
        """Whether everything that would be written stands at its target already, byte for byte."""
        known = None if self._made_of is None else recall(self.cache, self._made_of)
        places = None if self._made_of is None else self.cache.get(_places_of(self._made_of))
        if known is None or places is None:
            return False
        folders = {str(self.root / folder): there for folder, there in known.items()}
        if not all(stands(publisher.path, folders[path]) for path, publisher in self._publishers.items()):
            return False
        for path, publisher in self._publishers.items():
            publisher.leave(folders[path])
        self._stood = True
        return True

    def publish(self, card: Callable[..., str], facts: dict[str, Any]) -> list[dict[str, Any]]:
        """Make what was written the delivery; returns what was delivered, per target and split."""
        told: list[dict[str, Any]] = []
        folders: dict[str, Standing] = {}
        for path, publisher in self._publishers.items():
            sinks = [(sink, target) for sink, target in self._targets if str(self.root / sink.path) == path]
            delivered = publisher.publish(partial(card, sinks), facts)
            folders[sinks[0][0].path] = publisher.standing()
            for one in delivered:
                if one.rows or one.split:
                    sink = next((s for s, _ in sinks if one.path.endswith(s.suffix)), sinks[0][0])
                    record = {"target": sink.address(), "folder": path, "path": str(Path(path) / one.path)}
                    told.append(
                        {**record, "split": one.split, "rows": one.rows, "size": one.size, "sha256": one.sha256}
                    )
        if self._made_of is not None and not self._stood:
            remember(self.cache, self._made_of, folders)
        return told

    def write_places(self, folder: Path) -> None:
        """For the ledger: the (partition, row) of each line of each split, in order."""
        folder.mkdir(parents=True, exist_ok=True)
        frames = {}
        for split, parts in self.places.items():
            columns = {name: np.concatenate([p[k] for p in parts]) for k, name in enumerate(("partition", "row"))}
            frames[split] = pl.DataFrame(columns)
        if self._made_of is None:
            for split, frame in frames.items():
                frame.write_parquet(folder / f"{split}.parquet", compression="lz4")
            return
        fp = _places_of(self._made_of)
        entry = self.cache.put(fp, frames, {}) if frames else self.cache.get(fp)
        assert entry is not None, "places were found as the delivery was found to stand"
        for split, stored in entry.files.items():
            link(stored.path, folder / f"{split}.parquet")


def _places_of(made_of: str) -> str:
    """Under which fingerprint the places of delivered rows are kept."""
    return fingerprint("places", made_of)


def encode_chunk(
    chunk: Chunk, *, targets: Sequence[Target], json_columns: frozenset[str], rescan: Rescan | None = None
) -> Written:
    """The rows of a chunk, as every target's bytes."""
    frames, partitions, rows = [], [], []
    for position, state in zip(chunk.positions, chunk.states, strict=True):
        reader = state.reader()
        live = np.flatnonzero(state.live)
        high, low = reader.read("id.high").to_numpy(), reader.read("id.low").to_numpy()
        order = None
        if chunk.seed is not None:
            order = seeded_order(chunk.seed, high[live], low[live])
            inside = (order >= np.uint64(chunk.low)) & (order <= np.uint64(chunk.high - 1))
            live, order = live[inside], order[inside]
        frame = Frame(state.rows, reader.names, reader.read)
        if len(live) < state.rows:
            frame = frame.take(live)
        columns = [frame[name].alias(name) for name in chunk.columns if name in frame.names]
        if "id" in chunk.columns:
            columns.append(hex_ids(high[live], low[live]))
        if order is not None:
            columns.append(pl.Series("order.key", order))
        frames.append(pl.DataFrame(columns))
        partitions.append(np.full(len(live), position, np.uint32))
        rows.append(live.astype(np.uint32))
    table = pl.concat(frames, how="diagonal_relaxed") if len(frames) > 1 else frames[0]
    partition, row = np.concatenate(partitions), np.concatenate(rows)
    if chunk.seed is not None:
        by_order = np.argsort(table["order.key"].to_numpy(), kind="stable")
        table, partition, row = table[by_order].drop("order.key"), partition[by_order], row[by_order]
    refused = _refused(table, targets, json_columns)
    if rescan is not None:
        refused = dict(sorted((rescan(table) | refused).items()))
    told = [(int(partition[k]), int(row[k]), why) for k, why in refused.items()]
    if refused:
        fine = np.setdiff1d(np.arange(table.height), np.array(list(refused)))
        table, partition, row = table[fine], partition[fine], row[fine]
    return Written([target.encode(table) for target in targets], partition, row, told)


def _refused(table: pl.DataFrame, targets: Sequence[Target], json_columns: frozenset[str]) -> dict[int, str]:
    """The rows that some target would refuse, and why."""
    found: dict[int, str] = {}
    for target in targets:
        for position, why in target.sink.check(target.complete(table), json_columns=json_columns):
            found.setdefault(position, f"{target.sink.address()}: {why}")
    return dict(sorted(found.items()))


def quarantine(flow: Flow, refused: Sequence[tuple[int, int, str]], cache: Cache) -> StepLog:
    """The rows that targets refuse, accounted for as a step of its own."""
    log = StepLog(Deliver(), Account("deliver"))
    by_partition: dict[int, list[tuple[int, str]]] = {}
    for position, row, why in refused:
        by_partition.setdefault(position, []).append((row, why))
    for position, state in enumerate(flow.states):
        outcome, reason = np.zeros(state.rows, np.uint8), np.full(state.rows, -1, np.int8)
        mine = sorted(by_partition.get(position, []))
        if mine:
            rows = np.array([row for row, _ in mine], np.uint32)
            outcome[rows] = QUARANTINED
            lines = pl.DataFrame([pl.Series("row", rows), pl.Series("evidence.error", [why for _, why in mine])])
            fp = fingerprint("refused", state.content, [[int(row), why] for row, why in mine])
            frame = part_frame(lines, np.ones(state.rows, np.bool_), outcome, reason, [])
            cache.put(fp, {"part": frame}, {})
            log.parts[flow.keys[position]] = fp
        log.account.add(outcome, reason, [], int(state.live.sum()))
        flow.states[position] = replace(state, live=state.live & (outcome == KEPT))
    log.account.check(flow.live())
    flow.logs.append(log)
    return log
