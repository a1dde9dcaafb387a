"""What all splits share: rows whose split is settled already, and copies across splits."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.errors import DataError, UsageError

from .allocate import assign
from .hashing import Keys, first_equal, part_keys
from .text import to_text

_ID = re.compile(r"[0-9a-f]{32}")


class Pin(NamedTuple):
    """A row whose split is settled: its id, and the split where the file tells it."""

    id: str
    split: str | None


def read_pins(path: Path) -> list[Pin]:
    """Ids, with their splits where the file has a field `split`.

    JSONL, CSV, TSV and Parquet with a field `id`; any other file: one id per line.
    """
    try:
        suffix = path.suffix.lower()
        if suffix == ".parquet":
            frame = pl.read_parquet(path)
            return _pins(path, frame.to_dicts())
        text = path.read_text(encoding="utf-8-sig")
        if suffix in (".jsonl", ".ndjson"):
            return _pins(path, [json.loads(line) for line in text.split("\n") if line.strip()])
        if suffix in (".csv", ".tsv"):
            return _pins(path, list(csv.DictReader(text.split("\n"), delimiter="\t" if suffix == ".tsv" else ",")))
        return [Pin(line.strip(), None) for line in text.split("\n") if line.strip()]
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise DataError(f"{path} is no list of row ids: {error}") from error


def _pins(path: Path, records: Sequence[object]) -> list[Pin]:
    pins = []
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict) or record.get("id") is None:
            raise DataError(
                f"{path}: record {number} has no field 'id'", hint="each record needs `id`, and may have `split`"
            )
        split = record.get("split")
        pins.append(Pin(str(record["id"]), None if split is None else str(split)))
    return pins


def id_keys(ids: Sequence[str], column: str) -> Keys:
    """The ids as keys: the row id's own halves, or the hash of a column's value."""
    n = len(ids)
    if column != "id":
        return part_keys(to_text(pl.Series(ids, dtype=pl.String)), ())
    for one in ids:
        if not _ID.fullmatch(one):
            raise UsageError(
                f"{one!r} is no row id (32 hexadecimal digits)",
                hint="where the ids are values of a column of yours, name it with `ids:`",
            )
    high = np.array([int(one[:16], 16) for one in ids], np.uint64)
    low = np.array([int(one[16:], 16) for one in ids], np.uint64)
    return Keys(high, low, np.ones(n, np.bool_))


def pinned(rows: Keys, pins: Sequence[Pin], splits: Sequence[str | None], column: str) -> NDArray[np.int64]:
    """(n,) int64: the position in `splits` of the split a row is pinned to, or -1. The first pin of an id counts."""
    n, m = len(rows.high), len(pins)
    if not m:
        return np.full(n, -1, np.int64)
    given = id_keys([pin.id for pin in pins], column)
    both = Keys(*(np.concatenate(pair) for pair in zip(given, rows, strict=True)))
    first = first_equal(both)[m:]
    place = np.array([splits.index(pin.split) for pin in pins] + [-1], np.int64)
    return place[np.where(first < m, first, m)]


def leaks(keys: Sequence[Keys], split: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Copies across splits: per row, the first row with an equal key in another split, or -1; and whether that
    or another copy stands in a later split (so that this one should go).
    """
    n = len(split)
    twin, earlier = np.full(n, -1, np.int64), np.zeros(n, np.bool_)
    for key in keys:
        first = first_equal(key)
        torn = np.zeros(n, np.bool_)
        torn[first[split != split[first]]] = True
        order = np.flatnonzero(torn[first])
        if not len(order):
            continue
        order = order[np.lexsort((split[order], first[order]))]
        group, where = first[order], split[order]
        begins = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        ends = np.r_[begins[1:], len(order)]
        run = np.repeat(np.arange(len(begins)), ends - begins)
        highest = where[ends - 1][run]
        # the first member of the lowest split, or, for the rows of that split, of the next one
        change = np.r_[False, (where[1:] != where[:-1]) & (group[1:] == group[:-1])]
        second = np.full(len(begins), -1, np.int64)
        places = np.flatnonzero(change)[::-1]
        second[run[places]] = order[places]
        other = np.where(where == where[begins][run], second[run], order[begins][run])
        fresh = twin[order] < 0
        twin[order[fresh]] = other[fresh]
        earlier[order] |= where < highest
    return twin, earlier


def numbered(first: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) int64: groups counted from 0 in the order of their first rows, where `first` is each row's."""
    begins = first == np.arange(len(first))
    return (np.cumsum(begins) - 1)[first]


def place_rows(
    root: NDArray[np.int64],
    order: NDArray[np.uint64],
    strata: NDArray[np.int64],
    settled: NDArray[np.int64],
    joins: NDArray[np.bool_],
    targets: NDArray[np.int64],
) -> NDArray[np.int64]:
    """(n,) int64: the split of each row.

    root: the first row of the unit a row belongs to; a unit is never torn. settled: a row's split, or -1;
    joins: settled rows whose unit follows them. strata: 0 … n - 1; order: as `seeded_order` gives it.
    """
    unit = numbered(root)
    if not (settled >= 0).any():
        return _place_all(root, unit, order, strata, targets)
    follows = np.full(int(unit.max()) + 1 if len(unit) else 0, -1, np.int64)
    if joins.any():
        np.maximum.at(follows, unit[joins], settled[joins])
    split = np.where(settled < 0, follows[unit], settled)
    inside = (split >= 0) & (split < len(targets))
    k, n_strata = len(targets), int(strata.max()) + 1 if len(strata) else 0
    placed = np.bincount(strata[inside] * k + split[inside], minlength=n_strata * k).reshape(n_strata, k)
    free = np.flatnonzero(split < 0)
    sizes = np.bincount(unit[free], minlength=len(follows))
    turns = np.full(len(follows), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(turns, unit[free], order[free])
    kind = np.zeros(len(follows), np.int64)
    kind[unit[free[::-1]]] = strata[free[::-1]]
    some = np.flatnonzero(sizes)
    chosen = np.full(len(follows), -1, np.int64)
    chosen[some] = assign(turns[some], sizes[some], kind[some], targets, placed)
    split[free] = chosen[unit[free]]
    return split


def _place_all(
    root: NDArray[np.int64],
    unit: NDArray[np.int64],
    order: NDArray[np.uint64],
    strata: NDArray[np.int64],
    targets: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The same where no row is settled, with fewer passes over all rows: most units are one row, their first."""
    lead = root == np.arange(len(root))
    firsts, others = np.flatnonzero(lead), np.flatnonzero(~lead)
    turns = order[firsts]
    np.minimum.at(turns, unit[others], order[others])
    sizes = np.ones(len(firsts), np.int64)
    np.add.at(sizes, unit[others], 1)
    return assign(turns, sizes, strata[firsts], targets)[unit]


def cut_by_time(times: NDArray[np.int64], targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) int64: the split of each row, the oldest to the first; rows of one time stay together.

    times: ranks, (n,). Each cut stands at the border between two times nearest to its target; every split
    with a target gets at least one time while there are enough of them.
    """
    order = np.argsort(times, kind="stable")
    ranked = times[order]
    borders = np.r_[np.flatnonzero(ranked[1:] != ranked[:-1]) + 1, len(ranked)]
    split = np.zeros(len(times), np.int64)
    last = -1
    wanted = np.flatnonzero(targets > 0)
    for left, (s, later) in zip(range(len(wanted) - 1, 0, -1), pairwise(wanted.tolist()), strict=True):
        goal = int(targets[: s + 1].sum())
        low, high = last + 1, max(last + 1, len(borders) - 1 - left)
        at = low + int(np.argmin(np.abs(borders[low : high + 1] - goal)))
        split[order[borders[at] :]] = later
        last = at
    return split


def components(first: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) int64: the first row of each row's component, where i, first[i] and other[i] belong together."""
    from .kernels.allocate import components as kernel

    root = np.empty(len(first), np.int64)
    kernel(first, other, root)
    return root


_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_NAIVE = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")


def instants(column: pl.Series, format: str | None = None) -> pl.Series:
    """Points in time that can be ordered: numbers as they are, dates and texts as microseconds since 1970 UTC, Int64.

    Null where there is none or it cannot be read. Texts are read by `format`, else as ISO 8601.
    """
    kind = column.dtype
    if kind.is_numeric() or kind == pl.Boolean:
        return column.cast(pl.Float64).fill_nan(None) if kind.is_float() else column.cast(pl.Int64)
    if kind == pl.Date or isinstance(kind, pl.Datetime):
        return column.cast(pl.Datetime("us")).cast(pl.Int64)
    text = column.cast(pl.String).str.strip_chars()
    if format is not None:
        aware = any(code in format for code in ("%z", "%#z", "%:z"))
        if not re.search("%[HIcTRXsrfS]", format):
            return text.str.to_date(format, strict=False).cast(pl.Datetime("us")).cast(pl.Int64)
        zone = "UTC" if aware else None
        return text.str.to_datetime(format, strict=False, time_unit="us", time_zone=zone).cast(pl.Int64)
    text = text.str.replace(r"^(\d{4}-\d\d-\d\d)[ t]", "${1}T").str.replace(r"[zZ]$", "+00:00")
    found = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")).cast(pl.Int64)
    for pattern in _NAIVE:
        read = text.str.to_datetime(pattern, strict=False, time_unit="us").cast(pl.Int64)
        found = found.zip_with(found.is_not_null(), read)
    for pattern in _FORMATS:
        read = text.str.to_datetime(pattern, strict=False, time_unit="us", time_zone="UTC").cast(pl.Int64)
        found = found.zip_with(found.is_not_null(), read)
    return found
