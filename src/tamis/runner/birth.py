"""Birth steps: rows out of rows; and rows that a table step repeats."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS
from tamis.core.fingerprint import fingerprint
from tamis.core.row import LINEAGE, RESERVED
from tamis.core.step import BirthStep
from tamis.engine.cache import Cache
from tamis.engine.frame import Frame
from tamis.engine.ids import hex_ids
from tamis.engine.judge import CODES, KEPT, MERGED, absent_views, change_name, resolve
from tamis.engine.layers import mask_hash
from tamis.engine.parts import part_frame
from tamis.engine.store import Stored, columns_of
from tamis.engine.task import Applied, Call, PartState

#: columns that every child has of its own
APART = ("id.high", "id.low", "born.from")


@dataclass(frozen=True)
class Birth:
    """One partition's work in a birth step."""

    state: PartState
    call: Call
    cache: Path
    folder: Path


@dataclass
class Born:
    """The parents after the step, their children if any, the account, and what the step tells people."""

    parents: PartState
    children: PartState | None
    applied: Applied
    warnings: tuple[str, ...] = ()


def bear(task: Birth) -> Born:
    """Run a birth step over one partition; cached by the step and everything the partition is."""
    started = time.perf_counter()
    state, call, step = task.state, task.call, task.call.step
    assert isinstance(step, BirthStep)
    cache = Cache(task.cache)
    selected = state.live.copy()
    if call.only_source is not None and call.only_source != state.source:
        selected[:] = False
    reader = state.reader()
    if step.where is not None and selected.any():
        from tamis.engine.sql import evaluate

        frame = Frame(state.rows, reader.names, reader.read)
        selected &= evaluate(step.where, frame).fill_null(False).to_numpy()
    versions = sorted(state.versions.items())
    fp = fingerprint("birth", step.name, call.identity, state.content, versions, mask_hash(selected))
    entry = cache.get(fp)
    fresh = entry is None
    if entry is None:
        rows = np.flatnonzero(selected)
        parent = Frame(state.rows, reader.names, reader.read, seed=call.seed).take(rows)
        parents, children, verdict = step.bear(parent)
        judged = resolve(step, verdict, height=parent.height, before={}, not_applicable=absent_views(step, parent))
        lives = pl.Series(judged.outcome[parents.to_numpy()] == KEPT, dtype=pl.Boolean)
        parents, children = parents.filter(lives), children.filter(lives)
        if not step.keeps_parents():
            judged.outcome[parents.to_numpy()] = MERGED
        outcome = pl.DataFrame(
            [
                pl.Series("row", rows.astype(np.uint32)),
                pl.Series("outcome", judged.outcome),
                pl.Series("reason", judged.reason),
            ]
            + [column.alias(f"evidence.{name}") for name, column in judged.evidence.items()]
        )
        entry = cache.put(
            fp,
            {"outcome": outcome, "children": _children(call, parent, parents, children)},
            {"step": step.name, "warnings": list(verdict.warnings)},
        )
    return _result(
        task, cache, fp, entry.read("outcome"), selected, started, judged_rows=int(selected.sum()) if fresh else 0
    )


def _children(call: Call, parent: Frame, parents: pl.Series, children: pl.DataFrame) -> pl.DataFrame:
    """The children as a base: an id from the parent's, the step and the index; other columns inherited."""
    positions = parents.cast(pl.UInt32)
    high, low = parent["id.high"].to_numpy(), parent["id.low"].to_numpy()
    index = parents.to_numpy()
    parent_ids = hex_ids(high[index], low[index]).to_list()
    count: dict[str, int] = {}
    pairs = np.empty((len(parent_ids), 2), np.uint64)
    for k, text in enumerate(parent_ids):
        n = count[text] = count.get(text, -1) + 1
        digest = hashlib.blake2b(f"{text}/{call.step.name}/{n}".encode(), digest_size=16).digest()
        pairs[k] = int.from_bytes(digest[:8]), int.from_bytes(digest[8:])
    given = {
        change_name(call.step, name): column
        for name, column in zip(children.columns, children.get_columns(), strict=True)
    }
    names = [n for n in parent.names if n not in given and n not in APART and n[0] != ANSWERS]
    plain = [n for n in names if n not in LINEAGE]
    own = {*(call.step.inherits(plain) if isinstance(call.step, BirthStep) else plain), *LINEAGE}
    columns = [pl.Series("id.high", pairs[:, 0]), pl.Series("id.low", pairs[:, 1])]
    columns += [
        parent[n].gather(positions).alias(n)
        if n in own
        else pl.Series(n, [None], parent[n].dtype).new_from_index(0, len(positions))
        for n in names
    ]
    columns += [column.alias(name) for name, column in given.items()]
    columns.append(pl.Series("born.from", parent_ids, dtype=pl.String))
    lineage = [*LINEAGE]
    columns.sort(key=lambda c: (c.name not in lineage, lineage.index(c.name) if c.name in lineage else 0))
    return pl.DataFrame(columns)


def _result(
    task: Birth, cache: Cache, fp: str, told: pl.DataFrame, selected: np.ndarray, started: float, *, judged_rows: int
) -> Born:
    state, slugs = task.state, list(task.call.step.reasons)
    entry = cache.get(fp)
    assert entry is not None, "written a moment ago"
    outcome, reason = np.zeros(state.rows, np.uint8), np.full(state.rows, -1, np.int8)
    rows = told["row"].to_numpy()
    outcome[rows], reason[rows] = told["outcome"].to_numpy(), told["reason"].to_numpy()
    part = fingerprint("birth part", fp)
    if cache.get(part) is None:
        evidence = told.drop("outcome", "reason")
        cache.put(part, {"part": part_frame(evidence, selected, outcome, reason, slugs)}, {})
    rows_in = int(state.live.sum())
    counts = np.bincount(outcome, minlength=len(CODES)).tolist()
    counts[KEPT] = rows_in - sum(counts[1:])
    reasons = np.bincount(reason[reason >= 0], minlength=len(slugs)).tolist()
    applied = Applied(
        rows_in,
        counts,
        {s: c for s, c in zip(slugs, reasons, strict=True) if c},
        part,
        0,
        0,
        0,
        0,
        judged_rows,
        time.perf_counter() - started,
    )
    children = _state(entry.files["children"], state.source)
    warnings = tuple(entry.facts.get("warnings", ()))
    return Born(replace(state, live=state.live & (outcome == KEPT)), children, applied, warnings)


@dataclass(frozen=True)
class Repeat:
    """Rows of one partition that a table step lets be born again. copies: (rows,) how often; decision: its fingerprint."""

    state: PartState
    call: Call
    copies: NDArray[np.int64]
    decision: str
    cache: Path


def repeat(task: Repeat) -> PartState | None:
    """The copies, which inherit every column, as a partition of their own; None where there are none."""
    rows = np.flatnonzero(task.copies)
    if not len(rows):
        return None
    cache, state = Cache(task.cache), task.state
    told = fingerprint("repeat", task.decision, state.content, sorted(state.versions.items()), mask_hash(state.live))
    entry = cache.get(told)
    if entry is None:
        reader = state.reader()
        parent = Frame(state.rows, reader.names, reader.read).take(rows)
        parents = pl.Series(np.repeat(np.arange(len(rows)), task.copies[rows]).astype(np.uint32))
        entry = cache.put(told, {"children": _children(task.call, parent, parents, pl.DataFrame())}, {})
    return _state(entry.files["children"], state.source)


def repeats(
    states: Sequence[PartState], copies: Sequence[NDArray[np.int64] | None], call: Call, decision: str, cache: Path
) -> list[Repeat]:
    """The work of each partition: copies of rows that are live."""
    return [
        Repeat(state, call, np.zeros(state.rows, np.int64) if some is None else np.where(state.live, some, 0), decision, cache)
        for state, some in zip(states, copies, strict=True)
    ]  # fmt: skip


def placed(
    states: Sequence[PartState], keys: Sequence[int], born: Iterable[PartState | None], check: Callable[[], None]
) -> tuple[list[PartState], list[int], int]:
    """The partitions and their keys with children after their parents', and how many rows were born."""
    found, names, rows, fresh = list[PartState](), list[int](), 0, max(keys, default=-1) + 1
    for state, key, children in zip(states, keys, born, strict=True):
        check()
        found.append(state)
        names.append(key)
        if children is not None:
            rows += children.rows
            found.append(children)
            names.append(fresh)
            fresh += 1
    return found, names, rows


def _state(stored: Stored, source: str) -> PartState | None:
    """Children as a partition."""
    if not stored.rows:
        return None
    names = columns_of(stored)
    kept = tuple(n for n in names if n in RESERVED or n in LINEAGE or "." in n)
    return PartState(stored, stored.rows, source, stored.xxh3, kept, (), {}, np.ones(stored.rows, np.bool_))
