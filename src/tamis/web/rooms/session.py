"""Who reviews, and which runs there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tamis.runs.rows import read_json
from tamis.runs.workspace import read_state

from .. import shapes
from ..asked import Asked, Site, recipes

#: runs listed, the last ones
SHOWN = 100


def session(asked: Asked) -> shapes.Session:
    """Who asks, and the runs of the workspace, the newest first."""
    people = asked.site.people
    return shapes.Session(
        name=asked.person.name,
        role=asked.person.role,
        team=people.team is not None,
        version=asked.site.version,
        runs=runs(asked.site),
        reviewers=list(people.team or ()),
    )


def say_name(asked: Asked) -> shapes.Session:
    """Take the name of who asks."""
    asked.person = asked.site.people.name(asked.person, asked.body.name)
    return session(asked)


def runs(site: Site) -> list[shapes.RunName]:
    """The runs that have a ledger: those of the recipe shown first, then the newest first."""
    found = []
    for recipe in recipes(site.workspace):
        for number in site.workspace.run_numbers(recipe):
            folder = site.workspace.runs(recipe) / str(number)
            path = folder / "ledger" / "steps.json"
            if path.exists():
                found.append((recipe != site.recipe, -path.stat().st_mtime_ns, -number, recipe))
    return [run_name(site, recipe, -number) for _, _, number, recipe in sorted(found)[:SHOWN]]


def run_name(site: Site, recipe: str, number: int) -> shapes.RunName:
    """One run on one line."""
    folder = site.workspace.runs(recipe) / str(number)
    outcomes = read_json(folder / "manifest.json").get("outcomes") or _so_far(folder)
    state = folder / "state.json"
    started = (
        datetime.fromtimestamp(state.stat().st_mtime, UTC).isoformat(timespec="seconds") if state.exists() else None
    )
    return shapes.RunName(
        recipe=recipe,
        number=number,
        status=str(read_state(folder).get("status", "unknown")),
        rows=outcomes["in"] + outcomes["born"],
        kept=outcomes["kept"],
        started=started,
    )


def _so_far(folder: Any) -> dict[str, int]:
    """The account of a run that has no manifest yet."""
    import json

    steps = json.loads((folder / "ledger" / "steps.json").read_text(encoding="utf-8"))
    partitions = read_json(folder / "ledger" / "partitions.json").get("partitions", [])
    read = sum(p["rows"] for p in partitions if not p["born"])
    born = sum(step["born"] for step in steps)
    out = sum(step[name] for step in steps for name in ("dropped", "merged", "held", "quarantined"))
    return {"in": read, "born": born, "kept": read + born - out}
