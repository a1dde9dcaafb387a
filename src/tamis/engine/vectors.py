"""Vectors of texts, kept for ever: one folder a model, found by the text's key, never changed, never lost.

`rows` holds the vectors, one after another; `index` tells in blocks which keys they are. A block is written after its rows
are on the disk, and carries the checksums of both: what a kill left half written is cut off when the folder is next opened
for writing. Reading maps the file; nothing is loaded that is not asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import CorruptFile, DataError, DiskFull

FORMAT = 1
KEY_BYTES = 16
#: rows gathered in one go
CHUNK = 8192
_HEAD = struct.Struct("<4sIqQQ")  # mark, rows, first row, checksum of the rows, checksum of the entries
_MARK = b"VEC1"
_ENTRY = np.dtype([("high", "<u8"), ("low", "<u8"), ("flags", "<u4")])
TRUNCATED = 1


class Block(NamedTuple):
    """Rows that were written together."""

    first: int
    rows: int
    checksum: int


class VectorStore:
    """A folder of vectors of one model. Readers see what was there when they opened it, or last wrote."""

    def __init__(self, folder: Path, about: str, *, dtype: str = "<f4") -> None:
        """about: what model this is, told in the folder and checked; dtype: of a folder that is begun, <f4 or <f2."""
        self.folder, self.about, self.dtype = folder, about, np.dtype(dtype)
        self.dimensions = 0
        self._entries, self._blocks, self._read = np.empty(0, _ENTRY), list[Block](), 0
        self._checked: set[int] = set()
        self._sorted: tuple[NDArray[np.uint64], NDArray[np.int64]] | None = None
        self._map: NDArray[Any] | None = None
        if (folder / "head.json").exists():
            self._open()
            self._refresh()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, keys: bytes) -> NDArray[np.int64]:
        """The rows of keys (16 bytes each, joined); -1 for those that are not here."""
        wanted = np.frombuffer(keys, "<u8").reshape(-1, 2)
        found = np.full(len(wanted), -1, np.int64)
        if not len(self._entries):
            return found
        if self._sorted is None:
            order = np.argsort(self._entries["high"], kind="stable")
            self._sorted = self._entries["high"][order], order
        high, order = self._sorted
        place = np.searchsorted(high, wanted[:, 0], "left")
        open_ = np.arange(len(wanted))
        while len(open_):
            at = place[open_]
            inside = at < len(high)
            inside[inside] &= high[at[inside]] == wanted[open_[inside], 0]
            open_, at = open_[inside], at[inside]
            hit = self._entries["low"][order[at]] == wanted[open_, 1]
            found[open_[hit]] = order[at[hit]]
            place[open_] += 1
            open_ = open_[~hit]
        return found

    def truncated(self, rows: NDArray[np.int64]) -> int:
        """How many of these rows are of texts that the model saw only the beginning of."""
        return int(np.count_nonzero(self._entries["flags"][rows] & TRUNCATED))

    def take(self, rows: NDArray[np.int64], out: NDArray[Any]) -> NDArray[Any]:
        """Copy rows into `out`, checked: CorruptFile where the disk changed any."""
        whole = self.matrix()
        self._check(rows)
        for at in range(0, len(rows), CHUNK):
            out[at : at + CHUNK] = whole[rows[at : at + CHUNK]]
        return out

    def matrix(self) -> NDArray[Any]:
        """All vectors, (n, dimensions), in the order they came, mapped from the disk."""
        if not len(self._entries):
            return np.empty((0, self.dimensions), self.dtype)
        if self._map is None or len(self._map) < len(self._entries):
            shape = (len(self._entries), self.dimensions)
            self._map = np.memmap(self.folder / "rows", self.dtype, "r", shape=shape)
        return self._map

    def append(self, keys: bytes, vectors: NDArray[Any], truncated: NDArray[np.bool_] | None = None) -> None:
        """Keep vectors; on the disk when this returns. Keys that are known by then stay as they are."""
        with self._telling():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(self.folder / "lock", "a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._begin(vectors.shape[1])
                self._refresh(mend=True)
                wanted = np.frombuffer(keys, "<u8").reshape(-1, 2)
                _, first = np.unique(wanted, axis=0, return_index=True)
                new = np.sort(first[self.find(wanted[first].tobytes()) < 0])
                if len(new):
                    flags = np.zeros(len(wanted), np.uint32) if truncated is None else truncated.astype(np.uint32)
                    self._write(wanted[new], np.ascontiguousarray(vectors[new], self.dtype), flags[new])

    def check(self) -> None:
        """Read everything. CorruptFile where the disk changed any."""
        self._check(np.arange(len(self._entries)))

    def _write(self, keys: NDArray[np.uint64], vectors: NDArray[Any], flags: NDArray[np.uint32]) -> None:
        import xxhash

        entries = np.empty(len(keys), _ENTRY)
        entries["high"], entries["low"], entries["flags"] = keys[:, 0], keys[:, 1], flags * TRUNCATED
        raw = entries.tobytes()
        with open(self.folder / "rows", "ab") as file:
            file.write(vectors.data if vectors.size else b"")
            file.flush()
            os.fsync(file.fileno())
        checksum = xxhash.xxh3_64_intdigest(vectors.data)
        told = struct.pack("<qQ", len(self._entries), checksum)
        head = _HEAD.pack(_MARK, len(keys), len(self._entries), checksum, xxhash.xxh3_64_intdigest(told + raw))
        with open(self.folder / "index", "ab") as file:
            file.write(head + raw)
            file.flush()
            os.fsync(file.fileno())
        self._refresh()

    def _begin(self, dimensions: int) -> None:
        """The head of the folder, the first time."""
        if not (self.folder / "head.json").exists():
            head = {"format": FORMAT, "about": self.about, "dimensions": dimensions, "dtype": self.dtype.str}
            fresh = self.folder / "head.json.new"
            with open(fresh, "w") as file:
                json.dump(head, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(self.folder / "head.json")
            handle = os.open(self.folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
        if not self.dimensions:
            self._open()
        if dimensions != self.dimensions:
            raise DataError(
                f"{self.about} gave vectors of {dimensions} dimensions, and earlier ones of {self.dimensions}",
                hint="the endpoint serves another model under this name; state another `cache_as` for the connection",
            )

    def _open(self) -> None:
        try:
            head = json.loads((self.folder / "head.json").read_text())
            told, self.dimensions, self.dtype = head["about"], int(head["dimensions"]), np.dtype(head["dtype"])
            known = head["format"] == FORMAT and self.dtype.str in ("<f4", "<f2") and self.dimensions > 0
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise CorruptFile(f"{self.folder / 'head.json'} cannot be read: {error}") from None
        if not known or told != self.about:
            raise DataError(f"{self.folder} holds vectors of {told!r}, or in a format of another version of Tamis")

    def _refresh(self, *, mend: bool = False) -> None:
        """Read the blocks that were added. mend: cut off what a kill left half written; only with the lock held."""
        import xxhash

        path = self.folder / "index"
        if not path.exists():
            raw = b""
        else:
            with open(path, "rb") as file:
                file.seek(self._read)
                raw = file.read()
        at, blocks, entries = 0, [], [self._entries]
        count, width = len(self._entries), self.dimensions * self.dtype.itemsize
        rows = self.folder / "rows"
        size = rows.stat().st_size if rows.exists() else 0
        while at + _HEAD.size <= len(raw):
            mark, many, first, checksum, own = _HEAD.unpack_from(raw, at)
            body = raw[at + _HEAD.size : at + _HEAD.size + many * _ENTRY.itemsize]
            told = struct.pack("<qQ", first, checksum)
            if mark != _MARK or len(body) != many * _ENTRY.itemsize or first != count:
                break
            if xxhash.xxh3_64_intdigest(told + body) != own or (first + many) * width > size:
                break
            entries.append(np.frombuffer(body, _ENTRY))
            blocks.append(Block(first, many, checksum))
            count += many
            at += _HEAD.size + len(body)
        if at < len(raw) and _MARK in raw[at + 1 :]:
            raise CorruptFile(
                f"{path} is damaged in its middle, at byte {self._read + at}",
                hint="restore it from a backup; or move the folder away, and its vectors are bought again",
            )
        if mend and at < len(raw):
            os.truncate(path, self._read + at)
        if mend and size > count * width:
            os.truncate(rows, count * width)
        if blocks:
            self._blocks += blocks
            self._entries, self._sorted = np.concatenate(entries), None
        self._read += at

    def _check(self, rows: NDArray[np.int64]) -> None:
        """Compare the blocks of these rows with their checksums, once each."""
        import xxhash

        if not len(rows):
            return
        firsts = np.array([block.first for block in self._blocks], np.int64)
        for number in np.unique(np.searchsorted(firsts, rows, "right") - 1).tolist():
            if number not in self._checked:
                block = self._blocks[number]
                part = np.ascontiguousarray(self.matrix()[block.first : block.first + block.rows])
                if xxhash.xxh3_64_intdigest(part.data) != block.checksum:
                    raise CorruptFile(
                        f"{self.folder / 'rows'}: rows {block.first:,} to {block.first + block.rows:,} have changed",
                        hint="restore it from a backup; or move the folder away, and its vectors are bought again",
                    )
                self._checked.add(number)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DiskFull(f"{self.folder} cannot be written: {error.strerror or error}") from error
