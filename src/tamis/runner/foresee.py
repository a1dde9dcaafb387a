"""`plan`: what is cached, what will run, and how many rows, calls and dollars that is. Judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tamis.core.calls import Calling, CallTableStep, EmbedStep
from tamis.core.errors import UsageError
from tamis.core.events import Listener, quiet
from tamis.core.step import BirthStep, ChoiceStep, GateStep, RowStep, Step, TableStep
from tamis.engine.asking import lay, look, pool, select, without_answers
from tamis.engine.embedded import known_keys, lay_keys, texts_of
from tamis.engine.executor import LocalExecutor
from tamis.engine.layers import Mask
from tamis.engine.stage import run as run_stage
from tamis.engine.task import Call, PartState, Task
from tamis.llm.connect import players
from tamis.llm.embed import MOST_TEXTS
from tamis.recipe import order
from tamis.recipe.model import Recipe
from tamis.runs import decisions as decided
from tamis.runs.prompts import proof
from tamis.runs.workspace import Workspace

from .ask import settle
from .choice import looking
from .execute import Options, part_state
from .foresee_calls import NOTHING, estimate, estimate_table
from .ingest import ingest
from .preflight import preflight
from .run import Judge
from .secrecy import Secrecy
from .table import Gathered, GatheredTable, decide, decision_fingerprint

#: bytes of text to a token, about
BYTES_A_TOKEN = 4


def foresee(recipe: Recipe, root: Path, options: Options | None = None, *, emit: Listener = quiet) -> dict[str, Any]:
    """Per step: rows that come in, rows to judge, whether that is certain, and why. Reads the inputs."""
    options = options or Options()
    secrecy = Secrecy.of(recipe)
    workspace = Workspace(root)
    workspace.prepare()
    base = (options.base or workspace.root).resolve()
    decisions = decided.read(options.decisions or workspace.decisions(recipe.name))
    with workspace.lock(), LocalExecutor(options.workers) as executor:
        taken = ingest(
            recipe.sources,
            root=base,
            store=workspace.raw,
            map_tasks=executor.map,
            emit=emit,
            max_quarantined=recipe.max_quarantined,
            pins=workspace.raw / "pinned" / recipe.name,
        )
        judge = Judge(recipe, workspace, executor, decisions, base=base, secrets=secrecy.secrets)
        states = [part_state(p) for p in taken.partitions]
        calls = judge.calls()
        sets, absent = preflight(recipe, calls, states, workspace.root)
        states = secrecy.states([replace(state, absent=absent) for state in states], judge.cache)
        steps = _Foresight(judge, states).walk([replace(call, sets=sets.get(call.step.name, ())) for call in calls])
    asked = [step["asks"] for step in steps if "asks" in step]
    return {
        "recipe": recipe.name,
        "files": len(taken.files),
        "rows": taken.rows,
        "unreadable": taken.bad,
        "partitions": len(states),
        "steps": steps,
        "deliver": [{"target": sink.address(), "path": sink.path} for sink in recipe.deliver],
        "warnings": [*order.warnings(recipe.steps), *recipe.doubts(), *secrecy.warnings(recipe)],
        "calls": sum(one["calls"] for one in asked),
        "tokens": sum(one["tokens_in"] + one["tokens_out"] for one in asked),
        "usd": None if any(one["usd"] is None for one in asked) else sum(one["usd"] for one in asked),
    }


def _kind(step: Step) -> str:
    """What sort of step it is, in a word."""
    for kind, word in ((Calling, "calls"), (GateStep, "gate"), (ChoiceStep, "gate"), (TableStep, "table")):
        if isinstance(step, kind):
            return word
    return "row"


class _Foresight:
    """Walks the steps over what is cached. From the first unknown outcome on, row counts are upper bounds."""

    def __init__(self, judge: Judge, states: list[PartState]) -> None:
        self.judge, self.states = judge, states
        self.certain = True
        self.recordings: dict[str, list[str]] = {}

    def walk(self, calls: list[Call]) -> list[dict[str, Any]]:
        return [self._step(call) for call in calls]

    def _step(self, call: Call) -> dict[str, Any]:
        rows_in = sum(int(state.live.sum()) for state in self.states)
        certain = self.certain
        asks = self._asks(call) if isinstance(call.step, Calling) and not isinstance(call.step, TableStep) else {}
        try:
            if isinstance(call.step, RowStep):
                to_judge = self._row_step(call)
            elif isinstance(call.step, BirthStep):
                to_judge, self.certain = rows_in, False
            else:
                to_judge, more = self._table_step(call)
                asks |= more
        except UsageError:
            if certain:
                raise
            if isinstance(call.step, CallTableStep):
                asks = {"asks": {**self._consults(call, None, rows_in), "waits": None}}
            to_judge = rows_in  # it reads columns that a step before it has yet to make: `preflight` knows of them
        self.states = [without_answers(state) for state in self.states] if asks else self.states
        if to_judge:
            self.certain = False
        kind = _kind(call.step)
        why = (
            "cached"
            if not to_judge
            else "new, changed, or after a change"
            if to_judge >= rows_in
            else "rows not seen before"
        )
        return {
            "step": call.step.name,
            "kind": kind,
            "in": rows_in,
            "certain": certain,
            "to_judge": min(to_judge, rows_in),
            "why": why,
            **asks,
        }

    def _asks(self, call: Call) -> dict[str, Any]:
        """What the step would ask, and the answers there are laid over the partitions."""
        assert isinstance(call.step, Calling)
        cache, states = self.judge.cache, self.states
        masks = select(call, states, cache)
        if isinstance(call.step, EmbedStep):
            return {"asks": {**self._embeds(call.step, call, masks), "waits": None}}
        pooled, told = pool(call, states, masks)
        parts = look(call, states, masks, cache, told)
        found = estimate(self.judge.recipe, call.step, parts, pooled, self.judge.workspace.hidden / "recorded")
        if not found["rows"]:
            answers = settle(call.step, parts, [part.known for part in parts])
            self.states = [lay(call, part, some, cache) for part, some in zip(parts, answers, strict=True)]
        rows = sum(int(part.selected.sum()) for part in parts)
        return {"asks": {**found, "waits": self._waits(call.step, rows)}}

    def _embeds(self, step: EmbedStep, call: Call, masks: Sequence[Mask]) -> dict[str, Any]:
        """What embedding would take at most; the keys there are are laid over the partitions."""
        workspace, cache = self.judge.workspace, self.judge.cache
        rows = texts = size = 0
        for index, (state, mask) in enumerate(zip(list(self.states), masks, strict=True)):
            known = known_keys(call, state, mask, cache, workspace.recorded)
            if known is not None:
                self.states[index] = lay_keys(call, state, mask, known, cache)
                continue
            missing = texts_of(call, state, mask).drop_nulls()
            rows += len(missing)
            missing = missing.unique()
            texts, size = texts + len(missing), size + int(missing.str.len_bytes().sum())
        tokens = size // BYTES_A_TOKEN
        price = players(self.judge.recipe.models, self.judge.recipe.connections)[step.role].price
        usd = 0.0 if not rows else None if price is None else price.input * tokens / 1e6
        calls = -(-texts // MOST_TEXTS)
        return {"rows": rows, "calls": calls, "tokens_in": tokens, "tokens_out": 0, "usd": usd}

    def _waits(self, step: Calling, rows: int) -> str | None:
        """Why the run would wait before it asks; None where it would not."""
        gate = step.prompt_gate()
        if gate is None or not rows:
            return None
        model = self.judge.recipe.models[gate.role].model
        return proof(gate, self.judge.workspace.root / "decisions", model, rows).missing

    def _row_step(self, call: Call) -> int:
        to_judge = 0
        for index, state in enumerate(self.states):
            result = run_stage(Task(state, (call,), self.judge.cache.root, dry=True))
            self.states[index] = result.state
            to_judge += result.applied[0].judged_rows
        return to_judge

    def _table_step(self, call: Call) -> tuple[int, dict[str, Any]]:
        """Rows to judge, and what a step that asks models would ask."""
        parts, missing = [], 0
        call = looking(call, self.recordings)
        for state in self.states:
            # what is asked of a model is made from what is gathered: a few columns, and it stays in the cache
            dry = not (self.certain and isinstance(call.step, CallTableStep))
            result = run_stage(Task(state, (), self.judge.cache.root, gather=call, dry=dry))
            assert result.gathered is not None
            assert result.gathered_seen is not None
            parts.append(Gathered(state, result.gathered, result.gathered_seen))
            missing += result.gathered_rows if dry else 0
        if missing or not self.certain or self.judge.cache.get(decision_fingerprint(call, parts)) is None:
            rows = sum(int(part.seen.sum()) for part in parts)
            if not isinstance(call.step, CallTableStep):
                return rows, {}
            whole = None if missing or not self.certain else parts
            return rows, {"asks": {**self._consults(call, whole, rows), "waits": None}}
        made = decide(call, parts, self.judge.cache)
        self.recordings[call.step.name] = made.recordings
        for index, (state, one) in enumerate(zip(self.states, made.scattered, strict=True)):
            layers = state.layers if one.layer is None else (*state.layers, one.layer)
            self.states[index] = replace(
                state, layers=layers, versions=one.versions, live=state.live & (one.outcome == 0)
            )
        return 0, {"asks": {**NOTHING, "waits": None}} if isinstance(call.step, CallTableStep) else {}

    def _consults(self, call: Call, parts: Sequence[Gathered] | None, rows: int) -> dict[str, Any]:
        """What a step would ask about all rows together. parts: None where what it reads is not known yet."""
        workspace = self.judge.workspace
        if parts is None:
            return {**NOTHING, "rows": rows, "calls": 1, "usd": None, "measured": False}
        table = GatheredTable(parts, self.judge.cache, call.seed, workspace.recorded)
        assert isinstance(call.step, CallTableStep)
        return estimate_table(self.judge.recipe, call.step, table, workspace.recorded)
