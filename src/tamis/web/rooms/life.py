"""A row's whole life, from the line it was read from to the line it was delivered to."""

from __future__ import annotations

from typing import Any

from tamis.core.errors import DataError
from tamis.engine.rescue import content_hash
from tamis.runs import decisions as decided
from tamis.runs.why import Why

from .. import shapes
from ..asked import Asked
from ..opened import Opened
from ..texts import Cutter, value
from ..words import EVIDENCE, all_decided

#: families of steps whose drops only who leads may overrule
GUARDED = ("decontaminate.", "privacy.")
#: characters of a value before and after a step
CHANGED = 20_000


def row(asked: Asked) -> shapes.RowLife:
    """Everything that is known of one row."""
    run = asked.run
    found = run.find(asked.path["id"])
    why = Why(run.folder)
    why.ledger = run.ledger  # its index is made
    life = why.life(found, decisions=False)
    made = decided.read(asked.site.workspace.decisions(run.recipe))
    mine = [one for one in made.told if one.row == found.id]
    cutter = Cutter()
    record: dict[str, Any] = life["row"] or {}
    columns = {
        name: cutter.value(one, name) for name, one in record.items() if name not in ("messages", "rejected", "text")
    }
    end = life["left_at"]
    return shapes.RowLife(
        id=found.id,
        source=found.source,
        file=found.file,
        line=found.line,
        outcome=life["outcome"],
        left_at=end,
        messages=cutter.messages(record.get("messages"), "messages"),
        rejected=cutter.messages(record.get("rejected"), "rejected"),
        text=cutter.text(record.get("text"), "text"),
        columns=columns,
        steps=[_word(step) for step in life["steps"]],
        delivered=life["delivered"],
        decisions=all_decided(made, mine),
        versions=versions(made, found.id, [*run.steps, *(one.step for one in mine)]),
        rescuable=rescuable(run, end) if life["outcome"] in ("dropped", "merged") else None,
        text_gone=life.get("text_gone"),
        cut=cutter.cut,
    )


def versions(made: decided.Decisions, row: str, steps: list[str]) -> dict[str, int]:
    """Step → how many decisions were told of the row there, undone ones too."""
    counts = dict.fromkeys(steps, 0)
    for one in made.told:
        if one.row == row:
            counts[one.step] = counts.get(one.step, 0) + 1
    return counts


def rescuable(run: Opened, step: str | None) -> shapes.Role | None:
    """Who may take back what a step dropped or merged."""
    if step is None:
        return None
    address = str(run.ledger.step(step).get("address", step))
    return "lead" if address.startswith(GUARDED) else "reviewer"


def content(run: Opened, row: str, step: str) -> str | None:
    """The hash of what a row said before a step; None where its text is gone."""
    found = run.find(row)
    before = run.steps[: run.step_number(step) - 1]
    try:
        return content_hash(run.rows.records(found.partition, [found.row], steps=before)[0])
    except DataError:
        return None


def _word(step: dict[str, Any]) -> shapes.StepWord:
    changed = {
        name: [value(before, CHANGED), value(after, CHANGED)]
        for name, (before, after) in step.get("changed", {}).items()
    }
    return shapes.StepWord(
        step=step["step"],
        outcome=step["outcome"],
        reason=step["reason"],
        sentence=step["sentence"],
        into=step["into"],
        evidence={name: value(one, EVIDENCE) for name, one in step["evidence"].items()},
        changed=changed,
    )
