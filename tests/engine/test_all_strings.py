"""Strings inside JSON go back to their places, and only theirs."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.engine.all_strings import Patch, Strings, flat, unflat

words = st.sampled_from(["", "a", 'say "so"', "[not json", "line\nline", "€", "{}", "\\"])
json_values = st.recursive(
    words | st.integers(0, 10**9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(words, inner, max_size=3)
        | st.lists(inner, max_size=2).map(json.dumps)
    ),
    max_leaves=6,
)
columns = st.lists(st.none() | words | st.lists(json_values, max_size=3).map(json.dumps), min_size=1, max_size=6)


def told(text: str) -> list[str]:
    """Every string of JSON, of that inside strings too; a text that is no JSON is one string."""
    try:
        value = json.loads(text) if text.strip()[:1] in ("{", "[") else None
    except ValueError:
        value = None
    if value is None:
        return [text]
    found: list[str] = []

    def walk(one: object) -> None:
        if isinstance(one, str):
            found.extend(told(one))
        elif isinstance(one, list):
            for inner in one:
                walk(inner)
        elif isinstance(one, dict):
            for key, inner in one.items():
                walk(key)
                walk(inner)
        elif len(str(one)) >= 7:
            found.append(str(one))

    walk(value)
    return found


@settings(max_examples=300, derandomize=True)
@given(columns, st.integers(0, 10**6))
def test_changed_strings_go_back_to_their_places(values: list[str | None], seed: int) -> None:
    strings = Strings("column", pl.Series("column", values, dtype=pl.String), np.arange(len(values)))
    seen = flat(strings)
    inside: dict[int, list[int]] = {}
    for at, position in enumerate(seen.source.tolist()):
        inside.setdefault(position, []).append(at)
    for position, value in enumerate(values):
        mine = [seen.values[at] for at in inside.get(position, [])]
        assert mine == ([None] if value is None else told(value))
    rng = np.random.default_rng(seed)
    filled = np.flatnonzero(seen.values.is_not_null().to_numpy())
    at = np.sort(rng.permutation(filled)[: len(filled) // 2])
    patch = unflat(strings, seen, Patch(at, [f"new {k}" for k in at]))
    assert patch.at.tolist() == sorted(set(seen.source[at].tolist()))
    for position, value in zip(patch.at.tolist(), patch.values, strict=True):
        after = [f"new {k}" if k in at else seen.values[k] for k in inside[position]]
        assert told(value) == after
