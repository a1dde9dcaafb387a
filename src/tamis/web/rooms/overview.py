"""The flow of rows: what each step did, what waits, what was delivered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tamis.runs.gates import gate_names

from .. import shapes
from ..asked import Asked
from ..commands import run_command
from ..opened import OUTCOMES, Opened
from .queues import queue_of
from .session import run_name

#: what is said where a step gave no reason
SENTENCES = {
    "merged": "the rows made out of it stand in its place",
    "held": "the row waits for people",
    "quarantined": "the step failed on the row; the error says why",
}


def overview(asked: Asked) -> shapes.Overview:
    """The whole run on one page."""
    run, site = asked.run, asked.site
    manifest = run.manifest
    delivered = [file_record(run, one) for one in manifest.get("delivered", [])]
    splits: dict[str, int] = {}
    for one in delivered:
        if one["split"]:
            splits[one["split"]] = max(splits.get(one["split"], 0), one["rows"])
    return shapes.Overview(
        run=run_name(site, run.recipe, int(run.folder.name)),
        description=str(manifest.get("recipe", {}).get("description") or ""),
        sources=[_source(run, one) for one in run.ledger.layout.get("files", [])],
        steps=step_counts(run),
        gates=gates(asked),
        delivered=delivered,
        splits=splits,
        warnings=[str(one) for one in manifest.get("warnings", [])],
        seconds=manifest.get("seconds", {}).get("total"),
        command=run_command(site, run.recipe),
    )


def step_counts(run: Opened) -> list[shapes.StepCount]:
    """Every step's account."""
    return [_step(run, number, step) for number, step in enumerate(run.ledger.steps, 1)]


def _step(run: Opened, number: int, step: Mapping[str, Any]) -> shapes.StepCount:
    reasons = []
    if any(step.get(name, 0) for name in OUTCOMES[1:]):
        ends = run.ends
        here = ends.step == number
        pairs: dict[tuple[int, int], int] = {}
        for outcome, reason in zip(ends.outcome[here].tolist(), ends.reason[here].tolist(), strict=True):
            pairs[outcome, reason] = pairs.get((outcome, reason), 0) + 1
        for (outcome, reason), rows in sorted(pairs.items(), key=lambda item: (-item[1], item[0])):
            slug = "" if reason < 0 else run.reasons[reason][1]
            sentence = step["sentences"].get(slug) or SENTENCES.get(OUTCOMES[outcome], "")
            reasons.append(shapes.ReasonCount(reason=slug, sentence=sentence, outcome=OUTCOMES[outcome], rows=rows))
    warnings = []
    if step.get("stale"):
        warnings.append(f"{step['stale']} decisions are about rows that have changed since; they were not applied")
    return shapes.StepCount(
        name=step["name"],
        use=step.get("address", step["name"]),
        rows_in=step["in"],
        changed=step.get("changed", 0),
        reasons=reasons,
        warnings=warnings,
        **{name: step[name] for name in ("born", *OUTCOMES)},
    )


def gates(asked: Asked) -> list[shapes.GateState]:
    """The gates the run came to: the one that waits, and those that people have answered."""
    run, waiting = asked.run, asked.run.gate
    command = run_command(asked.site, run.recipe)
    found = []
    for step in gate_names(run.folder):
        queue = queue_of(asked, run, step)
        told = queue.progress()
        found.append(
            shapes.GateState(
                step=step,
                kind="rows",
                question=queue.gate.question,
                waiting=waiting.get("step") == step,
                asked=told.asked,
                decided=told.decided,
                disagreements=told.differing,
                closed=told.closed,
                command=command,
            )
        )
    for gate in run.clusterings().gates:
        waits = waiting.get("step") == gate.step
        missing = f" {'; '.join(gate.missing)}" if gate.missing else ""
        found.append(
            shapes.GateState(
                step=gate.step,
                kind="clusters",
                question=gate.question + missing,
                waiting=waits,
                asked=len(gate.candidates),
                decided=int(gate.chosen is not None),
                closed=gate.chosen is not None,
                command=command,
            )
        )
    order = {name: k for k, name in enumerate(run.steps)}
    return sorted(found, key=lambda one: order.get(one.step, -1))


def file_record(run: Opened, one: Mapping[str, Any]) -> dict[str, Any]:
    """A delivered file: target, name, path as seen from the workspace, split, rows, bytes, sha256."""
    path = Path(str(one.get("path", "")))
    return {
        "target": one.get("target", ""),
        "name": path.name,
        "path": near(run, path),
        "split": one.get("split"),
        "rows": one.get("rows", 0),
        "bytes": one.get("size", 0),
        "sha256": one.get("sha256", ""),
    }


def near(run: Opened, path: Path) -> str:
    """A path as seen from the workspace; of others the name alone, since the folders above say who works where."""
    root = run.folder.parent.parent.parent
    if not path.is_absolute():
        return str(path)
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def _source(run: Opened, one: Mapping[str, Any]) -> dict[str, Any]:
    bad = next((one[k] for k in ("bad", "unreadable", "quarantined") if isinstance(one.get(k), int)), 0)
    return {"path": near(run, Path(str(one.get("path", "?")))), "rows": one.get("rows", 0), "unreadable": bad}
