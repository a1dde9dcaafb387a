"""Text formats: cutting a stream into slices, and the bytes of a slice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple, Protocol

import numpy as np
import xxhash
from numpy.typing import NDArray

from tamis.core.errors import DataError
from tamis.core.origin import RAW_LIMIT, Cut, Gap, Input, Slice

from ._open import BLOCK, Blocks, Broken, open_file, refuse_utf16, unchanged

#: bytes of the (decompressed) stream after which a slice ends at the next record; and in files below `_SMALL` bytes, where
#: more slices keep all cores at work to the end, and memory below the text's size
SLICE = int(os.environ.get("TAMIS_SLICE_BYTES", 32 << 20))
_SMALL, _SMALL_SLICE = 256 << 20, 8 << 20
PADDING = 64
BOM = b"\xef\xbb\xbf"
_LINE_END, _WINDOW = 0x0A, 1 << 12


class Scan(Protocol):
    """Finds where records start in a stream."""

    #: line (or element) number of the record that starts at the last boundary
    line: int
    #: records longer than allowed, as they are found
    gaps: list[Gap]
    #: whether it reads beyond the end of a block
    padded: bool

    def feed(self, block: NDArray[np.uint8], begin: int, length: int, base: int, target: int) -> int | None:
        """Go over block[begin:length], which stands at `base` of the stream, up to the first record that starts at or
        behind `target`: its position in the block, or None where there is none."""

    def finish(self, size: int) -> None:
        """The stream ended after `size` bytes."""


class LineScan:
    """Records are lines."""

    padded = False

    def __init__(self, limit: int, start: int) -> None:
        self.line, self.gaps = 1, list[Gap]()
        self._limit, self._start, self._lines = limit, start, 1

    def feed(self, block: NDArray[np.uint8], begin: int, length: int, base: int, target: int) -> int | None:
        first = _line_end(block, begin, length)
        if first < 0:
            return None
        self._close(base + first + 1)
        cut = _line_end(block, max(first, target - base - 1), length)
        last = cut if cut >= 0 else _last_line_end(block, first, length)
        self._lines += int(np.count_nonzero(block[first + 1 : last + 1] == _LINE_END))
        self._start = base + last + 1
        if cut < 0:
            return None
        self.line = self._lines
        return cut + 1

    def _close(self, end: int) -> None:
        """A line ends before `end`."""
        if end - self._start > self._limit:
            self.gaps.append(Gap(self._start, end, self._lines, 1, "too_long"))
        self._lines += 1

    def finish(self, size: int) -> None:
        if size - self._start > self._limit:
            self._close(size)

    @property
    def lines(self) -> int:
        """Lines that ended so far."""
        return self._lines - 1


def _line_end(block: NDArray[np.uint8], begin: int, end: int) -> int:
    """The first line end in block[begin:end]; -1 where there is none."""
    while begin < end:
        window = block[begin : min(begin + _WINDOW, end)] == _LINE_END
        at = int(window.argmax())
        if window[at]:
            return begin + at
        begin += _WINDOW
    return -1


def _last_line_end(block: NDArray[np.uint8], first: int, end: int) -> int:
    """The last line end in block[first:end], of which block[first] is one."""
    while True:
        begin = max(first, end - _WINDOW)
        window = block[begin:end] == _LINE_END
        at = int(window[::-1].argmax())
        if window[len(window) - 1 - at]:
            return end - 1 - at
        end = begin


class Cutter:
    """Turns a stream into slices: feed it the blocks. size: bytes of the file, where they are known."""

    def __init__(self, path: str, scan: Scan, start: int, first_line: int, context: str, *, size: int = _SMALL) -> None:
        self.path, self.scan, self.context = path, scan, context
        self._size = min(SLICE, _SMALL_SLICE) if size < _SMALL else SLICE
        self.slices: list[Slice] = []
        self._start, self._first_line = start, first_line
        self._digest = xxhash.xxh3_128()
        self._gaps = 0

    def add(self, block: bytes, base: int) -> None:
        """The next block; `base`: where it stands in the stream."""
        padded = np.frombuffer(block, np.uint8)
        if self.scan.padded:
            padded = np.concatenate([padded, np.zeros(PADDING, np.uint8)])
        at = max(0, self._start - base) if not self.slices else 0
        while at < len(block):
            target = (self._start // self._size + 1) * self._size
            cut = self.scan.feed(padded, at, len(block), base, target)
            stop = len(block) if cut is None else cut
            self._digest.update(memoryview(block)[at:stop])
            at = stop
            if cut is not None:
                self._end(base + cut)
                self._first_line = self.scan.line

    def _end(self, stop: int) -> None:
        gaps = tuple(self.scan.gaps[self._gaps :])
        self._gaps = len(self.scan.gaps)
        size = stop - self._start
        self.slices.append(
            Slice(self.path, self._start, stop, self._first_line, self._digest.hexdigest(), size, self.context, gaps)
        )
        self._start, self._digest = stop, xxhash.xxh3_128()

    def finish(self, size: int) -> list[Slice]:
        """The slices; the stream is `size` bytes long."""
        self.scan.finish(size)
        if size > self._start:
            self._end(size)
        return self.slices


def cut_stream(what: Input, blocks: Blocks, cutter: Cutter) -> Cut:
    """Read the whole stream once. DataError where it is broken, or changed meanwhile."""
    at = 0
    try:
        for block in blocks:
            if at == 0:
                refuse_utf16(block[:4], what.path)
            cutter.add(block, at)
            at += len(block)
    except Broken as error:
        lines = getattr(cutter.scan, "lines", 0)
        raise DataError(
            f"{what.path}: {error} after {at} bytes, {lines} lines; nothing of it is used", hint="fetch the file again"
        ) from None
    unchanged(what)
    return Cut(tuple(cutter.finish(at)), blocks.digest.hexdigest(), sequential=blocks.compression != "plain")


class Piece(NamedTuple):
    """The bytes of a slice without its gaps. data is padded; gaps: (offset in data, gap, first bytes of it)."""

    slice: Slice
    data: NDArray[np.uint8]
    length: int
    gaps: list[tuple[int, Gap, bytes]]


def pieces(what: Input, slices: Sequence[Slice], blocks: Blocks) -> Iterator[Piece]:
    """The bytes of some slices of a file, one after another. DataError where they are not what was cut."""
    unchanged(what)
    if blocks.compression == "plain":
        with open_file(what) as file:
            for part in slices:
                yield _fill(what, part, _ranged(file, part))
    else:
        stream = _Forward(iter(blocks))
        for part in slices:
            try:
                yield _fill(what, part, stream.blocks(part.start, part.stop))
            except Broken as error:
                raise DataError(f"{what.path}: {error}") from None
    unchanged(what)


def _fill(what: Input, part: Slice, blocks: Iterator[bytes | memoryview]) -> Piece:
    """Copy a slice's bytes into one padded buffer, leaving out its gaps, and compare their hash."""
    data = np.empty(part.size - sum(gap.stop - gap.start for gap in part.gaps) + PADDING, np.uint8)
    digest = xxhash.xxh3_128()
    gaps = [(0, gap, b"") for gap in part.gaps]
    at, used, g = part.start, 0, 0
    for block in blocks:
        digest.update(block)
        done = 0
        while done < len(block):
            inside = g < len(gaps) and at >= gaps[g][1].start
            edge = gaps[g][1].stop if inside else gaps[g][1].start if g < len(gaps) else part.stop
            size = min(len(block) - done, edge - at)
            piece = block[done : done + size]
            if inside:
                _, gap, raw = gaps[g]
                gaps[g] = (used, gap, raw + bytes(piece[: max(0, RAW_LIMIT - len(raw))]))
                g += at + size == edge
            else:
                data[used : used + size] = np.frombuffer(piece, np.uint8)
                used += size
            done += size
            at += size
    data[used:] = 0
    if at != part.stop or digest.hexdigest() != part.content:
        raise DataError(f"{what.path} changed while it was read", hint="run again when nothing writes to it")
    return Piece(part, data, used, gaps)


def _ranged(file: BinaryIO, part: Slice) -> Iterator[bytes]:
    """A slice of a plain file in blocks."""
    file.seek(part.start)
    left = part.size
    while left > 0 and (block := file.read(min(BLOCK, left))):
        left -= len(block)
        yield block


class _Forward:
    """Ranges of a stream that can only be read forwards."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._block, self._base = blocks, b"", 0

    def blocks(self, start: int, stop: int) -> Iterator[memoryview]:
        at = start
        while at < stop:
            while at >= self._base + len(self._block):
                self._base += len(self._block)
                self._block = next(self._blocks, b"")
                if not self._block:
                    return
            piece = memoryview(self._block)[at - self._base : stop - self._base]
            at += len(piece)
            yield piece
