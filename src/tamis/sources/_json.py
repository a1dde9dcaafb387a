"""Reading JSONL and JSON arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.core.origin import Batch, Cut, Gap, Input, Kind, Reading, Slice

from ._cells import Bad
from ._jsonl import Records, lines_of, read_records
from ._open import Blocks
from ._text import BOM, Cutter, LineScan, Piece, cut_stream, pieces


def cut_lines(what: Input, blocks: Blocks, limit: int) -> Cut:
    """The slices of a JSONL file."""
    return cut_stream(what, blocks, Cutter(what.path, LineScan(limit, 0), 0, 1, "jsonl", size=what.size))


def read_lines(
    what: Input,
    slices: Sequence[Slice],
    blocks: Blocks,
    *,
    max_depth: int,
    types: Mapping[str, Kind],
    wanted: Mapping[str, Reading] | None,
    replace: bool,
) -> Iterator[Batch]:
    """The rows of slices of a JSONL file."""
    for piece in pieces(what, slices, blocks):
        data, length = replaced(piece.data, piece.length) if replace else (piece.data, piece.length)
        if piece.slice.start == 0:
            blank_mark(data)
        bad = Bad()
        note_gaps(piece, bad)
        records = lines_of(data, length, piece.slice.first_line)
        shift_lines(piece, records.starts, records.numbers)
        cut_short = length > 0 and data[length - 1] != 0x0A
        yield read_records(
            data,
            records,
            max_depth=max_depth,
            types=types,
            wanted=wanted,
            bad=bad,
            cut_short=cut_short,
            where=what.path,
        )


def blank_mark(data: NDArray[np.uint8]) -> None:
    """Turn a byte order mark at the start into blanks."""
    if data[:3].tobytes() == BOM:
        data[:3] = 0x20


def replaced(data: NDArray[np.uint8], length: int) -> tuple[NDArray[np.uint8], int]:
    """The text with what is no valid UTF-8 replaced by U+FFFD; the data itself where all is valid."""
    raw = data[:length].tobytes()
    try:
        raw.decode("utf-8")
        return data, length
    except UnicodeDecodeError:
        fixed = raw.decode("utf-8", "replace").encode("utf-8")
    return np.frombuffer(fixed + bytes(64), np.uint8).copy(), len(fixed)


def note_gaps(piece: Piece, bad: Bad) -> None:
    """Quarantine the records that were too long to be read."""
    for _, gap, raw in piece.gaps:
        size = f"{(gap.stop - gap.start) / 2**20:.1f} MB"
        if gap.cause == "unclosed_quote":
            message = f"a quote opened here is not closed within {size}"
        else:
            message = f"{size} long, more than `max_line_mb` allows"
        bad.add(gap.line, gap.cause, message, raw, lines=gap.lines)


def shift_lines(piece: Piece, starts: NDArray[np.int64], numbers: NDArray[np.int64]) -> None:
    """Count the lines of gaps in the numbers of what stands behind them."""
    for offset, gap, _ in piece.gaps:
        numbers[starts >= offset] += gap.lines


class ArrayScan:
    """Records are the elements of one top-level array."""

    padded = True

    def __init__(self, path: str, limit: int) -> None:
        from tamis.engine.kernels import json_array

        self._kernel = json_array
        self._path, self._limit = path, limit
        self.state = np.zeros(json_array.STATE, np.int64)
        self.line, self.gaps = 1, list[Gap]()
        self._none = np.empty(0, np.int64)

    def feed(self, block: NDArray[np.uint8], begin: int, length: int, base: int, target: int) -> int | None:
        kernel, state = self._kernel, self.state
        if base == 0 and begin == 0 and block[:3].tobytes() == BOM:
            begin = 3
        at, why = kernel.scan_array(block, begin, length, base, target, self._limit, state, self._none, self._none)
        if why == kernel.DONE:
            return None
        if why == kernel.BOUNDARY:
            self.line = int(state[kernel.ELEMENTS]) + 1
            return int(at)
        line = int(state[kernel.LINE]) + 1
        if why == kernel.NO_ARRAY:
            raise DataError(
                f"{self._path}:{line}: no JSON array begins here",
                hint="rows stand in one array [ {…}, … ], or as one object a line (JSONL)",
            )
        if why == kernel.TRAILING:
            raise DataError(f"{self._path}:{line}: text stands behind the array's end")
        element = int(state[kernel.ELEMENTS])
        raise DataError(
            f"{self._path}:{line}: element {element} of the array is longer than {self._limit >> 20} MB, or not closed",
            hint="mend the file, or raise `max_line_mb:`",
        )

    def finish(self, size: int) -> None:
        if int(self.state[self._kernel.MODE]) != self._kernel.AFTER and size > 0:
            whole, line = max(0, int(self.state[self._kernel.ELEMENTS]) - 1), int(self.state[self._kernel.LINE]) + 1
            raise DataError(
                f"{self._path}: the JSON array is cut off at line {line}, after {whole} whole elements; none is used",
                hint="fetch the file again, or end the array with `]` behind its last whole element",
            )

    @property
    def lines(self) -> int:
        return int(self.state[self._kernel.LINE])


def cut_array(what: Input, blocks: Blocks, limit: int) -> Cut:
    """The slices of a JSON array."""
    return cut_stream(what, blocks, Cutter(what.path, ArrayScan(what.path, limit), 0, 1, "json", size=what.size))


def read_array(
    what: Input,
    slices: Sequence[Slice],
    blocks: Blocks,
    *,
    max_depth: int,
    types: Mapping[str, Kind],
    wanted: Mapping[str, Reading] | None,
    replace: bool,
) -> Iterator[Batch]:
    """The rows of slices of a JSON array. `line` counts elements."""
    from tamis.engine.kernels import json_array as kernel

    for piece in pieces(what, slices, blocks):
        data, length = replaced(piece.data, piece.length) if replace else (piece.data, piece.length)
        first = piece.slice.start == 0
        if first:
            blank_mark(data)
        guess = 1 << 12
        while True:
            state = np.zeros(kernel.STATE, np.int64)
            state[kernel.MODE] = kernel.BEFORE if first else kernel.NEXT
            starts, ends = np.empty(guess, np.int64), np.empty(guess, np.int64)
            _, why = kernel.scan_array(data, 0, length, 0, length + 1, length + 1, state, starts, ends)
            if why != kernel.FULL:
                break
            guess *= 4
        found = int(state[kernel.FOUND])
        records = Records(
            starts[:found], ends[:found], np.arange(piece.slice.first_line, piece.slice.first_line + found)
        )
        bad = Bad()
        yield read_records(
            data, records, max_depth=max_depth, types=types, wanted=wanted, bad=bad, cut_short=False, where=what.path
        )
