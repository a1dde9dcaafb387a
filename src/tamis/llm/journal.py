"""What models said, kept: one SQLite file that is journal and cache. Every reply is on the disk, byte for byte as it
came, before anybody reads it.

One thread writes, many replies to a commit; the waiting callers go on when their commit is on the disk. Rows are only
ever added. What is bought is never overwritten, and the newest row of a key counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import CorruptFile, DataError, DiskFull, TamisError, WorkspaceBusy

FORMAT = 1
NAME = "llm.sqlite"
_MAGIC = b"\x28\xb5\x2f\xfd"  # of zstd
_SMALL = 256  # bytes below which nothing is won by packing
_GATHER_SECONDS = 0.01  # a commit waits this long for more; a slot of the endpoint is free meanwhile
_MOST = 2048  # replies to a commit

_SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE replies (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL, kind TEXT NOT NULL, place TEXT NOT NULL, model TEXT NOT NULL,
    prompt BLOB NOT NULL, recipe TEXT NOT NULL, at REAL NOT NULL, seconds REAL, attempts INTEGER,
    request BLOB, reply BLOB, status INTEGER NOT NULL, answered TEXT,
    tokens_in INTEGER, tokens_out INTEGER, usd REAL, held_usd REAL
);
CREATE INDEX replies_key ON replies (key);
CREATE INDEX replies_prompt ON replies (prompt) WHERE tokens_out IS NOT NULL;
CREATE TABLE vectors (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, kind TEXT NOT NULL, vector BLOB NOT NULL);
"""


class Record(NamedTuple):
    """A reply as it came, with what its request was.

    usd: what it cost, None where that is unknown; held_usd: what a budget counts for it then, its worst case.
    """

    key: bytes
    kind: str
    place: str
    model: str
    prompt: bytes
    recipe: str
    request: bytes
    reply: bytes
    status: int
    seconds: float | None = None
    attempts: int | None = None
    answered: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: float | None = None
    held_usd: float | None = None


class Stored(NamedTuple):
    """A reply found in the journal."""

    reply: bytes
    status: int
    answered: str | None
    tokens_in: int | None
    tokens_out: int | None
    usd: float | None


class Spent(NamedTuple):
    """What was spent. `usd` is the known part; `unknown`: calls whose cost is not known; `held_usd` counts them in
    at their worst case."""

    calls: int
    usd: float
    unknown: int
    held_usd: float


class Quantiles(NamedTuple):
    """Tokens of the replies to one prompt: how many were measured, the median and the 95th percentile."""

    replies: int
    in_median: int
    in_p95: int
    out_median: int
    out_p95: int


_FIELDS = (*Record._fields, "at")
_VECTORS = ("key", "kind", "vector")


def _insert(table: str, names: Sequence[str], rows: int) -> str:
    one = "(" + ",".join("?" * len(names)) + ")"
    verb = "INSERT OR IGNORE" if table == "vectors" else "INSERT"
    return f"{verb} INTO {table} ({','.join(names)}) VALUES {','.join([one] * rows)}"


#: one statement for many rows: between statements the interpreter may run others, and they would wait for each
_CHUNKS = (64, 8, 1)
_STATEMENTS = {
    table: {rows: _insert(table, names, rows) for rows in _CHUNKS}
    for table, names in (("replies", _FIELDS), ("vectors", _VECTORS))
}

_Waiting = asyncio.Future[None] | Future[None]
_W = TypeVar("_W", asyncio.Future[None], Future[None])
_Job = tuple[str, list[tuple[Any, ...]], _Waiting]


class Journal:
    """The file, open. Reading is for one thread, the one that opened it; writing is for any."""

    def __init__(self, path: Path, *, wait: float = 30.0) -> None:
        """Open the journal, or begin one. wait: seconds to wait for another process that writes."""
        import zstandard

        self.path = path
        self._pack, self._packing = zstandard.ZstdCompressor(level=1), threading.Lock()
        self._unpack = zstandard.ZstdDecompressor()
        self._failed: TamisError | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        with self._telling():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._reading = self._connect(wait)
            self._prepare()
            self._writing = self._connect(wait)
            self._writing.execute("PRAGMA synchronous = FULL")
            self._writing.execute("PRAGMA wal_autocheckpoint = 4000")
        self._writer = threading.Thread(target=self._write, name="tamis-journal", daemon=True)
        self._writer.start()

    def find(self, key: bytes) -> Stored | None:
        """The newest reply to a request, if there is one."""
        with self._telling():
            row = self._reading.execute(
                "SELECT reply, status, answered, tokens_in, tokens_out, usd FROM replies WHERE key = ? "
                "ORDER BY id DESC LIMIT 1",
                (key,),
            ).fetchone()
        return None if row is None else Stored(self._raw(row[0]), *row[1:])

    def knows(self, place: str, model: str) -> bool:
        """Whether any reply of a model is here. Looks through the whole file where there is none."""
        with self._telling():
            found = self._reading.execute("SELECT 1 FROM replies WHERE place = ? AND model = ? LIMIT 1", (place, model))
            return found.fetchone() is not None

    def request(self, key: bytes) -> bytes | None:
        """The canonical JSON of a recorded request."""
        with self._telling():
            row = self._reading.execute("SELECT request FROM replies WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._raw(row[0])

    async def keep(self, record: Record) -> None:
        """Returns when the reply is on the disk. From the call on it is kept, even if the caller is cancelled."""
        await self._put("replies", [self._row(record)], asyncio.get_running_loop().create_future())

    def keep_now(self, records: Sequence[Record]) -> None:
        """As `keep`, for threads: returns when all are on the disk."""
        done: Future[None] = Future()
        self._put("replies", [self._row(one) for one in records], done).result()

    def vectors(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[Any]]:
        """The recorded vectors among these keys, as they were kept (float32 or float16)."""
        found: dict[bytes, NDArray[Any]] = {}
        with self._telling():
            for begin in range(0, len(keys), 500):
                some = keys[begin : begin + 500]
                marks = ",".join("?" * len(some))
                for key, kind, blob in self._reading.execute(
                    f"SELECT key, kind, vector FROM vectors WHERE key IN ({marks})", some
                ):
                    if kind not in ("<f4", "<f2"):
                        raise CorruptFile(f"{self.path}: a vector of the unknown kind {kind!r}")
                    found[key] = np.frombuffer(blob, kind)
        return found

    async def keep_vectors(self, record: Record, vectors: Mapping[bytes, NDArray[Any]]) -> None:
        """Keep what one call bought: its account (an embedding's reply itself is not kept) and the vectors."""
        rows = []
        for key, vector in vectors.items():
            kind = "<f2" if vector.dtype == np.float16 else "<f4"
            rows.append((key, kind, np.ascontiguousarray(vector, kind).tobytes()))
        loop = asyncio.get_running_loop()
        first = self._put("vectors", rows, loop.create_future())
        await asyncio.gather(first, self._put("replies", [self._row(record)], loop.create_future()))

    def spent(self, recipe: str | None = None) -> Spent:
        """What was spent for a recipe, or for all of them."""
        with self._telling():
            row = self._reading.execute(
                "SELECT count(*), total(usd), count(*) - count(usd), total(coalesce(usd, held_usd)) FROM replies "
                "WHERE ?1 IS NULL OR recipe = ?1",
                (recipe,),
            ).fetchone()
        return Spent(*row)

    def quantiles(self, prompt: bytes, last: int = 2000) -> Quantiles | None:
        """Tokens of the last replies to a prompt; None before any."""
        with self._telling():
            rows = self._reading.execute(
                "SELECT tokens_in, tokens_out FROM replies WHERE prompt = ? AND tokens_out IS NOT NULL "
                "ORDER BY id DESC LIMIT ?",
                (prompt, last),
            ).fetchall()
        if not rows:
            return None
        sent, said = np.array([row[0] or 0 for row in rows]), np.array([row[1] for row in rows])
        figures = [int(np.ceil(np.quantile(one, share))) for one in (sent, said) for share in (0.5, 0.95)]
        return Quantiles(len(rows), *figures)

    def recall(self, name: str) -> bytes | None:
        """A small fact kept beside the replies, such as what a probe found."""
        with self._telling():
            row = self._reading.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def remember(self, name: str, value: bytes) -> None:
        """Keep a small fact. The first one told stays."""
        with self._telling(), self._reading:
            self._reading.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, value))

    @property
    def secret(self) -> bytes:
        """The workspace's secret. It lives and travels with the replies, because fences in their requests rest on it."""
        kept = self.recall("secret")
        if kept is None:
            self.remember("secret", secrets.token_bytes(32))
            kept = self.recall("secret")
            assert kept is not None
        return kept

    def check(self) -> None:
        """Raise what keeps replies from being kept: nothing is bought then."""
        if self._failed is not None:
            raise self._failed

    def close(self) -> None:
        """Write what is waiting, and close. Twice is fine."""
        if self._writer.is_alive():
            self._jobs.put(None)
            self._writer.join()
        self._reading.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connect(self, wait: float) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=wait, isolation_level=None, check_same_thread=False)

    def _prepare(self) -> None:
        """Begin a new file, or see that this one is ours."""
        self._reading.execute("PRAGMA journal_mode = WAL")
        with self._reading:
            self._reading.execute("BEGIN IMMEDIATE")
            (found,) = self._reading.execute("PRAGMA user_version").fetchone()
            (tables,) = self._reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if found == 0 and tables == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._reading.execute(statement)
                self._reading.execute(f"PRAGMA user_version = {FORMAT}")
            elif found != FORMAT:
                raise DataError(
                    f"{self.path} is not a journal that this version of Tamis reads (format {found}, not {FORMAT})",
                    hint="a newer Tamis may have written it; or move the file away, and what it holds is bought again",
                )

    def _row(self, record: Record) -> tuple[Any, ...]:
        packed = record._replace(request=self._packed(record.request), reply=self._packed(record.reply))
        return (*packed, time.time())

    def _packed(self, raw: bytes) -> bytes:
        if len(raw) < _SMALL and not raw.startswith(_MAGIC):
            return raw
        with self._packing:  # a compressor is for one thread at a time
            return self._pack.compress(raw)

    def _raw(self, kept: bytes) -> bytes:
        if not kept.startswith(_MAGIC):
            return kept
        import zstandard

        try:
            return self._unpack.decompress(kept)
        except zstandard.ZstdError as error:
            raise CorruptFile(f"{self.path}: a recorded reply cannot be unpacked ({error})") from None

    def _put(self, table: str, rows: list[tuple[Any, ...]], done: _W) -> _W:
        self.check()
        self._jobs.put((table, rows, done))
        return done

    def _write(self) -> None:
        """The writer: commits what has gathered, tells who waited, and begins again."""
        going = True
        while going:
            jobs: list[_Job] = []
            job = self._jobs.get()
            began = time.monotonic()
            while job is not None:
                jobs.append(job)
                if len(jobs) >= _MOST:
                    break
                try:
                    left = _GATHER_SECONDS - (time.monotonic() - began)
                    job = self._jobs.get(timeout=left) if left > 0 else self._jobs.get_nowait()
                except queue.Empty:
                    break
            going = job is not None
            if jobs:
                _tell(jobs, self._failed or self._commit(jobs))
        with contextlib.suppress(sqlite3.Error):
            self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writing.close()

    def _commit(self, jobs: list[_Job]) -> TamisError | None:
        try:
            with self._telling(), self._writing:
                self._writing.execute("BEGIN IMMEDIATE")
                for table, statements in _STATEMENTS.items():
                    rows = [row for name, some, _ in jobs if name == table for row in some]
                    begin = 0
                    for size in _CHUNKS:
                        while len(rows) - begin >= size:
                            values = [value for row in rows[begin : begin + size] for value in row]
                            self._writing.execute(statements[size], values)
                            begin += size
        except TamisError as error:
            self._failed = error
            return error
        return None

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """SQLite's errors in words of ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._told(error) from error
        except OSError as error:
            raise DiskFull(f"{self.path} cannot be written: {error.strerror}") from error

    def _told(self, error: sqlite3.Error) -> TamisError:
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return WorkspaceBusy(
                f"another process is writing to {self.path} and does not finish",
                hint="see what it is (fuser, lsof), wait for it or end it, and run again: nothing is lost",
            )
        if name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")):
            return DiskFull(f"{self.path} cannot be written: {error}")
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            return CorruptFile(
                f"{self.path} is damaged: {error}",
                hint=f"save what can be read with: sqlite3 {self.path} .recover | sqlite3 rescued.sqlite; "
                "without the file, what it held is bought again",
            )
        return DataError(f"{self.path}: {error}")


def _tell(jobs: list[_Job], error: TamisError | None) -> None:
    """Let those go on who waited for these jobs."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for _, _, waiting in jobs:
        if isinstance(waiting, Future):
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)
        else:
            loops.setdefault(waiting.get_loop(), []).append(waiting)
    for loop, futures in loops.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_settle, futures, error)


def _settle(futures: list[asyncio.Future[None]], error: TamisError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
