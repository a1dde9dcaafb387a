"""The OpenAPI document of the review app, from its routes and shapes."""

from __future__ import annotations

import re
from typing import Any

from pydantic.json_schema import models_json_schema

from . import shapes
from .contract import ROUTES, Route

#: of the query's parameters, those that are no plain text
INTEGERS = {"offset": 0, "limit": 1, "start": 0, "stop": 0}
FLAGS = ("descending",)
#: what an answer that is not the one asked for is called
REFUSED = {
    "400": "what was asked is wrong; `error` says what is possible",
    "401": "no session",
    "403": "not from here, or not for this role",
    "404": "not there",
    "409": "decided by somebody else meanwhile; `now` says how it stands",
    "413": "too large",
}


def document() -> dict[str, Any]:
    """The document: one operation a route, every shape once."""
    names, definitions = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tamis review", "version": "1", "description": "The server of the review app."},
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "tamis"}},
        },
        "security": [{"session": []}],
    }


def _schemas() -> tuple[dict[tuple[Any, str], str], dict[str, Any]]:
    """(Shape and mode → reference, name → schema). Answers tell every field, bodies may leave out those with a default."""
    wanted: dict[tuple[type[shapes.Shape], str], None] = {(shapes.Problem, "serialization"): None}
    for route in ROUTES:
        if issubclass(route.answer, shapes.Shape):
            wanted[route.answer, "serialization"] = None
        if route.body is not None:
            wanted[route.body, "validation"] = None
    told, schema = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    names: dict[tuple[Any, str], str] = {(model, mode): str(one["$ref"]) for (model, mode), one in told.items()}
    return names, dict(sorted(schema["$defs"].items()))


def _operation(route: Route, names: dict[tuple[Any, str], str]) -> dict[str, Any]:
    operation: dict[str, Any] = {"operationId": route.name}
    about = [route.about, "For leads." if route.lead else ""]
    if any(about):
        operation["summary"] = " ".join(part for part in about if part)
    parameters = [_in_path(name) for name in re.findall(r"{(\w+)}", route.path)]
    parameters += [_in_query(name) for name in route.query]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        body = {"application/json": {"schema": {"$ref": names[route.body, "validation"]}}}
        operation["requestBody"] = {"required": True, "content": body}
    problem = {"application/json": {"schema": {"$ref": names[shapes.Problem, "serialization"]}}}
    answers: dict[str, Any] = {"200": {"description": "done", "content": _content(route, names)}}
    answers |= {code: {"description": about, "content": problem} for code, about in REFUSED.items()}
    return operation | {"responses": answers}


def _content(route: Route, names: dict[tuple[Any, str], str]) -> dict[str, Any]:
    if not issubclass(route.answer, shapes.Shape):
        return {"application/octet-stream": {}}
    kind = "text/event-stream" if route.answer is shapes.Event else "application/json"
    return {kind: {"schema": {"$ref": names[route.answer, "serialization"]}}}


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _in_query(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name in INTEGERS:
        schema = {"type": "integer", "minimum": INTEGERS[name]}
    elif name in FLAGS:
        schema = {"type": "boolean"}
    return {"name": name, "in": "query", "required": False, "schema": schema}
