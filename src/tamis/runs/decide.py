"""Making decisions from a terminal: what waits, and what is appended."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tamis.core.errors import DataError, UsageError
from tamis.engine.rescue import content_hash

from . import decisions as decided
from .decisions import Decision, Kind, check_kind
from .ledger import Found, Ledger
from .questions import plain_text
from .rows import RunRows
from .workspace import Workspace, read_state


class Desk:
    """Decisions about the last run of a recipe in a workspace."""

    def __init__(self, root: Path, recipe: str | None = None) -> None:
        self.workspace = Workspace(root)
        self.run = self._last_run(recipe)
        self.recipe = self.run.parent.name
        self.path = self.workspace.decisions(self.recipe)
        self.ledger = Ledger(self.run)

    def _last_run(self, recipe: str | None) -> Path:
        folder = self.workspace.root / "runs"
        names = [recipe] if recipe else sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
        runs = [self.workspace.runs(name) / str(k) for name in names for k in self.workspace.run_numbers(name)]
        runs = [run for run in runs if (run / "ledger" / "steps.json").exists()]
        if not runs:
            raise UsageError(f"no run under {self.workspace.root}", hint="tamis run RECIPE")
        return max(runs, key=lambda run: (run / "state.json").stat().st_mtime)

    def check_step(self, step: str) -> None:
        """UsageError where the last run has no such step."""
        self.ledger.step(step)

    def waiting(self, step: str, limit: int) -> dict[str, Any]:
        """What a gate asks, and the first rows it waits for."""
        gate = self._gate(step)
        if gate is None:
            return {"step": step, "waits": False, "rows": []}
        left = self._open_rows(step, gate)
        rows = [{"id": row, "text": self._text(row, step)} for row in left[:limit]]
        return {
            "step": step,
            "waits": True,
            "question": gate["question"],
            "asked": gate["asked"],
            "undecided": len(left),
            "rows": rows,
        }

    def decide(self, step: str, kind: str, prefixes: list[str], *, every: bool, why: str | None, who: str) -> list[str]:
        """Append one decision per row; returns the lines appended."""
        checked = check_kind(kind)
        ids = self._open_rows(step, self._gate(step)) if every else [self._one(prefix).id for prefix in prefixes]
        made = [Decision(checked, step, row, self._content(row, step), who=who, why=why) for row in ids]
        return self._append(made)

    def gate(self, step: str, kind: Kind, *, why: str | None, who: str) -> list[str]:
        """Close or open a gate."""
        return self._append([Decision(kind, step, who=who, why=why)])

    def _append(self, made: list[Decision]) -> list[str]:
        decided.append(self.path, made)
        return [json.dumps({k: v for k, v in asdict(d).items() if v}, ensure_ascii=False) for d in made]

    def _gate(self, step: str) -> dict[str, Any] | None:
        try:
            gate: dict[str, Any] = json.loads((self.run / "gate.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return gate if gate.get("step") == step and read_state(self.run).get("status") == "waiting" else None

    def _open_rows(self, step: str, gate: dict[str, Any] | None) -> list[str]:
        """The rows the gate waits for, less those decided since."""
        if gate is None:
            raise UsageError(f"{step!r} does not wait for anyone", hint="name the rows by their ids")
        done = decided.read(self.path).rows(step, ("accept", "reject"))
        return [row for row in gate["rows"] if row not in done]

    def _one(self, prefix: str) -> Found:
        found = self.ledger.find(prefix)
        if len(found) != 1:
            many = f"{len(found)} rows begin with {prefix!r}" if found else f"no row begins with {prefix!r}"
            raise UsageError(many, hint="give more of the id; tamis why TEXT finds ids")
        return found[0]

    def _record(self, row: str, step: str, *, told: bool = False) -> dict[str, Any]:
        found = self._one(row)
        names = [s["name"] for s in self.ledger.steps]
        before = names[: names.index(self.ledger.step(step)["name"])]
        rows = RunRows(self.run)
        return (rows.told if told else rows.records)(found.partition, [found.row], steps=before)[0]

    def _content(self, row: str, step: str) -> str | None:
        try:
            return content_hash(self._record(row, step))
        except DataError:
            return None

    def _text(self, row: str, step: str) -> str:
        try:
            return plain_text(self._record(row, step, told=True))
        except DataError:
            return ""
