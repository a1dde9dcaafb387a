"""The rows as they come to one step of a recipe: the steps before it are run (or read from the cache), nothing after.

For looking at what a prompt does to a few rows, and for measuring it on some more, before all rows are annotated.
Nothing is delivered, and no run folder is written; what was judged and asked is in the cache of the next run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import Answer, Calling
from tamis.core.errors import GateWaiting, UsageError, did_you_mean
from tamis.core.events import Listener, quiet
from tamis.engine.asked import FrameRow, FrameRows
from tamis.engine.asking import Part, pool, select
from tamis.engine.executor import LocalExecutor
from tamis.engine.frame import Frame
from tamis.engine.ids import hex_ids
from tamis.engine.stage import Call, PartState
from tamis.recipe.model import Recipe
from tamis.runs import decisions as decided
from tamis.runs.workspace import Workspace

from .ask import Asker, asker_of
from .execute import part_state
from .ingest import ingest
from .preflight import preflight
from .run import Flow, Judge
from .secrecy import Secrecy


def prompted_step(recipe: Recipe, base: Path, prompt: str, step: str | None = None) -> Calling:
    """The step that asks by a prompt, named as a file, as its name without ending, or as the step."""
    named: dict[str, Calling] = {}
    found = []
    for one in recipe.calling():
        source = getattr(one, "prompt", None)
        if source is None or (step is not None and one.name != step):
            continue
        names = [one.name]
        if isinstance(source, Path):
            placed = source if source.is_absolute() else base / source
            names += [source.stem, str(source)]
            if placed.resolve() == Path(prompt).resolve():
                names.append(prompt)
        named |= dict.fromkeys(names, one)
        if prompt in names:
            found.append(one)
    if not found:
        raise UsageError(
            f"no step of recipe {recipe.name!r} asks by the prompt {prompt!r}; {did_you_mean(prompt, named)}"
        )
    if len(found) > 1:
        raise UsageError(
            f"several steps ask by the prompt {prompt!r}: {', '.join(one.name for one in found)}",
            hint="say which with --step",
        )
    return found[0]


class Before:
    """The rows that come to a step. `step` reads its files from where they are; `ids`: hexadecimal, in row order."""

    def __init__(self, call: Call, states: Sequence[PartState], judge: Judge, asker: Asker) -> None:
        assert isinstance(call.step, Calling)
        self.step, self.asker, self._call, self._states = call.step, asker, call, states
        self._masks = select(call, states, judge.cache)
        self._pool: Mapping[str, pl.Series] | None = None
        places, highs, lows = [], [], []
        for place, (state, mask) in enumerate(zip(states, self._masks, strict=True)):
            rows = np.flatnonzero(mask)
            frame = _frame(state, call.seed).take(rows)
            places += [(place, int(row)) for row in rows]
            highs.append(frame["id.high"].to_numpy().astype(np.uint64))
            lows.append(frame["id.low"].to_numpy().astype(np.uint64))
        self._places = places
        self.high: NDArray[np.uint64] = np.concatenate(highs) if highs else np.zeros(0, np.uint64)
        self.low: NDArray[np.uint64] = np.concatenate(lows) if lows else np.zeros(0, np.uint64)
        self.ids: list[str] = hex_ids(self.high, self.low).to_list()

    def column(self, name: str) -> list[Any]:
        """A column or view (`view:response`) over all rows, in row order."""
        found: list[Any] = []
        for state, mask in zip(self._states, self._masks, strict=True):
            frame = _frame(state, 0).take(np.flatnonzero(mask))
            series = frame.text(name.removeprefix("view:")) if name.startswith("view:") else frame[name]
            found += series.to_list()
        return found

    def rows(self, indices: Sequence[int]) -> list[FrameRow]:
        """Some rows, in the order asked; `indices` count the rows that come to the step."""
        if self._pool is None:
            self._pool = pool(self._call, self._states, self._masks)[0]
        by_part: dict[int, list[int]] = {}
        for index in indices:
            place, row = self._places[index]
            by_part.setdefault(place, []).append(row)
        found: dict[tuple[int, int], FrameRow] = {}
        for place, some in by_part.items():
            missing = np.unique(np.array(some, np.int64))
            part = Part(self._states[place], "", self._masks[place], {}, missing, self._call.seed)
            rows: FrameRows = part.rows(self._pool)
            found |= {(place, int(row)): rows[k] for k, row in enumerate(missing)}
        return [found[self._places[index]] for index in indices]

    def ask(self, rows: Sequence[FrameRow]) -> list[Answer]:
        """What the step is answered about these rows."""
        return self.asker.rows(self.step, rows)


def _frame(state: PartState, seed: int) -> Frame:
    reader = state.reader()
    return Frame(state.rows, reader.names, reader.read, seed=seed)


@contextlib.contextmanager
def rows_before(
    recipe: Recipe,
    root: Path,
    step: str,
    *,
    base: Path | None = None,
    workers: int | None = None,
    emit: Listener = quiet,
) -> Iterator[Before]:
    """Run the steps before `step` in the workspace at `root`, and hold it while the rows are looked at."""
    secrecy = Secrecy.of(recipe)
    workspace = Workspace(root)
    workspace.prepare()
    base = (base or workspace.root).resolve()
    decisions = decided.read(workspace.decisions(recipe.name))
    asker = asker_of(recipe, workspace, emit, lambda: None)
    with workspace.lock(), LocalExecutor(workers) as executor, contextlib.closing(asker):
        taken = ingest(
            recipe.sources,
            root=base,
            store=workspace.raw,
            map_tasks=executor.map,
            emit=emit,
            max_quarantined=recipe.max_quarantined,
            pins=workspace.raw / "pinned" / recipe.name,
        )
        judge = Judge(
            recipe, workspace, executor, decisions, emit=emit, base=base, secrets=secrecy.secrets, conceal=secrecy.conceal,
            asker=asker,
        )  # fmt: skip
        calls = judge.calls()
        at = next((k for k, call in enumerate(calls) if call.step.name == step), None)
        if at is None:
            raise UsageError(f"no step {step!r}; {did_you_mean(step, [call.step.name for call in calls])}")
        states = [part_state(partition) for partition in taken.partitions]
        absent = preflight(recipe.model_copy(update={"deliver": ()}), calls[: at + 1], states, workspace.root).absent
        states = secrecy.states([replace(state, absent=absent) for state in states], judge.cache)
        flow = judge.run(Flow(states, list(range(len(states)))), calls[:at])
        if flow.waiting is not None:
            raise GateWaiting(
                f"gate {flow.waiting.step!r} stands before {step!r} and waits for people",
                hint=f"tamis run, then tamis decide {flow.waiting.step}",
            )
        yield Before(calls[at], flow.states, judge, asker)


def model_of(recipe: Recipe, step: Calling) -> str:
    """The model that a prompted step asks, as the recipe names it."""
    task = step.prompt_gate()
    role = task.role if task is not None else step.roles()[0]
    return recipe.models[role].model
