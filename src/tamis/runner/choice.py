"""What people decided about steps other than gates of rows, and gates where they choose one of several results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from tamis.core.fingerprint import fingerprint
from tamis.core.step import ChoiceStep, Step
from tamis.engine.stage import Call
from tamis.runs.decisions import Decisions

from .gate import GateAsk

#: of a decision, what a step is told
TOLD = ("kind", "value", "who", "at", "why")


def obeying(step: Step, identity: str, decisions: Decisions) -> tuple[Step, str]:
    """The step with the decisions about it that it obeys, and its identity with them."""
    kinds = step.obeys()
    if not kinds:
        return step, identity
    about = step.obeyed_about()
    made = [d for d in decisions.all if d.step in about and d.kind in kinds]
    if not made:
        return step, identity
    told: list[dict[str, Any]] = [{name: asdict(d)[name] for name in TOLD} for d in made]
    return step.with_decisions(told), fingerprint(identity, [[one["kind"], one["value"]] for one in told])


def looking(call: Call, recordings: Mapping[str, Sequence[str]]) -> Call:
    """The call with the recordings of the earlier steps that its step looks at."""
    wanted = call.step.looks_at()
    if not wanted:
        return call
    found = {name: tuple(recordings.get(name, ())) for name in wanted}
    return replace(
        call, step=call.step.with_recordings(found), identity=fingerprint(call.identity, sorted(found.items()))
    )


def waiting(step: ChoiceStep, missing: str | None, choice: Mapping[str, Any] | None) -> GateAsk | None:
    """What the gate waits for; None where a choice stands. `asked` and `decided` count clusters."""
    if missing is None:
        return None
    told = choice or {}
    return GateAsk(step.name, f"{step.question_text()} {missing}", told.get("clusters", 0), told.get("looked", 0))
