"""Files of a workspace in an object store: what a cluster without a shared file system reads and writes.

The folder of a workspace's private files is then each machine's own, at one path; every file written below `raw/` and
`cache/` is put into the store as well, and one that is not here is fetched from there. Names are made of everything a file
depends on, and readers compare its hash, so a file that two attempts put is the same one, and nothing is ever renamed.

`.tamis/store.json` says which store a workspace uses; the variable TAMIS_STORE that this process puts files there.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import importlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tamis.core.errors import DataError, MissingExtra, UsageError

#: set in processes that put what they write into the store
VARIABLE, HOLDS = "TAMIS_STORE", "TAMIS_STORE_HOLDS"
#: below the private folder: which store there is
NAME = "store.json"
#: folders of the private folder that the store holds; all else stays on the machine that runs the recipe
KEPT = ("raw", "cache")
SHARED = (*KEPT, "cluster")
#: the object that says whose a store is
OWNER = "workspace.json"


class Remote:
    """One workspace's files in an object store. url: s3://, gs://, az:// or file:///; root: the workspace's private folder."""

    def __init__(self, url: str, root: Path) -> None:
        self.url, self.root = url, root
        self._obstore = _library()
        try:
            self._store = self._obstore.store.from_url(url, **({"mkdir": True} if url.startswith("file:") else {}))
        except Exception as error:
            hint = "possible: s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, file:///FOLDER"
            raise UsageError(f"--store {url!r} is no object store: {_words(error)}", hint=hint) from None

    def key(self, path: Path) -> str | None:
        """The object's name; None where the store does not hold such files."""
        parts = path.relative_to(self.root).parts if path.is_relative_to(self.root) else ()
        return "/".join(parts) if len(parts) > 1 and parts[0] in SHARED else None

    def claim(self) -> str:
        """Make the store this workspace's, once; returns the name of what it holds until it is purged. UsageError where it
        is another one's."""
        mine = self.root / "store.id"
        if not mine.exists():
            mine.write_text(secrets.token_hex(16), encoding="utf-8")
        wanted = mine.read_bytes()
        with self._told("used"):
            with contextlib.suppress(self._obstore.exceptions.AlreadyExistsError):
                self._obstore.put(self._store, OWNER, wanted, mode="create")
            found = bytes(self._obstore.get(self._store, OWNER).bytes())
        if found != wanted:
            raise UsageError(f"{self.url} holds another workspace", hint="give each workspace a prefix of its own")
        self._fill()
        _remember(self.root, Named(self.url, wanted.decode()))
        return wanted.decode()

    def _fill(self) -> None:
        """Put what this machine has and the store has not: what runs without it, or with another one, left."""
        here = [path for folder in KEPT for path in sorted((self.root / folder).rglob("*")) if path.is_file()]
        with self._told("listed"):
            known = {one["path"] for some in self._obstore.list(self._store) for one in some}
        prefix = len(str(self.root)) + 1
        for path in sorted(here, key=lambda path: path.name == "entry.json"):  # an entry comes after its files
            if not path.name.startswith(".") and path.as_posix()[prefix:] not in known:
                self.put(path)

    def put(self, path: Path) -> None:
        """Put a file that was just written."""
        key = self.key(path)
        if key is not None:
            with self._told("written to"):
                self._obstore.put(self._store, key, path)

    def fetch(self, path: Path) -> bool:
        """Bring a file here; whether there is one."""
        key = self.key(path)
        if key is None:
            return False
        with self._told("read"):
            try:
                found = self._obstore.get(self._store, key)
            except FileNotFoundError:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.fetched")
            try:
                with open(fresh, "wb", buffering=0) as file:
                    for block in found.stream():
                        file.write(block)
                os.replace(fresh, path)
            finally:
                fresh.unlink(missing_ok=True)
        return True

    def told(self) -> list[dict[str, Any]]:
        """What the store holds of the workspace: path, files, bytes of each folder."""
        found = []
        with self._told("listed"):
            for folder in SHARED:
                sizes = [one["size"] for some in self._obstore.list(self._store, prefix=folder) for one in some]
                found += [{"path": f"{self.url}/{folder}", "files": len(sizes), "bytes": sum(sizes)}] if sizes else []
        return found

    def empty(self, folders: Sequence[str] = SHARED) -> None:
        """Delete what the store holds of the workspace, or of some of its folders."""
        with self._told("emptied"):
            for folder in folders:
                for some in self._obstore.list(self._store, prefix=folder):
                    self._obstore.delete(self._store, [one["path"] for one in some])
            if folders == SHARED:  # copies that nodes have of it are nobody's from now on
                self._obstore.delete(self._store, OWNER)
                (self.root / "store.id").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except (self._obstore.exceptions.BaseError, FileNotFoundError) as error:
            hint = "see that the bucket is there and this machine may use it (its environment or role says who it is)"
            raise DataError(f"{self.url} cannot be {done}: {_words(error)}", hint=hint) from None


def _words(error: Exception) -> str:
    """What the library said, on one line, without its own debugging."""
    return " ".join(str(error).partition("Debug source:")[0].split())[:300]


def _library() -> Any:
    try:
        importlib.import_module("obstore.exceptions")
        return importlib.import_module("obstore")
    except ImportError:
        raise MissingExtra("--store", "store") from None


@functools.lru_cache(maxsize=8)
def _open(url: str, root: Path) -> Remote:
    return Remote(url, root)


class Named(NamedTuple):
    """A store, and the name of what it holds: another one after it was purged."""

    url: str
    holds: str


def _known(root: Path) -> Named | None:
    """The store a workspace's private folder uses."""
    try:
        return Named(**json.loads((root / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _remember(root: Path, named: Named) -> None:
    if _known(root) != named:
        fresh = root / f".{NAME}.{os.getpid()}"
        fresh.write_text(json.dumps(named._asdict()) + "\n", encoding="utf-8")
        fresh.replace(root / NAME)


def be_node(root: Path) -> None:
    """Make a node's own place for a workspace's files; copies of what a store held before it was purged go."""
    named = Named(os.environ[VARIABLE], os.environ[HOLDS])
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(root / "store.lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _known(root) != named:
            for folder in KEPT:
                shutil.rmtree(root / folder, ignore_errors=True)
            _remember(root, named)


def root_of(path: Path) -> Path | None:
    """The private folder that a path lies in."""
    return next((one for one in path.parents if one.name == ".tamis"), None)


def remote_of(path: Path) -> Remote | None:
    """The store of the workspace that a path lies in; None where it has none."""
    root = root_of(path)
    if root is None:
        return None
    named = _known(root)
    return None if named is None else _open(named.url, root)


def bring(path: str | Path) -> bool:
    """Fetch a file that is not here, if its workspace has a store; whether it is here now."""
    if os.path.exists(path):  # noqa: PTH110
        return True
    path = Path(path)
    remote = remote_of(path)
    return remote is not None and remote.fetch(path)


@contextlib.contextmanager
def sharing(url: str | None, root: Path) -> Iterator[None]:
    """Put what this process and its tasks write below `root` into a store while the block lasts. None: into none."""
    if url is None:
        yield
        return
    os.environ[HOLDS] = Remote(url, root).claim()
    os.environ[VARIABLE] = url
    try:
        yield
    finally:
        del os.environ[VARIABLE], os.environ[HOLDS]


def forget(folder: Path) -> None:
    """Delete a folder that was shared, here and in the store."""
    shutil.rmtree(folder, ignore_errors=True)
    if VARIABLE in os.environ and (remote := remote_of(folder)) is not None:
        with contextlib.suppress(DataError):
            remote.empty([folder.name])


def share(path: Path) -> None:
    """Put a file that was just written into the store, if this process does so."""
    url = os.environ.get(VARIABLE)
    root = root_of(path) if url else None
    if url and root is not None:
        _open(url, root).put(path)
