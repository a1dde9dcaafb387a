"""A stage: consecutive row steps over one partition, then what the next table step gathers from it.

A step's outcome is cached by what it depends on: the step, and the versions of the columns it reads.
It does not depend on which rows are alive, since a row step judges each row alone; so a change to one
filter leaves the outcomes of the others as they were. Rows that an entry lacks are judged and added.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS
from tamis.core.errors import StepError, TamisError, UsageError
from tamis.core.fingerprint import fingerprint
from tamis.core.row import LINEAGE, RESERVED
from tamis.core.step import RowStep, Step, TableStep

from .bisect import judge_safely
from .cache import Cache, Entry
from .frame import Frame, find_column
from .judge import CODES, KEPT, Judged
from .kept_stages import find, keep, stage_fingerprint
from .layers import Layer, Mask
from .parts import write_part
from .rescue import rescue_rows
from .task import Applied as Applied
from .task import Call as Call
from .task import PartState as PartState
from .task import Result, Task

#: a frame is compacted when fewer than this share of its rows is still wanted
COMPACT_SHARE = 0.7


def run(task: Task) -> Result:
    """Run a stage over one partition, or find what came of it when it was run before."""
    if task.dry:
        return _Stage(task).run()
    cache, fp = Cache(task.cache), stage_fingerprint(task)
    found = find(task, fp, cache)
    if found is not None:
        return found
    stage = _Stage(task)
    result = stage.run()
    keep(task, fp, cache, result, stage.ahead)
    return result


class _Stage:
    """The state of one partition while a stage goes over it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.cache = Cache(task.cache)
        self.state = task.state
        self.live = task.state.live.copy()
        self.layers = list(task.state.layers)
        self.versions = dict(task.state.versions)
        self.basis: NDArray[np.int64] | None = None  # rows of the frame; None: every row
        # rows whose columns are what they would be were the row live; only of them outcomes are kept
        self.sound = self.live.copy() if self.layers else np.ones(self.state.rows, np.bool_)
        self.frame = self._whole_frame()
        self.ahead: list[str] = []  # what further table steps gathered

    def run(self) -> Result:
        applied = [self._apply(call) for call in self.task.calls]
        result = Result(self._present(), applied)
        if self.task.gather is not None:
            fp, seen, judged = self._gather(self.task.gather)
            result.gathered, result.gathered_seen, result.gathered_rows = fp, seen, judged
        for call in self.task.ahead:
            if call.step.where is None:
                with contextlib.suppress(UsageError):  # it reads a column that the step before it is yet to set
                    self.ahead.append(self._gather(call)[0])
        return result

    def _present(self) -> PartState:
        return replace(self.state, layers=tuple(self.layers), versions=self.versions, live=self.live)

    # -- frames -------------------------------------------------------------------------------

    def _whole_frame(self) -> Frame:
        reader = self.state.reader(self.layers)
        return Frame(self.state.rows, reader.names, reader.read)

    def _frame_for(self, wanted: Mask) -> tuple[Frame, NDArray[np.int64]]:
        """A frame that holds at least the wanted rows, and the partition rows it holds."""
        rows = np.arange(self.state.rows) if self.basis is None else self.basis
        count = int(wanted.sum())
        inside = wanted[rows]
        if int(inside.sum()) < count:  # rows that were left out of the frame are wanted again
            self.basis, self.frame = None, self._whole_frame()
            rows = np.arange(self.state.rows)
            inside = wanted
        if count < COMPACT_SHARE * len(rows):
            keep = np.flatnonzero(inside)
            self.frame = self.frame.take(keep)
            rows = rows[keep]
            self.basis = rows
        return self.frame, rows

    # -- steps --------------------------------------------------------------------------------

    def _selected(self, call: Call) -> Mask:
        """The rows the step sees: live, of its source, and `where` true."""
        selected = self.live.copy()
        if call.only_source is not None and call.only_source != self.state.source:
            selected[:] = False
        if call.step.where is not None and selected.any():
            from .sql import evaluate

            frame, rows = self._frame_for(selected)
            true = np.zeros(self.state.rows, np.bool_)
            try:
                true[rows] = evaluate(call.step.where, frame).fill_null(False).to_numpy()
            except TamisError:
                if not self.task.dry:
                    raise
                true[:] = True  # the column it asks for is not made yet
            selected &= true
        return selected

    def _fingerprint(self, call: Call, purpose: str) -> str:
        """What the step's outcome on this partition depends on."""
        names = self.frame.names
        reads = call.step.reads()
        if reads is None:
            read = sorted(
                n for n in names if n not in LINEAGE and not n.startswith(ANSWERS)
            )  # a frame may be made in another order
        else:
            read = sorted({find_column(n, names) for n in reads if n in names or n not in RESERVED})
        versions = [(name, self.versions.get(name, "")) for name in read]
        if call.step.seeded and "id.high" in self.versions:  # chance comes from the ids, and these are keyed
            versions.append(("id", self.versions["id.high"]))
        answers = f"{ANSWERS}{call.step.name}"
        if answers in self.versions:  # a call step is judged from what its models answered
            versions.append((ANSWERS, self.versions[answers]))
        identity = call.gather_identity if purpose == "gather" else call.identity
        return fingerprint(purpose, call.step.name, identity, self.state.content, versions)

    def _apply(self, call: Call) -> Applied:
        started = time.perf_counter()
        step, n = call.step, self.state.rows
        selected = self._selected(call)
        fp = self._fingerprint(call, "step")
        entry = self.cache.get(fp)
        rows, outcomes = _read_outcomes(entry)
        covered = np.zeros(n, np.bool_)
        covered[rows] = True
        missing = selected & ~covered
        judged_rows = 0
        fresh: dict[str, pl.Series] | None = None
        if self.task.dry and (missing.any() or entry is None):
            return self._foresee(call, fp, int(missing.sum()))
        if missing.any() or entry is None:
            assert isinstance(step, RowStep)
            frame, basis = self._frame_for(missing)
            judged = judge_safely(step, frame.with_seed(call.seed))
            judged_rows = len(basis)
            entry = _store(self.cache, fp, step, entry, basis, judged, self.sound[basis])
            rows, outcomes = _read_outcomes(entry)
            held = np.zeros(n, np.bool_)
            held[basis] = True
            if not (selected & ~held).any():
                fresh = judged.changes
        outcome = np.zeros(n, np.uint8)
        reason = np.full(n, -1, np.int8)
        outcome[rows] = outcomes["outcome"].to_numpy()
        reason[rows] = outcomes["reason"].to_numpy()
        outcome[~selected] = KEPT
        reason[~selected] = -1
        named, stale = rescue_rows(call.rescued, self._present(), outcome)
        outcome[named], reason[named] = KEPT, -1
        slugs = list(step.reasons)
        part = write_part(self.cache, entry, fp, selected, outcome, reason, slugs)
        not_applicable = int((outcomes["not_applicable"].to_numpy() & selected[rows]).sum())
        changed = self._lay(step, fp, entry, selected, fresh)
        rows_in = int(self.live.sum())
        counts = np.bincount(outcome, minlength=len(CODES)).tolist()
        counts[KEPT] = rows_in - sum(counts[1:])
        reasons = np.bincount(reason[reason >= 0], minlength=len(slugs)).tolist()
        self.live &= outcome == KEPT
        return Applied(
            rows_in,
            counts,
            {slug: count for slug, count in zip(slugs, reasons, strict=True) if count},
            part,
            not_applicable,
            changed,
            int(named.sum()),
            stale,
            judged_rows,
            time.perf_counter() - started,
        )

    def _foresee(self, call: Call, fp: str, missing: int) -> Applied:
        """A step that is not cached: every row goes on, and what it sets will be new."""
        for name in call.sets:
            self.versions[name] = fingerprint(self.versions.get(name, ""), fp, None)
        rows_in = int(self.live.sum())
        return Applied(rows_in, [rows_in, 0, 0, 0, 0], {}, None, 0, 0, 0, 0, missing, 0.0)

    def _lay(self, step: Step, fp: str, entry: Entry, selected: Mask, fresh: dict[str, pl.Series] | None) -> int:
        """Put what the step changed on top; returns how many of the selected rows changed."""
        if not entry.has("changes"):
            return 0
        stored = entry.files["changes"]
        names = tuple(entry.facts["sets"])
        rows = entry.read("changes", ["row"])["row"].to_numpy()
        hit = selected[rows]
        partial = not bool(hit.all())
        layer = Layer(names, stored, applied=selected.copy() if partial else None, step=step.name)
        self.layers.append(layer)
        reader = self.state.reader(self.layers)
        # rows passed by: which they are depends on `where` and on all that it may read
        passed = bool((self.live & ~selected).any())
        chosen = [step.where, sorted(self.versions.items())] if passed else None
        self.sound &= self.live
        for name in names:
            self.versions[name] = fingerprint(self.versions.get(name, ""), fp, chosen)
            if fresh is not None and not passed:
                self.frame.set(name, fresh[name])
            else:
                self.frame.relay(name, reader.read, self.basis)
        return int(hit.sum())

    # -- table steps --------------------------------------------------------------------------

    def _gather(self, call: Call) -> tuple[str, Mask, int]:
        """What the table step needs of this partition, cached like a row step's outcome."""
        step = call.step
        assert isinstance(step, TableStep)
        selected = self._selected(call)
        fp = self._fingerprint(call, "gather")
        entry = self.cache.get(fp)
        covered = np.zeros(self.state.rows, np.bool_)
        if entry is not None:
            covered[entry.read("gathered", ["row"])["row"].to_numpy()] = True
        missing = selected & ~covered
        if self.task.dry or (not missing.any() and entry is not None):
            return fp, selected, int(missing.sum()) if entry is not None else self.state.rows
        frame, rows = self._frame_for(missing)
        columns = step.gather(frame.with_seed(call.seed))
        for name, column in columns.items():
            if len(column) != frame.height:
                raise StepError(
                    f"step {step.name!r}: gathered {name!r} has {len(column)} values for {frame.height} rows"
                )
        gathered = pl.DataFrame([pl.Series("row", rows.astype(np.uint32)), *(c.alias(n) for n, c in columns.items())])
        sound = self.sound[rows]
        if not sound.all():
            gathered = gathered.filter(pl.Series(sound))
        if entry is not None:
            old = entry.read("gathered").filter(~pl.col("row").is_in(gathered["row"].implode()))
            gathered = pl.concat([old, gathered]).sort("row")
        self.cache.put(fp, {"gathered": gathered}, {"step": step.name})
        return fp, selected, len(rows)


def _read_outcomes(entry: Entry | None) -> tuple[NDArray[np.int64], pl.DataFrame]:
    """The rows judged, and their outcomes."""
    if entry is None:
        empty = pl.DataFrame(schema={"outcome": pl.UInt8, "reason": pl.Int8, "not_applicable": pl.Boolean})
        return np.empty(0, np.int64), empty
    frame = entry.read("outcome", ["row", "outcome", "reason", "not_applicable"])
    return frame["row"].to_numpy().astype(np.int64), frame


def _store(
    cache: Cache, fp: str, step: Step, entry: Entry | None, rows: NDArray[np.int64], judged: Judged, sound: Mask
) -> Entry:
    """Write the judgement of the sound rows, joined with what the entry already held of other rows."""
    row = pl.Series("row", rows.astype(np.uint32))
    columns = [
        row,
        pl.Series("outcome", judged.outcome),
        pl.Series("reason", judged.reason),
        pl.Series("not_applicable", judged.not_applicable),
        *(column.alias(f"evidence.{name}") for name, column in judged.evidence.items()),
    ]
    frames = {"outcome": pl.DataFrame(columns)}
    if not sound.all():
        frames["outcome"] = frames["outcome"].filter(pl.Series(sound))
    names = list(judged.changes)
    if names:
        changed = pl.Series(judged.changed & sound)
        frames["changes"] = pl.DataFrame([row, *judged.changes.values()]).filter(changed)
    if entry is not None:
        known = frames["outcome"]["row"].implode()
        names = list(dict.fromkeys([*entry.facts["sets"], *names]))
        for name in dict.fromkeys([*frames, *entry.files]):
            old = entry.read(name).filter(~pl.col("row").is_in(known)) if entry.has(name) else None
            both = [frame for frame in (old, frames.get(name)) if frame is not None]
            frames[name] = pl.concat(both, how="diagonal_relaxed").sort("row")
    return cache.put(fp, frames, {"step": step.name, "sets": names, "reasons": list(step.reasons)})
