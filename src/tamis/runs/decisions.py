"""What people decided: `decisions/<recipe>.jsonl`, append-only, fit for git.

A line is one decision. What it says beside its kind is in `value`:

    accept, reject       of a row at a gate; `reason` says why
    edit                 the row is accepted with other messages: {"messages": [...]}
    relabel              the row is accepted with other columns: {"column": value}
    rate, prefer         1..5; "a", "b" or "tie"
    adjudicate           what counts where reviewers differ: {"kind": "accept", "value": ...}
    skip, flag, comment  decide nothing
    rescue, unrescue     a step's drop or merge becomes keep, and back
    swap                 of a group of copies this row stays, instead of {"instead_of": id}
    split                of a row: all that a step merged into it stay, or of these {"rows": [id, ...]}
    close, open          a gate
    look, shortlist, choose, rename, merge, split, same_topic, odd_one_out
                         of clusterings: {"clustering": its folder's name, ...}
    undo                 the decision `undoes` does not stand
"""

from __future__ import annotations

import fcntl
import getpass
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from tamis.core.errors import DataError, UsageError
from tamis.engine.store import disk_error

Kind = Literal[
    "accept", "reject", "edit", "relabel", "rate", "prefer", "adjudicate", "skip", "flag", "comment",
    "rescue", "unrescue", "swap", "close", "open",
    "look", "shortlist", "choose", "rename", "merge", "split", "same_topic", "odd_one_out", "undo",
]  # fmt: skip
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Decision:
    """One decision. `row`: an id, None where it is not about a row; `content`: hash of what the person saw.

    `key` names the decision; `undoes` is the key of the one an `undo` takes back. `round`: `calibration` and `repeat` are
    asked to learn of the reviewer and decide nothing of the row. `seconds`: how long the person looked.
    """

    kind: Kind
    step: str
    row: str | None = None
    content: str | None = None
    reason: str | None = None
    who: str = ""
    at: str = ""
    why: str | None = None
    value: Any = None
    round: str | None = None
    seconds: float | None = None
    undoes: str | None = None
    key: str = ""


class Prefix(NamedTuple):
    """The part of the file a run has read: its length in bytes and the sha256 of it."""

    length: int
    sha256: str


@dataclass(frozen=True)
class Decisions:
    """The decisions of a file, in order, and which prefix of it they are. `all` are those that stand: `undo` and what it
    took back are left out; `told` is every line."""

    all: tuple[Decision, ...]
    prefix: Prefix
    told: tuple[Decision, ...] = ()

    def rows(self, step: str, kinds: Iterable[Kind]) -> dict[str, Decision]:
        """The last decision on each row of a step, of the kinds asked."""
        wanted = set(kinds)
        last: dict[str, Decision] = {}
        for decision in self.all:
            if (
                decision.step == step
                and decision.row is not None
                and decision.kind in wanted
                and decision.round is None
            ):
                last[decision.row] = decision
        return last

    def rescues(self, step: str) -> dict[str, Decision]:
        """Row id → the rescue that stands."""
        return {row: d for row, d in self.rows(step, ("rescue", "unrescue")).items() if d.kind == "rescue"}

    def closed(self, step: str) -> bool:
        """Whether a gate was closed, and not opened again."""
        last = [d.kind for d in self.all if d.step == step and d.kind in ("close", "open")]
        return bool(last) and last[-1] == "close"


def read(path: Path, length: int | None = None) -> Decisions:
    """The decisions of a file, or of its first `length` bytes; none where there is no file. A torn last line is left out."""
    try:
        data = path.read_bytes()[:length]
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise disk_error(error, path) from error
    return _parse(path, data, part=length is not None)


#: what was read last of a file, or of a part of it: its prefix, how many lines that were, and the decisions on them
_read_before: dict[tuple[Path, bool], tuple[Prefix, int, tuple[Decision, ...]]] = {}


def _parse(path: Path, data: bytes, *, part: bool = False) -> Decisions:
    """The decisions in a file's bytes. Lines that were read before, and are the same bytes, are not parsed again."""
    whole = data[: data.rfind(b"\n") + 1]
    prefix, lines, before = _read_before.get((path, part), (Prefix(0, ""), 0, ()))
    hashed = hashlib.sha256(whole[: prefix.length])
    if prefix.length > len(whole) or hashed.hexdigest() != prefix.sha256:
        prefix, lines, before, hashed = Prefix(0, ""), 0, (), hashlib.sha256()
    rest = whole[prefix.length :]
    found = list(before)
    for number, line in enumerate(rest.split(b"\n")[:-1], lines + 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            known = {k: record[k] for k in Decision.__dataclass_fields__ if k in record}
            decision = Decision(**{"key": f"line {number}"} | known)
            if decision.kind not in KINDS:
                raise ValueError(f"kind {decision.kind!r}; possible: {', '.join(KINDS)}")
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}:{number}: not a decision: {error}", hint="mend or remove that line") from None
        found.append(decision)
    hashed.update(rest)
    read = Prefix(len(whole), hashed.hexdigest())
    told = tuple(found)
    _read_before[path, part] = (read, lines + rest.count(b"\n"), told)
    undone = {d.undoes for d in told if d.kind == "undo"}
    stand = tuple(d for d in told if d.kind != "undo" and d.key not in undone)
    return Decisions(stand, read, told)


def append(
    path: Path, decisions: Iterable[Decision], *, check: Callable[[Decisions], None] | None = None
) -> list[Decision]:
    """Add decisions durably, each with who made it, when, and a key of its own; returns them so.

    `check` sees what the file holds, while nobody else can add to it; what it raises stops the adding.
    """
    who = whose()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    made = [replace(d, who=d.who or who, at=d.at or now, key=d.key or secrets.token_hex(8)) for d in decisions]
    lines = []
    for decision in made:
        record = {k: v for k, v in vars(decision).items() if v is not None}
        lines.append(json.dumps(record, ensure_ascii=False) + "\n")
    append_lines(path, lines, check=None if check is None else lambda data: check(_parse(path, data)))
    return made


def append_lines(path: Path, lines: Iterable[str], *, check: Callable[[bytes], None] | None = None) -> None:
    """Add lines durably: written and fsynced before this returns, under the file's own lock."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            data = os.pread(handle, os.fstat(handle).st_size, 0)
            if check is not None:
                check(data)
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
