"""Which batches were submitted, and which requests they hold: on the disk before anything is sent.

A killed process finds here what to poll. A batch that was being submitted when the process died is `sending`: it may or may
not exist at the provider, and its requests are not sent again before that is known.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tamis.core.errors import DataError, DiskFull, WorkspaceBusy

NAME = "batches.sqlite"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    tag TEXT PRIMARY KEY, place TEXT NOT NULL, model TEXT NOT NULL, path TEXT NOT NULL, requests INTEGER NOT NULL,
    at REAL NOT NULL, state TEXT NOT NULL, remote TEXT
);
CREATE TABLE IF NOT EXISTS requests (
    key TEXT NOT NULL, tag TEXT NOT NULL, failed INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (key, tag)
) WITHOUT ROWID;
"""

State = Literal["sending", "sent", "void"]


class Batch(NamedTuple):
    """A batch. tag: our name for it; remote: the provider's, once it is known; at: when it was begun, in Unix time."""

    tag: str
    place: str
    model: str
    path: str
    requests: int
    at: float
    state: State
    remote: str | None


class Batches:
    """The file, open, for one thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._telling():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Twice is fine."""
        self._db.close()

    def begin(self, batch: Batch, keys: Sequence[str]) -> None:
        """A batch is about to be sent."""
        with self._telling(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?, ?)", batch)
            self._db.executemany("INSERT INTO requests (key, tag) VALUES (?, ?)", [(key, batch.tag) for key in keys])

    def sent(self, tag: str, remote: str) -> None:
        """The provider has it, under a name of its own."""
        self._state(tag, "sent", remote)

    def void(self, tag: str) -> None:
        """The provider never had it: its requests may be sent again."""
        self._state(tag, "void", None)

    def failed(self, tag: str, keys: Sequence[str]) -> None:
        """These requests of a batch were not answered: they may be sent again."""
        with self._telling(), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("UPDATE requests SET failed = 1 WHERE key = ? AND tag = ?", [(k, tag) for k in keys])

    def holding(self, key: str, place: str) -> Batch | None:
        """The newest batch that holds, or may hold, an answer to a request."""
        with self._telling():
            row = self._db.execute(
                "SELECT b.* FROM requests r JOIN batches b USING (tag) "
                "WHERE r.key = ? AND NOT r.failed AND b.state != 'void' AND b.place = ? ORDER BY b.at DESC LIMIT 1",
                (key, place),
            ).fetchone()
        return None if row is None else Batch(*row)

    def keys(self, tag: str) -> set[str]:
        """The requests of a batch that did not fail."""
        with self._telling():
            return {row[0] for row in self._db.execute("SELECT key FROM requests WHERE tag = ? AND NOT failed", (tag,))}

    def remotes(self) -> set[str]:
        """All batches whose names at the provider are known."""
        with self._telling():
            return {row[0] for row in self._db.execute("SELECT remote FROM batches WHERE remote IS NOT NULL")}

    def _state(self, tag: str, state: State, remote: str | None) -> None:
        with self._telling():
            self._db.execute("UPDATE batches SET state = ?, remote = ? WHERE tag = ?", (state, remote, tag))

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise WorkspaceBusy(f"another process is writing to {self.path} and does not finish") from error
            raise DiskFull(f"{self.path} cannot be used: {error}") from error
        except sqlite3.Error as error:
            raise DataError(
                f"{self.path} is damaged: {error}",
                hint="move it away: answers of batches that are under way are then not found, and bought again",
            ) from error
        except OSError as error:
            raise DiskFull(f"{self.path} cannot be written: {error.strerror}") from error


def begun(tag: str, place: str, model: str, path: str, requests: int) -> Batch:
    """A batch that is about to be sent."""
    return Batch(tag, place, model, path, requests, time.time(), "sending", None)
