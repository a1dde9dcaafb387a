"""Extracted values as columns: the fields of a flat schema, each with its type."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tamis.core.errors import UsageError

TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
}
#: columns of the step that a field must not be named after
TAKEN = ("label", "confidence", "prompt", "review", "value")


def flat_fields(schema: Mapping[str, Any]) -> dict[str, pl.DataType]:
    """Field → type, where the schema is an object of plain values; else nothing."""
    properties = schema.get("properties")
    if schema.get("type") != "object" or not properties:
        return {}
    found = {name: _plain(rule) for name, rule in properties.items()}
    if not all(found.values()):
        return {}
    taken = [name for name in found if name in TAKEN]
    if taken:
        raise UsageError(f"the schema's field {taken[0]!r} would hide a column of the step; give it another name")
    return {name: kind for name, kind in found.items() if kind is not None}


def _plain(rule: Any) -> pl.DataType | None:
    """The type of a plain value that may be null; None for all else."""
    if not isinstance(rule, Mapping):
        return None
    kinds = rule.get("type")
    if kinds is None and rule.get("enum") and all(isinstance(one, str) for one in rule["enum"]):
        return pl.String()
    named = [kind for kind in ([kinds] if isinstance(kinds, str) else kinds or []) if kind != "null"]
    return TYPES.get(named[0]) if len(named) == 1 else None


def columns_of(values: Sequence[Any], fields: Mapping[str, pl.DataType]) -> dict[str, pl.Series]:
    """The fields of each value; null where there is none."""
    return {
        name: pl.Series(name, [_fitting(value, name, kind) for value in values], dtype=kind)
        for name, kind in fields.items()
    }


def _fitting(value: Any, name: str, kind: pl.DataType) -> Any:
    found = value.get(name) if isinstance(value, Mapping) else None
    if found is None:
        return None
    if kind == pl.Int64:
        return int(found) if -(2**63) <= found < 2**63 else None
    return float(found) if kind == pl.Float64 else found


def as_json(values: Sequence[Any]) -> pl.Series:
    """Each value as JSON text; null where there is none."""
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
    return pl.Series("value", texts, dtype=pl.String)
