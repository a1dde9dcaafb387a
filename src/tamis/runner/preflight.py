"""Before anything expensive: every step looks once at a table without rows, but with the real columns.

So a misspelt column, a `where:` that is no SQL, or a target that may not be overwritten is told in the
first second, all problems at once, and not after an hour.

Where nothing was wrong, what the look found is kept in the cache: the same steps over the same columns are not
looked at again. Trying ten steps loads the kernels of all ten, which cost a cached run more than its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tamis import __version__
from tamis.core.errors import RecipeError, TamisError, UsageError
from tamis.core.fingerprint import fingerprint
from tamis.core.row import RESERVED
from tamis.core.step import BirthStep, RowStep, Step, TableStep
from tamis.engine.cache import Cache
from tamis.engine.frame import Frame, find_column
from tamis.engine.judge import change_name
from tamis.engine.reviewing import Reviewing
from tamis.engine.stage import Call, PartState
from tamis.engine.store import schema_of
from tamis.recipe.model import Recipe

from ._swap import claim


class Preflight(NamedTuple):
    """What is known before any row is judged.

    sets: step → the columns it sets; absent: every column that some source has before the common steps, and its type.
    """

    sets: dict[str, tuple[str, ...]]
    absent: dict[str, pl.DataType]


class _Looked(NamedTuple):
    """What a look at the steps found: as in `Preflight`, and every column after the last step."""

    sets: dict[str, tuple[str, ...]]
    absent: dict[str, pl.DataType]
    columns: list[str]


def preflight(
    recipe: Recipe, calls: Sequence[Call], states: Sequence[PartState], root: Path, cache: Cache | None = None
) -> Preflight:
    """Walk the steps over tables without rows. RecipeError lists what cannot work.

    cache: where a look that found nothing wrong is kept, and looked up.
    """
    problems: list[str] = []
    schemas = _schemas(states)
    fp = _looked_fingerprint(calls, schemas)
    looked = None if cache is None else _known(cache, fp)
    if looked is None:
        looked = _look(calls, schemas, problems)
        if cache is not None and not problems:
            _keep(cache, fp, looked)
    for asked in recipe.metrics:
        for name in asked.reads() if looked.columns else ():
            try:
                find_column(name, looked.columns)
            except TamisError as error:
                problems.append(f"metrics: {error}")
    for sink in recipe.deliver:
        try:
            claim(root / sink.path)
            if looked.columns:
                sink.columns(["id", *looked.columns])
        except TamisError as error:
            problems.append(f"{sink.address()}: {error}")
    if problems:
        raise RecipeError(f"recipe {recipe.name!r}", list(dict.fromkeys(problems)))
    return Preflight(looked.sets, looked.absent)


def _look(calls: Sequence[Call], schemas: Mapping[str, dict[str, pl.DataType]], problems: list[str]) -> _Looked:
    """Every step once, over tables without rows."""
    sets: dict[str, tuple[str, ...]] = {}
    frames = {source: pl.DataFrame(schema=schema) for source, schema in schemas.items()}
    for source in frames:
        for call in calls:
            if call.only_source == source:
                frames[source] = _dry(call, frames[source], problems, sets)
    whole = pl.concat(frames.values(), how="diagonal_relaxed") if frames else pl.DataFrame()
    absent = dict(whole.schema)
    for call in calls:
        if call.only_source is None:
            whole = _dry(call, whole, problems, sets)
    return _Looked(sets, absent, whole.columns)


def _looked_fingerprint(calls: Sequence[Call], schemas: Mapping[str, dict[str, pl.DataType]]) -> str:
    """What a look depends on: the steps, and the columns of each source in their order."""
    steps = [[call.step.name, call.identity, call.step.where, call.only_source, call.seed] for call in calls]
    columns = [[source, [[name, str(dtype)] for name, dtype in schema.items()]] for source, schema in schemas.items()]
    return fingerprint("preflight", 1, __version__, pl.__version__, steps, columns)


def _known(cache: Cache, fp: str) -> _Looked | None:
    """What an earlier look found; None where there is none, or none that can be read."""
    entry = cache.get(fp)
    if entry is None or not entry.has("absent"):
        return None
    sets = {step: tuple(names) for step, names in entry.facts["sets"]}
    return _Looked(sets, schema_of(entry.files["absent"]), list(entry.facts["columns"]))


def _keep(cache: Cache, fp: str, looked: _Looked) -> None:
    """Keep a look: the types of columns as a file without rows."""
    facts = {"sets": [[step, list(names)] for step, names in looked.sets.items()], "columns": looked.columns}
    cache.put(fp, {"absent": pl.DataFrame(schema=looked.absent)}, facts)
    kept = _known(cache, fp)
    if kept is None or kept.absent != looked.absent:  # a type that the file does not give back
        cache.drop(fp)


def _schemas(states: Sequence[PartState]) -> dict[str, dict[str, pl.DataType]]:
    """Per source, the types of its columns."""
    found: dict[str, dict[str, pl.DataType]] = {}
    for state in states:
        if state.source not in found:
            found[state.source] = state_schema(state)
    return found


def state_schema(state: PartState) -> dict[str, pl.DataType]:
    """The type of each column of a partition."""
    base = schema_of(state.base)
    schema = {name: base[name] for name in state.columns}
    for layer in state.layers:
        laid = schema_of(layer.stored)
        schema |= {name: laid[name] for name in layer.columns}
    return schema


def _find(step: Step, name: str, columns: Sequence[str]) -> None:
    """UsageError where there is no such column, with where it is named."""
    try:
        find_column(name, columns)
    except UsageError as error:
        where = step.said_where(name)
        raise error if where is None else UsageError(f"{where}: {error.message}", hint=error.hint) from None


def _dry(call: Call, frame: pl.DataFrame, problems: list[str], sets: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    """What the columns are after a step."""
    step = call.step
    view = Frame.of(frame, seed=call.seed)
    try:
        for name in step.reads() or ():
            if name not in RESERVED:
                _find(step, name, frame.columns)
        if step.where is not None:
            from tamis.engine.sql import evaluate

            evaluate(step.where, view)
        if isinstance(step, RowStep):
            changes = step.judge(view).changes
        elif isinstance(step, BirthStep):
            _, children, _ = step.bear(view)
            changes = {name: children[name] for name in children.columns}
        elif isinstance(step, TableStep):
            step.gather(view)
            made = [name for name in step.sets if name in frame.columns or not step.rewrites]
            types = {**RESERVED, **step.set_types}
            changes = {name: pl.Series(name, [], dtype=types.get(name, pl.String())) for name in made}
            if isinstance(step, Reviewing):
                changes |= {name: pl.Series(name, [], kind) for name, kind in step.own_columns(frame.columns).items()}
        else:
            changes = {}
    except TamisError as error:
        problems.append(f"step {step.name!r}: {error}")
        return frame
    columns = {change_name(step, name): column for name, column in changes.items()}
    sets[step.name] = tuple(dict.fromkeys([*sets.get(step.name, ()), *columns]))
    return frame.with_columns([column.alias(name) for name, column in columns.items()])


def needed_there(recipe: Recipe, base: Path, *, sources: bool) -> tuple[list[tuple[str, int]], list[str]]:
    """What every node of a cluster must have: files as (path, size), a folder's size being -1, and libraries.

    sources: whether nodes read them; else only what steps read is needed there.
    """
    steps = [*recipe.steps, *(step for source in recipe.sources for step in source.map)]
    files: dict[str, int] = {}
    if sources:
        files[str(base)] = -1
        for source in recipe.sources:
            if not source.in_memory:
                files |= {one.place: one.size for one in source.inputs(base)[0] if one.place}
    else:
        paths = [base / name for step in steps for name in step.files()]
        files |= {str(path): path.stat().st_size for path in paths if path.is_file()}
    return list(files.items()), sorted({name for step in steps for name in step.libraries})
