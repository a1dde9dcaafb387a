"""Tamis from Python: build a recipe, run it on a frame, look at what came out.

>>> import tamis
>>> recipe = tamis.Recipe(name="short", steps=[tamis.step("map.auto"), tamis.step("filter.length", min=2)])
>>> rows = [{"prompt": "Hi", "completion": "Hello there"}, {"prompt": "Hi", "completion": "Yes"}]
>>> result = tamis.run(recipe, rows, workspace=getfixture("tmp_path"))
>>> print(result.account)
2 in = 1 kept + 1 dropped
>>> result.to_polars(plain=True)["completion"].to_list()
['Hello there']
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ModelWrapValidatorHandler, PrivateAttr, model_validator

from tamis._given import given
from tamis._html import recipe_html
from tamis._result import Lives, Result
from tamis.core.errors import RecipeError, UsageError, did_you_mean
from tamis.core.events import Event, Listener, PartitionDone, StageDone, StageStarted
from tamis.core.origin import Sink, Source
from tamis.core.registry import Room
from tamis.core.step import Part, Step
from tamis.recipe import load as loading
from tamis.recipe.load import build, part_of
from tamis.recipe.model import Recipe as _Recipe
from tamis.recipe.yaml_lines import Lined
from tamis.runner.execute import Options, execute

__all__ = ["Lives", "Recipe", "Result", "load", "parse", "run", "sink", "source", "step"]

Progress = bool | Literal["auto"]

# -- recipes ----------------------------------------------------------------------------------


class Recipe(_Recipe):
    """What to do with which rows, and where they go. Equals the recipe that its YAML says.

    >>> import tamis
    >>> built = tamis.Recipe(name="short", steps=[tamis.step("filter.length", in_="prompt", min=2)])
    >>> built == tamis.parse(built.to_yaml())
    True
    """

    #: the folder of the file it was read from, which its paths are relative to
    _folder: Path | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _as_from_a_file(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Steps may be mappings, as in YAML, and what is wrong is told as it is there."""
        if isinstance(value, dict):
            lists = {key: list(some) for key, some in value.items() if isinstance(some, tuple)}
            value = dict(build(Lined({**value, **lists}, {}), "tamis.Recipe"))
        return handler(value)

    def _repr_html_(self) -> str:
        return recipe_html(self.settings())


def load(path: str | Path) -> Recipe:
    """Read a recipe file. RecipeError lists every problem with its line."""
    recipe = Recipe(**dict(loading.load(path)))
    folder = Path(path)
    recipe._folder = (folder if folder.is_dir() else folder.parent).resolve()
    return recipe


def parse(text: str, *, where: str = "recipe") -> Recipe:
    """A recipe from YAML text."""
    return Recipe(**dict(loading.parse(text, where=where)))


def step(use: str, **fields: Any) -> Step:
    """A step by its address. A field that is a Python word takes a `_`. RecipeError lists what is wrong.

    >>> step("filter.length", in_="prompt", min=2).settings()
    {'in': 'prompt', 'min': 2}
    """
    made = _part("step", "steps", use, fields)
    assert isinstance(made, Step)
    return made


def source(use: str, **fields: Any) -> Source:
    """A source by its kind: `source("files", path="data/*.jsonl")`, or `source("frames", data=frame)`."""
    if use == "frames" and "data" in fields:
        fields = {**fields, "data": given(fields["data"])}
    made = _part("source", "sources", use, fields)
    assert isinstance(made, Source)
    return made


def sink(use: str, **fields: Any) -> Sink:
    """A target by its kind: `sink("openai_chat", path="dist/mine")`."""
    made = _part("sink", "sinks", use, fields)
    assert isinstance(made, Sink)
    return made


def _part(what: str, room: Room, use: str, fields: dict[str, Any]) -> Part:
    """A part, or every problem of it, told as those of a recipe file are."""
    problems: list[str] = []
    item = {"use": use, **{name.removesuffix("_"): value for name, value in fields.items()}}
    made = part_of(item, room, (), lambda place, message: problems.append(message))
    if made is None or problems:
        raise RecipeError(f"tamis.{what}", problems)
    return made


# -- running ----------------------------------------------------------------------------------


def run(
    recipe: _Recipe | str | Path,
    data: Any = None,
    *,
    workspace: str | Path | None = None,
    workers: int | None = None,
    on: str = "local",
    store: str | None = None,
    decisions: str | Path | None = None,
    fresh: bool = False,
    throwaway_key: bool = False,
    progress: Progress = "auto",
    emit: Listener | None = None,
) -> Result:
    """Run a recipe; on `data`, if given, in place of its source.

    data: pandas, Polars, pyarrow, a list of dicts, a dict of lists, or anything with `__arrow_c_stream__`; it takes the
    name, the key columns and the `map:` of the recipe's source. workspace: where `.tamis/`, `runs/` and `dist/` go; by
    default the folder of the recipe file, or here. progress: on stderr; "auto" shows it on a terminal, and in a
    notebook where a run takes long. fresh: use nothing from earlier runs. decisions: a file of decisions to replay.
    emit: is called with every event. on: "ray", or the address of a Ray cluster, to run there; store: the URL of an object
    store that its nodes use instead of a shared path.

    Running again is safe: what is known is not judged again. Raises TamisError of the kind that says what is wrong.
    """
    if isinstance(recipe, str | Path):
        recipe = load(recipe)
    if not isinstance(recipe, _Recipe):
        raise UsageError(
            f"a recipe is expected first, not a {type(recipe).__name__}",
            hint="tamis.run(recipe, data): the data second",
        )
    base = getattr(recipe, "_folder", None) or Path()
    recipe = _with(recipe, data) if data is not None else recipe
    if not recipe.sources:
        raise UsageError(f"recipe {recipe.name!r} has no sources", hint="tamis.run(recipe, data), or give it `sources`")
    replayed = None if decisions is None else Path(decisions)
    options = Options(
        workers=workers, on=on, store=store, decisions=replayed, fresh=fresh, base=base, throwaway_key=throwaway_key
    )
    where = Path(workspace) if workspace is not None else base
    with _display(progress, emit) as listener:
        result = Result(execute(recipe, where, options, emit=listener))

    def again(name: str, threshold: float | dict[str, float]) -> Result:
        other = _with_threshold(recipe, name, threshold)
        other._folder = base if base != Path() else None
        return run(
            other,
            workspace=workspace,
            workers=workers,
            on=on,
            store=store,
            decisions=decisions,
            progress=progress,
            emit=emit,
        )

    result._again = again
    return result


def _with_threshold(recipe: _Recipe, name: str, threshold: float | dict[str, float]) -> Recipe:
    """The recipe with another threshold at the step of that name."""
    steps = list(recipe.steps)
    place = next((k for k, one in enumerate(steps) if one.name == name), None)
    if place is None:
        raise UsageError(f"no step {name!r} in this recipe; {did_you_mean(name, [one.name for one in steps])}")
    old = steps[place]
    if "threshold" not in type(old).model_fields:
        raise UsageError(f"step {name!r} has no threshold")
    on = getattr(old, "on", None)
    views = dict.fromkeys(on, threshold) if isinstance(on, dict) and not isinstance(threshold, dict) else threshold
    changed = {"on": views} if isinstance(views, dict) else {"threshold": threshold}
    steps[place] = step(old.address(), **{**old.settings(), **changed})
    return Recipe(**{**dict(recipe), "steps": tuple(steps)})


def _with(recipe: _Recipe, data: Any) -> Recipe:
    """The recipe with data in the place of its source."""
    if len(recipe.sources) > 1:
        names = ", ".join(one.label for one in recipe.sources)
        raise UsageError(
            f"recipe {recipe.name!r} has {len(recipe.sources)} sources ({names}); which one the data stands for is not said",
            hint='put it into the recipe: sources=[tamis.source("frames", data=…, name=…), …]',
        )
    fields: dict[str, Any] = {}
    for old in recipe.sources:
        fields = {"name": old.label, "id": old.id, "map": list(old.map), "license": old.license}
        fields["types"] = getattr(old, "types", {})
    rows = data.to_polars(plain=True) if isinstance(data, Result) else data
    return Recipe(**{**dict(recipe), "sources": (source("frames", data=rows, **fields),)})


@contextmanager
def _display(progress: Progress, emit: Listener | None) -> Iterator[Listener]:
    """The listeners of a run."""
    listeners = [] if emit is None else [emit]
    display: Any = None
    if progress is True or (progress == "auto" and sys.stderr.isatty()):
        from tamis.runner.display import choose

        display = choose("auto")
        listeners.append(display)
    elif progress == "auto" and "ipykernel" in sys.modules:
        from tamis.runner.display import Plain

        display = Plain()
        listeners.append(_pace(display))
    elif progress not in (False, "auto"):
        raise UsageError(f'progress is {progress!r}; possible: True, False, "auto"')

    def tell(event: Event) -> None:
        for listener in listeners:
            listener(event)

    try:
        yield tell
    finally:
        if display is not None:
            display.close()


def _pace(listener: Listener) -> Listener:
    """How far long stages are, and nothing else: a short run is silent; the result tells the account and warnings."""

    def tell(event: Event) -> None:
        if isinstance(event, StageStarted | PartitionDone | StageDone):
            listener(event)

    return tell
