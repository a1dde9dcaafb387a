"""A run that stays at a gate, and goes on by itself once people have decided."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tamis.core.errors import GateWaiting, WorkspaceBusy
from tamis.core.events import Listener, quiet
from tamis.recipe.model import Recipe
from tamis.runs.gates import gate_names
from tamis.runs.queue import Queue
from tamis.runs.rows import read_json
from tamis.runs.workspace import Workspace, read_state

from .execute import Options, execute
from .interrupts import interruptible
from .result import RunResult

#: seconds between two looks at the decisions
POLL = 0.5

Stamp = tuple[tuple[str, int, int], ...]


def execute_waiting(
    recipe: Recipe,
    root: Path,
    options: Options | None = None,
    *,
    emit: Listener = quiet,
    tell: Callable[[str], None] = lambda words: None,
) -> RunResult:
    """Run a recipe; at each gate tell what it waits for, and go on when it has that. Raises as `execute` does, but for gates.

    While it waits it holds nothing: decisions are appended by others, and another run may take the workspace.
    """
    options = replace(options or Options(), awaited=True)
    workspace = Workspace(root)
    replayed = options.decisions
    folder: Path | None = None
    while True:
        before: Stamp | None = _stamp(workspace, replayed)
        try:
            return execute(recipe, root, options, emit=emit)
        except WorkspaceBusy:
            if folder is None:
                raise
            time.sleep(POLL)  # somebody else was faster
            before = None
        except GateWaiting as gate:
            hint = (gate.hint or "").replace("; then run the same command again", "")
            tell(
                f"{gate.message}\n{hint}\nwaiting; it goes on by itself. Ctrl-C stops it, and the same command goes on"
            )
            folder = workspace.runs(recipe.name) / str(workspace.run_numbers(recipe.name)[-1])
        _wait(folder, workspace, replayed, before)
        if read_state(folder).get("status") == "done":
            return RunResult(folder, json.loads((folder / "manifest.json").read_text(encoding="utf-8")))


def _wait(folder: Path, workspace: Workspace, replayed: Path | None, before: Stamp | None) -> None:
    """Return when the gate has what it needs, or somebody else ran the run on. Interrupted at Ctrl-C and SIGTERM."""
    with interruptible() as check:
        while True:
            status, now = read_state(folder).get("status"), _stamp(workspace, replayed)
            if status not in ("waiting", "running"):
                return
            if status == "waiting" and now != before and _met(folder, replayed):
                return
            before = now
            check()
            time.sleep(POLL)


def _met(folder: Path, replayed: Path | None) -> bool:
    """Whether it is worth going on: a gate of rows has all it needs; what other gates need, the run finds out."""
    step = read_json(folder / "gate.json").get("step")
    return step not in gate_names(folder) or Queue(folder, step, decisions=replayed).met()


def _stamp(workspace: Workspace, replayed: Path | None) -> Stamp:
    """Which files of decisions there are, how large, and when they were written."""
    folder = workspace.root / "decisions"
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    if replayed is not None and replayed.exists():
        files.append(replayed)
    return tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in sorted(files))
