"""What people and metrics said of prompts: `decisions/prompts/<prompt>.jsonl`, append-only, fit for git.

A line is about one version of a prompt, asked of one model. Kinds of lines: `try` (the rows of a pilot, before anybody
saw them), `pilot` (a person's verdict on one of them), `set` (rows frozen for evaluation), `evaluation` (figures over
them), `comparison` (two prompts on them), `override` (somebody opens the gate, with a reason). The gate before a step that
annotates all rows reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tamis.core.calls import Calling, PromptGate
from tamis.core.errors import DataError
from tamis.engine.agreement.paired import wilson
from tamis.engine.store import disk_error

from .decisions import append_lines, whose

Kind = Literal["try", "pilot", "set", "evaluation", "comparison", "override"]
KINDS: tuple[Kind, ...] = ("try", "pilot", "set", "evaluation", "comparison", "override")
Verdict = Literal["accept", "reject", "correct", "skip", "undo"]
VERDICTS: tuple[Verdict, ...] = ("accept", "reject", "correct", "skip", "undo")
#: verdicts that say that a person has looked
LOOKED: tuple[Verdict, ...] = ("accept", "reject", "correct")

#: rows of a pilot
PILOT_ROWS = 19
#: up to this many rows, the pilot is the whole, and no metric is asked for
WHOLE_ROWS = 20


@dataclass(frozen=True)
class Record:
    """One line. `row`: an id; `content`: hash of what the row showed; `answer`: what the model said, as JSON value.

    rows: ids of a `try` or a `set`; metrics: name → {value, low, high} of an `evaluation`; facts: what else it knows.
    """

    kind: Kind
    prompt: str
    version: str
    model: str
    row: str | None = None
    content: str | None = None
    verdict: Verdict | None = None
    answer: Any = None
    correction: Any = None
    comment: str | None = None
    reason: str | None = None
    rows: tuple[str, ...] = ()
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    who: str = ""
    at: str = ""


def prompt_file(root: Path, prompt: str) -> Path:
    """Where what was said of a prompt stands, in the workspace at `root`."""
    return root / "decisions" / "prompts" / f"{prompt}.jsonl"


def read(path: Path) -> list[Record]:
    """All lines, in order; none where there is no file. A torn last line is left out."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise disk_error(error, path) from error
    found = []
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].split(b"\n")[:-1], 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            record = Record(**{k: told[k] for k in Record.__dataclass_fields__ if k in told})
            if record.kind not in KINDS:
                raise ValueError(f"kind {record.kind!r}; possible: {', '.join(KINDS)}")
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}:{number}: not about a prompt: {error}", hint="mend or remove that line") from None
        found.append(record)
    return found


def append(path: Path, records: Iterable[Record]) -> list[str]:
    """Add lines durably, each with who and when; the lines as written."""
    who, now = whose(), datetime.now(UTC).isoformat(timespec="seconds")
    lines = []
    for record in records:
        told = {k: v for k, v in asdict(record).items() if v not in (None, (), {}, "")}
        told["who"], told["at"] = record.who or who, record.at or now
        lines.append(json.dumps(told, ensure_ascii=False) + "\n")
    append_lines(path, lines)
    return lines


# -- what stands ----------------------------------------------------------------------------------


def of(records: Sequence[Record], version: str, model: str) -> list[Record]:
    """The lines about one version, asked of one model."""
    return [r for r in records if r.version == version and r.model == model]


def verdicts(records: Sequence[Record]) -> dict[str, Record]:
    """Row → the last verdict on it that was not undone."""
    last: dict[str, Record] = {}
    for record in records:
        if record.kind == "pilot" and record.row is not None:
            if record.verdict == "undo":
                last.pop(record.row, None)
            else:
                last[record.row] = record
    return last


def tries(records: Sequence[Record]) -> list[Record]:
    """The pilots begun, oldest first."""
    return [record for record in records if record.kind == "try"]


def frozen(records: Sequence[Record]) -> set[str]:
    """Rows set aside for evaluation: no pilot shows them, no prompt holds them as examples."""
    return {row for record in records if record.kind == "set" for row in record.rows}


# -- the gate -------------------------------------------------------------------------------------


class Proof(NamedTuple):
    """Whether all rows may be annotated: what is missing, or None; and what to tell where it is open all the same."""

    missing: str | None
    warning: str | None = None


def proof(gate: PromptGate, decisions: Path, model: str, rows: int | None = None) -> Proof:
    """What was said of this version, asked of this model. `decisions`: the workspace's folder of that name."""
    here = of(read(decisions / "prompts" / f"{gate.prompt}.jsonl"), gate.version, model)
    named = f"prompt {gate.prompt!r} (version {gate.version}, {model})"
    overridden = [r for r in here if r.kind == "override"]
    if overridden:
        last = overridden[-1]
        return Proof(None, f"{named}: opened by {last.who or 'somebody'} without proof, because: {last.reason}")
    looked = [r for r in verdicts(here).values() if r.verdict in LOOKED]
    wanted = PILOT_ROWS if rows is None else min(PILOT_ROWS, rows)
    if len(looked) < wanted:
        return Proof(
            f"{named}: people have looked at {len(looked)} of {wanted} pilot rows; `tamis prompt try {gate.prompt}` shows them"
        )
    accepted = sum(r.verdict == "accept" for r in looked)
    if 2 * accepted < len(looked):
        return Proof(f"{named}: of {len(looked)} pilot rows people accepted {accepted}; mend the prompt, and try again")
    if rows is not None and rows <= WHOLE_ROWS:
        return Proof(None)
    if gate.bar is None:
        return Proof(
            None,
            f"{named}: {accepted} of {len(looked)} pilot rows were accepted; it declares no `bar:`, so no metric was asked for",
        )
    return Proof(_below(gate, here, named, accepted, len(looked)))


def _below(gate: PromptGate, here: Sequence[Record], named: str, accepted: int, looked: int) -> str | None:
    """Why the bar is not reached; None where it is."""
    bar = gate.bar
    assert bar is not None
    if bar.metric == "accepted":
        figures = {"value": accepted / looked, "low": wilson(accepted, looked).low}
    else:
        measured = [r.metrics[bar.metric] for r in here if r.kind == "evaluation" and bar.metric in r.metrics]
        if not measured:
            return (
                f"{named}: its {bar.metric} is not known, and must be at least {bar.at_least:g}; "
                f"`tamis prompt eval {gate.prompt}` measures it"
            )
        figures = measured[-1]
    value = figures.get("low" if bar.low else "value")
    if value is not None and value >= bar.at_least:
        return None
    end = "the lower end of the interval of its " if bar.low else "its "
    told = "not known" if value is None else f"{value:.3g}"
    return (
        f"{named}: {end}{bar.metric} is {told}, and must be at least {bar.at_least:g}; mend the prompt, and try again"
    )


def unproven(step: Calling, decisions: Path, model: str, rows: int | None = None) -> str | None:
    """Why a step must not ask about all rows yet; None where it may. `rows`: how many it would ask about."""
    gate = step.prompt_gate()
    return None if gate is None else proof(gate, decisions, model, rows).missing
