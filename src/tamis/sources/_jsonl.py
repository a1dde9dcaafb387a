"""JSON records in memory → rows: the lines of a JSONL slice, or the elements of an array."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.core.origin import RAW_LIMIT, Batch, Kind, Reading

from ._cells import Bad, Tape, build
from ._json_slow import problem

#: different top-level keys a slice may have: more is a mapping, not a table
MAX_COLUMNS = 1000
#: bytes a top-level key may have
MAX_KEY = 1 << 16
#: cells (rows × columns) a slice may come to
MAX_CELLS = 1 << 28

_MESSAGES = {
    "invalid_json": "not valid JSON",
    "invalid_utf8": "not valid UTF-8",
    "control_character": "a raw control character in a string; in JSON it must be escaped",
    "lone_surrogate": "an escape \\ud800 … \\udfff without its other half is no text",
    "duplicate_key": "a key stands twice in one object",
    "nan": "NaN and infinite numbers are no JSON",
    "too_deep": "nested too deep",
    "not_an_object": "not an object: a row is {…}",
}
_CAUSES = (
    "",
    "invalid_json",
    "invalid_utf8",
    "control_character",
    "lone_surrogate",
    "duplicate_key",
    "nan",
    "too_deep",
    "not_an_object",
    "invalid_json",
    "invalid_json",
)


class Records(NamedTuple):
    """Bounds of the records in a padded buffer, and the line (or element) number of each."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    numbers: NDArray[np.int64]


def lines_of(data: NDArray[np.uint8], length: int, first: int) -> Records:
    """The lines of data[:length] that are not blank."""
    from tamis.engine.kernels.json_lines import line_spans

    guess = max(1024, length // 256)
    while True:
        starts, ends, numbers = (np.empty(guess, np.int64) for _ in range(3))
        found = line_spans(data, length, starts, ends, numbers, first)
        if found <= guess:
            return Records(starts[:found], ends[:found], numbers[:found])
        guess = found


def read_records(
    data: NDArray[np.uint8],
    records: Records,
    *,
    max_depth: int,
    types: Mapping[str, Kind],
    wanted: Mapping[str, Reading] | None,
    bad: Bad,
    cut_short: bool,
    where: str,
) -> Batch:
    """The rows of some records. cut_short: the last record may be incomplete (no line end behind it)."""
    tape = _tape(data, records, max_depth=max_depth, bad=bad, cut_short=cut_short, where=where)
    return build(tape, bad, types, wanted)


def _tape(data: NDArray[np.uint8], records: Records, *, max_depth: int, bad: Bad, cut_short: bool, where: str) -> Tape:
    from tamis.engine.kernels import json_lines as kernel

    n = len(records.starts)
    state = np.zeros(kernel.STATE, np.int64)
    state[kernel.TRUSTED] = -1
    key_data, key_offsets = np.empty(1 << 20, np.uint8), np.zeros(MAX_COLUMNS + 1, np.int64)
    table = np.full(4096, -1, np.int32)
    seen, ghost, follows = (
        np.zeros(MAX_COLUMNS, np.int64),
        np.zeros(MAX_COLUMNS, np.bool_),
        np.full(MAX_COLUMNS + 1, -1, np.int32),
    )
    kinds, firsts = np.zeros(max_depth + 1, np.uint8), np.zeros(max_depth + 1, np.int64)
    keys, scratch = np.empty((4096, 2), np.int64), np.empty(MAX_KEY + 64, np.uint8)
    row_of = np.empty(n, np.int32)
    parse: Any = kernel.parse_records
    bad_record, bad_cause = np.empty(4096, np.int64), np.empty(4096, np.int64)
    size = max(1024, 6 * n)
    tape: list[Any] = [np.empty(size, t) for t in (np.int32, np.int32, np.uint8, np.int64, np.int64)]
    while True:
        why = parse(
            data,
            records.starts,
            records.ends,
            max_depth,
            state,
            *(key_data, key_offsets, table, seen, ghost, follows),
            *(kinds, firsts, keys, scratch, row_of),
            *tape,
            *(bad_record, bad_cause),
        )
        for record, code in zip(
            bad_record[: state[kernel.BAD]].tolist(), bad_cause[: state[kernel.BAD]].tolist(), strict=True
        ):
            _quarantine(
                data, records, record, _CAUSES[code], max_depth=max_depth, bad=bad, last=cut_short and record == n - 1
            )
        state[kernel.BAD] = 0
        if why == kernel.DONE:
            break
        if why == kernel.TAPE_FULL:
            tape = [np.concatenate([column, np.empty_like(column)]) for column in tape]
        elif why == kernel.DOUBTFUL:
            record = int(state[kernel.RECORD])
            if problem(data[records.starts[record] : records.ends[record]].tobytes(), max_depth) is None:
                state[kernel.TRUSTED] = record
            else:
                _quarantine(data, records, record, "invalid_json", max_depth=max_depth, bad=bad, last=False)
                state[kernel.RECORD] += 1
        elif why == kernel.COLUMNS_FULL:
            raise _too_wide(where, MAX_COLUMNS)
    rows, used, width = int(state[kernel.ROWS]), int(state[kernel.USED]), int(state[kernel.COLUMNS])
    if rows * width > MAX_CELLS:
        raise _too_wide(where, width)
    edges = key_offsets[: width + 1].tolist()
    names = [key_data[a:b].tobytes().decode("utf-8") for a, b in pairwise(edges)]
    chosen = row_of[:rows]
    numbers = records.numbers[chosen].astype(np.uint64)
    row, column, kind, start, end = (part[:used] for part in tape)
    bounds = (records.starts[chosen], records.ends[chosen])
    return Tape(data, names, row, column, kind, start, end, *bounds, numbers, ghosts=ghost[:width])


def _too_wide(where: str, columns: int) -> DataError:
    return DataError(
        f"{where}: the objects have {columns} or more different keys; this looks like a mapping, not like rows",
        hint="write each entry as one object with the same few keys",
    )


def _quarantine(
    data: NDArray[np.uint8], records: Records, record: int, cause: str, *, max_depth: int, bad: Bad, last: bool
) -> None:
    """Note a bad record. The first ones of a slice are looked at closely."""
    start, end = int(records.starts[record]), int(records.ends[record])
    message = _MESSAGES[cause]
    if not bad.full:
        exact = problem(data[start:end].tobytes(), max_depth) if cause != "too_deep" else None
        if cause == "not_an_object" and exact is None:
            pass
        elif exact is not None:
            cause, message = exact
        elif cause == "invalid_json":
            message = f"a key is longer than {MAX_KEY} bytes"
    if last and cause in ("invalid_json", "invalid_utf8", "not_an_object"):
        cause, message = (
            "truncated",
            "the last line has no end and is no whole JSON object; the file may still be being written",
        )
    raw = data[start : min(end, start + RAW_LIMIT)].tobytes()
    bad.add(int(records.numbers[record]), cause, message, raw)
