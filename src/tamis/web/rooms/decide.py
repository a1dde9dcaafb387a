"""Deciding: checked, appended and on disk before the answer; undone by who decided; told to everybody."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tamis.core.errors import Conflict, UsageError
from tamis.runs import decisions as decided
from tamis.runs.blind import BlindTest
from tamis.runs.decisions import Decision, Decisions, check_kind
from tamis.runs.fits import QUEUE_KINDS, check_decision

from .. import shapes
from ..asked import Asked
from ..opened import Opened
from ..problems import Refused
from ..words import all_decided
from ..words import decided as told_as
from . import life, queues

#: kinds about clusterings, beside `split`, which may be about a group of copies
CLUSTERS = ("look", "shortlist", "choose", "rename", "merge")
BLIND = ("same_topic", "odd_one_out")
#: kinds that only who leads may decide
LEADS = ("close", "open", "adjudicate")
HISTORY = 500


def decide(asked: Asked) -> shapes.Made:
    """Append decisions: all of them, durably, or none."""
    who = named(asked)
    run, wanted = asked.run, asked.body.decisions
    made = [_checked(asked, run, one, who) for one in wanted]
    act = secrets.token_hex(8)
    made = [replace(one, key=f"{act}.{n}") for n, one in enumerate(made)]
    versions = {(one.step, one.row): one.version for one in wanted if one.version is not None and one.row is not None}

    def unchanged(found: Decisions) -> None:
        counts = dict.fromkeys(versions, 0)
        for one in found.told:
            if one.row is not None and (one.step, one.row) in counts:
                counts[one.step, one.row] += 1
        for (step, row), version in versions.items():
            if counts[step, row] != version:
                raise _late(found, step, row or "", counts[step, row])

    path = asked.site.workspace.decisions(run.recipe)
    written = decided.append(path, made, check=unchanged)
    return shapes.Made(made=[told_as(one) for one in written], progress=_progress(asked, run, made))


def _late(found: Decisions, step: str, row: str, version: int) -> Refused:
    """409: how the row stands now."""
    said = [one for one in found.told if one.step == step and one.row == row]
    now = {"version": version, "decisions": [one.model_dump() for one in all_decided(found, said)]}
    last = f"{said[-1].who} said {said[-1].kind!r}" if said else "its decisions were taken out of the file"
    return Refused(409, f"{last} of this row meanwhile; nothing was written", hint="look at it again", now=now)


def named(asked: Asked) -> str:
    """Who decides. 400 where they gave no name."""
    if not asked.person.name:
        raise Refused(400, "say your name first", hint="POST /api/session")
    return asked.person.name


def _lead(asked: Asked, what: str) -> None:
    if asked.person.role != "lead":
        raise Refused(403, f"{what} is for those who lead the review")


def _checked(asked: Asked, run: Opened, one: shapes.Decide, who: str) -> Decision:
    """The decision as it is written. UsageError or Refused where it cannot stand."""
    kind = check_kind(one.kind)
    if kind == "undo":
        raise Refused(400, "undo is a route of its own", hint="POST /api/undo")
    if kind in LEADS:
        _lead(asked, f"to {kind}")
    if kind in BLIND:
        return _blind(run, one, who)
    if kind in CLUSTERS or (kind == "split" and one.row is None):
        if not isinstance(one.value, dict):
            raise Refused(400, f"{kind} needs a value such as {{'clustering': …}}")
        made = run.clusterings().decision(kind, one.value, who=who, why=one.why)
        return replace(made, seconds=one.seconds, round=one.round)
    run.step_number(one.step)
    made = Decision(
        kind,
        one.step,
        one.row,
        one.content,
        one.reason,
        who,
        why=one.why,
        value=one.value,
        round=one.round,
        seconds=one.seconds,
    )
    if kind in ("close", "open"):
        queues.gate_step(run, one.step)
        return replace(made, row=None)
    if one.row is None:
        raise Refused(400, f"{kind} is about a row: which?")
    if kind in ("rescue", "unrescue"):
        return _rescue(asked, run, made)
    if kind in ("swap", "split"):
        return _copies(run, made)
    if kind not in QUEUE_KINDS:
        raise Refused(400, f"{kind!r} is no decision on a row")
    queue = queues.queue_of(asked, run, one.step)
    if one.row not in queue.known and queue.gate.index(one.row) is None:
        raise UsageError(f"gate {one.step!r} does not ask about row {one.row!r}")
    check_decision(queue.gate, made)
    return made if made.content is not None else replace(made, content=queue.contents([one.row])[one.row])


def _rescue(asked: Asked, run: Opened, made: Decision) -> Decision:
    assert made.row is not None
    found = run.find(made.row)
    number = run.number(found)
    ends = run.ends
    left = int(ends.step[number])
    here = left == run.step_number(made.step) and int(ends.outcome[number]) in (1, 2)
    before = decided.read(asked.site.workspace.decisions(run.recipe)).rescues(made.step)
    if not here and made.row not in before:
        raise Refused(400, f"{made.step} neither dropped nor merged row {made.row}")
    if life.rescuable(run, made.step) == "lead":
        _lead(asked, f"to overrule {made.step}")
    if made.kind == "rescue" and not (made.why or made.reason):
        raise Refused(400, "a rescue says why", hint="`why`: a few words, kept with the decision")
    return replace(made, content=made.content or life.content(run, made.row, made.step))


def _copies(run: Opened, made: Decision) -> Decision:
    """Of a group of copies another row stays, or rows are no copies."""
    assert made.row is not None
    run.find(made.row)
    if made.kind == "swap":
        other = made.value.get("instead_of") if isinstance(made.value, dict) else None
        if not isinstance(other, str):
            raise Refused(400, "swap needs the row that stands now", hint='value: {"instead_of": ID}')
        run.find(other)
    return replace(made, content=made.content or life.content(run, made.row, made.step))


def _blind(run: Opened, one: shapes.Decide, who: str) -> Decision:
    said = one.value if isinstance(one.value, dict) else {}
    if not all(isinstance(said.get(name), str) for name in ("a", "b", "token", "answer")):
        raise Refused(400, "an answer needs a, b, token and answer")
    test = BlindTest(run.clusterings(), said["a"], said["b"])
    return test.decision(said["token"], said["answer"], who=who, seconds=one.seconds)


def _progress(asked: Asked, run: Opened, made: Sequence[Decision]) -> shapes.Progress | None:
    """How far the gate is, where all decisions are of one gate of rows."""
    steps = {one.step for one in made}
    if len(steps) != 1 or not queues.asks_rows(run, next(iter(steps))):
        return None
    return queues.told_progress(queues.queue_of(asked, run, steps.pop()), asked.person.name)


def undo(asked: Asked) -> shapes.Made:
    """Take back decisions of one's own: those named, or the last act; a bulk decision is one act."""
    who, run = named(asked), asked.run
    path = asked.site.workspace.decisions(run.recipe)
    wanted: list[str] = asked.body.keys
    found = decided.read(path)
    mine = {one.key: one for one in found.all if one.who == who}
    if missing := [key for key in wanted if key not in mine]:
        raise Refused(400, f"no decision {missing[0]!r} of {who} stands")
    if wanted:
        taken = [mine[key] for key in dict.fromkeys(reversed(wanted))]
    elif mine:
        act = next(reversed(mine)).split(".")[0]
        taken = [one for one in reversed(mine.values()) if one.key.split(".")[0] == act]
    else:
        raise Refused(400, f"{who} has decided nothing that could be taken back")

    def standing(now: Decisions) -> None:
        keys = {one.key for one in now.all}
        if any(one.key not in keys for one in taken):
            raise Conflict("it was taken back already", hint="look again")

    lines = [Decision("undo", one.step, one.row, who=who, undoes=one.key) for one in taken]
    written = decided.append(path, lines, check=standing)
    return shapes.Made(made=[told_as(one) for one in written], progress=_progress(asked, run, taken))


def history(asked: Asked) -> shapes.Made:
    """Decisions, the newest first."""
    limit, who = asked.number("limit", 100, HISTORY), asked.text("who")
    made = decided.read(asked.site.workspace.decisions(asked.run.recipe))
    some: list[Any] = [one for one in reversed(made.told) if who in ("", one.who)]
    return shapes.Made(made=all_decided(made, some[:limit]))
