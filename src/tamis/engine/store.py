"""Files of rows on disk: written whole, verified when read."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

import polars as pl
import xxhash

from tamis.core.errors import CorruptFile, DataError, DiskFull

from .failpoint import failpoint
from .remote import bring, share


class Stored(NamedTuple):
    """A file of rows: its path, how many rows, its size in bytes, and the xxh3-128 of its bytes."""

    path: str
    rows: int
    size: int
    xxh3: str


_verified: set[tuple[str, str, int, int]] = set()
_lock = threading.Lock()
#: this machine's name, fit for a part of a file name
_HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40] or "here"
#: what tells this process from an earlier one of the same number, which containers give again and again
_BORN = secrets.token_hex(4)
#: seconds after which another machine's temporary file is nobody's
_ABANDONED = 3600


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that becomes `path` if the block ends well. Maps a full disk to DiskFull."""
    if path.parent.is_dir():
        _sweep(path)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{_HOST}.{os.getpid()}.{_BORN}-{threading.get_ident()}.tmp")
    there = True
    try:
        yield temporary
        failpoint("store.write")
        os.replace(temporary, path)
        there = False
        share(path)
    except OSError as error:
        raise disk_error(error, path) from error
    except pl.exceptions.PolarsError as error:
        raise DiskFull(f"cannot write {path}: {error}") from error
    finally:
        if there:
            temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    """Remove what processes that were killed left of `path`: of this machine at once, of others after an hour.

    A task may be under way twice, on two machines, where one of them was only thought dead.
    """
    for name in os.listdir(path.parent):  # noqa: PTH208
        if name.endswith(".tmp") and name.startswith(f".{path.name}."):
            host, _, rest = name.removeprefix(f".{path.name}.").partition(".")
            pid, _, born = rest.partition(".")
            left, mine = path.with_name(name), host == _HOST and pid.isdigit()
            if not _at_work(int(pid), born) if mine else _age(left) > _ABANDONED:
                left.unlink(missing_ok=True)


def _at_work(pid: int, born: str) -> bool:
    """Whether a process of this machine may still write its temporary file."""
    return born.startswith(f"{_BORN}-") if pid == os.getpid() else process_lives(pid)


def process_lives(pid: int) -> bool:
    """Whether there is a process of this number on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _age(path: Path) -> float:
    """Seconds since a file was written to; 0 where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0.0


def disk_error(error: OSError, path: Path) -> Exception:
    """The error of this tree that says what the system said."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"disk full at {path}", hint="make room and run again; what was done is kept")
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return DiskFull(f"no right to write {path}: {error.strerror}")
    return DataError(f"{path}: {error.strerror or error}")


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


#: bytes in memory from which on rows are written as they are: compressing a partition's text took longer than judging it
PLAIN_BYTES = 4 << 20


class _Hashed(io.RawIOBase):
    """A file as Polars writes to it: piece by piece, hashed on the way. A whole partition in memory beside its rows took
    as long to fill as the file."""

    def __init__(self, file: io.FileIO) -> None:
        self.file, self.digest, self.size = file, xxhash.xxh3_128(), 0
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = memoryview(data).cast("B")
        self.digest.update(piece)
        self.size += len(piece)
        left = piece
        try:
            while len(left):
                left = left[self.file.write(left) :]
        except OSError as error:  # Polars would tell its own story
            self.error = error
            raise
        return len(piece)


def write_frame(path: Path, frame: pl.DataFrame) -> Stored:
    """Write rows as Parquet, atomically: small ones with lz4, text as it is (`docs/design/001`)."""
    compression: Literal["lz4", "uncompressed"] = "lz4" if frame.estimated_size() < PLAIN_BYTES else "uncompressed"
    with writing(path) as temporary, open(temporary, "wb", buffering=0) as file:
        hashed = _Hashed(file)
        try:
            frame.write_parquet(
                cast("IO[bytes]", hashed), compression=compression, statistics=False, row_group_size=1 << 20
            )
        finally:
            if hashed.error is not None:
                raise hashed.error
    stored = Stored(str(path), frame.height, hashed.size, hashed.digest.hexdigest())
    with _lock:
        _verified.add(_seen(stored))  # what was written a moment ago is not read again to be compared
    return stored


def read_frame(stored: Stored, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read rows, all columns or some. The bytes are checked against their hash at the first read."""
    verify(stored)
    return pl.read_parquet(
        stored.path, columns=None if columns is None else list(columns), use_statistics=False
    ).rechunk()


def columns_of(stored: Stored) -> list[str]:
    """The names of a file's columns."""
    return list(schema_of(stored))


def schema_of(stored: Stored) -> dict[str, pl.DataType]:
    """The names and types of a file's columns."""
    bring(stored.path)
    return dict(pl.read_parquet_schema(stored.path))


def _seen(stored: Stored) -> tuple[str, str, int, int]:
    """A file as it stands there now."""
    status = os.stat(stored.path)
    return (stored.path, stored.xxh3, status.st_mtime_ns, status.st_size)


def _seen_here(stored: Stored) -> tuple[str, str, int, int]:
    """The same, fetched from the workspace's store if it is not here."""
    try:
        return _seen(stored)
    except FileNotFoundError:
        bring(stored.path)
        return _seen(stored)


def verify(stored: Stored) -> None:
    """Compare a file with its recorded hash, once per process. CorruptFile where it differs."""
    try:
        key = _seen_here(stored)
        with _lock:
            if key in _verified:
                return
        digest = file_hash(stored.path)
    except OSError as error:
        raise CorruptFile(f"{stored.path}: {error.strerror}") from error
    if digest != stored.xxh3:
        raise CorruptFile(f"{stored.path}: the bytes are not the ones written")
    with _lock:
        _verified.add(key)


#: bytes read at a time to be hashed: they stay in the processor's cache, which pages mapped into memory do not
_BLOCK = 1 << 20


def file_hash(path: str | Path) -> str:
    """The xxh3-128 of a file's bytes, read a piece at a time. OSError where it cannot be read."""
    digest = xxhash.xxh3_128()
    with open(path, "rb", buffering=0) as file:
        block = memoryview(bytearray(min(os.fstat(file.fileno()).st_size, _BLOCK) + 1))
        while count := file.readinto(block):
            digest.update(block[:count])
    return digest.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text atomically."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any, *, durable: bool = False) -> None:
    """Write JSON atomically; with `durable`, also past a power loss."""
    with writing(path) as temporary:
        temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        if durable:
            sync(temporary)
    if durable:
        sync(path.parent)
