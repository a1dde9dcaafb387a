"""Reading CSV and TSV."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.core.fingerprint import canonical
from tamis.core.origin import RAW_LIMIT, Batch, Cut, Gap, Input, Kind, Reading, Slice

from ._cells import Bad, Tape, build
from ._json import note_gaps, replaced
from ._open import Blocks, Broken, refuse_utf16
from ._text import BOM, PADDING, Cutter, cut_stream, pieces

#: bytes a header may have
MAX_HEADER = 1 << 20

_CAUSES = ("", "ragged", "invalid_utf8", "nul", "stray_quote", "unclosed_quote")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


class RecordScan:
    """Records are CSV records; quoted cells may hold line ends."""

    padded = True

    def __init__(self, limit: int, start: int, line: int, delimiter: str) -> None:
        from tamis.engine.kernels import csv

        self._kernel, self._limit, self._delimiter = csv, limit, ord(delimiter)
        self.line, self.gaps = line, list[Gap]()
        self._state = np.zeros(csv.STATE, np.int64)
        self._state[[csv.LINE, csv.START, csv.START_LINE]] = line, start, line

    def feed(self, block: NDArray[np.uint8], begin: int, length: int, base: int, target: int) -> int | None:
        kernel, state = self._kernel, self._state
        at = begin
        while True:
            at, why = kernel.cut_records(block, at, length, base, target, self._limit, self._delimiter, state)
            if why == kernel.DONE:
                return None
            if why == kernel.TOO_LONG:
                self._gap(base + at, "too_long")
            if base + at >= target:
                self.line = int(state[kernel.LINE])
                return int(at)

    def _gap(self, stop: int, cause: str) -> None:
        kernel, state = self._kernel, self._state
        line = int(state[kernel.START_LINE])
        self.gaps.append(Gap(int(state[kernel.START]), stop, line, max(1, int(state[kernel.LINE]) - line), cause))
        state[[kernel.START, kernel.START_LINE]] = stop, state[kernel.LINE]

    def finish(self, size: int) -> None:
        kernel, state = self._kernel, self._state
        if size - int(state[kernel.START]) > self._limit:
            state[kernel.LINE] += 1
            self._gap(size, "unclosed_quote" if state[kernel.MODE] == kernel.QUOTED else "too_long")

    @property
    def lines(self) -> int:
        return int(self._state[self._kernel.LINE]) - 1


def cut_csv(what: Input, blocks: Blocks, limit: int, delimiter: str | None, given: str | None) -> Cut:
    """The slices of a CSV file. `delimiter`: by format (None: look at the header); `given`: by the recipe."""
    head = b""
    with contextlib.suppress(Broken):  # met again, and told, when the whole stream is read
        for block in blocks:
            head += block
            if len(head) >= MAX_HEADER:
                break
    refuse_utf16(head[:4], what.path)
    start = 3 if head.startswith(BOM) else 0
    mark, warnings = _delimiter(what.path, head[start:], delimiter, given)
    end, names, lines = _header(what.path, head, start, mark)
    context = canonical({"columns": names, "delimiter": mark})
    again = Blocks(what, max_bytes=blocks.max_bytes)
    cut = cut_stream(
        what, again, Cutter(what.path, RecordScan(limit, end, 1 + lines, mark), end, 1 + lines, context, size=what.size)
    )
    return dataclasses.replace(cut, warnings=tuple(warnings))


def _delimiter(path: str, head: bytes, by_format: str | None, given: str | None) -> tuple[str, list[str]]:
    """What separates cells. Only the header decides, and where that is no comma it is told."""
    if given is not None:
        return given, []
    if by_format is not None:
        return by_format, []
    bare, quoted = bytearray(), False
    for byte in head[:MAX_HEADER]:
        if byte == 0x22:
            quoted = not quoted
        elif byte == 0x0A and not quoted:
            break
        elif not quoted:
            bare.append(byte)
    counts = {mark: bare.count(mark.encode()) for mark in _NAMES}
    best = max(counts, key=lambda mark: counts[mark])
    if counts[best] == 0 or best == ",":
        return ",", []
    word = _NAMES[best]
    return best, [f"{path}: cells are separated by {word}s, as its header shows; `delimiter:` says it for certain"]


def _header(path: str, head: bytes, start: int, delimiter: str) -> tuple[int, list[str], int]:
    """Where the header ends, its names, and how many lines it takes."""
    from tamis.engine.kernels import csv as kernel

    at, lines = start, 0
    while at < len(head) and head[at : at + 1] in (b"\n", b"\r"):  # blank lines above the header
        lines += head[at] == 0x0A
        at += 1
    if at >= len(head):
        return len(head), [], lines
    state = np.zeros(kernel.STATE, np.int64)
    padded = np.frombuffer(head + bytes(PADDING), np.uint8)
    stop, why = kernel.cut_records(padded, at, len(head), 0, at + 1, MAX_HEADER, ord(delimiter), state)
    if why == kernel.TOO_LONG or (why == kernel.DONE and len(head) >= MAX_HEADER):
        raise DataError(
            f"{path}:{lines + 1}: the header does not end within {MAX_HEADER >> 20} MB; a quote may be open"
        )
    stop = int(stop) if why == kernel.BOUNDARY else len(head)
    if why == kernel.DONE and b"\r" in head[at:].rstrip(b"\r"):
        raise DataError(
            f"{path}: its lines end with CR alone (old Macintosh)", hint=f"tr '\\r' '\\n' < {path} > fixed.csv"
        )
    names = _names(padded[at:], stop - at, delimiter, f"{path}:{lines + 1}")
    empty = [i for i, name in enumerate(names, 1) if not name.strip()]
    if empty:
        raise DataError(
            f"{path}:{lines + 1}: column {empty[0]} of {len(names)} has no name",
            hint="give every column a name in the first line",
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{path}:{lines + 1}: more than one column is called {twice[0]!r}", hint="rename one of them")
    return stop, names, lines + head[at:stop].count(b"\n")


def read_csv(
    what: Input,
    slices: Sequence[Slice],
    blocks: Blocks,
    *,
    types: Mapping[str, Kind],
    wanted: Mapping[str, Reading] | None,
    replace: bool,
) -> Iterator[Batch]:
    """The rows of slices of a CSV file. All values are text unless `types` says otherwise; an empty cell is ""."""
    for piece in pieces(what, slices, blocks):
        data, length = replaced(piece.data, piece.length) if replace else (piece.data, piece.length)
        header = json.loads(piece.slice.context)
        bad = Bad()
        note_gaps(piece, bad)
        names = header["columns"]
        tape, broken = _cells(data, length, header["delimiter"], len(names), piece.slice.first_line)
        for offset, gap, _ in piece.gaps:
            tape.lines[tape.record_start >= offset] += np.uint64(gap.lines)
        for start, end, line, lines, cause, cells in broken:
            line += sum(gap.lines for offset, gap, _ in piece.gaps if start >= offset)
            raw = b"" if bad.full else data[start : min(end, start + RAW_LIMIT)].tobytes()
            bad.add(line, _CAUSES[cause], "" if bad.full else _message(cause, cells, len(names), raw), raw, lines=lines)
        tape.names = names
        yield build(tape, bad, types, wanted)


def _names(data: NDArray[np.uint8], length: int, delimiter: str, where: str) -> list[str]:
    """The cells of one record, however many there are."""
    width = data[:length].tobytes().count(delimiter.encode()) + 1
    for _ in range(2):  # delimiters in quotes were counted too: the first look says how many cells there are
        tape, broken = _cells(data, length, delimiter, width, 1)
        if not broken or broken[0][4] != 1:
            break
        width = broken[0][5]
    if broken:
        raise DataError(
            f"{where}: the header is no CSV record: {_message(broken[0][4], 0, 0, data[:length].tobytes())}"
        )
    series = build(tape, Bad(), {}, None).columns
    return [str(series[name][0]) for name in tape.names]


def _cells(
    data: NDArray[np.uint8], length: int, delimiter: str, width: int, first_line: int
) -> tuple[Tape, list[list[int]]]:
    """Where the cells of data[:length] stand, and the bad records: start, end, line, lines, cause, cells."""
    from tamis.engine.kernels import csv as kernel

    state = np.zeros(kernel.PARSE_STATE, np.int64)
    state[kernel.AT_LINE] = first_line
    rows = max(1024, length // 128)
    record = [np.empty(rows, np.int64) for _ in range(3)]
    parse: Any = kernel.parse_records
    tape: list[Any] = [
        np.empty(max(1024, 2 * rows, 2 * width), t) for t in (np.int32, np.int32, np.uint8, np.int64, np.int64)
    ]
    buffer = np.empty((4096, 6), np.int64)
    broken: list[list[int]] = []
    while True:
        why = parse(data, length, ord(delimiter), width, state, *tape, *record, buffer)
        broken += buffer[: state[kernel.BAD]].tolist()
        state[kernel.BAD] = 0
        if why == kernel.ALL:
            break
        if why == kernel.TAPE_FULL:
            tape = [np.concatenate([column, np.empty_like(column)]) for column in tape]
        elif why == kernel.ROWS_FULL:
            record = [np.concatenate([column, np.empty_like(column)]) for column in record]
    count, used = int(state[kernel.ROWS]), int(state[kernel.USED])
    starts, ends, lines = (column[:count] for column in record)
    names = [str(i) for i in range(width)]
    row, column, kind, start, end = (part[:used] for part in tape)
    return Tape(data, names, row, column, kind, start, end, starts, ends, lines.astype(np.uint64), doubled=True), broken


def _message(cause: int, cells: int, width: int, raw: bytes) -> str:
    if cause == 1:
        return f"{cells} cell{'s' if cells != 1 else ''} where the header has {width}"
    if cause == 2:
        try:
            raw.decode("utf-8")
        except UnicodeDecodeError as error:
            return f"byte {error.start + 1} of the record (0x{raw[error.start]:02x}) is no valid UTF-8"
        return "not valid UTF-8"
    return {3: "holds a NUL byte", 4: "text stands behind a closing quote", 5: "a quote opened here is never closed"}[
        cause
    ]
