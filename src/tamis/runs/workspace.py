"""The workspace on disk: where things are, and the lock of the one run that may write."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tamis.core.errors import UsageError, WorkspaceBusy
from tamis.engine.store import disk_error

ELSEWHERE = "tamis run RECIPE makes one; -w FOLDER names the workspace, where the recipe is"


class Workspace:
    """The folders of one project. `root` is where the recipe stands.

    .tamis/raw       source text, quarantined bytes        .tamis/recorded  what cannot be derived again
    .tamis/cache     what can                              decisions/       what people decided
    runs/<recipe>/<n>  one run                             dist/            what was delivered
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    @property
    def hidden(self) -> Path:
        return self.root / ".tamis"

    @property
    def raw(self) -> Path:
        return self.hidden / "raw"

    @property
    def cache(self) -> Path:
        return self.hidden / "cache"

    @property
    def recorded(self) -> Path:
        return self.hidden / "recorded"

    def runs(self, recipe: str) -> Path:
        return self.root / "runs" / recipe

    def decisions(self, recipe: str) -> Path:
        return self.root / "decisions" / f"{recipe}.jsonl"

    def prepare(self) -> None:
        """Make the private folders."""
        try:
            for folder in (self.hidden, self.raw, self.cache):
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise disk_error(error, self.hidden) from error

    def run_numbers(self, recipe: str) -> list[int]:
        """The runs there are, oldest first."""
        folder = self.runs(recipe)
        return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit()) if folder.is_dir() else []

    def open_run(self, recipe: str) -> tuple[int, bool]:
        """The number of the run to work on, and whether it resumes one that did not end."""
        numbers = self.run_numbers(recipe)
        if numbers:
            state = read_state(self.runs(recipe) / str(numbers[-1]))
            if state.get("status") in ("running", "waiting", "interrupted", "failed"):
                return numbers[-1], True
            return numbers[-1] + 1, False
        return 1, False

    def find_run(self, recipe: str | None, number: int | str | None = None) -> Path:
        """The folder of a run: the last one unless a number is given. UsageError where there is none."""
        if recipe is None:
            names = sorted(p.name for p in (self.root / "runs").iterdir()) if (self.root / "runs").is_dir() else []
            if not names:
                raise UsageError(f"no runs under {self.root}", hint=ELSEWHERE)
            if len(names) > 1:
                last = max(
                    names,
                    key=lambda n: max(
                        ((self.runs(n) / str(k)).stat().st_mtime for k in self.run_numbers(n)), default=0
                    ),
                )
                recipe = last
            else:
                recipe = names[0]
        numbers = self.run_numbers(recipe)
        if number is None:
            done = [k for k in numbers if (self.runs(recipe) / str(k) / "ledger" / "steps.json").exists()]
            if not done:
                raise UsageError(
                    f"recipe {recipe!r} has no run with a ledger under {self.root}", hint="tamis run RECIPE"
                )
            return self.runs(recipe) / str(done[-1])
        folder = self.runs(recipe) / str(number)
        if not folder.is_dir():
            raise UsageError(
                f"recipe {recipe!r} has no run {number}; there are: {', '.join(map(str, numbers)) or 'none'}"
            )
        return folder

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the workspace. WorkspaceBusy names who holds it; the system frees a dead holder's lock."""
        path = self.hidden / "lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise disk_error(error, path) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                holder = _read(path)
                raise WorkspaceBusy(
                    f"another run holds {self.hidden}: process {holder.get('pid', '?')} on {holder.get('host', '?')}",
                    hint="wait for it to end, or stop it; then run again",
                ) from None
            os.truncate(handle, 0)
            os.pwrite(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
            yield
        finally:
            os.close(handle)


def read_state(folder: Path) -> dict[str, Any]:
    """A run's `state.json`, empty where there is none."""
    return _read(folder / "state.json")


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        return value if isinstance(value, dict) else {}
    except (OSError, ValueError):
        return {}


def decisions_of(run: Path) -> Path:
    """The file of the decisions on the rows of a run's recipe."""
    return Workspace(run.parent.parent.parent).decisions(run.parent.name)
