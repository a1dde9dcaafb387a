"""Whether a decision fits what its gate asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tamis.core.errors import UsageError, did_you_mean
from tamis.core.row import ROLES
from tamis.engine.reviewing import ANSWERS, LEVELS

from .decisions import Decision, Kind
from .gates import Gate
from .settle import DECIDING, EDITED, answers_of, payload

#: the kinds that a queue takes
QUEUE_KINDS: tuple[Kind, ...] = (*DECIDING, "adjudicate", "skip", "flag", "comment")


def check_decision(gate: Gate, made: Decision) -> None:
    """UsageError where a decision does not fit what the gate asks."""
    kind, value, setup = made.kind, made.value, gate.setup
    if kind not in QUEUE_KINDS:
        raise UsageError(f"{kind!r} is no decision on a row at a gate; {did_you_mean(kind, QUEUE_KINDS)}")
    if kind == "adjudicate":
        if not isinstance(value, dict) or value.get("kind") not in DECIDING:
            raise UsageError(f"adjudicate needs a value such as {{'kind': 'accept'}}; kinds: {', '.join(DECIDING)}")
        check_decision(gate, replace(made, kind=value["kind"], value=value.get("value")))
        return
    if kind == "reject" and made.reason is not None and setup.reject_reasons:
        _among("reason", made.reason, setup.reject_reasons)
    for name, answer in answers_of(made).items():
        _among("question", name, [q.id for q in setup.questions])
        _among(f"answer to {name}", answer, ANSWERS)
    said = payload(made)
    if kind == "rate" and (type(said) is not int or said not in LEVELS):
        raise UsageError(f"a rating is 1 to {LEVELS[-1]}, not {said!r}")
    if kind == "prefer":
        _among("preferred", said, ("a", "b", "tie"))
    if kind == "relabel":
        if not said:
            raise UsageError("relabel needs a column and its value")
        if not setup.labels:
            raise UsageError(f"gate {gate.step!r} takes no labels", hint="labels: {COLUMN: [VALUE, …]} allows them")
        for column, label in said.items():
            _among("column", column, list(setup.labels))
            _among(column, label, setup.labels[column])
    if kind == "edit":
        if not setup.edit:
            raise UsageError(f"gate {gate.step!r} takes no edits", hint="edit: true allows them")
        _check_edit(said)


def _among(what: str, value: Any, possible: Sequence[Any]) -> None:
    if value not in possible:
        raise UsageError(
            f"{what} {value!r} is not possible here; {did_you_mean(str(value), [str(p) for p in possible])}"
        )


def _check_edit(said: Any) -> None:
    """UsageError unless an edit holds messages as rows have them, or a text."""
    if not said:
        raise UsageError("edit needs messages", hint='{"messages": [{"role": "user", "content": "…"}, …]}')
    for name in EDITED:
        turns = said.get(name)
        if name == "text" and turns is not None and not isinstance(turns, str):
            raise UsageError("an edited text is a text")
        if name != "text" and turns is not None:
            if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
                raise UsageError(f"edited {name} are a list of messages")
            for turn in turns:
                _among("role", turn.get("role"), ROLES)
                if not isinstance(turn.get("content"), str | None):
                    raise UsageError(f"the content of a message is a text, not {turn.get('content')!r:.40}")
