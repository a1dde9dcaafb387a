"""Deleting the original text from a workspace: what was read, what was derived from it, lines that could not be read.

Ledgers and reports of runs with privacy steps stay: they were written without it. What such a run did not make, and
the sources themselves, are named and left, unless asked for.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tamis.engine.remote import remote_of
from tamis.engine.store import disk_error, write_json

from .rows import read_json, read_privacy
from .workspace import Workspace

#: why requests and replies stay, unless asked for
RECORDED = (
    "what models were asked and replied: it holds the text that they were shown, and would be bought again; "
    "--replies deletes it"
)


def purge(root: Path, *, runs: bool = False, replies: bool = False, really: bool = True) -> dict[str, Any]:
    """Delete the original text; returns what was `deleted` (path, files, bytes) and what is `left`, with why.

    runs: also runs and earlier deliveries that were made without privacy steps. replies: also what models were asked and
    replied, which is bought again then. really: else only tell.
    """
    workspace = Workspace(root)
    if not workspace.hidden.is_dir() and not (workspace.root / "runs").is_dir():
        return {"workspace": str(workspace.root), "deleted": [], "left": [], "done": really}
    workspace.prepare()
    with workspace.lock():
        chosen = [*_private(workspace), *(path for path, _ in _bare(workspace))] if runs else list(_private(workspace))
        remote = remote_of(workspace.raw)
        bought = [path for path in (workspace.hidden / "recorded",) if path.is_dir()]
        chosen += bought if replies else []
        deleted = [_size(path, workspace.root) for path in chosen]
        deleted += [] if remote is None else remote.told()
        left = [] if runs else [{"path": _near(path, workspace.root), "why": why} for path, why in _bare(workspace)]
        left += [{"path": _near(path, workspace.root), "why": RECORDED} for path in bought if not replies]
        left += [{"path": _near(path, workspace.root), "why": why} for path, why in _others(workspace)]
        if really:
            try:
                if remote is not None:
                    remote.empty()
                for path in chosen:
                    shutil.rmtree(path)
                workspace.prepare()
                at = datetime.now(UTC).isoformat(timespec="seconds")
                write_json(workspace.hidden / "purged.json", {"at": at, "deleted": deleted}, durable=True)
            except OSError as error:
                raise disk_error(error, workspace.hidden) from error
    return {"workspace": str(workspace.root), "deleted": deleted, "left": left, "done": really}


def _private(workspace: Workspace) -> Iterator[Path]:
    """What holds original text whatever the recipe says, and deliveries that were never finished."""
    for path in (workspace.raw, workspace.cache):
        if path.is_dir():
            yield path
    yield from sorted(
        path for path in _folders(workspace.root) if path.name.startswith(".") and path.name.endswith(".new")
    )


def _bare(workspace: Workspace) -> Iterator[tuple[Path, str]]:
    """Runs and earlier deliveries that no privacy step stood before."""
    for state in sorted((workspace.root / "runs").glob("*/*/state.json")):
        if not read_privacy(state.parent):
            yield state.parent, "a run without privacy steps: its ledger and report tell of original text"
    for folder in _folders(workspace.root):
        if folder.name.startswith(".") and folder.name.endswith(".versions"):
            for version in sorted(folder.iterdir()):
                if version.is_dir() and not read_json(version / "manifest.json").get("privacy"):
                    yield version, "an earlier delivery, made without privacy steps"


def _others(workspace: Workspace) -> Iterator[tuple[Path, str]]:
    """What is not ours to delete."""
    for manifest in sorted(workspace.root.rglob("manifest.json")):
        inside = manifest.relative_to(workspace.root).parts
        if inside[0] not in ("runs", ".tamis") and not any(part.startswith(".") for part in inside):
            told = read_json(manifest)
            if "delivery" in told and not told.get("privacy"):
                yield manifest.parent, "a delivery made without privacy steps"
    names: dict[Path, None] = {}
    for layout in sorted((workspace.root / "runs").glob("*/*/ledger/partitions.json")):
        for file in json.loads(layout.read_text(encoding="utf-8")).get("files", []):
            path = workspace.root / str(file.get("path", ""))
            if path.is_file() and path.resolve().is_relative_to(workspace.root):
                names[path] = None
    for path in names:
        yield path, "a source: yours, and never deleted by Tamis"


def _folders(root: Path) -> list[Path]:
    """The folders beside deliveries, as deep as they may stand."""
    return sorted(path for path in root.rglob(".*") if path.is_dir() and ".tamis" not in path.relative_to(root).parts)


def _size(path: Path, root: Path) -> dict[str, Any]:
    files = [one for one in path.rglob("*") if one.is_file()]
    return {"path": _near(path, root), "files": len(files), "bytes": sum(one.stat().st_size for one in files)}


def _near(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
