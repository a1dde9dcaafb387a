"""What was delivered: the files, the card, what was checked, and the download."""

from __future__ import annotations

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import FileResponse, Response

from .. import room_shapes
from ..asked import Asked
from ..opened import Opened
from ..problems import NotThere
from .overview import file_record, step_counts

#: bytes of a card that are shown
CARD = 1 << 20
_hashing = threading.Lock()


def delivery(asked: Asked) -> room_shapes.Delivery:
    """The files of a run's delivery. Empty where it delivered nothing yet."""
    run = asked.run
    names = _names(run)
    files = []
    for name, one in names.items():
        told = file_record(run, one)
        files.append(
            room_shapes.DeliveredFile(
                name=name,
                path=told["path"],
                split=told["split"],
                rows=told["rows"],
                bytes=told["bytes"],
                sha256=told["sha256"],
            )
        )
    manifest = run.folder / "manifest.json"
    sha256 = hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.exists() else ""
    return room_shapes.Delivery(
        files=files,
        card=_card(run),
        checks=[_check(name, one) for name, one in names.items()] + _balance(run),
        balance=step_counts(run),
        manifest_sha256=sha256,
    )


def download(asked: Asked) -> Response:
    """A delivered file as it was delivered. 404 where there is none, or where other bytes stand in its place."""
    run, name = asked.run, asked.path["name"]
    one = _names(run).get(name)
    if one is None:
        raise NotThere(f"{name!r} is no file that this run delivered")
    if not _as_delivered(one):
        raise NotThere(
            f"{name} is no longer what this run delivered",
            hint="a later run took its place, or it was changed; run again",
        )
    return FileResponse(
        str(one["path"]), filename=name, media_type="application/octet-stream", content_disposition_type="attachment"
    )


def _names(run: Opened) -> dict[str, dict[str, Any]]:
    """Name → record of each delivered file; files of one name in two folders are told apart by their target."""
    found: dict[str, dict[str, Any]] = {}
    for one in run.manifest.get("delivered", []):
        name = Path(str(one["path"])).name
        if name in found:
            name = f"{one.get('target', 'target')}-{name}"
        found.setdefault(name, one)
    return found


def _as_delivered(one: dict[str, Any]) -> bool:
    """Whether the very bytes are still there. A link in a file's place is not followed."""
    path = Path(str(one["path"]))
    try:
        if path.is_symlink() or not path.is_file():
            return False
        status = path.stat()
        if status.st_size != one.get("size"):
            return False
        with _hashing:
            return _sha256(str(path), status.st_mtime_ns, status.st_size) == one.get("sha256")
    except OSError:
        return False


@lru_cache(maxsize=64)
def _sha256(path: str, changed: int, size: int) -> str:
    """The hash of a file as it stood at a time."""
    del changed, size
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _card(run: Opened) -> str:
    """The card beside the first delivered file."""
    for one in run.manifest.get("delivered", []):
        path = Path(str(one.get("folder") or Path(str(one["path"])).parent)) / "README.md"
        try:
            if not path.is_symlink():
                return path.read_bytes()[:CARD].decode("utf-8", "replace")
        except OSError:
            continue
    return ""


def _check(name: str, one: dict[str, Any]) -> room_shapes.Check:
    good = _as_delivered(one)
    told = "the bytes are those delivered" if good else "other bytes stand in its place, or none"
    return room_shapes.Check(check="sha256", of=name, good=good, told=told)


def _balance(run: Opened) -> list[room_shapes.Check]:
    """Whether every row is accounted for, and what the run warned of."""
    if not run.manifest:
        return []
    outcomes = run.manifest["outcomes"]
    out = sum(outcomes[k] for k in ("kept", "dropped", "merged", "held", "quarantined"))
    told = f"{outcomes['in']} in + {outcomes['born']} born = {out} out"
    found = [room_shapes.Check(check="balance", of="rows", good=outcomes["in"] + outcomes["born"] == out, told=told)]
    warnings = [str(one) for one in run.manifest.get("warnings", [])]
    return found + [room_shapes.Check(check="warning", of="run", good=False, told=one) for one in warnings]
