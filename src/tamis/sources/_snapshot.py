"""A query's rows, read once and kept: what a database source reads from is a file whose bytes stay as they are.

A snapshot is found by what was asked (`key`), and holds when it was taken of what (`stamp`). It is taken again when the
database says that it changed, but not while a run that began with it goes on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tamis.core.fingerprint import fingerprint
from tamis.engine.store import disk_error, sync, write_json

#: rows are written in pieces of about this many bytes
PIECE = 1 << 20


@dataclass(frozen=True)
class Snapshot:
    """One query's rows as JSON lines. stale: the database changed since, and the rows are those of before."""

    path: Path
    rows: int
    taken: str
    stale: bool = False


def take(store: Path, asked: Any, stamp: Any, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> Snapshot:
    """Write a snapshot. `asked`: what identifies the query; `stamp`: what changes when the database does."""
    folder = _folder(store, asked)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target, beside = folder / "rows.jsonl", folder / "rows.jsonl.part"
    count, piece = 0, bytearray()
    keys = [json.dumps(name, ensure_ascii=False).encode() + b":" for name in columns]
    try:
        with open(beside, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            for row in rows:
                cells = b",".join(key + _json(value) for key, value in zip(keys, row, strict=True))
                piece += b"{" + cells + b"}\n"
                count += 1
                if len(piece) > PIECE:
                    file.write(piece)
                    piece.clear()
            file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, target)
    except OSError as error:
        raise disk_error(error, beside) from error
    finally:
        beside.unlink(missing_ok=True)
    taken = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(folder / "snapshot.json", {"stamp": stamp, "rows": count, "taken": taken}, durable=True)
    sync(folder)
    return Snapshot(target, count, taken)


def known(store: Path, asked: Any, stamp: Any, *, keep: bool) -> Snapshot | None:
    """The snapshot there is, if the database is as it was, or if a run that began with it goes on (`keep`)."""
    folder = _folder(store, asked)
    try:
        record = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
        same = record["stamp"] == json.loads(json.dumps(stamp))
        if not (folder / "rows.jsonl").is_file() or not (same or keep):
            return None
        return Snapshot(folder / "rows.jsonl", record["rows"], record["taken"], stale=not same)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _folder(store: Path, asked: Any) -> Path:
    return store / "queries" / fingerprint("query", asked)[:32]


def _json(value: Any) -> bytes:
    """A cell as JSON. Bytes become hexadecimal text; text that is no UTF-8 stays as it is, for the reader to name."""
    if isinstance(value, bytes):
        value = value.hex()
    elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        value = None if value != value else str(value)
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
