"""Row ids that only a key can repeat: an id is a hash of the row, and a short row can be guessed from it.

A layer over a partition's ids, laid before any step: from then on ledger, report, decisions and delivery know the row
by its keyed id alone. The keyed hash is BLAKE2b with the key derived for this purpose.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.fingerprint import fingerprint

from .cache import Cache
from .key import Key
from .layers import Layer
from .task import PartState

COLUMNS = ("id.high", "id.low")


def keyed(key: Key, high: NDArray[np.uint64], low: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The keyed hash of each id, as halves."""
    secret = key.derive("row ids")
    raw = np.stack([high, low], axis=1).astype(">u8").tobytes()
    made = b"".join(
        hashlib.blake2b(raw[k : k + 16], digest_size=16, key=secret).digest() for k in range(0, len(raw), 16)
    )
    halves = np.frombuffer(made, ">u8").reshape(-1, 2).astype(np.uint64)
    return np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])


def with_keyed_ids(state: PartState, key: Key, cache: Cache) -> PartState:
    """The partition, its rows known by keyed ids."""
    fp = fingerprint("keyed ids", 1, state.content, key.fingerprint)
    entry = cache.get(fp)
    if entry is None:
        reader = state.reader()
        high, low = keyed(key, *(reader.read(name).to_numpy() for name in COLUMNS))
        rows = np.arange(state.rows, dtype=np.uint32)
        entry = cache.put(fp, {"ids": pl.DataFrame({"row": rows, COLUMNS[0]: high, COLUMNS[1]: low})}, {})
    layer = Layer(COLUMNS, entry.files["ids"])
    return replace(state, layers=(*state.layers, layer), versions={**state.versions, **dict.fromkeys(COLUMNS, fp)})
