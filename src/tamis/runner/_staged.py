"""A file on its way to be delivered: hashed while it is written, read again before it is published."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import xxhash

from tamis.core.errors import CorruptFile, UsageError
from tamis.core.origin import Delivered
from tamis.engine.disk import Syncing
from tamis.engine.failpoint import failpoint
from tamis.engine.store import disk_error

#: bytes read at once
BLOCK = 1 << 22


class StagedFile:
    """A file being written: hashed while it is, so that what is on disk can be compared with what was meant."""

    def __init__(self, root: Path, name: str, split: str | None, count: Callable[[Path], int] | None) -> None:
        self.root, self.name, self.split, self.count = root, name, split, count
        self.rows = self.size = 0
        self._sha, self._xxh = hashlib.sha256(), xxhash.xxh3_128()
        self._file: BinaryIO | None = None
        self._flushed = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "xb", buffering=0)  # noqa: SIM115
            self._disk = Syncing(self._file.fileno())
        except FileExistsError:
            raise UsageError(
                f"two targets would write the file {name!r}", hint="give one of them another `path:`"
            ) from None
        except OSError as error:
            raise disk_error(error, self.path) from error

    @property
    def path(self) -> Path:
        return self.root / self.name

    def write(self, data: bytes | memoryview, rows: int = 0) -> None:
        """Append bytes that hold `rows` rows."""
        assert self._file is not None, "the file is closed"
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        self._sha.update(view)
        self._xxh.update(view)
        self.size += len(view)
        self.rows += rows
        try:
            while len(view):
                view = view[self._file.write(view) :]
            self._disk.wrote(len(data))
        except OSError as error:
            raise disk_error(error, self.path) from error
        failpoint("deliver.file")

    def flush(self) -> None:
        """Nothing more will be written: the disk begins with the rest, and nobody waits for it yet."""
        if self._file is not None and not self._flushed:
            self._disk.begin()
            self._flushed = True

    def close(self) -> None:
        """fsync and close."""
        if self._file is None:
            return
        try:
            self._disk.finish()
            self._file.close()
        except OSError as error:
            raise disk_error(error, self.path) from error
        self._file = None

    def abandon(self) -> None:
        """Close without a care."""
        if self._file is not None:
            self._disk.abandon()
            self._file.close()
            self._file = None

    def rename(self, name: str) -> None:
        """Give the file its final name."""
        if (self.root / name).exists():
            raise UsageError(f"two targets would write the file {name!r}", hint="give one of them another `path:`")
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        self.path.rename(self.root / name)
        self.name = name

    def verify(self) -> None:
        """Read the file again: the same bytes, and as many rows as were written. CorruptFile where not."""
        digest, size = xxhash.xxh3_128(), 0
        with open(self.path, "rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
        if (size, digest.digest()) != (self.size, self._xxh.digest()):
            raise CorruptFile(f"{self.path}: read again, the bytes are not the ones written")
        found = self.rows if self.count is None else self.count(self.path)
        if found != self.rows:
            raise CorruptFile(f"{self.path}: read again, it holds {found} rows, not {self.rows}")

    @property
    def xxh3(self) -> str:
        """The xxh3-128 of what was written."""
        return self._xxh.hexdigest()

    def delivered(self) -> Delivered:
        return Delivered(self.name, self.split, self.rows, self.size, self._sha.hexdigest())
