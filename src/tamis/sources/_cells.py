"""From values found in a slice to its rows: columns of one kind each, and the rows that do not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.origin import RAW_LIMIT, BadLine, Batch, Found, Kind, Reading, settle
from tamis.engine.views import string_series

#: bad lines of one slice that are kept with their bytes
KEPT_BAD = 1000
#: bytes of them that are kept; of further ones only the first thousand
KEPT_BYTES = 16 << 20

_SORTS = ("null", "text", "text", "integer", "big", "number", "boolean", "json")


@dataclass
class Bad:
    """What could not be read of one slice: every line counted, the first ones kept."""

    lines: list[BadLine] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    held: int = 0

    def add(self, line: int, cause: str, message: str, raw: bytes, *, lines: int = 1, column: str = "") -> None:
        self.counts[cause] = self.counts.get(cause, 0) + lines
        if not self.full:
            raw = raw[: RAW_LIMIT if self.held < KEPT_BYTES else 1000]
            self.held += len(raw)
            self.lines.append(BadLine(line, cause, message, raw, lines, column))

    @property
    def full(self) -> bool:
        """Whether further lines are only counted."""
        return len(self.lines) >= KEPT_BAD


@dataclass
class Tape:
    """Where the values of a slice stand in its bytes; see `engine.kernels.json_lines`.

    row, column, kind, start, end: one entry per value that is not null, rows ascending;
    record_start, record_end: (rows,) bounds of each row's text; lines: (rows,) uint64; doubled: quotes are escaped
    as in CSV; ghosts: (columns,) bool, columns that no row has (they stood in bad records).
    """

    data: NDArray[np.uint8]
    names: list[str]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    kind: NDArray[np.uint8]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    record_start: NDArray[np.int64]
    record_end: NDArray[np.int64]
    lines: NDArray[np.uint64]
    doubled: bool = False
    ghosts: NDArray[np.bool_] | None = None

    @property
    def height(self) -> int:
        return len(self.lines)


def build(tape: Tape, bad: Bad, types: Mapping[str, Kind], wanted: Mapping[str, Reading] | None) -> Batch:
    """The rows of a tape. `types`: kinds the recipe asks for, by column; `wanted`: see `Source.read`."""
    from tamis.engine.kernels.cells import by_column, count_kinds
    from tamis.engine.kernels.json_values import KINDS

    width = len(tape.names)
    counts = np.zeros((width, KINDS), np.int64)
    first = np.full((width, KINDS), -1, np.int64)
    count_kinds(tape.row, tape.column, tape.kind, len(tape.row), counts, first)
    live = [(c, name) for c, name in enumerate(tape.names) if tape.ghosts is None or not tape.ghosts[c]]
    found = {name: _found(counts[c], first[c], tape.lines, types.get(name)) for c, name in live}
    readings: dict[str, Reading] = {}
    mixed = False
    for _, name in live:
        if name in types:
            readings[name] = types[name]
        elif wanted is not None and name in wanted:
            readings[name] = wanted[name]
        else:
            readings[name], pure = settle(found[name])
            mixed |= not pure
    if mixed:
        return Batch({}, readings, tape.lines[:0], [], {}, found, mixed=True)
    starts = np.zeros(width + 1, np.int64)
    order = np.empty(len(tape.row), np.int32)
    by_column(tape.column, len(tape.row), starts, order)
    odd = np.zeros(tape.height, np.bool_)
    columns: dict[str, pl.Series] = {}
    for c, name in live:
        mine = np.zeros(tape.height, np.bool_)
        columns[name] = _column(tape, name, order[starts[c] : starts[c + 1]], readings[name], name in types, mine)
        if mine.any():
            _report(tape, bad, name, readings[name], mine & ~odd)
            odd |= mine
    lines = tape.lines
    if odd.any():
        keep = pl.Series(~odd)
        columns = {name: column.filter(keep) for name, column in columns.items()}
        lines = lines[~odd]
    in_order = sorted(bad.lines, key=lambda line: line.line)
    return Batch(columns, readings, lines, in_order, bad.counts, found)


def _found(
    counts: NDArray[np.int64], first: NDArray[np.int64], lines: NDArray[np.uint64], forced: Kind | None
) -> Found:
    """The sorts of values in a column, by first appearance."""
    seen: dict[str, tuple[int, int]] = {}
    for code in sorted(np.flatnonzero(counts).tolist(), key=lambda k: int(first[k])):
        sort = forced or _SORTS[code]
        count, line = seen.get(sort, (0, int(lines[first[code]])))
        seen[sort] = (count + int(counts[code]), line)
    return seen


def _column(
    tape: Tape, name: str, order: NDArray[np.int32], reading: Reading, forced: bool, odd: NDArray[np.bool_]
) -> pl.Series:
    """One column; rows whose value is of another kind are null and marked in `odd`."""
    from tamis.engine.kernels import cells

    n = tape.height
    valid = np.empty(n, np.bool_)
    where = (tape.row, tape.kind, tape.start, tape.end)
    if reading in ("text", "json", "digits") or forced:
        views = np.zeros((n, 16), np.uint8)
        out = np.empty(cells.decoded_room(order, tape.kind, tape.start, tape.end) + 64, np.uint8)
        accepted = _accepted(reading, forced)
        cells.fill_views(
            tape.data,
            order,
            *where,
            accepted,
            reading == "json" and not tape.doubled,
            tape.doubled,
            out,
            views,
            valid,
            odd,
        )
        series = string_series(name, views, valid, [tape.data, out])
        if forced and reading != "text" and (tape.doubled or reading != "json"):
            series, wrong = from_text(series, reading)
            odd |= wrong
        return series
    data: NDArray[Any]
    if reading == "integer":
        data = np.zeros(n, np.int64)
        cells.fill_integers(tape.data, order, *where, data, valid, odd)
    elif reading == "number":
        data = np.zeros(n, np.float64)
        slow = np.empty(len(order), np.int64)
        left = cells.fill_numbers(tape.data, order, *where, data, valid, odd, slow)
        for i in slow[:left].tolist():
            data[tape.row[i]] = float(tape.data[tape.start[i] : tape.end[i]].tobytes())
    else:
        data = np.zeros(n, np.bool_)
        cells.fill_booleans(tape.data, order, tape.row, tape.kind, tape.start, data, valid, odd)
    return masked(pl.Series(name, data), valid)


def masked(series: pl.Series, valid: NDArray[np.bool_]) -> pl.Series:
    """The series, null where `valid` is False."""
    if bool(valid.all()):
        return series
    return pl.select(pl.when(pl.Series(valid)).then(series)).to_series().alias(series.name)


def _accepted(reading: Reading, forced: bool) -> NDArray[np.bool_]:
    """Which kinds of values a column of text takes."""
    from tamis.engine.kernels.json_values import BIG, ESCAPED, INTEGER, KINDS, NESTED, NUMBER, TEXT

    accepted = np.zeros(KINDS, np.bool_)
    if forced:
        accepted[1:] = True
    elif reading == "text":
        accepted[[TEXT, ESCAPED]] = True
    elif reading == "json":
        accepted[NESTED] = True
    else:
        accepted[[INTEGER, BIG, NUMBER]] = True
    return accepted


def from_text(series: pl.Series, kind: str) -> tuple[pl.Series, NDArray[np.bool_]]:
    """Text read as a kind, and where it cannot be. Empty text is null."""
    text = series.str.strip_chars(" \t")
    text = pl.select(pl.when(text != "").then(text)).to_series()
    if kind == "integer":
        fits = text.str.contains(r"^[+-]?[0-9]{1,19}$")
        value = text.str.strip_prefix("+").cast(pl.Int64, strict=False)
    elif kind == "number":
        fits = text.str.contains(r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$")
        value = text.str.strip_prefix("+").cast(pl.Float64, strict=False)
        value = pl.select(pl.when(value.is_finite()).then(value)).to_series()
    elif kind == "boolean":
        lower = text.str.to_lowercase()
        fits = lower.is_in(["true", "false", "1", "0"])
        value = lower.is_in(["true", "1"])
    else:
        from ._json_slow import problem

        causes = [None if t is None else problem(t.encode(), 128) for t in text.to_list()]
        fits = pl.Series([cause is None for cause in causes], dtype=pl.Boolean)
        value = text
    good = fits.fill_null(False) & value.is_not_null()
    wrong = (text.is_not_null() & ~good).to_numpy()
    return masked(value.alias(series.name), good.to_numpy()), wrong


def _report(tape: Tape, bad: Bad, name: str, reading: Reading, odd: NDArray[np.bool_]) -> None:
    """Quarantine the rows whose value in a column is of another kind."""
    what = {"digits": "a number", "json": "a JSON object or array", "integer": "an integer"}.get(
        reading, f"a {reading}"
    )
    message = f"`{name}` is not {'text' if reading == 'text' else what}"
    rows = np.flatnonzero(odd)
    for row in rows[:KEPT_BAD].tolist():
        raw = tape.data[
            tape.record_start[row] : min(tape.record_end[row], tape.record_start[row] + RAW_LIMIT)
        ].tobytes()
        bad.add(int(tape.lines[row]), "type_mismatch", message, raw, column=name)
    if len(rows) > KEPT_BAD:
        bad.counts["type_mismatch"] += len(rows) - KEPT_BAD
