"""The flow of rows: what each step did, what waits, what was delivered."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tamis.runs import decisions as decided

from .. import shapes
from ..asked import Asked, Site
from ..commands import run_command
from ..opened import OUTCOMES, Opened
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
        gates=gates(site, run),
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


def gates(site: Site, run: Opened) -> list[shapes.GateState]:
    """The gate that waits, and those that people have answered."""
    path = site.workspace.decisions(run.recipe)
    made = decided.read(path)
    waiting = run.gate
    command = run_command(site, run.recipe)
    found = []
    for step in run.ledger.steps:
        if not str(step.get("address", "")).startswith("review."):
            continue
        answered = made.rows(step["name"], ("accept", "reject", "edit", "relabel", "adjudicate"))
        waits = waiting.get("step") == step["name"]
        asked = int(waiting["asked"]) if waits else len(answered)
        still = len([row for row in waiting.get("rows", ()) if row not in answered]) if waits else 0
        found.append(
            shapes.GateState(
                step=step["name"],
                kind="clusters" if str(step.get("address")) == "review.clusters" else "rows",
                question=str(waiting.get("question", "")) if waits else "",
                waiting=waits,
                asked=asked,
                decided=max(0, asked - still),
                closed=made.closed(step["name"]),
                command=command,
            )
        )
    return found


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
