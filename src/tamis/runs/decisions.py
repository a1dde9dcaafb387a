"""What people decided: `decisions/<recipe>.jsonl`, append-only, fit for git."""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from tamis.core.errors import DataError, UsageError
from tamis.engine.store import disk_error

Kind = Literal["accept", "reject", "rescue", "unrescue", "close", "open"]
KINDS: tuple[Kind, ...] = ("accept", "reject", "rescue", "unrescue", "close", "open")


@dataclass(frozen=True)
class Decision:
    """One decision. `row`: an id, None for `close` and `open`; `content`: hash of what the person saw."""

    kind: Kind
    step: str
    row: str | None = None
    content: str | None = None
    reason: str | None = None
    who: str = ""
    at: str = ""
    why: str | None = None


class Prefix(NamedTuple):
    """The part of the file a run has read: its length in bytes and the sha256 of it."""

    length: int
    sha256: str


@dataclass(frozen=True)
class Decisions:
    """The decisions of a file, in order, and which prefix of it they are."""

    all: tuple[Decision, ...]
    prefix: Prefix

    def rows(self, step: str, kinds: Iterable[Kind]) -> dict[str, Decision]:
        """The last decision on each row of a step, of the kinds asked."""
        wanted = set(kinds)
        last: dict[str, Decision] = {}
        for decision in self.all:
            if decision.step == step and decision.row is not None and decision.kind in wanted:
                last[decision.row] = decision
        return last

    def rescues(self, step: str) -> dict[str, Decision]:
        """Row id → the rescue that stands."""
        return {row: d for row, d in self.rows(step, ("rescue", "unrescue")).items() if d.kind == "rescue"}

    def closed(self, step: str) -> bool:
        """Whether a gate was closed, and not opened again."""
        last = [d.kind for d in self.all if d.step == step and d.kind in ("close", "open")]
        return bool(last) and last[-1] == "close"


def read(path: Path) -> Decisions:
    """The decisions of a file; none where there is no file. A torn last line is left out."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise disk_error(error, path) from error
    whole = data[: data.rfind(b"\n") + 1]
    found = []
    for number, line in enumerate(whole.split(b"\n")[:-1], 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            known = {k: record[k] for k in Decision.__dataclass_fields__ if k in record}
            decision = Decision(**known)
            if decision.kind not in KINDS:
                raise ValueError(f"kind {decision.kind!r}; possible: {', '.join(KINDS)}")
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}:{number}: not a decision: {error}", hint="mend or remove that line") from None
        found.append(decision)
    return Decisions(tuple(found), Prefix(len(whole), hashlib.sha256(whole).hexdigest()))


def append(path: Path, decisions: Iterable[Decision]) -> None:
    """Add decisions durably, each with who made it and when."""
    who = whose()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    lines = []
    for decision in decisions:
        record = {k: v for k, v in asdict(decision).items() if v is not None}
        record["who"], record["at"] = decision.who or who, decision.at or now
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    append_lines(path, lines)


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines durably: written and fsynced before this returns, under the file's own lock."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            data = os.pread(handle, os.fstat(handle).st_size, 0)
            os.ftruncate(handle, data.rfind(b"\n") + 1)  # a torn line was never acknowledged
            os.write(handle, "".join(lines).encode())
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise disk_error(error, path) from error


def whose() -> str:
    """Who decides here: TAMIS_USER, or the login name."""
    try:
        return os.environ.get("TAMIS_USER") or getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def check_kind(kind: str) -> Kind:
    """The kind, or UsageError."""
    for known in KINDS:
        if kind == known:
            return known
    raise UsageError(f"no decision {kind!r}; possible: {', '.join(KINDS)}")
