"""A workspace whose run waits for people, and the queue of its gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tamis.core.errors import GateWaiting
from tamis.recipe.load import parse
from tamis.runner.execute import Options, RunResult, execute
from tamis.runs.decisions import Decision
from tamis.runs.queue import Queue
from tamis.runs.why import Why

RECIPE = """
tamis: 1
name: reviewed
seed: 3
sources: [{use: files, path: rows.jsonl, id: [n]}]
steps:
  - use: map.auto
  - use: review.gate
    id: look
%s
  - {use: filter.length, in: response, min: 2}
deliver: [{use: jsonl, path: dist/reviewed}]
"""

#: everything a gate can take
ALL = """
edit: true
rate: true
labels: {kind: [new, old], mood: [calm, cross]}
reject_reasons: [invented, rude]
questions: [{id: aware, text: "Aware of the context?"}]
"""


def row(n: int, answer: str | None = None) -> dict[str, Any]:
    return {
        "n": n,
        "prompt": f"question {n}",
        "completion": answer or f"answer number {n}",
        "kind": "new",
        "confidence": (n * 7 % 10) / 10,
        "topic": f"t{n % 3}",
    }


class Reviewed:
    """A workspace with `rows` rows and a gate called `look`."""

    def __init__(self, folder: Path, settings: str = "", rows: int = 6, recipe: str | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        lines = "\n".join(f"    {line}" for line in settings.strip().splitlines())
        self.text = recipe or RECIPE % lines
        self.write([row(n) for n in range(rows)])

    def write(self, rows: list[dict[str, Any]]) -> None:
        (self.folder / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")

    @property
    def decisions(self) -> Path:
        return self.folder / "decisions/reviewed.jsonl"

    @property
    def run_folder(self) -> Path:
        return max((self.folder / "runs/reviewed").iterdir(), key=lambda path: int(path.name))

    def run(self, **options: Any) -> RunResult:
        return execute(parse(self.text), self.folder, Options(base=self.folder, **options))

    def wait(self, **options: Any) -> str:
        """Run up to the gate; what it says it waits for."""
        try:
            self.run(**options)
        except GateWaiting as error:
            return error.message
        raise AssertionError("the gate does not wait")

    def queue(self, *reviewers: str, **more: Any) -> Queue:
        return Queue(self.run_folder, "look", reviewers=reviewers, **more)

    def ids(self) -> list[str]:
        """The rows' ids, in row order."""
        gate = self.queue().gate
        return [gate.id(index) for index in range(gate.height)]

    def accept_rest(self, who: str = "ann") -> list[Decision]:
        queue = self.queue()
        return queue.decide_many(who, queue.undecided(), "accept")

    def delivered(self) -> list[dict[str, Any]]:
        path = self.folder / "dist/reviewed/data.jsonl"
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

    def life(self, row: str) -> dict[str, Any]:
        why = Why(self.run_folder)
        return why.life(why.ledger.find(row)[0])

    def said(self, row: str) -> dict[str, Any]:
        """What the gate's evidence says of a row."""
        [step] = [step for step in self.life(row)["steps"] if step["step"] == "look"]
        return dict(step)
