"""From YAML to a `Recipe`, with every problem listed at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tamis.core.errors import RecipeError, UsageError, did_you_mean
from tamis.core.registry import Room, resolve
from tamis.core.step import Part

from .model import Problems, Recipe
from .yaml_lines import Lined, load_yaml
from .yaml_lines import Path as Place

ROOMS: dict[str, Room] = {"sources": "sources", "steps": "steps", "deliver": "sinks"}


def load(path: str | Path) -> Recipe:
    """Read a recipe file. RecipeError lists every problem with its line; UsageError where there is no file."""
    path = Path(path)
    if path.is_dir():
        inside = sorted(p for p in path.glob("*.y*ml"))
        if len(inside) != 1:
            raise UsageError(f"{path} is a folder with {len(inside)} YAML files", hint="name the recipe file")
        path = inside[0]
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"no recipe {path}", hint="tamis init DATA writes one from a look at your data") from None
    except UnicodeDecodeError as error:
        raise RecipeError(str(path), [f"not UTF-8: byte {error.start}"]) from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    return parse(text, where=str(path))


def parse(text: str, *, where: str = "recipe") -> Recipe:
    """A recipe from YAML text."""
    return build(load_yaml(text, where), where)


def build(lined: Lined, where: str) -> Recipe:
    """A recipe from plain data with lines."""
    problems: list[tuple[int, str]] = []

    def problem(place: Place, message: str) -> None:
        line = lined.line(place)
        problems.append((line or 0, f"line {line}: {message}" if line else message))

    data = lined.data
    if not isinstance(data, dict):
        raise RecipeError(where, ["line 1: a recipe is a mapping (`name:`, `sources:`, `steps:`, `deliver:`)"])
    for key in data:
        if key not in Recipe.model_fields:
            problem((key,), f"unknown key {key!r}; {did_you_mean(key, Recipe.model_fields)}")
    fields = {key: value for key, value in data.items() if key in Recipe.model_fields}
    kept: dict[str, list[int]] = {}
    for key, room in ROOMS.items():
        if key in fields:
            fields[key], kept[key] = _parts(fields[key], room, (key,), problem)
    if "name" not in fields:
        fields["name"] = "unnamed"
        problem((), "`name:` is missing")
    recipe: Recipe | None = None
    try:
        recipe = Recipe(**fields)
    except ValidationError as error:
        for detail in error.errors():
            whole = detail.get("ctx", {}).get("error")
            for place, told in whole.found if isinstance(whole, Problems) else ():
                problem(_written_at(place, kept), told)
            if not isinstance(whole, Problems):
                problem(tuple(detail["loc"]), describe(detail))
    if problems or recipe is None:
        raise RecipeError(where, [message for _, message in sorted(problems)])
    return recipe


def _written_at(place: Place, kept: dict[str, list[int]]) -> Place:
    """A place among the parts that are good, as it is among all that are written."""
    if len(place) > 1 and place[0] in kept:
        return (place[0], kept[str(place[0])][int(place[1])], *place[2:])
    return place


def _parts(value: Any, room: Room, place: Place, problem: Any) -> tuple[tuple[Part, ...], list[int]]:
    """The parts of one list and their positions; those that are wrong are reported and left out."""
    if not isinstance(value, list):
        problem(place, f"`{place[0]}:` is a list of `- use: …`")
        return (), []
    made = [(part_of(item, room, (*place, i), problem), i) for i, item in enumerate(value)]
    return tuple(part for part, _ in made if part is not None), [i for part, i in made if part is not None]


def part_of(item: Any, room: Room, place: Place, problem: Any) -> Part | None:
    """One source, step or sink from its mapping."""
    if isinstance(item, Part):
        return item
    if not isinstance(item, Mapping) or not isinstance(item.get("use"), str):
        problem(place, f"expected a mapping with `use: {'family.step' if room == 'steps' else 'kind'}`")
        return None
    address = item["use"]
    try:
        cls = resolve(room, address)
    except UsageError as error:
        problem((*place, "use"), str(error))
        return None
    names = {info.alias or name: name for name, info in cls.model_fields.items()}
    fields: dict[str, Any] = {}
    good = True
    for key, value in item.items():
        if key == "use":
            continue
        if key not in names and key not in cls.model_fields:
            problem((*place, key), f"{address}: unknown field {key!r}; {did_you_mean(key, names)}")
            good = False
        elif room == "sources" and key == "map":
            fields[key] = _parts(value if isinstance(value, list) else [value], "steps", (*place, key), problem)[0]
        else:
            fields[key] = value
    try:
        part = cls(**fields)
        return part if good else None
    except ValidationError as error:
        for detail in telling(error.errors()):
            if detail["type"] == "missing" and not good:
                continue  # it is there under another name, perhaps
            problem((*place, *detail["loc"]), f"{address}: {describe(detail)}")
    return None


def telling(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """The errors a person needs: where a field may be one of several types, the one that says most."""
    by_field: dict[tuple[int | str, ...], list[ErrorDetails]] = {}
    for detail in details:
        by_field.setdefault(detail["loc"][:1], []).append(detail)
    found = []
    for field, some in by_field.items():
        if len({detail["loc"] for detail in some}) > 1 and any("[" in str(part) for d in some for part in d["loc"][1:]):
            ours = [detail for detail in some if detail["type"] == "value_error"]
            some = [{**(ours or some)[0], "loc": field}]
        found += some
    return found


def describe(detail: ErrorDetails) -> str:
    """A Pydantic error in our words: the field, what is wrong, the value."""
    field = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "missing":
        return f"`{field}` is missing"
    if detail["type"] == "literal_error":
        context: Any = detail.get("ctx", {})
        message = f"possible: {context.get('expected', '')}"
    value = repr(detail["input"])
    shown = "" if detail["type"] == "value_error" or len(value) > 200 else f" (it is {value})"
    head = f"`{field}`: " if field else ""
    if not message[1:2].isupper():
        message = message[:1].lower() + message[1:]
    return f"{head}{message}{shown}"
