"""From sources to base partitions: every line is a row with an id, or is quarantined by name.

Slices are read in tasks and kept between runs, so that an unchanged slice is not read again. What needs a look
at all rows comes after: the kind of each column, repeats of ids, columns new since the first run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import DataError, did_you_mean
from tamis.core.events import Listener, PartitionDone, StageDone, StageStarted, Warned, quiet
from tamis.core.fingerprint import fingerprint
from tamis.core.origin import KIND_TYPES, Cut, Found, Input, Kind, Reading, Slice, Source, kind_of, merge, settle
from tamis.core.row import LINEAGE
from tamis.engine.cache import Cache
from tamis.engine.partition import Partition
from tamis.engine.row_ids import occurrences
from tamis.engine.store import write_json

from .quarantine import Quarantine, Quarantined
from .read_slices import (
    FinishTask,
    ReadTask,
    SliceRead,
    cut_input,
    entry_of,
    finish_slice,
    pinned_ids,
    read_slices,
    unread,
)

MapTasks = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]


class SourceFile(NamedTuple):
    """One input: its path, source, xxh3-128 and size of its bytes, rows read, lines quarantined."""

    path: str
    source: str
    xxh3: str
    size: int
    rows: int = 0
    bad: int = 0


@dataclass
class Ingest:
    """What was read. partitions: in global row order; kinds: per source and column; causes: lines quarantined by
    cause, all of them; quarantined: the first ten thousand; cached_rows: rows that were not read anew."""

    partitions: list[Partition] = field(default_factory=list)
    files: list[SourceFile] = field(default_factory=list)
    kinds: dict[str, dict[str, Kind]] = field(default_factory=dict)
    quarantined: list[Quarantined] = field(default_factory=list)
    causes: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    cached_rows: int = 0

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.partitions)

    @property
    def bad(self) -> int:
        """Lines quarantined."""
        return sum(self.causes.values())


#: bytes of new input from which it pays to get steps ready meanwhile
_WORTH = 4 << 20


@dataclass
class _Read:
    """One slice on its way to a partition. file: its number in `Ingest.files`."""

    source: Source
    file: int
    slice: Slice
    task: ReadTask
    result: SliceRead


def ingest(
    sources: Sequence[Source],
    *,
    root: Path,
    store: Path,
    map_tasks: MapTasks = map,
    emit: Listener = quiet,
    max_quarantined: float = 0.01,
    pins: Path | None = None,
    resumed: bool = False,
    at_work: Callable[[], None] = lambda: None,
) -> Ingest:
    """Read all sources. root: the recipe's folder; store: where base partitions are kept between runs; pins: where
    the columns that make ids are remembered, by default a folder of the store; resumed: an earlier run goes on;
    at_work: called where much is to be read that was not read before.

    `map_tasks(task, arguments)` gives the results in the arguments' order. Raises DataError where an input cannot be
    used, TooManyQuarantined where more than the share `max_quarantined` of all lines cannot be read.
    """
    reading = _Ingest(sources, root, store, map_tasks, emit, pins or store / "pinned", at_work)
    reading.fetch(resumed)
    return reading.run(max_quarantined)


class _Ingest:
    def __init__(
        self,
        sources: Sequence[Source],
        root: Path,
        store: Path,
        map_tasks: MapTasks,
        emit: Listener,
        pins: Path,
        at_work: Callable[[], None],
    ) -> None:
        self.pins, self.at_work = pins, at_work
        self.sources, self.root, self.store, self.map_tasks, self.emit = sources, root, store, map_tasks, emit
        self.cache = Cache(store / "slices")
        self.found = Ingest()
        self.bad = Quarantine()
        self.majorities: dict[tuple[str, str], str] = {}

    def warn(self, message: str) -> None:
        if message not in self.found.warnings:
            self.found.warnings.append(message)
            self.emit(Warned(message))

    def fetch(self, resumed: bool) -> None:
        """Read what is no file, once."""
        fetched = [source.fetched(self.root, self.store, resumed=resumed) for source in self.sources]
        self.sources = [source for source, _ in fetched]
        for message in [message for _, warnings in fetched for message in warnings]:
            self.warn(message)

    def run(self, max_quarantined: float) -> Ingest:
        started = time.perf_counter()
        cuts = [self._cut(source, inputs) for source, inputs in zip(self.sources, self._inputs(), strict=True)]
        numbers = self._number(
            [(source, what, cut) for source, mine in zip(self.sources, cuts, strict=True) for what, cut in mine]
        )
        slices = [part for mine in cuts for _, cut in mine for part in cut.slices]
        labels = [source.label for source in self.sources]
        self.emit(StageStarted("read", labels, len(slices), sum(part.size for part in slices), "bytes"))
        reads: list[_Read] = []
        for source, mine in zip(self.sources, cuts, strict=True):
            of_source = self._read(source, mine, numbers)
            self._settle(source, of_source)
            self._pin(source, of_source)
            reads += of_source
        self._account(reads)
        self._finish(reads)
        self.found.causes, self.found.quarantined = self.bad.causes, self.bad.lines
        folder = self.store / "quarantine"
        self.bad.write(folder, labels)
        self.bad.judge(self.found.rows, max_quarantined, folder)
        self._remember()
        self.emit(StageDone("read", time.perf_counter() - started))
        return self.found

    # -- reading ------------------------------------------------------------------------------

    def _map(self, source: Source, task: Callable[[Any], Any], arguments: Sequence[Any]) -> Iterator[Any]:
        """In-memory sources are read here: they are not sent to other processes."""
        return iter(map(task, arguments)) if source.in_memory else self.map_tasks(task, arguments)

    def _inputs(self) -> list[list[Input]]:
        """What each source reads. DataError tells all that is missing."""
        found: list[list[Input]] = []
        problems: list[DataError] = []
        for source in self.sources:
            try:
                inputs, warnings = source.inputs(self.root)
            except DataError as error:
                problems.append(error)
                continue
            found.append(inputs)
            for message in warnings:
                self.warn(message)
        if len(problems) > 1:
            lines = [f"{error.message}; {error.hint}" if error.hint else error.message for error in problems]
            raise DataError("\n  ".join([f"{len(problems)} sources cannot be read", *lines]))
        if problems:
            raise problems[0]
        return found

    def _cut(self, source: Source, inputs: list[Input]) -> list[tuple[Input, Cut]]:
        cuts = list(self._map(source, cut_input, [(source, what) for what in inputs]))
        for message in (message for cut in cuts for message in cut.warnings):
            self.warn(message)
        return list(zip(inputs, cuts, strict=True))

    def _number(self, inputs: list[tuple[Source, Input, Cut]]) -> dict[tuple[str, str], int]:
        """Give every file its number. A file keeps the one it had, so that files that come between others leave
        their partitions alone; only where a file is gone all are numbered anew."""
        try:
            known = [tuple(pair) for pair in json.loads((self.pins / "files.list").read_text(encoding="utf-8"))]
        except (OSError, ValueError):
            known = []
        present = {
            (source.label, what.path): SourceFile(what.path, source.label, cut.content, what.size)
            for source, what, cut in inputs
        }
        order = [*known, *(key for key in present if key not in known)] if set(known) <= set(present) else list(present)
        self.found.files = [present[key] for key in order]
        return {key: number for number, key in enumerate(order)}

    def _read(self, source: Source, cuts: list[tuple[Input, Cut]], numbers: dict[tuple[str, str], int]) -> list[_Read]:
        """Read every slice as most of its own values are."""
        tasks: list[ReadTask] = []
        for what, cut in cuts:
            groups = [cut.slices] if cut.sequential and cut.slices else [(part,) for part in cut.slices]
            number = numbers[source.label, what.path]
            tasks += [ReadTask(source, what, number, group, self.cache.root) for group in groups]
        much = sum(map(unread, tasks)) >= _WORTH
        reads: list[_Read] = []
        for task, results in zip(tasks, self._map(source, read_slices, tasks), strict=True):
            if much and not reads:  # not before: what reading itself must load would wait for its turn
                self.at_work()
            for part, result in zip(task.slices, results, strict=True):
                self.emit(PartitionDone("read", part.size, result.cached))
                reads.append(_Read(source, task.file, part, task, result))
        return reads

    def _settle(self, source: Source, reads: list[_Read]) -> None:
        """The kind of each column over all slices; slices that were read otherwise are read again."""
        merged: dict[str, Found] = {}
        places: dict[tuple[str, str], str] = {}
        for read in reads:
            merge(merged, read.result.facts["found"])
            for name, found in read.result.facts["found"].items():
                for sort, (_, line) in found.items():
                    places.setdefault((name, sort), f"{self.found.files[read.file].path}:{line}")
        wanted: dict[str, Reading] = {name: settle(found)[0] for name, found in merged.items()}
        for name, reading in wanted.items():
            if reading == "digits":
                at = places[name, "big"]
                self.warn(
                    f"{source.label}: `{name}` holds whole numbers beyond 64 bits, the first at {at}; kept as text"
                )
            sorts = {"digits": ("integer", "big", "number"), "number": ("number", "integer")}.get(reading, (reading,))
            at = next((places[name, sort] for sort in sorts if (name, sort) in places), "")
            self.majorities[source.label, name] = (
                f"; most values are {reading}, the first at {at} (`types:` can say otherwise)"
            )
        groups: dict[int, list[_Read]] = {}
        for read in reads:
            facts = read.result.facts
            if facts["mixed"] or any(facts["readings"][name] != wanted[name] for name in facts["columns"]):
                groups.setdefault(id(read.task), []).append(read)
        tasks = [
            replace(group[0].task, slices=tuple(read.slice for read in group), wanted=wanted)
            for group in groups.values()
        ]
        for group, results in zip(groups.values(), self._map(source, read_slices, tasks), strict=True):
            for read, result in zip(group, results, strict=True):
                read.result = result
        self.found.kinds[source.label] = {name: kind_of(reading) for name, reading in wanted.items()}

    # -- columns of the first run -------------------------------------------------------------

    def _pinned(self, label: str) -> Path:
        return self.pins / f"{quote(label, safe='')}.json"

    def _pin(self, source: Source, reads: list[_Read]) -> None:
        """Check that columns the settings name exist, and compare with the first run, whose columns ids are made of."""
        kinds = self.found.kinds[source.label]
        if any(read.result.facts["rows"] or read.result.facts["found"] for read in reads):
            for name in source.names():
                if name not in kinds:
                    raise DataError(f"source {source.label!r} has no column {name!r}; {did_you_mean(name, kinds)}")
        path = self._pinned(source.label)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            pinned: dict[str, str] = record["columns"]
            if record.get("check", "") not in ("", fingerprint("pinned", pinned)):
                raise ValueError("its bytes are not the ones written")
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} cannot be read ({error})", hint="restore it; without it rows get other ids"
            ) from None
        new, gone = [n for n in kinds if n not in pinned], [n for n in pinned if n not in kinds]
        by_content = not source.id
        if by_content and reads and len(gone) == len(pinned):
            self.warn(f"source {source.label!r} has no column of the first run; its rows get ids of their own")
            path.unlink()
            return
        if new:
            tail = "; ids are made without them, as in the first run" if by_content else ""
            self.warn(f"source {source.label!r} has columns that the first run had not: {', '.join(new)}{tail}")
        if gone and reads:
            tail = "; its rows get other ids than before" if by_content else ""
            self.warn(f"source {source.label!r} lacks columns of the first run: {', '.join(gone)}{tail}")
        for name, kind in kinds.items():
            if name in pinned and pinned[name] != kind:
                self.warn(f"source {source.label!r}: `{name}` was {pinned[name]} in the first run and is {kind} now")
        for read in reads if by_content and new else []:
            if not set(read.result.facts["columns"]) <= set(pinned):
                named = {n: kind for n, kind in pinned.items() if n not in source.positions}
                read.result = pinned_ids(self.cache, read.result, source.label, named)

    def _remember(self) -> None:
        """After a good end: the files' numbers, and the columns of a source's first run."""
        write_json(self.pins / "files.list", [[file.source, file.path] for file in self.found.files])
        for label, kinds in self.found.kinds.items():
            path = self._pinned(label)
            if kinds and not path.exists():
                write_json(path, {"columns": kinds, "check": fingerprint("pinned", kinds)})

    # -- counting, ids ------------------------------------------------------------------------

    def _count(self, number: int, rows: int, bad: int) -> None:
        file = self.found.files[number]
        self.found.files[number] = file._replace(rows=file.rows + rows, bad=file.bad + bad)

    def _account(self, reads: list[_Read]) -> None:
        """Count rows and bad lines of every file; gather the bad ones."""
        for read in reads:
            facts, label = read.result.facts, read.source.label
            self._count(read.file, facts["rows"], sum(facts["bad"].values()))
            for cause, lines in facts["bad"].items():
                self.bad.count(cause, lines)
            for message in facts["warnings"]:
                self.warn(message)
            if facts["bad"] and not self.bad.full:
                path = self.found.files[read.file].path
                for line, cause, message, raw, lines, column in (
                    entry_of(self.cache, read.result.fingerprint).read("bad").iter_rows()
                ):
                    told = message + self.majorities.get((label, column), "") if column else message
                    self.bad.keep(Quarantined(label, path, line, cause, told, lines), raw)
        by_label = {source.label: source for source in self.sources}
        for file in self.found.files:
            if file.rows + file.bad == 0:
                by_label[file.source].check_empty(Input(file.path, "", file.size, 0))

    def _finish(self, reads: list[_Read]) -> None:
        """Tell repeats apart (or quarantine them, where rows have keys), and make the partitions."""
        reads = [read for read in reads if read.result.facts["rows"]]
        edges = np.cumsum([0, *(read.result.facts["rows"] for read in reads)])
        high, low = np.empty(edges[-1], np.uint64), np.empty(edges[-1], np.uint64)
        for start, stop, read in zip(edges[:-1], edges[1:], reads, strict=True):
            frame = entry_of(self.cache, read.result.fingerprint).read("base", ["id.high", "id.low"])
            high[start:stop], low[start:stop] = frame["id.high"].to_numpy(), frame["id.low"].to_numpy()
        repeats = occurrences((high, low))
        tasks: list[FinishTask] = []
        for number, read in enumerate(reads):
            mine: NDArray[np.uint32] | None = None
            if repeats is not None:
                mine = repeats.occurrence[edges[number] : edges[number + 1]]
                mine = mine.copy() if mine.any() else None
                if mine is not None and read.source.id:
                    self._repeated_keys(reads, edges, number, repeats.first)
            kinds = self.found.kinds[read.source.label]
            tasks.append(FinishTask(self.cache.root, read.result, read.source.label, kinds, mine, bool(read.source.id)))
        for read, task, base in zip(reads, tasks, self.map_tasks(finish_slice, tasks), strict=True):
            if base.rows == 0:
                continue
            if read.result.cached:
                self.found.cached_rows += base.rows
            types = {**LINEAGE, **{f"source.{name}": KIND_TYPES[kind] for name, kind in task.kinds.items()}}
            partition = Partition(len(self.found.partitions), task.label, base.rows, base, types, task.kinds)
            self.found.partitions.append(partition)

    def _repeated_keys(
        self, reads: list[_Read], edges: NDArray[np.int64], number: int, first: NDArray[np.int32]
    ) -> None:
        """Quarantine the rows of a slice whose key stood before."""
        read, start = reads[number], int(edges[number])
        rows = np.flatnonzero(first[start : edges[number + 1]] != np.arange(start, edges[number + 1]))
        path = self.found.files[read.file].path
        self.bad.count("repeated_key", len(rows))
        self._count(read.file, -len(rows), len(rows))
        lines: dict[int, Any] = {}
        for row in rows.tolist():
            if self.bad.full:
                return
            origin = int(first[start + row])
            home = int(np.searchsorted(edges, origin, side="right")) - 1
            for k in (home, number):
                if k not in lines:
                    lines[k] = entry_of(self.cache, reads[k].result.fingerprint).read("base", ["at.line"])["at.line"]
            place = f"{self.found.files[reads[home].file].path}:{lines[home][origin - int(edges[home])]}"
            message = f"its key ({', '.join(read.source.id)}) stands already at {place}"
            self.bad.keep(Quarantined(read.source.label, path, int(lines[number][row]), "repeated_key", message), b"")
