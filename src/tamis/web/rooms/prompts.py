"""Prompts: versions side by side, what people said of their pilots, what was measured, and whether their gate is open."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tamis.core.calls import Calling, PromptGate
from tamis.core.errors import TamisError
from tamis.recipe.load import load
from tamis.recipe.placed import placed_step
from tamis.runs import prompts as said
from tamis.runs.prompts import Record

from .. import room_shapes, shapes
from ..asked import Asked
from ..commands import recipe_path
from ..opened import Opened
from ..problems import NotThere, Refused
from ..texts import line, short, text_columns, told

#: characters of an answer and of a prompt; rows of a pilot shown; slices
ANSWER, PROMPT, PILOT, SLICES = 4000, 100_000, 500, 20


class Now(NamedTuple):
    """A prompt as the recipe has it now."""

    step: str
    gate: PromptGate
    model: str
    text: str


def prompts(asked: Asked) -> room_shapes.Prompts:
    """Every version of every prompt of which anything was said, and those of the recipe."""
    folder = asked.site.workspace.root / "decisions"
    now = {one.gate.prompt: one for one in _now(asked)}
    paths = sorted((folder / "prompts").glob("*.jsonl")) if (folder / "prompts").is_dir() else []
    found = []
    for name in dict.fromkeys([*now, *(path.stem for path in paths)]):
        records = said.read(folder / "prompts" / f"{name}.jsonl")
        current = now.get(name)
        pairs = dict.fromkeys((one.version, one.model) for one in records)
        if current is not None:
            pairs[current.gate.version, current.model] = None
        found += [_line(name, pair, records, current, folder) for pair in pairs]
    waits = next((one for one in found if one.current and one.gate), None)
    return room_shapes.Prompts(prompts=found, command=f"tamis prompt try {_prompt_of(now, waits)}" if waits else "")


def _prompt_of(now: dict[str, Now], line: room_shapes.PromptLine) -> str:
    return next((name for name, one in now.items() if one.step == line.step), line.step)


def _line(
    name: str, pair: tuple[str, str], records: Sequence[Record], now: Now | None, folder: Path
) -> room_shapes.PromptLine:
    version, model = pair
    here = said.of(records, version, model)
    looked = [one for one in said.verdicts(here).values() if one.verdict in said.LOOKED]
    measured = [one for one in here if one.kind == "evaluation"]
    last = measured[-1] if measured else None
    current = now is not None and (now.gate.version, now.model) == pair
    gate = ""
    if now is not None and current:
        gate = said.proof(now.gate, folder, model).missing or ""
    figures = [] if last is None else [_figure(metric, told, last.facts) for metric, told in last.metrics.items()]
    return room_shapes.PromptLine(
        step=now.step if now is not None else name,
        version=f"{version} · {model}",
        text=now.text if now is not None and current else "",
        tries=len(said.tries(here)),
        accepted=sum(one.verdict == "accept" for one in looked),
        rejected=sum(one.verdict == "reject" for one in looked),
        figures=figures,
        slices=[] if last is None else list(last.facts.get("slices", []))[:SLICES],
        gate=gate,
        current=current,
    )


def _figure(name: str, told: dict[str, float], facts: dict[str, Any]) -> shapes.Figure:
    n = facts.get("rows", 0)
    return shapes.Figure(
        name=name, value=told.get("value"), low=told.get("low"), high=told.get("high"), n=n if isinstance(n, int) else 0
    )


def pilot(asked: Asked) -> room_shapes.Pilot:
    """The rows that a version of a prompt was tried on, with what it answered and what people said of that."""
    name = asked.path["step"]
    now = next((one for one in _now(asked) if name in (one.step, one.gate.prompt)), None)
    prompt = now.gate.prompt if now is not None else name
    path = said.prompt_file(asked.site.workspace.root, prompt)
    known = sorted(one.stem for one in path.parent.glob("*.jsonl")) if path.parent.is_dir() else []
    if prompt not in known:
        raise NotThere(f"nothing was said of a prompt {name!r}")
    records = said.read(path)
    version, _, model = asked.text("version").partition(" · ")
    here = [one for one in records if version in ("", one.version) and model in ("", one.model)]
    last: dict[str, Record] = {}
    for one in here:
        if one.kind == "pilot" and one.row is not None:
            last[one.row] = one
    rows = [{"id": row, **_verdict(one)} for row, one in list(last.items())[-PILOT:]]
    texts = _texts(asked, [one["id"] for one in rows])
    told_rows = [{**one, "text": texts.get(one["id"], "")} for one in rows]
    return room_shapes.Pilot(step=now.step if now is not None else name, version=asked.text("version"), rows=told_rows)


def _verdict(one: Record) -> dict[str, Any]:
    def cut(value: Any) -> Any:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return None if value is None else short(text, ANSWER)

    return {
        "version": f"{one.version} · {one.model}",
        "verdict": one.verdict,
        "answer": cut(one.answer),
        "correction": cut(one.correction),
        "comment": one.comment,
        "who": one.who,
        "at": one.at,
    }


def _texts(asked: Asked, ids: Sequence[str]) -> dict[str, str]:
    """Texts of rows, where the run has them."""
    try:
        run: Opened = asked.run
        found = [(row, run.ledger.find(row)) for row in ids]
        import numpy as np

        rows = np.array([run.number(one[0]) for _, one in found if one], np.int64)
        records = told(run, rows, text_columns(run))
        return {row: line(record) for (row, _), record in zip([f for f in found if f[1]], records, strict=True)}
    except (TamisError, Refused):
        return {}


def _now(asked: Asked) -> list[Now]:
    """The prompts of the recipe as it is now; none where it cannot be found or read."""
    site = asked.site
    name = asked.text("run").partition("/")[0] or site.recipe
    path = recipe_path(site, name) if name else site.recipe_file
    if path is None:
        return []
    base = (path if path.is_dir() else path.parent).resolve()
    try:
        recipe = load(path)
        found = []
        for one in recipe.calling():
            step = placed_step(one, base)
            gate = step.prompt_gate() if isinstance(step, Calling) else None
            if gate is not None:
                found.append(Now(step.name, gate, recipe.models[gate.role].model, _text(step)))
        return found
    except (TamisError, OSError, KeyError):
        return []


def _text(step: Any) -> str:
    """What the prompt says, as it stands in its file."""
    from tamis.llm.tasks import task_of

    try:
        prompt = task_of(step).prompt
    except (TamisError, AttributeError):
        return ""
    parts = [f"# System\n{prompt.system}" if prompt.system else "", f"# User\n{prompt.user}"]
    return short("\n\n".join(part for part in parts if part), PROMPT)
