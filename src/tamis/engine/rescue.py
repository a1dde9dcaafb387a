"""Rows that people took back: a drop or a merge turned into keep, if the row is still what they saw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.fingerprint import fingerprint

from .judge import DROPPED, MERGED
from .layers import Mask

if TYPE_CHECKING:
    from .task import PartState

Rescued = Mapping[tuple[int, int], str | None]


def content_hash(record: Mapping[str, Any]) -> str:
    """The hash of what a person saw of a row: its messages, rejected answer and text, or else its source columns."""
    seen = {name: record[name] for name in ("messages", "rejected", "text") if record.get(name) is not None}
    if not seen:
        seen = {name: value for name, value in record.items() if name.startswith("source.")}
    try:
        return fingerprint("content", seen)
    except TypeError:  # values that JSON does not know, as text
        return fingerprint("content", json.loads(json.dumps(seen, default=str)))


def rows_of(state: PartState, rows: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Some rows of a partition with every column, as they are at this point."""
    from .frame import Frame

    reader = state.reader()
    frame = Frame(state.rows, reader.names, reader.read).take(rows)
    columns = [frame[name].alias(name) for name in frame.names]
    import polars as pl

    return pl.DataFrame(columns).to_dicts()


def find_ids(state: PartState, ids: Mapping[tuple[int, int], Any]) -> dict[int, tuple[int, int]]:
    """The partition rows whose id is among `ids`: row → id."""
    reader = state.reader()
    high, low = reader.read("id.high").to_numpy(), reader.read("id.low").to_numpy()
    wanted = np.array([pair[0] for pair in ids], np.uint64)
    candidates = np.flatnonzero(np.isin(high, wanted))
    pairs = {int(row): (int(high[row]), int(low[row])) for row in candidates}
    return {row: pair for row, pair in pairs.items() if pair in ids}


def rescue_rows(rescued: Rescued, state: PartState, outcome: NDArray[np.uint8]) -> tuple[Mask, int]:
    """(which of the partition's rows are taken back, how many rescues are stale because the row changed)."""
    named = np.zeros(state.rows, np.bool_)
    left = (outcome == DROPPED) | (outcome == MERGED)
    if not rescued or not left.any():
        return named, 0
    found = {row: pair for row, pair in find_ids(state, rescued).items() if left[row]}
    stale = 0
    if found:
        rows = np.array(sorted(found), np.int64)
        for row, record in zip(rows.tolist(), rows_of(state, rows), strict=True):
            content = rescued[found[row]]
            if content is None or content == content_hash(record):
                named[row] = True
            else:
                stale += 1
    return named, stale
