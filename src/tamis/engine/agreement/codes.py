"""Labels as numbers: what the statistics count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tamis.core.errors import UsageError

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]

#: the code of what is missing
MISSING = -1


def encode(columns: Sequence[Sequence[Any]], labels: Sequence[Any] | None = None) -> tuple[list[Any], Codes]:
    """The labels, and (n, columns) int64 codes of them; None is missing (-1).

    labels: all that may occur, in order; without them those that occur, in their own order (numbers by size, all else
    by their text). UsageError where the columns differ in length, or a value is not among `labels`.

    >>> names, codes = encode([["b", "a", None], ["a", "a", "b"]])
    >>> names, codes.tolist()
    (['a', 'b'], [[1, 0], [0, 0], [-1, 1]])
    """
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise UsageError(f"raters rated different numbers of rows: {', '.join(str(len(c)) for c in columns)}")
    seen = {value for column in columns for value in column if value is not None and value == value}
    names = list(labels) if labels is not None else in_order(seen)
    places = {name: code for code, name in enumerate(names)}
    if len(places) != len(names):
        raise UsageError("a label is listed twice")
    if odd := seen - places.keys():
        raise UsageError(f"{sorted(map(str, odd))[0]!r} is not among the labels {', '.join(map(str, names))[:200]}")
    size = lengths.pop() if lengths else 0
    codes = np.full((size, len(columns)), MISSING, np.int64)
    for k, column in enumerate(columns):
        codes[:, k] = [MISSING if v is None or v != v else places[v] for v in column]
    return names, codes


def in_order(values: set[Any]) -> list[Any]:
    """Values in an order that does not depend on how they came: numbers by size, all else by their text."""
    if all(isinstance(value, int | float) for value in values):
        return sorted(values)
    return sorted(values, key=lambda value: (str(value), type(value).__name__))


def distinct(rows: NDArray[Any]) -> tuple[NDArray[Any], Codes]:
    """The distinct rows of a table, and (n,) which of them each row is. What a figure counts is counted once a kind."""
    if not len(rows):
        return rows, np.zeros(0, np.int64)
    kinds, places = np.unique(rows, axis=0, return_inverse=True)
    return kinds, places.reshape(-1).astype(np.int64)
