"""The asking phase of call steps: rows stream through the models, many at a time, and their answers become layers.

Models are asked on a loop in a thread of its own, which lives as long as the run. The main thread waits, tells
progress, and hears Ctrl-C. Whatever was answered is kept when a run stops, for whatever reason it stops.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from tamis.core.calls import Answer, CallFailed, Calling, CallTableStep, EmbedStep, Models
from tamis.core.columns import Table
from tamis.core.errors import GateWaiting, TamisError
from tamis.core.events import CallsProgress, Listener, Warned, quiet
from tamis.engine.asked import FrameRow
from tamis.engine.asking import Part, keep, lay, look, pool, select
from tamis.engine.cache import Cache
from tamis.engine.embedded import Failed, known_keys, lay_keys, texts_of
from tamis.engine.layers import Mask
from tamis.engine.stage import Call, PartState
from tamis.recipe.model import Recipe
from tamis.runs.prompts import proof
from tamis.runs.workspace import Workspace

if TYPE_CHECKING:
    import asyncio

#: rows in the air for each request slot: rows that wait for their second call must not leave slots idle
ROWS_A_SLOT = 2
#: rows whose texts are embedded together
EMBED_ROWS = 50_000
#: rows in the air where a model is asked through a Batch API
BATCH_ROWS = 50_000
#: seconds between two looks at how far it is, and at Ctrl-C
TICK = 0.2

#: figures of the models that a step tells of itself alone
COUNTED = ("cached", "tokens_in", "tokens_out")

T = TypeVar("T")


@dataclass
class Tally:
    """How far a step's asking is. `asked` rows went to the models in this run; `known` were answered before."""

    rows: int = 0
    known: int = 0
    asked: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


class Asker:
    """Owns the models of a run and the loop they are asked on. Opened at the first row that must be asked."""

    def __init__(
        self,
        open_models: Callable[[], AbstractAsyncContextManager[Models]],
        *,
        slots: int = 256,
        emit: Listener = quiet,
        check: Callable[[], None] = lambda: None,
        prove: Callable[[Calling, int], None] = lambda step, rows: None,
        recorded: Path | None = None,
    ) -> None:
        self._recorded = recorded
        self._prove = prove
        self.prompts: dict[str, dict[str, Any]] = {}
        self._open, self._slots, self._emit, self._check = open_models, slots, emit, check
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._context: AbstractAsyncContextManager[Models] | None = None
        self.models: Models | None = None

    # -- the loop -----------------------------------------------------------------------------

    def _run(self, work: Coroutine[Any, Any, T], tick: Callable[[], None] = lambda: None) -> T:
        """Run on the loop, and meanwhile look at progress and Ctrl-C in this thread."""
        import asyncio  # runs that call no model do without

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="tamis-models", daemon=True)
            self._thread.start()
        loop = self._loop
        ended = threading.Event()
        tasks: list[asyncio.Task[Any]] = []

        async def watched() -> T:
            task = asyncio.current_task()
            assert task is not None
            tasks.append(task)
            try:
                return await work
            finally:
                ended.set()

        future = asyncio.run_coroutine_threadsafe(watched(), loop)
        try:
            while not ended.wait(TICK):
                tick()
                self._check()
        except BaseException:
            for task in tasks:
                loop.call_soon_threadsafe(task.cancel)
            ended.wait(30)  # what was answered is in place before anybody reads it
            raise
        return future.result()

    async def _opened(self) -> Models:
        if self.models is None:
            self._context = self._open()
            self.models = await self._context.__aenter__()
        return self.models

    def close(self) -> None:
        """Close the models and end the loop."""
        loop, context = self._loop, self._context
        if loop is None:
            return
        import asyncio

        try:
            if context is not None:

                async def leave() -> None:
                    await context.__aexit__(None, None, None)

                asyncio.run_coroutine_threadsafe(leave(), loop).result(60)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            if self._thread is not None:
                self._thread.join(10)
            loop.close()
            self._loop = self._context = self.models = None

    def stats(self) -> dict[str, Any]:
        """What was called, bought and spent so far, by role."""
        told = getattr(self.models, "stats", None)
        return {} if told is None else dict(told())

    # -- asking -------------------------------------------------------------------------------

    def ask(self, call: Call, states: Sequence[PartState], cache: Cache) -> list[PartState]:
        """Ask what is not known yet; the partitions with all answers on top."""
        step = call.step
        assert isinstance(step, Calling)
        masks = select(call, states, cache)
        if isinstance(step, EmbedStep):
            return self._embed(step, call, states, masks, cache)
        pooled, told = pool(call, states, masks)
        parts = look(call, states, masks, cache, told)
        found: list[dict[int, Answer]] = [dict(part.known) for part in parts]
        tally = Tally(rows=sum(int(part.selected.sum()) for part in parts))
        self._prove(step, tally.rows)
        if (gate := step.prompt_gate()) is not None:
            self.prompts[step.name] = {"prompt": gate.prompt, "version": gate.version, "role": gate.role}
        missing = sum(len(part.missing) for part in parts)
        tally.known = tally.rows - missing
        if missing:
            lasting: list[dict[int, Answer]] = [{} for _ in parts]
            started, before = time.perf_counter(), self.stats()

            def tell(*, last: bool = False) -> None:
                self._tell(step.name, tally, time.perf_counter() - started, before, last=last)

            try:
                self._run(self._stream(step, parts, pooled, found, lasting, tally), tell)
            finally:
                for part, some in zip(parts, lasting, strict=True):
                    keep(part, some, cache)
                tell(last=True)
        settled = settle(step, parts, found)
        return [lay(call, part, answers, cache) for part, answers in zip(parts, settled, strict=True)]

    def _embed(
        self, step: EmbedStep, call: Call, states: Sequence[PartState], masks: Sequence[Mask], cache: Cache
    ) -> list[PartState]:
        """See that all vectors are recorded; the partitions with the keys of theirs on top."""
        tally = Tally(rows=sum(int(mask.sum()) for mask in masks))
        started, before = time.perf_counter(), self.stats()
        truncated = 0

        def tell(last: bool = False) -> None:
            self._tell(step.name, tally, time.perf_counter() - started, before, last=last)

        async def keys(texts: pl.Series) -> Any:
            models: Any = await self._opened()
            return await models.embed_keys(step.role, texts)

        made = []
        for state, mask in zip(states, masks, strict=True):
            known, failed = known_keys(call, state, mask, cache, self._recorded), None
            if known is None:
                texts, parts = texts_of(call, state, mask), []
                for at in range(0, max(1, len(texts)), EMBED_ROWS):
                    some = texts.slice(at, EMBED_ROWS)
                    parts.append(self._run(keys(some), tell))
                    tally.asked += len(some)
                    truncated += parts[-1].truncated
                known = pl.concat([one.keys for one in parts])
                failed = Failed(pl.concat([one.reasons for one in parts]), pl.concat([one.errors for one in parts]))
                for reason in failed.reasons.drop_nulls():
                    tally.failed += 1
                    tally.reasons[reason] = tally.reasons.get(reason, 0) + 1
            else:
                tally.known += len(known)
            made.append(lay_keys(call, state, mask, known, cache, failed))
        tell(last=True)
        if truncated:
            self._emit(
                Warned(
                    f"{step.name}: of {truncated:,} texts the model sees the beginning only, as they are too long for it"
                )
            )
        return made

    def consult(self, step: CallTableStep, table: Table) -> Any:
        """What the models say to a step's questions about all rows; those that were asked before cost nothing."""

        async def asked() -> Any:
            return await step.consult(table, await self._opened())

        try:
            return self._run(asked())
        except CallFailed as error:
            raise TamisError(
                f"step {step.name!r}: {error.message}", hint="run again; what was answered is kept"
            ) from None

    def rows(self, step: Calling, rows: Sequence[FrameRow]) -> list[Answer]:
        """A few rows' answers, for people to look at: whatever was said before is not bought again."""
        import asyncio

        async def every() -> list[tuple[Answer, bool]]:
            models = await self._opened()
            return list(await asyncio.gather(*(_one(step, row, models) for row in rows)))

        return [answer for answer, _ in self._run(every())]

    async def _stream(
        self,
        step: Calling,
        parts: Sequence[Part],
        pooled: Mapping[str, pl.Series],
        found: list[dict[int, Answer]],
        lasting: list[dict[int, Answer]],
        tally: Tally,
    ) -> None:
        """Every missing row through `ask`. The first error that concerns all rows stops the feed, not what is in the air."""
        import asyncio

        models = await self._opened()
        stopped: list[BaseException] = []

        def feed() -> Generator[tuple[int, int, FrameRow], None, None]:
            for place, part in enumerate(parts):
                if len(part.missing):
                    rows = part.rows(pooled)
                    for index, row in enumerate(part.missing.tolist()):
                        yield place, row, rows[index]

        rows = feed()

        async def work() -> None:
            for place, row, asked in rows:
                answer, final = await _one(step, asked, models)
                found[place][row] = answer
                if final:
                    lasting[place][row] = answer
                tally.asked += 1
                if answer.reason is not None:
                    tally.failed += 1
                    tally.reasons[answer.reason] = tally.reasons.get(answer.reason, 0) + 1
                if stopped:
                    return

        async def worker() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except BaseException as error:
                stopped.append(error)
                rows.close()

        many = min(ROWS_A_SLOT * self._slots, sum(len(part.missing) for part in parts))
        await asyncio.gather(*(worker() for _ in range(many)))
        if stopped:
            raise stopped[0]

    def _tell(self, step: str, tally: Tally, seconds: float, before: Mapping[str, Any], *, last: bool = False) -> None:
        stats = self.stats()
        usd = stats.get("usd")
        left = tally.rows - tally.known - tally.asked
        spent = None if usd is None else usd - (before.get("usd") or 0.0)  # by this step
        to_come = None if spent is None or not tally.asked else spent / tally.asked * left
        here = {name: stats.get(name, 0) - before.get(name, 0) for name in COUNTED}
        ended = sum(stats.get(name, 0) - before.get(name, 0) for name in ("ok", "failed"))  # not those that wait
        self._emit(
            CallsProgress(
                step,
                rows=tally.rows,
                known=tally.known,
                ok=tally.asked - tally.failed,
                failed=tally.failed,
                requests=ended,
                **here,
                usd=usd,
                usd_to_come=to_come,
                window=stats.get("window", 0),
                in_flight=stats.get("in_flight", 0),
                seconds=seconds,
                reasons=dict(tally.reasons),
                last=last,
            )
        )


def settle(step: Calling, parts: Sequence[Part], found: Sequence[dict[int, Answer]]) -> list[dict[int, Answer]]:
    """The answers after the step has looked at all of them, in row order."""
    if type(step).settle is Calling.settle:
        return list(found)
    keys = [(place, row) for place, answers in enumerate(found) for row in sorted(answers)]
    settled = step.settle([found[place][row] for place, row in keys])
    made: list[dict[int, Answer]] = [{} for _ in parts]
    for (place, row), answer in zip(keys, settled, strict=True):
        made[place][row] = answer
    return made


async def _one(step: Calling, row: FrameRow, models: Models) -> tuple[Answer, bool]:
    """One row's answer, and whether it will be the same the next time. Errors that concern all rows are raised."""
    try:
        return Answer(await step.ask(row, models)), True
    except CallFailed as error:
        return Answer(None, error.reason, error.message), error.lasting
    except TamisError:
        raise
    except Exception as error:  # a step that fails on a row fails on that row alone
        return Answer(None, "step", f"{type(error).__name__}: {error}"), False


def asker_of(recipe: Recipe, workspace: Workspace, emit: Listener, check: Callable[[], None]) -> Asker:
    """Who asks the models of a recipe. Nothing is opened before the first row must be asked."""

    recorded = workspace.recorded

    def opened() -> AbstractAsyncContextManager[Models]:
        from tamis.llm.models import open_models

        models: AbstractAsyncContextManager[Models] = open_models(
            recipe.models, recipe.connections, recipe.budget, recorded, emit=emit, recipe=recipe.name
        )
        return models

    slots = max((one.slots for one in recipe.used_connections().values()), default=256)
    if any(model.batch for model in recipe.models.values()):
        slots = max(slots, BATCH_ROWS // ROWS_A_SLOT)  # one batch with all rows, not one after another
    return Asker(
        opened, slots=slots, emit=emit, check=check, prove=partial(prove, recipe, workspace, emit), recorded=recorded
    )


def prove(recipe: Recipe, workspace: Workspace, emit: Listener, step: Calling, rows: int) -> None:
    """GateWaiting unless people have seen what the step's prompt does, and its figure reaches the bar."""
    gate = step.prompt_gate()
    if gate is None or not rows:
        return
    found = proof(gate, workspace.root / "decisions", recipe.models[gate.role].model, rows)
    if found.missing is not None:
        raise GateWaiting(
            f"step {step.name!r} waits before it asks about {rows} rows. {found.missing}",
            hint=f'tamis prompt override {gate.prompt} --reason "…" opens it without proof',
        )
    if found.warning is not None:
        emit(Warned(f"step {step.name!r}: {found.warning}"))
