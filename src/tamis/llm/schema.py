"""JSON Schema, as much of it as replies need, judged by ourselves whatever an endpoint promises.

A schema that uses what is not judged here is refused: a rule that nobody checks is no rule. Written here rather than
taken from the `jsonschema` package (five packages, a compiled one among them): its errors are written for people who
debug schemas, ours for the model that is to mend its reply.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from tamis.core.errors import UsageError

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
#: judged; and what says nothing about validity
_JUDGED = {
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems",
    "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "anyOf", "oneOf", "allOf", "not", "$ref", "minProperties", "maxProperties",
}  # fmt: skip
_SILENT = {
    "title", "description", "default", "examples", "$defs", "definitions", "$schema", "$id", "$comment", "deprecated",
    "readOnly", "writeOnly", "format",
}  # fmt: skip
#: levels of nesting beyond which a value is not looked at, but refused
_DEPTH = 64
_SHOWN = 5


def check_schema(schema: Any, where: str = "the schema") -> None:
    """UsageError where a schema is malformed or uses what is not judged here."""
    problem = next(_problems_of(schema, schema, where), None)
    if problem is not None:
        raise UsageError(problem)


def violations(value: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value, in words a model can mend it by; nothing where it satisfies the schema.

    >>> violations({"label": "bad"}, {"properties": {"label": {"enum": ["good", "poor"]}}, "required": ["why"]})
    ['it lacks "why"', '.label is "bad", not one of "good", "poor"']
    """
    return list(_judge(value, schema, schema, "", 0))[:_SHOWN]


def _judge(value: Any, schema: Any, root: Mapping[str, Any], path: str, depth: int) -> Iterator[str]:
    if schema is True:
        return
    at = path or "it"
    if schema is False:
        yield f"{at} must not be there"
        return
    if depth > _DEPTH:
        yield f"{at} is nested too deeply"
        return
    if "$ref" in schema:
        yield from _judge(value, _referred(schema["$ref"], root), root, path, depth + 1)
    kinds = schema.get("type")
    if kinds is not None:
        wanted = [kinds] if isinstance(kinds, str) else kinds
        if not any(_is(value, kind) for kind in wanted):
            yield f"{at} is {_shown(value)}, not {_a(wanted)}"
            return
    if "enum" in schema and not any(_same(value, one) for one in schema["enum"]):
        yield f"{at} is {_shown(value)}, not one of {', '.join(_shown(one) for one in schema['enum'][:30])}"
    if "const" in schema and not _same(value, schema["const"]):
        yield f"{at} is {_shown(value)}, not {_shown(schema['const'])}"
    yield from _combined(value, schema, root, path, depth)
    if isinstance(value, dict):
        yield from _object(value, schema, root, path, depth)
    elif isinstance(value, list):
        yield from _array(value, schema, root, path, depth)
    elif isinstance(value, str):
        yield from _string(value, schema, at)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number(value, schema, at)


def _combined(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], path: str, depth: int) -> Iterator[str]:
    at = path or "it"

    def wrong(one: Any) -> list[str]:
        return list(_judge(value, one, root, path, depth + 1))

    for one in schema.get("allOf", ()):
        yield from wrong(one)
    if "anyOf" in schema:
        tried = [wrong(one) for one in schema["anyOf"]]
        if all(tried):
            yield f"{at} fits none of what is possible: {' / '.join(one[0] for one in tried)}"
    if "oneOf" in schema:
        tried = [wrong(one) for one in schema["oneOf"]]
        fitting = sum(not one for one in tried)
        if fitting == 0:
            yield f"{at} fits none of what is possible: {' / '.join(one[0] for one in tried)}"
        elif fitting > 1:
            yield f"{at} fits {fitting} alternatives of which it may fit one"
    if "not" in schema and not wrong(schema["not"]):
        yield f"{at} is {_shown(value)}, which is excluded"


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str, depth: int
) -> Iterator[str]:
    at = path or "it"
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f'{at} lacks "{name}"'
    more = schema.get("additionalProperties", True)
    for name, one in value.items():
        if name in known:
            yield from _judge(one, known[name], root, f"{path}.{name}", depth + 1)
        elif more is False:
            yield f'{at} has "{name}", which the schema does not know'
        elif more is not True:
            yield from _judge(one, more, root, f"{path}.{name}", depth + 1)
    yield from _counted(len(value), schema, "minProperties", "maxProperties", at, "properties")


def _array(
    value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], path: str, depth: int
) -> Iterator[str]:
    at = path or "it"
    first = schema.get("prefixItems", ())
    for index, one in enumerate(value):
        rule = first[index] if index < len(first) else schema.get("items", True)
        yield from _judge(one, rule, root, f"{path}[{index}]", depth + 1)
    yield from _counted(len(value), schema, "minItems", "maxItems", at, "items")
    if schema.get("uniqueItems") and any(_same(a, b) for index, a in enumerate(value) for b in value[:index]):
        yield f"{at} has the same item twice"


def _string(value: str, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _counted(len(value), schema, "minLength", "maxLength", at, "characters")
    if "pattern" in schema and not _pattern(schema["pattern"]).search(value):
        yield f"{at} is {_shown(value)}, which does not match {schema['pattern']}"


def _number(value: float, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    limits: dict[str, tuple[Callable[[float, float], bool], str]] = {
        "minimum": (operator.lt, "less than"),
        "maximum": (operator.gt, "more than"),
        "exclusiveMinimum": (operator.le, "not more than"),
        "exclusiveMaximum": (operator.ge, "not less than"),
    }
    for name, (wrong, word) in limits.items():
        if name in schema and wrong(value, schema[name]):
            yield f"{at} is {_shown(value)}, {word} {_shown(schema[name])}"
    if "multipleOf" in schema:
        share = value / schema["multipleOf"]
        if abs(share - round(share)) > 1e-9:
            yield f"{at} is {_shown(value)}, not a multiple of {_shown(schema['multipleOf'])}"


def _counted(count: int, schema: Mapping[str, Any], least: str, most: str, at: str, unit: str) -> Iterator[str]:
    if count < schema.get(least, 0):
        yield f"{at} has {count} {unit}, fewer than {schema[least]}"
    if most in schema and count > schema[most]:
        yield f"{at} has {count} {unit}, more than {schema[most]}"


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    return (type(a) is type(b) and a == b) or (isinstance(a, (int, float)) and isinstance(b, (int, float)) and a == b)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _a(kinds: list[str]) -> str:
    return " or ".join({"null": "null"}.get(kind, f"{'an' if kind[0] in 'aio' else 'a'} {kind}") for kind in kinds)


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _referred(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise UsageError(f"the schema refers to {reference}, which is not in it")
        found = found[name]
    return found


def _problems_of(schema: Any, root: Any, at: str) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield f"{at} is not an object"
        return
    for name in schema:
        if name not in _JUDGED and name not in _SILENT:
            yield f"{at} uses {name!r}, which is not judged here; possible: {', '.join(sorted(_JUDGED))}"
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        if kind not in _TYPES:
            yield f"{at} names the type {kind!r}; possible: {', '.join(_TYPES)}"
    if "enum" in schema and not (isinstance(schema["enum"], (list, tuple)) and schema["enum"]):
        yield f"{at}: enum must list what is possible"
    if "$ref" in schema:
        reference = schema["$ref"]
        if not isinstance(reference, str) or not reference.startswith("#"):
            yield f"{at} refers to {reference!r}, outside of itself"
        else:
            _referred(reference, root)
    if "pattern" in schema:
        try:
            _pattern(schema["pattern"])
        except (re.error, TypeError) as error:
            yield f"{at}: the pattern {schema['pattern']!r} cannot be read: {error}"
    for name in ("properties", "$defs", "definitions"):
        for key, one in dict(schema.get(name, {})).items():
            yield from _problems_of(one, root, f"{at}.{key}")
    for name in ("items", "additionalProperties", "not"):
        if name in schema:
            yield from _problems_of(schema[name], root, f"{at}.{name}")
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for index, one in enumerate(schema.get(name, ())):
            yield from _problems_of(one, root, f"{at}.{name}[{index}]")
