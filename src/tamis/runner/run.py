"""One run of a recipe: read, judge, wait for people where a gate says so, deliver, account."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tamis.core.calls import Calling
from tamis.core.errors import TooManyQuarantined, UsageError
from tamis.core.events import Listener, PartitionDone, StageDone, StageStarted, StepDone, Warned, quiet
from tamis.core.fingerprint import derive_seed, fingerprint
from tamis.core.row import RESERVED, id_pair
from tamis.core.step import BirthStep, ChoiceStep, GateStep, RowStep, Step, TableStep
from tamis.engine.asking import without_answers
from tamis.engine.cache import Cache
from tamis.engine.executor import Executor
from tamis.engine.kept_stages import first_unknown
from tamis.engine.reviewing import Reviewing
from tamis.engine.stage import run as run_stage
from tamis.engine.store import file_hash
from tamis.engine.task import Applied, Call, PartState, Result, Task
from tamis.recipe.model import Recipe
from tamis.runs.decisions import Decisions
from tamis.runs.settle import rejected
from tamis.runs.workspace import Workspace

from .account import Account
from .ask import Asker
from .birth import Birth, bear, placed, repeat, repeats
from .choice import looking, obeying, waiting
from .gate import GateAsk, ask_people
from .placed import placed_step
from .regroup import regroup
from .scatter import rescue, write_parts
from .table import Gathered, Scattered, decide


@dataclass
class StepLog:
    """A step's account and its ledger parts: partition position → fingerprint of the part.

    recordings: what of `.tamis/recorded` it rests on; choice: what people chose there.
    """

    step: Step
    account: Account
    parts: dict[int, str] = field(default_factory=dict)
    cached: bool = False
    recordings: tuple[str, ...] = ()
    choice: dict[str, Any] = field(default_factory=dict)


@dataclass
class Flow:
    """Rows on their way: every partition there is, in row order, and what each step did so far.

    Ledger parts are filed under a partition's `key`, which does not move when children come between.
    """

    states: list[PartState]
    keys: list[int]
    logs: list[StepLog] = field(default_factory=list)
    waiting: GateAsk | None = None
    gates: list[GateAsk] = field(default_factory=list)

    def live(self) -> int:
        """Rows still on their way."""
        return sum(int(state.live.sum()) for state in self.states)


class Judge:
    """Takes the rows of a flow through a recipe's steps."""

    def __init__(
        self,
        recipe: Recipe,
        workspace: Workspace,
        executor: Executor,
        decisions: Decisions,
        *,
        emit: Listener = quiet,
        check: Callable[[], None] = lambda: None,
        base: Path | None = None,
        fresh: bool = False,
        secrets: Mapping[str, Any] | None = None,
        conceal: Callable[[str], str] = lambda error: error,
        asker: Asker | None = None,
    ) -> None:
        self.asker = asker
        self.secrets, self.conceal = secrets or {}, conceal
        self.recipe, self.workspace, self.executor = recipe, workspace, executor
        self.decisions, self.emit, self.check = decisions, emit, check
        self.base = base or workspace.root
        self.cache = Cache(workspace.cache / "steps")
        if fresh:
            shutil.rmtree(workspace.cache, ignore_errors=True)
        self.seconds: dict[str, float] = {}

    # -- calls --------------------------------------------------------------------------------

    def calls(self) -> list[Call]:
        """Every step as the engine calls it: those of single sources first."""
        calls = []
        for source in self.recipe.sources:
            for step in source.map:
                calls.append(self._call(own_step(step, source.label), only_source=source.label))
        return calls + [self._call(step) for step in self.recipe.steps]

    def _call(self, step: Step, only_source: str | None = None) -> Call:
        written = step  # with paths as the recipe has them: fingerprints know no machine
        step = placed_step(step, self.base)
        files = [(path, _file_hash(self.base / path, step)) for path in step.files()]
        seed = derive_seed(self.recipe.seed, step.name)
        told = [self.secrets[name].fingerprint for name in step.secrets() if name in self.secrets]
        identity = fingerprint(
            written.key(),
            [h for _, h in files],
            _libraries(step),
            seed if step.seeded else None,
            *([told] if told else []),
            *([self.recipe.players(step)] if isinstance(step, Calling) else []),
        )
        step, identity = self._heeding(step, identity)
        step, identity = obeying(step, identity, self.decisions)
        rescued = {row: d.content for row, d in self.decisions.rescues(step.name).items()}
        step = step.given(self.secrets) if step.secrets() else step
        call = Call(step, identity, seed, only_source, {id_pair(row): content for row, content in rescued.items()})
        if isinstance(written, TableStep):
            read = [] if written.gathers_by() is not None else [h for _, h in files]
            gathers = fingerprint(written.gather_key(), read, _libraries(step), seed if step.seeded else None)
            return replace(call, gather_identity=gathers)
        return call

    def _heeding(self, step: Step, identity: str) -> tuple[Step, str]:
        """The step with what people rejected at the gate it heeds."""
        gate = step.heeds()
        there: Any = next((one for one in self.recipe.steps if one.name == gate), None)
        setup = there if isinstance(there, Reviewing) else None
        gone = [] if gate is None else rejected(self.decisions, gate, setup)
        if not gone:
            return step, identity
        step = step.model_copy(update={"rejected": (*getattr(step, "rejected", ()), *gone)})
        return step, fingerprint(identity, gone)

    # -- the way through ----------------------------------------------------------------------

    def run(self, flow: Flow, calls: Sequence[Call] | None = None) -> Flow:
        """All steps over all rows. `flow.waiting` is set where a gate stops it."""
        order = list(self.calls() if calls is None else calls)
        pending: list[Call] = []
        for place, call in enumerate(order):
            if isinstance(call.step, Calling) and not isinstance(call.step, TableStep):
                self._pass(flow, pending, None)
                pending = []
                self._ask(flow, call)
            if isinstance(call.step, RowStep):
                pending.append(call)
                continue
            barrier = call if isinstance(call.step, TableStep) else None
            self._pass(flow, pending, barrier, _table_steps(order[place + 1 :]) if pending else ())
            pending = []
            if isinstance(call.step, BirthStep):
                self._birth(flow, call)
            if flow.waiting is not None:
                return flow
        if pending:
            self._pass(flow, pending, None)
        return flow

    def _ask(self, flow: Flow, call: Call) -> None:
        """Ask the models of a call step. Its answers lie over the partitions until it has judged them."""
        assert self.asker is not None, "a run whose recipe calls models has somebody to ask them"
        with self._stage(f"{call.step.name} (ask)", [call.step.name], flow, "calls"):
            flow.states = self.asker.ask(call, flow.states, self.cache)

    @contextmanager
    def _stage(self, name: str, steps: list[str], flow: Flow, unit: str = "rows") -> Iterator[None]:
        started = time.perf_counter()
        rows = sum(state.rows for state in flow.states)
        self.emit(StageStarted(name, steps, len(flow.states), rows, unit))
        yield
        seconds = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.emit(StageDone(name, seconds))

    def _pass(self, flow: Flow, calls: list[Call], barrier: Call | None, ahead: tuple[Call, ...] = ()) -> None:
        """One pass over the partitions: row steps, then what the barrier gathers, then its decision.

        ahead: further table steps that follow the barrier at once.
        """
        names = [call.step.name for call in calls]
        if not names and barrier is None:
            return
        logs = [StepLog(call.step, Account(call.step.name)) for call in calls]
        parts: list[Gathered] = []
        title = " → ".join(names + ([f"{barrier.step.name} (gather)"] if barrier else []))
        with self._stage(title, names, flow):
            root = self.cache.root
            tasks = [Task(state, tuple(calls), root, barrier, ahead) for state in flow.states]
            order = first_unknown(tasks)
            done: dict[int, Result] = {}
            for position, result in zip(order, self.executor.map(run_stage, [tasks[k] for k in order]), strict=True):
                self.check()
                done[position] = result
                judged = sum(a.judged_rows for a in result.applied) + result.gathered_rows
                self.emit(PartitionDone(title, result.state.rows, judged == 0))
            for position, result in sorted(done.items()):
                for log, applied in zip(logs, result.applied, strict=True):
                    self._count(log, applied, flow.keys[position])
                flow.states[position] = result.state
                if barrier is not None:
                    parts.append(_gathered(result))
        if any(isinstance(call.step, Calling) for call in calls):
            flow.states = [without_answers(state) for state in flow.states]
            parts = [replace(part, state=without_answers(part.state)) for part in parts]
        self._settle(flow, logs)
        if barrier is not None:
            self._barrier(flow, barrier, parts)

    def _count(self, log: StepLog, applied: Applied, key: int) -> None:
        account = log.account
        account.add_counts(applied)
        if applied.part is not None:
            log.parts[key] = applied.part

    def _settle(self, flow: Flow, logs: list[StepLog]) -> None:
        for index, log in enumerate(logs):
            after = logs[index + 1].account.rows_in if index + 1 < len(logs) else flow.live()
            log.account.check(after)
            flow.logs.append(log)
            self._told(log)
        for log in logs:
            read = max(1, log.account.rows_in)
            if log.account.quarantined / read > self.recipe.max_quarantined:
                raise TooManyQuarantined(
                    f"step {log.step.name!r} failed on {log.account.quarantined} of {read} rows, the first with "
                    f"{self._first_error(log)}; max_quarantined is {self.recipe.max_quarantined:g}",
                    hint=f"tamis dropped {log.step.name} shows them with their errors",
                )

    def _first_error(self, log: StepLog) -> str:
        for fp in log.parts.values():
            entry = self.cache.get(fp)
            lines = None if entry is None else entry.read("part")
            if lines is not None and "evidence.error" in lines.columns:
                errors = lines["evidence.error"].filter(lines["outcome"] == "quarantined")
                if len(errors):
                    return self.conceal(str(errors[0]))
        return "an error"

    def _told(self, log: StepLog) -> None:
        a = log.account
        counts = {k: v for k, v in a.record().items() if isinstance(v, int)}
        self.emit(
            StepDone(log.step.name, counts, dict(a.reasons), a.rows_in - min(a.rows_in, a.judged_rows), a.seconds)
        )
        if a.stale:
            self.emit(
                Warned(
                    f"{log.step.name}: {a.stale} decision(s) are about rows that changed since; they are asked again"
                )
            )

    # -- barriers -----------------------------------------------------------------------------

    def _barrier(self, flow: Flow, call: Call, parts: list[Gathered]) -> None:
        started = time.perf_counter()
        log = StepLog(call.step, Account(call.step.name))
        with self._stage(f"{call.step.name} (decide)", [call.step.name], flow):
            call = looking(call, {one.step.name: one.recordings for one in flow.logs})
            consult = None if self.asker is None else self.asker.consult
            decided = decide(call, parts, self.cache, self.workspace.recorded, consult)
            scattered, decision, log.cached = decided.scattered, decided.fingerprint, decided.cached
            log.step, log.recordings = call.step, tuple(decided.recordings)
            for warning in decided.warnings:
                self.emit(Warned(f"{call.step.name}: {warning}"))
            if isinstance(call.step, GateStep):
                ask = ask_people(call, parts, scattered, self.decisions, log.account, self.cache, flow.keys)
                flow.gates.append(ask)
                flow.waiting = ask if ask.waits else None
            if isinstance(call.step, ChoiceStep):
                flow.waiting, log.choice = waiting(call.step, decided.waits, decided.choice), decided.choice or {}
            regroup(call, parts, scattered, self.decisions, log.account)
            for position, one in enumerate(scattered):
                self._scatter(flow, log, position, one, call)
            told = write_parts(call, parts, scattered, decision, self.cache)
            log.parts = {flow.keys[position]: fp for position, fp in enumerate(told) if fp is not None}
            if any(one.copies is not None for one in scattered):
                self._repeat(flow, log, call, scattered, decision)
        log.account.seconds = time.perf_counter() - started
        log.account.judged_rows = 0 if log.cached else log.account.rows_in
        self._settle(flow, [log])

    def _scatter(self, flow: Flow, log: StepLog, position: int, one: Scattered, call: Call) -> None:
        state = flow.states[position]
        rescue(call, state, one, log.account)
        log.account.add(one.outcome, one.reason, list(call.step.reasons), int(state.live.sum()))
        log.account.changed += one.changed
        layers = state.layers if one.layer is None else (*state.layers, one.layer)
        live = state.live & (one.outcome == 0)
        flow.states[position] = replace(state, layers=layers, versions=one.versions, live=live)

    def _repeat(self, flow: Flow, log: StepLog, call: Call, scattered: Sequence[Scattered], decision: str) -> None:
        """Rows that stay are born again where the step says so: copies in partitions of their own after their parents'."""
        copies = [one.copies for one in scattered]
        tasks = repeats(flow.states, copies, call, decision, self.cache.root)
        flow.states, flow.keys, born = placed(flow.states, flow.keys, self.executor.map(repeat, tasks), self.check)
        log.account.born += born
        log.account.kept += born

    def _birth(self, flow: Flow, call: Call) -> None:
        """Rows out of rows: children stand in partitions of their own after their parents'."""
        log = StepLog(call.step, Account(call.step.name))
        states, keys = [], []
        fresh = max(flow.keys, default=-1) + 1
        folder = self.workspace.raw / "born"
        told: dict[str, None] = {}
        with self._stage(call.step.name, [call.step.name], flow):
            births = [Birth(state, call, self.cache.root, folder) for state in flow.states]
            for position, result in enumerate(self.executor.map(bear, births)):
                self.check()
                self._count(log, result.applied, flow.keys[position])
                told |= dict.fromkeys(result.warnings)
                states.append(result.parents)
                keys.append(flow.keys[position])
                if result.children is not None:
                    log.account.born += result.children.rows
                    log.account.kept += result.children.rows
                    states.append(result.children)
                    keys.append(fresh)
                    fresh += 1
                self.emit(PartitionDone(call.step.name, flow.states[position].rows, result.applied.judged_rows == 0))
        flow.states, flow.keys = [without_answers(state) for state in states], keys
        for warning in told:
            self.emit(Warned(f"{call.step.name}: {warning}"))
        self._settle(flow, [log])


def own_step(step: Step, source: str) -> Step:
    """A step of one source alone, under the name that the run knows it by."""
    return step.model_copy(update={"id": step.id or f"{step.address()}@{source}"})


def _table_steps(calls: Sequence[Call]) -> tuple[Call, ...]:
    """The table steps that stand before any other."""
    return tuple(itertools.takewhile(lambda call: isinstance(call.step, TableStep), calls))


def _gathered(result: Result) -> Gathered:
    assert result.gathered is not None
    assert result.gathered_seen is not None
    return Gathered(result.state, result.gathered, result.gathered_seen)


def _libraries(step: Step) -> list[tuple[str, str]]:
    found = []
    for name in step.libraries:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, ""))
    return found


def _file_hash(path: Path, step: Step) -> str:
    try:
        return file_hash(path)
    except OSError as error:
        raise UsageError(f"step {step.name!r} reads {path}: {error.strerror}") from None


def known_columns(states: Sequence[PartState]) -> list[str]:
    """Every column of the partitions, first seen first."""
    names: dict[str, None] = {}
    for state in states:
        names.update(dict.fromkeys(state.names))
    return [n for n in names if n in RESERVED or not n.startswith(("id.", "at."))]
