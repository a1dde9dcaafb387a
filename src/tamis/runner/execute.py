"""`execute`: one recipe, one workspace, one run, from the first byte read to the last byte delivered."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tamis.core.errors import DataError, GateWaiting, Interrupted, TamisError, TooManyQuarantined, UsageError
from tamis.core.events import Listener, RunDone, RunStarted, Warned, quiet
from tamis.core.step import ChoiceStep
from tamis.engine.cache import Cache
from tamis.engine.executor import BrokenExecutor, Executor, Kind, LocalExecutor, executor_for, workers_at_most
from tamis.engine.failpoint import failpoint
from tamis.engine.memory import keep_freed_memory, seldom_collecting, short_turns
from tamis.engine.partition import Partition
from tamis.engine.remote import sharing
from tamis.engine.stage import PartState
from tamis.engine.store import disk_error, write_json
from tamis.recipe import order
from tamis.recipe.model import Recipe
from tamis.runs import decisions as decided
from tamis.runs import report
from tamis.runs.workspace import Workspace, read_state

from ._drawing import Looking
from .account import totals
from .ask import asker_of
from .delivery import Delivery, quarantine
from .describe import card_facts, json_columns, write_card
from .gate import GateAsk
from .ingest import Ingest, ingest
from .interrupts import interruptible
from .preflight import needed_there, preflight
from .result import RunResult as RunResult
from .run import Flow, Judge
from .secrecy import Secrecy
from .warming import Warming
from .write_up import model_record, write_gate, write_ledger, write_manifest


@dataclass(frozen=True)
class Options:
    """How to run, as opposed to what.

    on: `local`, `ray`, or the address of a Ray cluster, which must see the workspace and the inputs.
    base: folder that paths of sources and steps are relative to; by default the workspace.
    decisions: a file of decisions to replay instead of the workspace's own; awaited: it may be written while the run waits.
    store: the URL of an object store that a cluster's nodes read and write instead of a path they all see.
    throwaway_key: privacy steps use a key that nobody keeps; the run can be neither resumed nor repeated.
    """

    workers: int | None = None
    kind: Kind = "threads"
    on: str = "local"
    decisions: Path | None = None
    awaited: bool = False
    fresh: bool = False
    base: Path | None = None
    throwaway_key: bool = False
    store: str | None = None


def execute(recipe: Recipe, root: Path, options: Options | None = None, *, emit: Listener = quiet) -> RunResult:
    """Run a recipe in the workspace at `root`. Resumes the last run if it did not end.

    Raises TamisError of the kind that says what went wrong; whatever was done is kept for the next try.
    """
    options = options or Options()
    if options.decisions is not None and not (options.awaited or options.decisions.exists()):
        raise UsageError(f"no decisions file {options.decisions}", hint="decisions/RECIPE.jsonl is what people decided")
    secrecy = Secrecy.of(recipe, throwaway=options.throwaway_key)
    keep_freed_memory()
    workspace = Workspace(root)
    folder = workspace.hidden
    try:
        workspace.prepare()
        with workspace.lock(), seldom_collecting(), short_turns(), interruptible() as check:
            number, resumed = workspace.open_run(recipe.name)
            folder = workspace.runs(recipe.name) / str(number)
            if resumed and not secrecy.goes_on(read_state(folder)):
                number, resumed = number + 1, False
                folder = workspace.runs(recipe.name) / str(number)
            run = _Run(recipe, workspace, folder, options, emit, check, secrecy)
            return run.go(number, resumed)
    except OSError as error:
        raise disk_error(error, Path(error.filename or folder)) from error


class _Run:
    def __init__(
        self,
        recipe: Recipe,
        workspace: Workspace,
        folder: Path,
        options: Options,
        emit: Listener,
        check: Callable[[], None],
        secrecy: Secrecy,
    ) -> None:
        self.secrecy, self.resumed = secrecy, False
        self.recipe, self.workspace, self.folder = recipe, workspace, folder
        self.options, self.check = options, check
        self.base = (options.base or workspace.root).resolve()
        self.warnings: list[str] = []
        self.listener = emit
        self.started = time.perf_counter()
        self.seconds: dict[str, float] = {}
        self.looking: Looking | None = None

    def emit(self, event: Any) -> None:
        if isinstance(event, Warned):
            event = Warned(self.secrecy.text(event.message))
            self.warnings.append(event.message)
        if not event.passing:
            with open(self.folder / "events.jsonl", "a", encoding="utf-8") as log:
                log.write(json.dumps(event.record(), ensure_ascii=False) + "\n")
        self.listener(event)

    def state(self, status: str, **more: Any) -> None:
        record = {
            "status": status,
            "recipe": self.recipe.name,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            **self.secrecy.state(),
            **more,
        }
        write_json(self.folder / "state.json", record)

    def go(self, number: int, resumed: bool) -> RunResult:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        self.state("running")
        self.resumed = resumed
        names = [step.name for step in self.recipe.steps]
        self.emit(RunStarted(str(number), self.recipe.name, names, resumed))
        for warning in [*order.warnings(self.recipe.steps), *self.recipe.doubts(), *self.secrecy.warnings(self.recipe)]:
            self.emit(Warned(warning))
        status = "failed"
        try:
            result = self._work()
            status = "done"
        except GateWaiting:
            status = "waiting"
            raise
        except (Interrupted, KeyboardInterrupt) as error:
            status = "interrupted"
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted("interrupted; run the same command again to go on") from None
            raise
        except BrokenExecutor:
            try:
                self.check()  # a signal to all processes may take the workers first
            except Interrupted:
                status = "interrupted"
                raise
            raise TamisError(
                "a worker process was killed; the system may be out of memory",
                hint="run the same command again to go on; fewer --workers need less memory",
            ) from None
        except TamisError as error:
            self.secrecy.tell(error)
            raise
        finally:
            self._not_looking()
            try:
                self.state(status)
                self.emit(RunDone(str(number), status, time.perf_counter() - self.started))
            except (OSError, TamisError):
                pass  # a full disk must not hide why the run ended
        return result

    def _work(self) -> RunResult:
        recipe, workspace = self.recipe, self.workspace
        path = self.options.decisions or workspace.decisions(recipe.name)
        decisions = decided.read(path)
        asker = asker_of(recipe, workspace, self.emit, self.check)
        with (
            sharing(self.options.store, self.workspace.hidden),
            workers_at_most(self.options.workers if self.options.on == "local" else None),
            executor_for(self.options.on, self.options.workers, self.options.kind) as executor,
            contextlib.closing(asker),
        ):
            self._meet(executor)
            with self._timed("read"):
                taken = self._ingest(executor)
            self.secrecy.name_files(taken)
            failpoint("run.read")
            states = [part_state(p) for p in taken.partitions]
            judge = Judge(
                recipe,
                workspace,
                executor,
                decisions,
                emit=self.emit,
                check=self.check,
                base=self.base,
                fresh=self.options.fresh,
                secrets=self.secrecy.secrets,
                conceal=self.secrecy.conceal,
                asker=asker,
            )
            calls = judge.calls()
            absent = preflight(recipe, calls, states, self.workspace.root, judge.cache).absent
            states = self.secrecy.states([replace(state, absent=absent) for state in states], judge.cache)
            flow = Flow(states, list(range(len(states))))
            with self._timed("steps"):
                try:
                    judge.run(flow, calls)
                except TooManyQuarantined:
                    self._ledger(flow, taken, judge.cache)
                    raise
            failpoint("run.judged")
            self.seconds |= {f"stage: {name}": seconds for name, seconds in judge.seconds.items()}
            if flow.waiting is not None:
                self._wait(flow, taken, judge.cache, flow.waiting)
            delivered, outcomes = self._deliver(flow, taken, judge.cache, executor)
            models = model_record(recipe, asker, self.workspace)
        failpoint("run.delivered")
        self.seconds["total"] = time.perf_counter() - self.started
        manifest = write_manifest(
            self.folder, recipe, flow, taken, outcomes, delivered, decisions.prefix, self.seconds, self.warnings,
            self.secrecy.record(flow, judge.cache, workspace.decisions(recipe.name)), models,
        )  # fmt: skip
        failpoint("run.manifest")
        self._metrics()
        self._report()
        return RunResult(self.folder, manifest)

    def _ledger(self, flow: Flow, taken: Ingest, cache: Cache) -> None:
        write_ledger(self.folder, self.workspace, flow, taken, cache, self.secrecy)

    def _wait(self, flow: Flow, taken: Ingest, cache: Cache, ask: GateAsk) -> NoReturn:
        """Write up what is done so far, and stop for people."""
        self._ledger(flow, taken, cache)
        self._metrics(waiting=True)
        write_gate(self.folder, ask)
        if isinstance(flow.logs[-1].step, ChoiceStep):
            raise GateWaiting(
                f"gate {ask.step!r} waits. {ask.question}",
                hint=f"tamis clusters show -w {self.workspace.root} shows them; then run the same command again",
            )
        raise GateWaiting(
            f"gate {ask.step!r} waits: {ask.asked - ask.decided} of {ask.asked} rows are undecided"
            f"{f', {ask.differing} of them because reviewers differ' if ask.differing else ''}. {ask.question}",
            hint=f"tamis decide {ask.step} -w {self.workspace.root} shows them; then run the same command again",
        )

    def _deliver(
        self, flow: Flow, taken: Ingest, cache: Cache, executor: Executor
    ) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Write the targets, then the ledger, then make the targets appear."""
        recipe = self.recipe

        def count() -> dict[str, int]:
            return totals([log.account for log in flow.logs], taken.rows + taken.bad, taken.bad)

        if recipe.deliver and flow.live() == 0:
            self._ledger(flow, taken, cache)
            raise DataError(
                "no row was kept, so nothing is delivered",
                hint=f"tamis dropped --run {self.folder} shows where they went",
            )
        with (
            self._timed("deliver"),
            Delivery(
                recipe, self.workspace.root, flow, cache,
                frozenset(json_columns(taken)), self.secrecy.rescan(), self.secrecy.settings,
            ) as delivery,
        ):  # fmt: skip
            with self._timed("ledger"):
                self._ledger(flow, taken, cache)
            self._look(flow, cache)
            refused = delivery.write(executor, self.check)
            if refused:
                self._not_looking()
                log = quarantine(flow, refused, cache)
                share = log.account.quarantined / max(1, log.account.rows_in)
                if share > recipe.max_quarantined:
                    self._ledger(flow, taken, cache)
                    raise TooManyQuarantined(
                        f"targets refuse {len(refused)} of {log.account.rows_in} rows, the first because: {refused[0][2]}; "
                        f"max_quarantined is {recipe.max_quarantined:g}",
                        hint=f"tamis dropped deliver --run {self.folder} shows them; filter.roles drops such rows with a reason",
                    )
                self.emit(
                    Warned(f"{len(refused)} rows were quarantined at delivery, the first because: {refused[0][2]}")
                )
                self._ledger(flow, taken, cache)
                self._look(flow, cache)
            delivery.write_places(self.folder / "ledger" / "delivered")
            failpoint("run.ledger")
            privacy = self.secrecy.record(flow, cache, self.workspace.decisions(recipe.name))
            facts = card_facts(recipe, flow, taken, count()) | {"privacy": privacy}
            self.warnings += [w for w in facts["warnings"] if w not in self.warnings]
            delivered = delivery.publish(
                partial(write_card, facts),
                {"recipe": recipe.name, "recipe_fingerprint": recipe.fingerprint()} | self.secrecy.mark(),
            )
        return delivered, count()

    def _look(self, flow: Flow, cache: Cache) -> None:
        """Begin to find out what the report says: a ledger stands, and tells of steps as they are unless targets refuse rows."""
        self.looking = Looking(self.folder, flow, None if self.secrecy.steps else cache)

    def _not_looking(self) -> None:
        if self.looking is not None:
            self.looking.wait()

    def _meet(self, executor: Executor) -> None:
        """Show a cluster what it must see. Unknown inputs are told when they are read."""
        if self.options.on == "local":
            return
        files, libraries = needed_there(self.recipe, self.base, sources=self.options.store is None)
        executor.meet(self.workspace.hidden, files, libraries)

    def _ingest(self, executor: Executor) -> Ingest:
        if self.options.store is not None:
            with LocalExecutor(self.options.workers) as here:
                return self._ingested(here)
        return self._ingested(executor)

    def _ingested(self, executor: Executor) -> Ingest:
        def tasks(task: Callable[[Any], Any], arguments: Sequence[Any]) -> Iterator[Any]:
            for result in executor.map(task, arguments):
                self.check()
                yield result

        with Warming(self.recipe if executor.shares_memory else None) as warming:
            return ingest(
                self.recipe.sources,
                root=self.base,
                store=self.workspace.raw,
                map_tasks=tasks,
                emit=self.emit,
                max_quarantined=self.recipe.max_quarantined,
                pins=self.workspace.raw / "pinned" / self.recipe.name,
                resumed=self.resumed,
                at_work=warming.start,
            )

    def _metrics(self, *, waiting: bool = False) -> None:
        """What `metrics:` asks for; a fault in it does not undo a delivery."""
        if not self.recipe.metrics:
            return
        from .metrics import write_metrics

        try:
            problems = write_metrics(self.folder, self.recipe, self.base, waiting=waiting)
        except Exception as error:
            problems = [f"metrics: {type(error).__name__}: {error}"]
        for problem in problems:
            self.emit(Warned(problem))

    def _report(self) -> None:
        """The report is drawn from what is on disk; a fault in it does not undo a delivery."""
        try:
            assert self.looking is not None, "a run that delivers looks at what it did"
            report.write_report(self.folder, self.looking.found())
        except Exception as error:
            self.emit(Warned(f"the report could not be drawn: {type(error).__name__}: {error}"))

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def part_state(partition: Partition) -> PartState:
    """A partition as it stands after reading."""
    live = np.ones(partition.rows, np.bool_)
    return PartState(
        partition.base, partition.rows, partition.source, partition.base.xxh3, tuple(partition.columns), (), {}, live
    )
