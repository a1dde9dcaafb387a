"""Cohere's embedding API, v2: what the vectors are for is said (`clustering`), and what is too long is never cut unasked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .said import count, unreadable

#: texts in one call
MOST_TEXTS = 96


def embed_request(name: str, texts: Sequence[str], *, cut: bool = False) -> tuple[str, dict[str, Any]]:
    """Path and body. cut: whether a text that is too long is cut at its end; else it is refused."""
    body = {"model": name, "texts": list(texts), "input_type": "clustering", "embedding_types": ["float"]}
    return "/embed", {**body, "truncate": "END" if cut else "NONE"}


def read_vectors(data: Any, wanted: int) -> NDArray[np.float32]:
    """(wanted, dimensions) float32. The API promises the texts' order and tells no index."""
    told = data.get("embeddings") if isinstance(data, dict) else None
    rows = told.get("float") if isinstance(told, dict) else told
    if not isinstance(rows, list) or len(rows) != wanted:
        raise unreadable(f"has {len(rows) if isinstance(rows, list) else 'no'} vectors for {wanted} texts")
    try:
        vectors = np.array(rows, np.float32)
    except (ValueError, TypeError):
        raise unreadable("has vectors of different lengths") from None
    if vectors.ndim != 2 or not vectors.shape[1] or not np.isfinite(vectors).all():
        raise unreadable("has vectors that are none")
    return vectors


def read_usage(data: Any) -> tuple[int | None, int | None, int | None]:
    """Tokens in, out, and cached, of a reply; None for what is not told."""
    units = (data.get("meta") or {}).get("billed_units") if isinstance(data, dict) else None
    told = units.get("input_tokens") if isinstance(units, dict) else None
    return count(int(told) if isinstance(told, float) and told.is_integer() else told), 0, None
