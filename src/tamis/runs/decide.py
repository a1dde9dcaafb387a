"""Making decisions from a terminal: what waits, and what is appended."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tamis.core.errors import DataError, UsageError
from tamis.engine.rescue import content_hash

from . import decisions as decided
from .decisions import Decision, Kind, check_kind, whose
from .gates import gate_names
from .ledger import Found, Ledger
from .questions import plain_text
from .queue import Queue
from .rows import RunRows, read_json
from .settle import DECIDING
from .workspace import ELSEWHERE, Workspace, read_state


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
            raise UsageError(f"no run under {self.workspace.root}", hint=ELSEWHERE)
        return max(runs, key=lambda run: (run / "state.json").stat().st_mtime)

    def check_step(self, step: str) -> None:
        """UsageError where the last run has no such step."""
        self.ledger.step(step)

    def queue(self, step: str) -> Queue | None:
        """The queue of a gate that the last run came to; None for other steps."""
        return Queue(self.run, step) if step in gate_names(self.run) else None

    def waiting(self, step: str, limit: int) -> dict[str, Any]:
        """What a gate asks, and the first rows it waits for."""
        queue = self._waits(step)
        if queue is None:
            return {"step": step, "waits": False, "rows": []}
        progress = queue.progress()
        differing = set(queue.disagreements(limit))
        rows = [
            {"id": row, "text": self._text(row, step), "differ": row in differing} for row in queue.undecided(limit)
        ]
        return {
            "step": step,
            "waits": True,
            "question": queue.gate.question,
            "asked": progress.asked,
            "undecided": progress.open + progress.differing,
            "differing": progress.differing,
            "rows": rows,
        }

    def decide(
        self,
        step: str,
        kind: str,
        prefixes: list[str],
        *,
        every: bool = False,
        why: str | None = None,
        who: str = "",
        value: Any = None,
        reason: str | None = None,
        last_word: bool = False,
    ) -> list[str]:
        """Append one decision for each row; returns the lines appended. last_word: it counts where reviewers differ."""
        checked = check_kind(kind)
        queue = self.queue(step)
        if every:
            queue = self._waits(step)
            if queue is None:
                raise UsageError(f"{step!r} does not wait for anyone", hint="name the rows by their ids")
            ids = queue.disagreements() if last_word else queue.undecided()
        else:
            ids = [self._one(prefix).id for prefix in prefixes]
        if queue is not None and checked in (*DECIDING, "skip", "flag", "comment"):
            value = {"kind": kind, "value": value} if last_word else value
            kind = "adjudicate" if last_word else kind
            made = queue.decide_many(who or whose(), ids, kind, value=value, reason=reason, why=why)
            return [_line(one) for one in made]
        rows = [(row, self._instead(row, step) if checked == "swap" else value) for row in ids]
        return self._append(
            [Decision(checked, step, row, self._content(row, step), reason, who, why=why, value=v) for row, v in rows]
        )

    def _instead(self, row: str, step: str) -> dict[str, str]:
        """The row that stays in place of this one."""
        life = self.ledger.life(self._one(row))
        into = next((told["into"] for told in life if told["step"] == step), None)
        if into is None:
            raise UsageError(f"{step!r} did not merge row {row}", hint=f"tamis why {row[:12]}")
        return {"instead_of": into}

    def undo(self, step: str, prefixes: list[str], *, who: str = "") -> list[str]:
        """Take back the last act at a step, or whatever this person decided on some rows."""
        who = who or whose()
        mine = [d for d in decided.read(self.path).all if d.step == step and d.who == who]
        if prefixes:
            ids = {self._one(prefix).id for prefix in prefixes}
            taken = [d for d in mine if d.row in ids]
        else:
            taken = [d for d in mine if d.key.split(".")[0] == mine[-1].key.split(".")[0]]
        if not taken:
            raise UsageError(f"{who} decided nothing at {step!r} that stands", hint="--who NAME")
        return self._append([Decision("undo", step, d.row, who=who, undoes=d.key) for d in reversed(taken)])

    def gate(self, step: str, kind: Kind, *, why: str | None, who: str) -> list[str]:
        """Close or open a gate."""
        return self._append([Decision(kind, step, who=who, why=why)])

    def _append(self, made: list[Decision]) -> list[str]:
        return [_line(one) for one in decided.append(self.path, made)]

    def _waits(self, step: str) -> Queue | None:
        """The queue of the gate that the run waits at; None where it is another step."""
        waits = (
            read_json(self.run / "gate.json").get("step") == step and read_state(self.run).get("status") == "waiting"
        )
        return self.queue(step) if waits else None

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


def _line(decision: Decision) -> str:
    return json.dumps({k: v for k, v in asdict(decision).items() if v}, ensure_ascii=False)
