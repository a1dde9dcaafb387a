"""Try a step on a few rows, and prove that a step keeps its contract.

>>> from tamis.steps.filter.length import Length
>>> rows = [{"prompt": "Hi", "response": "Yes"}, {"prompt": "Hi", "response": "Yes, of course"}]
>>> result = run_step(Length(min=2), rows)
>>> result.outcomes
['too_short', 'kept']
>>> print(result.line)
2 in = 1 kept + 1 dropped (too_short 1)
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tamis.core.calls import Calling, CallTableStep
from tamis.core.outcome import Changer, Verdict
from tamis.core.row import MESSAGES, RESERVED
from tamis.core.step import BirthStep, RowStep, Step, TableStep
from tamis.engine.embedded import vectors_of
from tamis.engine.frame import Frame
from tamis.engine.judge import CODES, KEPT, Judged, absent_views, change_name, resolve
from tamis.engine.layers import overlay

from ._scripted import Script, ScriptedModels, answered


@dataclass(frozen=True)
class StepResult:
    """What a step did to a few rows.

    outcomes: per row, 'kept', or the slug of the reason it left for; kinds: per row 'kept', 'dropped',
    'merged', 'held' …; rows: the rows after the step, those that left included, as dicts;
    evidence: per row, its figures; into: per row, the position of the row it was merged into, or None;
    born: the children, as dicts with `parent` (a position).
    """

    outcomes: list[str]
    kinds: list[str]
    rows: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    into: list[int | None]
    born: list[dict[str, Any]]
    not_applicable: list[bool]
    changed: list[bool]

    @property
    def kept(self) -> list[dict[str, Any]]:
        """The rows that stayed."""
        return [row for row, kind in zip(self.rows, self.kinds, strict=True) if kind == "kept"]

    @property
    def line(self) -> str:
        """The accounting line."""
        kinds = Counter(self.kinds)
        reasons = Counter(o for o, k in zip(self.outcomes, self.kinds, strict=True) if k != "kept")
        parts = [f"{kinds['kept'] + len(self.born)} kept"]
        parts += [f"{kinds[kind]} {kind}" for kind in CODES[1:] if kinds[kind]]
        tail = f" ({', '.join(f'{slug} {count}' for slug, count in reasons.items())})" if reasons else ""
        born = f" + {len(self.born)} born" if self.born else ""
        return f"{len(self.kinds)} in{born} = {' + '.join(parts)}{tail}"

    def column(self, name: str) -> list[Any]:
        """One column after the step."""
        return [row[name] for row in self.rows]


def rows_frame(rows: Sequence[dict[str, Any]] | pl.DataFrame) -> pl.DataFrame:
    """Rows as the engine holds them.

    `messages` and the other reserved names stand as they are; `system`, `prompt` and `response`
    are short for messages; any other name is a source column.
    """
    if isinstance(rows, pl.DataFrame):
        return rows
    records = [_record(dict(row)) for row in rows]
    names = list(dict.fromkeys(name for record in records for name in record))
    if not names:
        names = ["messages"]
    types = {name: RESERVED.get(name) for name in names}
    data = {name: [record.get(name) for record in records] for name in names}
    return pl.DataFrame([pl.Series(name, data[name], dtype=types[name], strict=False) for name in names])


def _record(row: dict[str, Any]) -> dict[str, Any]:
    turns = []
    for name, role in (("system", "system"), ("prompt", "user"), ("response", "assistant")):
        if name in row:
            text = row.pop(name)
            if text is not None:
                turns.append({"role": role, "content": text})
    record = {name if name in RESERVED or "." in name else f"source.{name}": value for name, value in row.items()}
    if turns:
        record = {"messages": turns, **record}
    if isinstance(record.get("messages"), list):
        fields = [field.name for field in MESSAGES.inner.fields]  # type: ignore[union-attr]
        record["messages"] = [{name: message.get(name) for name in fields} for message in record["messages"]]
    return record


def judge_frame(step: Step, frame: Frame) -> tuple[Judged, pl.DataFrame | None, pl.Series | None]:
    """A step's judgement on a frame held in memory: (outcomes, children, parents of the children)."""
    children = parents = None
    if isinstance(step, RowStep):
        verdict = step.judge(frame)
    elif isinstance(step, BirthStep):
        parents, children, verdict = step.bear(frame)
    elif isinstance(step, TableStep):
        verdict = step.decide(MemoryTable(frame, step.gather(frame)))
    else:
        raise TypeError(f"{type(step).__name__} is no row, birth or table step")
    if verdict.changer is not None:
        verdict = _changed(verdict, verdict.changer, frame)
    before = {}
    for name in verdict.changes:
        full = change_name(step, name)
        before[full] = frame[full] if full in frame.names else None
    judged = resolve(step, verdict, height=frame.height, before=before, not_applicable=absent_views(step, frame))
    if judged.copies is not None:
        parents = pl.Series(np.repeat(np.arange(frame.height), judged.copies), dtype=pl.UInt32)
        children = pl.DataFrame([frame[name].gather(parents).alias(name) for name in frame.names])
    return judged, children, parents


def _changed(verdict: Verdict, changer: Changer, frame: Frame) -> Verdict:
    """The verdict with what its changer makes, as whole columns."""
    at, columns = changer(0, frame.height)
    rows = at.to_numpy().astype(np.uint32)
    whole = {name: overlay(frame[name], rows, values, frame.height) for name, values in columns.items()}
    return verdict.change(**whole).only(pl.Series(np.isin(np.arange(frame.height), rows)))


class MemoryTable:
    """A gathered table over one frame."""

    def __init__(self, frame: Frame, columns: dict[str, pl.Series]) -> None:
        self._frame, self._columns = frame, columns

    @property
    def height(self) -> int:
        return self._frame.height

    @property
    def seed(self) -> int:
        return self._frame.seed

    def __getitem__(self, name: str) -> pl.Series:
        return self._columns[name]

    def ids(self) -> tuple[Any, Any]:
        n = self._frame.height
        if "id.high" in self._frame.names:
            return self._frame["id.high"].to_numpy(), self._frame["id.low"].to_numpy()
        return np.zeros(n, np.uint64), np.arange(n, dtype=np.uint64)

    def sources(self) -> pl.Series:
        return pl.Series("source", ["rows"], dtype=pl.String).new_from_index(0, self.height)

    @property
    def starts(self) -> Any:
        return np.array([0, self.height], np.int64)

    def part(self, index: int, names: Sequence[str]) -> pl.DataFrame:
        return pl.DataFrame({name: self._columns[name] for name in names})

    def vectors(self, name: str) -> Any:
        return vectors_of(self._columns[name], None)

    def recorded(self, kind: str) -> Path | None:
        return None

    def derived(self, key: str, make: Callable[[], dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
        return make()

    def fetch(self, rows: Any, columns: Sequence[str]) -> pl.DataFrame:
        index = pl.Series(np.asarray(rows), dtype=pl.UInt32)
        read = {
            c: self._frame.text(c.removeprefix("view:")) if c.startswith("view:") else self._frame[c] for c in columns
        }
        return pl.DataFrame([series.gather(index).alias(name) for name, series in read.items()])


def heard(step: CallTableStep, frame: Frame, models: ScriptedModels) -> CallTableStep:
    """The step with what models said to its questions about the rows of a frame."""
    return step.hear(asyncio.run(step.consult(MemoryTable(frame, step.gather(frame)), models)))


def run_step(
    step: Step,
    rows: Sequence[dict[str, Any]] | pl.DataFrame,
    *,
    seed: int = 0,
    replies: Script | ScriptedModels | None = None,
) -> StepResult:
    """Run one step over a few rows, in memory.

    Rows are dicts: `messages`, or `system`, `prompt` and `response` for short; other names are source columns.
    replies: for steps that call models, what the models say: (role, what is asked) -> text, JSON value, or error.
    """
    table = rows_frame(rows)
    frame = Frame.of(table, seed=seed)
    if isinstance(step, Calling) and replies is not None:
        models = replies if isinstance(replies, ScriptedModels) else ScriptedModels(replies)
        if isinstance(step, CallTableStep):
            step = heard(step, frame, models)
        else:
            frame = answered(step, frame, models)
    judged, children, parents = judge_frame(step, frame)
    slugs = list(step.reasons)
    kinds = [CODES[code] for code in judged.outcome]
    if parents is not None and children is not None and isinstance(step, BirthStep):
        lives = pl.Series([kinds[position] == "kept" for position in parents], dtype=pl.Boolean)
        parents, children = parents.filter(lives), children.filter(lives)
        for position in () if step.keeps_parents() else set(parents.to_list()):
            kinds[position] = "merged"
    outcomes = [slugs[r] if r >= 0 else kind for r, kind in zip(judged.reason, kinds, strict=True)]
    after = table.with_columns(
        [
            new
            if name not in table.columns
            else pl.select(pl.when(pl.Series(judged.outcome == KEPT)).then(new).otherwise(table[name]))
            .to_series()
            .alias(name)
            for name, new in judged.changes.items()
        ]
    )
    born = []
    if children is not None and parents is not None:
        born = [
            {"parent": parent, **child} for parent, child in zip(parents.to_list(), children.to_dicts(), strict=True)
        ]
    evidence = (
        pl.DataFrame([s.alias(n) for n, s in judged.evidence.items()]).to_dicts()
        if judged.evidence
        else [{} for _ in kinds]
    )
    into: list[int | None] = (
        [None] * len(kinds) if judged.into is None else [int(i) if i >= 0 else None for i in judged.into]
    )
    return StepResult(
        outcomes, kinds, after.to_dicts(), evidence, into, born, judged.not_applicable.tolist(), judged.changed.tolist()
    )


def conformance_checks(step_class: type[Step], cases: Sequence[Any] = ()) -> list[tuple[str, Callable[[], None]]]:
    """Every promise of a step as (name, check to call), for `pytest.mark.parametrize`.

    cases: (settings as a recipe has them, one row or several, the reason expected, or every row's outcome), and for
    a step that calls models a fourth item, what these say: the `replies` of `run_step`.
    Together they must lead to each reason the step declares; their rows and settings also feed the other checks.
    """
    from ._conformance import CHECKS, well_formed

    shown = tuple(cases) if well_formed(cases) else ()
    return [(check.__name__, partial(check, step_class, shown)) for check in CHECKS]


def check_step(step_class: type[Step], cases: Sequence[Any] = ()) -> None:
    """Raise AssertionError, with all that is wrong, unless a step keeps every promise of a step.

    >>> from tamis.steps.filter.length import Length
    >>> check_step(Length, [
    ...     ({"min": 2}, {"response": "Yes"}, "too_short"),
    ...     ({"max": 2}, {"response": "Yes, of course"}, "too_long"),
    ... ])
    """
    wrong = []
    for name, check in conformance_checks(step_class, cases):
        try:
            check()
        except Exception as error:
            said = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            wrong.append(f"{name}: {said}")
    if wrong:
        raise AssertionError("\n".join([f"{step_class.__name__} breaks {len(wrong)} of its promises", *wrong]))
