"""frontend/openapi.json: as generated."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

from tamis.web.contract import ROUTES
from tamis.web.openapi import document

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "frontend/openapi.json"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("write_openapi", ROOT / "scripts/write_openapi.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_committed_file_is_what_the_shapes_say() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == script().text(), "python scripts/write_openapi.py"


def test_every_route_is_told_with_its_parameters_body_and_answer() -> None:
    paths = document()["paths"]
    assert sum(len(methods) for methods in paths.values()) == len(ROUTES)
    for route in ROUTES:
        told = paths[route.path][route.method.lower()]
        assert told["operationId"] == route.name
        assert [p["name"] for p in told.get("parameters", []) if p["in"] == "query"] == list(route.query)
        assert ("requestBody" in told) == (route.body is not None)
        assert "200" in told["responses"]


def test_an_answer_holds_every_field_and_a_body_may_leave_out_those_with_a_default() -> None:
    schemas = document()["components"]["schemas"]
    assert set(schemas["RowLine"]["required"]) == set(schemas["RowLine"]["properties"])
    assert schemas["View-Input"]["required"] == ["name"]
    assert set(schemas["View-Output"]["required"]) == set(schemas["View-Output"]["properties"])


def test_every_reference_leads_somewhere() -> None:
    told = json.dumps(document())
    schemas = document()["components"]["schemas"]
    found = {part.split('"')[0] for part in told.split("#/components/schemas/")[1:]}
    assert found == set(schemas)
