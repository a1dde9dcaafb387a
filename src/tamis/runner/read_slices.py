"""The tasks of ingest: cutting one input, reading slices of it into files of rows, finishing those files.

Files of rows are kept under the store by fingerprint of the slice and of how it is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import xxhash
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.core.fingerprint import fingerprint
from tamis.core.origin import KIND_TYPES, BadLine, Batch, Cut, Input, Kind, Reading, Slice, Source, kind_of
from tamis.core.row import LINEAGE
from tamis.engine.cache import Cache, Entry
from tamis.engine.row_ids import repeated, row_ids
from tamis.engine.store import Stored

#: raised when what is stored of a slice changes
LAYOUT = 1

_BAD = {
    "line": pl.UInt64(),
    "cause": pl.String(),
    "message": pl.String(),
    "raw": pl.Binary(),
    "lines": pl.Int64(),
    "column": pl.String(),
}


@dataclass(frozen=True)
class ReadTask:
    """Slices of one input, to be read in order. file: its number; wanted: see `Source.read`; cache: the store."""

    source: Source
    what: Input
    file: int
    slices: tuple[Slice, ...]
    cache: Path
    wanted: dict[str, Reading] | None = None


@dataclass(frozen=True)
class SliceRead:
    """What reading a slice gave. fingerprint: of the cache entry with its rows.

    facts: rows; columns: names of those that hold anything; readings; found; mixed; bad: lines by cause; warnings.
    """

    fingerprint: str
    facts: dict[str, Any]
    cached: bool


@dataclass(frozen=True)
class FinishTask:
    """What is known of a slice only after all were read.

    occurrence: (rows,) uint32 or None, how many rows before each have its id; keyed: those rows are taken out
    and do not get ids of their own; kinds: of every column of the source.
    """

    cache: Path
    read: SliceRead
    label: str
    kinds: dict[str, Kind]
    occurrence: NDArray[np.uint32] | None
    keyed: bool


def cut_input(argument: tuple[Source, Input]) -> Cut:
    """The slices of one input."""
    source, what = argument
    return source.cut(what)


def unread(task: ReadTask) -> int:
    """Bytes of the slices that no earlier run has read."""
    cache = Cache(task.cache)
    return sum(part.size for part in task.slices if not cache.folder(_fingerprint(task, part)).exists())


def read_slices(task: ReadTask) -> list[SliceRead]:
    """Read the slices whose rows are not kept from an earlier run."""
    cache = Cache(task.cache)
    keys = {part: _fingerprint(task, part) for part in task.slices}
    done: dict[Slice, SliceRead] = {}
    for part in task.slices:
        entry = cache.get(keys[part])
        if entry is not None:
            done[part] = SliceRead(keys[part], entry.facts, True)
    missing = [part for part in task.slices if part not in done]
    if missing:
        for part, batch in zip(missing, task.source.read(task.what, missing, task.wanted), strict=True):
            done[part] = _keep(cache, keys[part], task, batch)
    return [done[part] for part in task.slices]


def _fingerprint(task: ReadTask, part: Slice) -> str:
    """What the rows of a slice, their places and ids depend on."""
    source = task.source
    wanted = None if task.wanted is None else sorted(task.wanted.items())
    what = (part.content, part.context, part.first_line, [list(gap) for gap in part.gaps])
    return fingerprint("slice", LAYOUT, source.reader(), *what, task.file, source.label, list(source.id), wanted)


def _keep(cache: Cache, fp: str, task: ReadTask, batch: Batch) -> SliceRead:
    """Write the rows of a batch, their ids and what could not be read."""
    source = task.source
    facts: dict[str, Any] = {
        "readings": batch.readings,
        "found": batch.found,
        "mixed": batch.mixed,
        "warnings": batch.warnings,
    }
    filled = [name for name, series in batch.columns.items() if series.null_count() < len(series)]
    columns = {name: batch.columns[name] for name in filled}
    bad, counts, lines = list(batch.bad), dict(batch.bad_counts), batch.lines
    if source.id and not batch.mixed:
        whole = _keyed(columns, source.id, len(lines))
        if not whole.all():
            message = f"its key ({', '.join(source.id)}) is empty"
            bad += [BadLine(line, "null_key", message, b"") for line in lines[~whole][:1000].tolist()]
            counts["null_key"] = int((~whole).sum())
            columns = {name: series.filter(pl.Series(whole)) for name, series in columns.items()}
            lines = lines[whole]
    facts |= {"rows": len(lines), "columns": filled, "bad": counts}
    frames = {}
    if not batch.mixed:
        for name, series in columns.items():
            expected = KIND_TYPES[kind_of(batch.readings[name])]
            if series.dtype != expected:
                raise DataError(f"{task.what.path}: column {name!r} was read as {series.dtype} and not as {expected}")
        content = [name for name in filled if name not in source.positions]
        made_of = [columns[name].alias(name) for name in source.id or content if name in columns]
        ids = row_ids(source.label, made_of, len(lines))
        where = pl.Series(np.full(len(lines), task.file, np.uint32))
        lineage = [
            series.alias(name)
            for name, series in zip(LINEAGE, [*map(pl.Series, ids), where, pl.Series(lines)], strict=True)
        ]
        frames["base"] = pl.DataFrame([*lineage, *(series.alias(f"source.{name}") for name, series in columns.items())])
    if bad:
        frames["bad"] = pl.DataFrame(bad, schema=_BAD, orient="row")
    cache.put(fp, frames, facts)
    return SliceRead(fp, facts, False)


def _keyed(columns: Mapping[str, pl.Series], key: tuple[str, ...], rows: int) -> NDArray[np.bool_]:
    """(rows,) bool: whether every key column holds something."""
    whole = np.ones(rows, np.bool_)
    for name in key:
        if name not in columns:
            return np.zeros(rows, np.bool_)
        series = columns[name]
        present = series.is_not_null()
        if series.dtype == pl.String:
            present &= (series != "").fill_null(False)
        whole &= present.to_numpy()
    return whole


def entry_of(cache: Cache, fp: str) -> Entry:
    """An entry written a moment ago."""
    entry = cache.get(fp)
    if entry is None:
        raise DataError(f"{cache.folder(fp)} is gone or altered since it was written", hint="run again")
    return entry


def pinned_ids(cache: Cache, read: SliceRead, label: str, pinned: Mapping[str, Any]) -> SliceRead:
    """The same rows, with ids made from pinned columns only."""
    used = [name for name in read.facts["columns"] if name in pinned]
    fp = fingerprint("pinned", read.fingerprint, sorted(used))
    if cache.get(fp) is None:
        entry = entry_of(cache, read.fingerprint)
        frames = {name: entry.read(name) for name in entry.files}
        base = frames["base"]
        high, low = row_ids(label, [base[f"source.{name}"].alias(name) for name in used], base.height)
        frames["base"] = base.with_columns(pl.Series("id.high", high), pl.Series("id.low", low))
        cache.put(fp, frames, read.facts)
    return SliceRead(fp, read.facts, read.cached)


def finish_slice(task: FinishTask) -> Stored:
    """The file of a partition: the slice's own where nothing is to be changed in it."""
    cache = Cache(task.cache)
    entry = entry_of(cache, task.read.fingerprint)
    missing = [name for name in task.kinds if name not in task.read.facts["columns"]]
    if task.occurrence is None and not missing:
        return entry.files["base"]
    digest = "" if task.occurrence is None else xxhash.xxh3_128_hexdigest(task.occurrence.tobytes())
    fp = fingerprint("finished", task.read.fingerprint, digest, list(task.kinds.items()))
    done = cache.get(fp)
    if done is None:
        base = entry.read("base")
        if task.occurrence is not None and not task.keyed:
            high, low = repeated((base["id.high"].to_numpy(), base["id.low"].to_numpy()), task.occurrence)
            base = base.with_columns(pl.Series("id.high", high), pl.Series("id.low", low))
        elif task.occurrence is not None:
            base = base.filter(pl.Series(task.occurrence == 0))
        void = [pl.lit(None, KIND_TYPES[task.kinds[name]]).alias(f"source.{name}") for name in missing]
        base = base.with_columns(void).select(*LINEAGE, *(f"source.{name}" for name in task.kinds))
        done = cache.put(fp, {"base": base}, {})
    return done.files["base"]
