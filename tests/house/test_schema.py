"""recipe.schema.json: as generated, and of the same opinion as the loader."""

from __future__ import annotations

import copy
import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tamis.core.errors import RecipeError
from tamis.core.registry import Room, addresses, resolve
from tamis.recipe.load import parse
from tamis.recipe.schema import schema
from tamis.recipe.yaml_lines import load_yaml

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "recipe.schema.json"
DEMO = ROOT / "recipes/customer-intents/recipe.yaml"


@pytest.fixture(scope="module")
def check() -> jsonschema.protocols.Validator:
    return jsonschema.Draft202012Validator(json.loads(COMMITTED.read_text(encoding="utf-8")))


def demo() -> Any:
    return load_yaml(DEMO.read_text(encoding="utf-8"), "demo").data  # our loader: elsewhere `on:` may be a boolean


def test_the_committed_file_is_what_the_classes_say() -> None:
    spec = importlib.util.spec_from_file_location("write_schema", ROOT / "scripts/write_schema.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.text() == COMMITTED.read_text(encoding="utf-8"), "recipe.schema.json is out of date: make schema"


def test_it_is_a_schema_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_demo_recipe_is_valid_and_names_the_schema(check: jsonschema.protocols.Validator) -> None:
    check.validate(demo())
    first = DEMO.read_text(encoding="utf-8").split("\n")[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (DEMO.parent / named).resolve() == COMMITTED


def spoilt(place: tuple[Any, ...], key: str, value: Any) -> Any:
    """The demo recipe with one more key somewhere."""
    recipe = copy.deepcopy(demo())
    inner = recipe
    for part in place:
        inner = inner[part]
    inner[key] = value
    return recipe


WRONG: list[tuple[str, tuple[Any, ...], str, Any]] = [
    ("a misspelt key", (), "sorces", []),
    ("a misspelt field of a source", ("sources", 0), "pth", "x.csv"),
    ("a misspelt field of a step", ("steps", 1), "vew", "prompt"),
    ("a misspelt field of a target", ("deliver", 0), "paht", "dist"),
    ("a step that is not there", ("steps", 1), "use", "filter.lenght"),
    ("a number that is a word", (), "seed", "many"),
    ("a share above one", (), "max_quarantined", 2),
    ("a format of the future", (), "tamis", 2),
    ("a name with a slash", (), "name", "a/b"),
]


@pytest.mark.parametrize(("what", "place", "key", "value"), WRONG, ids=[case[0] for case in WRONG])
def test_what_the_loader_refuses_the_schema_refuses(
    check: jsonschema.protocols.Validator, what: str, place: tuple[Any, ...], key: str, value: Any
) -> None:
    recipe = spoilt(place, key, value)
    assert not check.is_valid(recipe)
    with pytest.raises(RecipeError):
        parse(yaml.safe_dump(recipe))


ROOMS: list[tuple[Room, str]] = [("sources", "source"), ("steps", "step"), ("sinks", "sink")]


@pytest.mark.parametrize(("room", "word"), ROOMS)
def test_every_part_is_there_with_every_field_described(room: Room, word: str) -> None:
    shared = schema()["$defs"]
    assert [item["$ref"] for item in shared[word]["oneOf"]] == [
        f"#/$defs/{word}.{address}" for address in addresses(room)
    ]
    for address in addresses(room):
        cls = resolve(room, address)
        found = shared[f"{word}.{address}"]
        assert found["properties"]["use"]["const"] == address
        assert found["additionalProperties"] is False
        assert set(found["properties"]) == {"use"} | {info.alias or name for name, info in cls.model_fields.items()}
        for name, field in found["properties"].items():
            assert field.get("description"), f"{address}: field {name!r} has no description"


def test_every_reference_leads_somewhere() -> None:
    whole = schema()

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [value[key] for key in ("$ref",) if key in value] + [
                r for inner in value.values() for r in references(inner)
            ]
        return [r for inner in value for r in references(inner)] if isinstance(value, list) else []

    assert {r.removeprefix("#/$defs/") for r in references(whole)} <= set(whole["$defs"])
