"""What steps found out, kept by fingerprint. Derived: may be deleted at any time, costs only time.

An entry is a folder of Parquet files and an `entry.json` written last, which holds their hashes.
A torn or altered entry is noticed by them and computed again, so nothing here is fsynced.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import xxhash

from tamis.core.errors import CorruptFile

from .failpoint import failpoint
from .remote import bring
from .store import Stored, _verified, columns_of, read_frame, verify, write_frame, write_text


@dataclass(frozen=True)
class Entry:
    """A cached result: its files by name, and small facts. `fresh`: what was just written, still in memory."""

    folder: Path
    files: dict[str, Stored]
    facts: dict[str, Any]
    fresh: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    def read(self, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of one of the entry's files."""
        if name in self.fresh:
            return self.fresh[name] if columns is None else self.fresh[name].select(columns)
        return read_frame(self.files[name], columns)

    def columns(self, name: str) -> list[str]:
        """The columns of one of the entry's files."""
        return self.fresh[name].columns if name in self.fresh else columns_of(self.files[name])

    def has(self, name: str) -> bool:
        return name in self.files


class Cache:
    """A folder of entries."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, fingerprint: str) -> Path:
        return self.root / fingerprint[:2] / fingerprint

    def get(self, fingerprint: str) -> Entry | None:
        """The entry, its files verified; None where there is none or its bytes are not what was written."""
        try:
            entry = _record(str(self.folder(fingerprint)))
            for stored in entry.files.values():
                verify(stored)
        except (OSError, ValueError, KeyError, TypeError, CorruptFile):
            return None
        return entry

    def put(self, fingerprint: str, frames: Mapping[str, pl.DataFrame], facts: dict[str, Any]) -> Entry:
        """Write an entry; one that is there already is replaced, file by file: who reads it meanwhile sees the same
        bytes, or ones that do not have its hash."""
        folder = self.folder(fingerprint)
        files = {name: write_frame(folder / f"{name}.parquet", frame) for name, frame in frames.items()}
        failpoint("cache.put")
        record = {"files": {name: [s.rows, s.size, s.xxh3] for name, s in files.items()}, "facts": facts}
        write_text(folder / "entry.json", json.dumps({**record, "check": _check(record)}, ensure_ascii=False))
        return Entry(folder, files, facts, frames if isinstance(frames, dict) else {})

    def drop(self, fingerprint: str) -> None:
        """Forget an entry."""
        shutil.rmtree(self.folder(fingerprint), ignore_errors=True)


#: what entries say, by how their `entry.json` stood there when this process read it
_read: dict[tuple[str, str, int, int], Entry] = {}


def _record(folder: str) -> Entry:
    """What stands in the folder's `entry.json`. OSError, ValueError, KeyError or TypeError where it is none."""
    path = f"{folder}/entry.json"
    bring(path)
    status = os.stat(path)
    key = (path, str(status.st_ino), status.st_mtime_ns, status.st_size)
    if key in _verified and key in _read:
        return _read[key]
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    if record["check"] != _check(record):
        raise ValueError(f"{path}: the bytes are not the ones written")
    files = {name: Stored(f"{folder}/{name}.parquet", *rest) for name, rest in record["files"].items()}
    entry = Entry(Path(folder), files, record["facts"])
    _read[key] = entry
    _verified.add(key)
    return entry


def _check(record: dict[str, Any]) -> str:
    """The hash of what an entry says of itself."""
    return str(xxhash.xxh3_128_hexdigest(json.dumps([record["files"], record["facts"]], sort_keys=True).encode()))
