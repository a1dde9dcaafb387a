"""Who reviews: links that work once, sessions behind cookies, roles. Kept as hashes in `.tamis/review.json`, mode 0600."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tamis.core.errors import UsageError
from tamis.engine.store import disk_error

from .shapes import Role

#: seconds after which a link that nobody used, and a session, are over
LINK_SECONDS = 7 * 86400
SESSION_SECONDS = 30 * 86400
ROLES: tuple[Role, ...] = ("reviewer", "lead")


class Person(NamedTuple):
    """Who asks. `session`: the hash of their cookie; `name` is empty until it was given."""

    name: str
    role: Role
    session: str


class Link(NamedTuple):
    """A link to hand to one person: its token works once."""

    name: str
    role: Role
    token: str


def parse_reviewers(text: str) -> dict[str, Role]:
    """`ann,bob:lead`, or a file of such entries, one a line. UsageError where a name is empty, twice, or of no role.

    >>> parse_reviewers("ann, bob:lead")
    {'ann': 'reviewer', 'bob': 'lead'}
    """
    path = Path(text)
    entries = text.split(",")
    if path.suffix or path.is_file():
        try:
            entries = path.read_text(encoding="utf-8").replace(",", "\n").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--reviewers: cannot read {path}: {error}") from None
    found: dict[str, Role] = {}
    for entry in entries:
        if not entry.strip() or entry.strip().startswith("#"):
            continue
        name, _, role = (part.strip() for part in entry.partition(":"))
        if role not in ("", *ROLES):
            raise UsageError(f"--reviewers: {name!r} has the role {role!r}; possible: {', '.join(ROLES)}")
        if not name or len(name) > 80 or not name.isprintable():
            raise UsageError(f"--reviewers: {entry!r} is no name", hint="as in --reviewers ann,bob:lead")
        if name in found:
            raise UsageError(f"--reviewers: {name!r} is named twice")
        found[name] = "lead" if role == "lead" else "reviewer"
    if not found:
        raise UsageError("--reviewers names nobody", hint="as in --reviewers ann,bob:lead")
    return found


def digest(token: str) -> str:
    """How a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


class People:
    """The links and sessions of a workspace. `team`: name → role; None where one person reviews, who is lead."""

    def __init__(self, path: Path, team: Mapping[str, Role] | None = None) -> None:
        self.path, self.team = path, None if team is None else dict(team)
        self._sessions: dict[str, dict[str, Any]] = {}
        with self._kept():
            pass

    def invite(self) -> list[Link]:
        """A fresh link for everybody."""
        names: Sequence[tuple[str, Role]] = [("", "lead")] if self.team is None else list(self.team.items())
        links = [Link(name, role, secrets.token_urlsafe(32)) for name, role in names]
        with self._kept() as kept:
            kept["links"] += [
                {"hash": digest(link.token), "name": link.name, "team": self.team is not None, "at": time.time()}
                for link in links
            ]
        return links

    def known(self, token: str) -> str | None:
        """Whose link it is; None where it was used, is over, or never was one. It is not used up."""
        with self._kept() as kept:
            one = next((link for link in kept["links"] if link["hash"] == digest(token)), None)
        return None if one is None or self._role(one) is None else str(one["name"])

    def enter(self, token: str) -> str | None:
        """Use a link up: the cookie of a new session; None where the link is not known."""
        with self._kept() as kept:
            one = next((link for link in kept["links"] if link["hash"] == digest(token)), None)
            if one is None or self._role(one) is None:
                return None
            kept["links"].remove(one)
            cookie = secrets.token_urlsafe(32)
            kept["sessions"].append({**one, "hash": digest(cookie), "at": time.time()})
        return cookie

    def person(self, cookie: str) -> Person | None:
        """Who comes with a cookie; None where it opens nothing."""
        session = self._sessions.get(digest(cookie))
        role = None if session is None else self._role(session)
        if session is None or role is None or session["at"] < time.time() - SESSION_SECONDS:
            return None
        return Person(session["name"], role, session["hash"])

    def name(self, person: Person, name: str) -> Person:
        """The person under the name they give. UsageError in a team, whose links name people."""
        if self.team is not None:
            raise UsageError(f"your link names you: {person.name}")
        if not name.strip() or not name.isprintable():
            raise UsageError(f"{name!r} is no name", hint="a few letters will do")
        with self._kept() as kept:
            for session in kept["sessions"]:
                if session["hash"] == person.session:
                    session["name"] = name.strip()
        return person._replace(name=name.strip())

    def _role(self, one: Mapping[str, Any]) -> Role | None:
        if self.team is None:
            return None if one["team"] else "lead"
        return self.team.get(one["name"]) if one["team"] else None

    @contextmanager
    def _kept(self) -> Iterator[dict[str, Any]]:
        """What is kept, to be changed: under a lock, since two servers may stand over one workspace."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.fchmod(handle, 0o600)
                fcntl.flock(handle, fcntl.LOCK_EX)
                data = os.pread(handle, os.fstat(handle).st_size, 0)
                kept = _read(data)
                yield kept
                now = time.time()
                kept["links"] = [link for link in kept["links"] if link["at"] > now - LINK_SECONDS]
                kept["sessions"] = [one for one in kept["sessions"] if one["at"] > now - SESSION_SECONDS]
                told = json.dumps(kept, ensure_ascii=False).encode()
                if told != data:
                    os.pwrite(handle, told, 0)
                    os.ftruncate(handle, len(told))
                    os.fsync(handle)
                self._sessions = {one["hash"]: one for one in kept["sessions"]}
            finally:
                os.close(handle)
        except OSError as error:
            raise disk_error(error, self.path) from error


def _read(data: bytes) -> dict[str, Any]:
    """What the file holds; nothing where it is torn: people get new links."""
    try:
        kept = json.loads(data)
        names = ("hash", "name", "team", "at")
        return {kind: [one for one in kept[kind] if all(n in one for n in names)] for kind in ("links", "sessions")}
    except (ValueError, TypeError, KeyError):
        return {"links": [], "sessions": []}
