"""The recipe's JSON Schema, so that editors complete and check the YAML while it is written."""

from __future__ import annotations

from typing import Any

from tamis.core.registry import Room, addresses, resolve
from tamis.core.step import Part, docstring

from .model import Recipe

ADDRESS = "https://json-schema.org/draft/2020-12/schema"
WORDS = {"sources": "source", "steps": "step", "sinks": "sink"}
KEYS: dict[str, Room] = {"sources": "sources", "steps": "steps", "deliver": "sinks"}


def schema() -> dict[str, Any]:
    """The schema of a whole recipe. Imports every source, step and sink there is."""
    shared: dict[str, Any] = {}
    rooms: tuple[Room, ...] = ("sources", "steps", "sinks")
    for room in rooms:
        word = WORDS[room]
        for address in addresses(room):
            shared[f"{word}.{address}"] = part_schema(resolve(room, address), address, f"{word}.{address}", shared)
        shared[word] = {
            "description": f"`use:` names the {word}; its fields stand beside it.",
            "oneOf": [{"$ref": f"#/$defs/{word}.{address}"} for address in addresses(room)],
        }
    whole = _tidy(Recipe.model_json_schema(by_alias=True))
    defined = whole.pop("$defs", {})
    shared |= {name: defined[name] for name in ("Budget", "Connection", "Metrics", "Model", "Price")}
    for key, room in KEYS.items():
        described = whole["properties"][key]["description"]
        whole["properties"][key] = {
            "description": described,
            "type": "array",
            "items": {"$ref": f"#/$defs/{WORDS[room]}"},
        }
    head = {
        "$schema": ADDRESS,
        "title": "Tamis recipe",
        "description": "What to do with which rows, and where they go.",
    }
    return {**head, **{k: v for k, v in whole.items() if k not in head}, "$defs": dict(sorted(shared.items()))}


def part_schema(cls: type[Part], address: str, name: str, shared: dict[str, Any]) -> dict[str, Any]:
    """One source, step or sink: `use` and the fields of its class. Types it names go into `shared`."""
    found = _tidy(cls.model_json_schema(by_alias=True, ref_template=f"#/$defs/{name}.{{model}}"))
    for inner, value in found.pop("$defs", {}).items():
        if inner != "Step":
            shared[f"{name}.{inner}"] = value
    fields = found.pop("properties", {})
    if "map" in fields and "Step" in str(fields["map"]):
        step = {"$ref": "#/$defs/step"}
        fields["map"] = {
            "description": fields["map"].get("description", ""),
            "anyOf": [step, {"type": "array", "items": step}],
        }
    return {
        "type": "object",
        "description": docstring(cls).split("\n\n")[0].replace("\n", " "),
        "properties": {"use": {"const": address, "description": docstring(cls).split("\n")[0]}, **fields},
        "required": ["use", *found.get("required", [])],
        "additionalProperties": False,
    }


def _tidy(value: Any) -> Any:
    """Without Pydantic's made-up titles and the classes' long documentation, which say nothing to an editor."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidy = {k: _tidy(v) for k, v in value.items() if not (k == "title" and isinstance(v, str))}
    if "properties" in tidy and isinstance(tidy.get("description"), str):
        tidy["description"] = tidy["description"].split("\n")[0]
    return tidy
