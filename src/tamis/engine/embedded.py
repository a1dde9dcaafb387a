"""Rows and their recorded vectors: a row carries the key of its vector, and the vector stays where it was recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS, EmbedStep
from tamis.core.errors import CorruptFile, UsageError
from tamis.core.fingerprint import fingerprint

from . import diverse
from .cache import Cache
from .frame import Frame
from .layers import Layer, Mask, mask_hash
from .stage import _Stage
from .task import Call, PartState, Task
from .vectors import VectorStore

#: the folder of vectors among what is recorded
FOLDER = "embeddings"


class Failed(NamedTuple):
    """(n,) String each: why texts have no vector, a slug and what was said; null where they have one, or no text."""

    reasons: pl.Series
    errors: pl.Series


def vectors_of(series: pl.Series, recorded: Path | None) -> NDArray[Any]:
    """(n, d): a column of vectors, or the recorded vectors of a column of keys; zero where there is none."""
    if series.dtype == pl.String and recorded is None and series.null_count() < len(series):
        raise UsageError("vectors are recorded by a run; there are none to be looked up here")
    if series.dtype == pl.String or series.dtype == pl.Null:
        return _looked_up(series.cast(pl.String), recorded)
    known = series.is_not_null().to_numpy()
    some = diverse.matrix(series.drop_nulls())
    if len(some) == len(series):
        return some
    whole = np.zeros((len(series), some.shape[1]), np.float32)
    whole[known] = some
    return whole


def _looked_up(series: pl.Series, recorded: Path | None) -> NDArray[Any]:
    known = series.is_not_null().to_numpy()
    keys = _bytes(series)
    if recorded is None or not keys:
        return np.zeros((len(series), 0), np.float32)
    store = _store_of(recorded, keys)
    rows = None if store is None else store.find(keys)
    if store is None or rows is None or (rows < 0).any():
        raise CorruptFile(
            f"vectors of {len(keys) // 16 if rows is None else int((rows < 0).sum()):,} rows are not in {recorded / FOLDER}",
            hint="run again: the step that embeds records them anew",
        )
    whole = np.empty((len(series), store.dimensions), store.dtype)
    if known.all():
        return store.take(rows, whole)
    whole[~known] = 0
    whole[known] = store.take(rows, np.empty((len(rows), store.dimensions), store.dtype))
    return whole


def _bytes(series: pl.Series) -> bytes:
    return b"".join(series.drop_nulls().str.decode("hex").to_list())


def _store_of(recorded: Path, keys: bytes) -> VectorStore | None:
    """The store that holds the first key: a key tells the model, so all others are there too."""
    for head in sorted((recorded / FOLDER).glob("*/head.json")):
        store = _opened(head.parent)
        if (store.find(keys[:16]) >= 0).all():
            return store
    return None


def _opened(folder: Path) -> VectorStore:
    try:
        about = json.loads((folder / "head.json").read_text())["about"]
    except (ValueError, KeyError) as error:
        raise CorruptFile(f"{folder / 'head.json'} cannot be read: {error}") from None
    return VectorStore(folder, about)


# -- the asking phase of a step that embeds --------------------------------------------------------


def texts_of(call: Call, state: PartState, selected: Mask) -> pl.Series:
    """The texts of the rows the step sees."""
    step = call.step
    assert isinstance(step, EmbedStep)
    reader = state.reader()
    frame = Frame(state.rows, reader.names, reader.read)
    return frame.text(step.embeds()).filter(pl.Series(selected))


def known_keys(call: Call, state: PartState, selected: Mask, cache: Cache, recorded: Path | None) -> pl.Series | None:
    """The keys of these rows from an earlier run whose vectors are all there; None where any is not."""
    entry = cache.get(_fingerprint(call, state, selected, cache))
    if entry is None or recorded is None:
        return None
    keys = entry.read("keys")["key"]
    joined = _bytes(keys)
    store = _store_of(recorded, joined) if joined else None
    if joined and (store is None or (store.find(joined) < 0).any()):
        return None
    return keys


def lay_keys(
    call: Call, state: PartState, selected: Mask, keys: pl.Series, cache: Cache, failed: Failed | None = None
) -> PartState:
    """The partition with the keys on top, as a call step's answers. Texts that `failed` are asked again in the next run."""
    name = f"{ANSWERS}{call.step.name}"
    fp = _fingerprint(call, state, selected, cache)
    refused = failed is not None and bool(failed.reasons.is_not_null().any())
    if failed is not None and refused:
        fp = fingerprint("failed", fp, failed.reasons.to_list(), failed.errors.to_list())
    entry = cache.get(fp)
    if entry is None:
        rows = pl.Series("row", np.flatnonzero(selected), dtype=pl.UInt32)
        answer = pl.select(pl.format('["{}",null,null]', pl.lit(keys))).to_series().alias(name)
        if failed is not None and refused:
            said = [
                None if reason is None else json.dumps([None, reason, error], ensure_ascii=False)
                for reason, error in zip(failed.reasons.to_list(), failed.errors.to_list(), strict=True)
            ]
            answer = answer.zip_with(keys.is_not_null(), pl.Series(said, dtype=pl.String)).alias(name)
        entry = cache.put(fp, {"keys": keys.alias("key").to_frame(), "answers": pl.DataFrame([rows, answer])}, {})
    layer = Layer((name,), entry.files["answers"])
    versions = {**state.versions, name: entry.files["answers"].xxh3}
    return replace(state, layers=(*state.layers, layer), versions=versions)


def _fingerprint(call: Call, state: PartState, selected: Mask, cache: Cache) -> str:
    return fingerprint(_Stage(Task(state, (), cache.root))._fingerprint(call, "embed"), mask_hash(selected))
