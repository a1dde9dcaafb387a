"""Gates: what people decided is applied; what they have not decided stops the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import UsageError
from tamis.core.row import id_pair
from tamis.core.step import GateStep
from tamis.engine.cache import Cache
from tamis.engine.frame import find_column
from tamis.engine.judge import DROPPED, HELD, KEPT
from tamis.engine.rescue import content_hash, find_ids, rows_of
from tamis.engine.reviewing import Reviewing, read_known
from tamis.engine.stage import Call
from tamis.runs.decisions import Decision, Decisions
from tamis.runs.settle import DECIDING, Settled, by_row, current, settle

from ._people import People
from .account import Account
from .table import Gathered, Scattered


@dataclass(frozen=True)
class GateAsk:
    """A gate: what it asks, how many rows it asked about, how many are decided, and whether it waits.

    differing: rows on which reviewers disagree; record: how its rows are reviewed; rows: those asked about, as in
    `runs/gates.py`, `partition` being the flow's key.
    """

    step: str
    question: str
    asked: int
    decided: int
    differing: int = 0
    waits: bool = True
    record: dict[str, Any] = field(default_factory=dict)
    rows: pl.DataFrame | None = None


def ask_people(
    call: Call,
    parts: Sequence[Gathered],
    scattered: Sequence[Scattered],
    decisions: Decisions,
    account: Account,
    cache: Cache,
    keys: Sequence[int],
) -> GateAsk:
    """Apply the decisions to the rows the gate holds, and say what it still waits for. keys: of the partitions."""
    step = call.step
    assert isinstance(step, GateStep)
    slugs = list(step.reasons)
    setup = step if isinstance(step, Reviewing) else Reviewing()
    made = by_row(decisions, step.name)
    ids = {id_pair(row): some for row, some in made.items()}
    asked = [one.outcome == HELD for one in scattered]
    differing, contents = 0, []
    for part, one, held in zip(parts, scattered, asked, strict=True):
        found = _settled(part, held, ids, setup, account) if made and held.any() else {}
        differing += sum(some.status == "differ" for _, some, _ in found.values())
        contents.append({row: content for row, (_, _, content) in found.items()})
        people = People(step.name, setup, part, one, held, found)
        people.judge(slugs.index("rejected"), account)
        people.tell(bool(made))
        people.change(cache)
    undecided = sum(int((one.outcome == HELD).sum()) for one in scattered)
    waits = undecided > 0 and not decisions.closed(step.name)
    if undecided and not waits and step.undecided != "hold":
        for one in scattered:
            open_rows = one.outcome == HELD
            one.outcome[open_rows] = KEPT if step.undecided == "keep" else DROPPED
            one.reason[open_rows] = -1 if step.undecided == "keep" else slugs.index("undecided")
    total = sum(int(held.sum()) for held in asked)
    record = {"seed": call.seed, "review": setup.settings_told(), **_read(setup)}
    rows = _rows(setup, parts, asked, contents, keys)
    return GateAsk(step.name, step.question_text(), total, total - undecided, differing, waits, record, rows)


def _settled(
    part: Gathered,
    held: NDArray[np.bool_],
    made: dict[tuple[int, int], list[Decision]],
    setup: Reviewing,
    account: Account,
) -> dict[int, tuple[dict[str, Any], Settled, str | None]]:
    """Partition row → its columns, what its decisions come to, the hash of what it says; of rows that have decisions.

    Rows whose decisions say no more than yes or no, of whatever the row says, are not read.
    """
    found = {row: made[pair] for row, pair in find_ids(part.state, made).items() if held[row]}
    read = [row for row, some in found.items() if any(d.content is not None or _changes(d) for d in some)]
    rows = np.array(sorted(read), np.int64)
    records = dict(zip(rows.tolist(), rows_of(part.state, rows), strict=True)) if len(rows) else {}
    told = {}
    for row, some in sorted(found.items()):
        record = records.get(row, {})
        content = content_hash(record) if record else None
        standing = current(some, content)
        settled = settle(standing, setup.reviewers, setup.consensus)
        kinds = (*DECIDING, "adjudicate")
        stale = sum(d.kind in kinds and d.round is None for d in some) > sum(
            d.kind in kinds for d in standing if not d.round
        )
        account.stale += stale and settled.status != "decided"
        told[row] = (record, settled, content)
    return told


def _changes(decision: Decision) -> bool:
    return decision.kind in ("edit", "relabel", "rate", "prefer", "adjudicate")


def _read(setup: Reviewing) -> dict[str, Any]:
    """What stands in the files that a gate names."""
    guidelines = setup.guidelines
    if isinstance(guidelines, Path):
        try:
            guidelines = guidelines.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"guidelines {setup.guidelines} cannot be read: {error}") from None
    known = [] if setup.calibration is None else read_known(setup.calibration)
    return {"guidelines": guidelines, "calibration": known}


def _rows(
    setup: Reviewing,
    parts: Sequence[Gathered],
    asked: Sequence[NDArray[np.bool_]],
    contents: Sequence[dict[int, str | None]],
    keys: Sequence[int],
) -> pl.DataFrame:
    """The rows asked about, in row order."""
    schema = {"id.high": pl.UInt64, "id.low": pl.UInt64, "partition": pl.UInt32, "row": pl.UInt32, "content": pl.String}
    frames = [pl.DataFrame(schema=schema)]
    for part, held, told, key in zip(parts, asked, contents, keys, strict=True):
        rows = np.flatnonzero(held)
        if not len(rows):
            continue
        reader = part.state.reader()
        columns = [reader.read(name).gather(pl.Series(rows, dtype=pl.UInt32)) for name in ("id.high", "id.low")]
        columns.append(pl.Series("partition", np.full(len(rows), key, np.uint32)))
        columns.append(pl.Series("row", rows.astype(np.uint32)))
        columns.append(pl.Series("content", [told.get(row) for row in rows.tolist()], dtype=pl.String))
        if setup.order_by is not None:
            values = reader.read(find_column(setup.order_by, reader.names)).gather(pl.Series(rows, dtype=pl.UInt32))
            kind = pl.String if setup.order == "cluster" else pl.Float64
            columns.append(values.cast(kind, strict=False).alias("by"))
        frames.append(pl.DataFrame(columns))
    return pl.concat(frames, how="diagonal")
