"""Putting one folder in the place of another, so that a kill at any instruction leaves one of them whole."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tamis.core.errors import UsageError
from tamis.engine.failpoint import failpoint
from tamis.engine.store import sync

MANIFEST = "manifest.json"
_EXTRA = ("README.md", "SHA256SUMS")
_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE on Linux, RENAME_SWAP on macOS


def claim(path: Path) -> Path:
    """The folder's real place. UsageError where something is there that no delivery of Tamis made."""
    path = Path(path)
    path = path.parent.resolve() / path.name if not path.is_symlink() else path.resolve()
    if not path.name:
        raise UsageError(f"{path} cannot be delivered to", hint="give `path:` a folder of its own, such as dist/NAME")
    if not path.exists():
        return path
    if not path.is_dir():
        raise UsageError(f"output {path} exists and is no folder", hint="give `path:` another folder")
    if published(path) is None and any(path.iterdir()):
        raise UsageError(
            f"output {path} exists and was not made by tamis", hint="move it away, or give `path:` another folder"
        )
    return path


def published(folder: Path) -> dict[str, Any] | None:
    """The manifest of a delivery; None where the folder is none, or is not whole."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    whole = isinstance(manifest, dict) and isinstance(manifest.get("files"), list)
    return manifest if whole and "tamis" in manifest and "delivery" in manifest else None


def recover(path: Path) -> None:
    """Clear up after a delivery that was killed."""
    staging = _staging(path)
    if not staging.exists():
        return
    manifest = published(staging)
    if manifest is None:
        shutil.rmtree(staging)
        return
    now = published(path)
    if now is not None and now.get("previous") == manifest["delivery"]:
        _keep(path, manifest)  # swapped in, but the one before was not put away
    elif now is None and not path.exists() and _moved_away(path, manifest):
        staging.rename(path)  # the old was moved away, the new not yet moved in
        sync(path.parent)
    else:
        discard(staging)


def _moved_away(path: Path, staged: dict[str, Any]) -> bool:
    """Whether the delivery that the staged one replaces stands among the versions."""
    earlier = [name for name in (staged.get("previous"), staged["delivery"]) if name]
    return any((_versions(path) / str(name)).exists() for name in earlier)


def swap_in(path: Path) -> None:
    """Make the staged folder the delivery, and put the one before among the versions."""
    staging, old = _staging(path), published(path)
    failpoint("deliver.before_swap")
    if old is None:
        if path.exists():
            path.rmdir()  # empty: `claim` saw to that
        staging.rename(path)
        sync(path.parent)
        failpoint("deliver.swapped")
        return
    if exchange(staging, path):
        sync(path.parent)
        failpoint("deliver.swapped")
        _keep(path, old)
    else:
        _keep(path, old, place=path)
        failpoint("deliver.moved_away")
        staging.rename(path)
        sync(path.parent)
    failpoint("deliver.kept")


def discard(folder: Path) -> None:
    """Remove a delivery: its own files, the manifest last, and the folders they leave empty; nothing else."""
    manifest = published(folder)
    names = [] if manifest is None else [str(one.get("path", "")) for one in manifest["files"]]
    for name in (*names, *_EXTRA):
        target = folder / name
        if name and target.resolve().is_relative_to(folder.resolve()):
            target.unlink(missing_ok=True)
    folders = sorted((p for p in folder.rglob("*") if p.is_dir() and not p.is_symlink()), reverse=True)
    for place in folders:
        _remove_if_empty(place)
    (folder / MANIFEST).unlink(missing_ok=True)
    _remove_if_empty(folder)


def exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    a, b = os.fsencode(one), os.fsencode(other)
    if sys.platform == "linux" and hasattr(library, "renameat2"):
        failed = library.renameat2(_AT_FDCWD, a, _AT_FDCWD, b, ctypes.c_uint(_EXCHANGE))
    elif hasattr(library, "renamex_np"):
        failed = library.renamex_np(a, b, ctypes.c_uint(_EXCHANGE))
    else:
        return False
    if not failed:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _staging(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _versions(path: Path) -> Path:
    return path.with_name(f".{path.name}.versions")


def _keep(path: Path, old: dict[str, Any], place: Path | None = None) -> None:
    """Put an earlier delivery, which stands at `place`, among the versions."""
    versions = _versions(path)
    versions.mkdir(exist_ok=True)
    goal = versions / str(old["delivery"])
    number = 1
    if goal.exists():
        discard(goal)
    while goal.exists():  # files that are not ours were left in it
        number += 1
        goal = versions / f"{old['delivery']}-{number}"
    (place or _staging(path)).rename(goal)
    sync(versions)
    sync(path.parent)


def _chain(path: Path, identity: Any, keep: int) -> list[str]:
    """The last `keep` deliveries before the present one."""
    found: list[str] = []
    while identity and len(found) < keep and identity not in found:
        found.append(str(identity))
        manifest = published(_versions(path) / str(identity))
        identity = None if manifest is None else manifest.get("previous")
    return found


def prune(path: Path, *, keep: int) -> None:
    """Remove all versions but the last `keep` before the present delivery."""
    versions, now = _versions(path), published(path)
    if not versions.is_dir() or now is None:
        return
    kept = _chain(path, now.get("previous"), keep)
    for folder in sorted(versions.iterdir()):
        if folder.name not in kept and published(folder) is not None:
            discard(folder)
    _remove_if_empty(versions)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
            raise
