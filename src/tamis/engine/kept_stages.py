"""Stages that were run: what came of one partition, found as one entry (`docs/design/024`).

An entry holds no rows. It names what the stage wrote into other entries: ledger parts, layers, gathered columns. All of
it is looked at before the entry counts; where something is missing, altered, or was replaced since, the stage is run
again, step by step.
"""

from __future__ import annotations

import base64
import os
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.errors import CorruptFile
from tamis.core.fingerprint import fingerprint

from .cache import Cache
from .layers import Layer, Mask, mask_hash
from .store import Stored, verify
from .task import Applied, Call, PartState, Result, Task

#: raised when an entry means something else
_VERSION = 1
#: what a step did, apart from what it took to find out
_COUNTS = ("rows_in", "outcomes", "reasons", "not_applicable", "changed", "rescued", "stale")


def stage_fingerprint(task: Task) -> str:
    """What a stage's result depends on: the partition as it came, every step, what is gathered."""
    ahead = [_gathers(call) for call in task.ahead]
    gather = None if task.gather is None else _gathers(task.gather)
    return fingerprint("stage", _VERSION, _partition(task.state), [_steps(c) for c in task.calls], gather, ahead)


def _partition(state: PartState) -> list[Any]:
    layers = [[*layer.identity(), layer.step] for layer in state.layers]
    absent = [(name, str(kind)) for name, kind in state.absent.items()]
    told = [state.content, state.base.xxh3, state.rows, state.source, state.columns, sorted(state.versions.items())]
    return [*told, layers, mask_hash(state.live), absent]


def _steps(call: Call) -> list[Any]:
    rescued = sorted((*row, content or "", content is None) for row, content in call.rescued.items())
    step = call.step
    return [step.name, call.identity, call.seed, call.only_source, step.where, list(step.reasons), rescued]


def _gathers(call: Call) -> list[Any]:
    step = call.step
    return [step.name, call.gather_identity, call.seed, call.only_source, step.where, step.reads()]


def first_unknown(tasks: Sequence[Task]) -> list[int]:
    """The tasks' places, those first that were not run before: the others are looked up while these are at work."""
    known = [os.path.exists(Cache(task.cache).folder(stage_fingerprint(task)) / "entry.json") for task in tasks]  # noqa: PTH110
    return sorted(range(len(tasks)), key=known.__getitem__)


def find(task: Task, fp: str, cache: Cache) -> Result | None:
    """The result of a stage that was run before; None where it was not, or where what it wrote is not all there."""
    started = time.perf_counter()
    entry = cache.get(fp)
    if entry is None:
        return None
    facts, state = entry.facts, task.state
    try:
        for part in facts["parts"]:
            if part is not None and cache.get(part) is None:
                return None
        for name, xxh3 in facts["gathered"]:
            found = cache.get(name)
            if found is None or found.files["gathered"].xxh3 != xxh3:  # made anew since, perhaps of other rows
                return None
        layers = [_layer(one, cache, state.rows) for one in facts["layers"]]
        for layer in layers:
            verify(layer.stored)
    except CorruptFile:
        return None
    seconds = (time.perf_counter() - started) / max(1, len(task.calls))
    told = zip(facts["applied"], facts["parts"], strict=True)
    applied = [Applied(**counts, part=part, judged_rows=0, seconds=seconds) for counts, part in told]
    after = replace(
        state,
        layers=(*state.layers, *layers),
        versions=dict(facts["versions"]),
        live=_unpack(facts["live"], state.rows),
    )
    seen = None if facts["seen"] is None else _unpack(facts["seen"], state.rows)
    return Result(after, applied, facts["gathered"][0][0] if task.gather else None, seen)


def keep(task: Task, fp: str, cache: Cache, result: Result, ahead: list[str]) -> None:
    """Remember a stage's result. ahead: the fingerprints of what further table steps gathered."""
    gathered = [*([result.gathered] if result.gathered is not None else []), *ahead]
    entries = [(one, cache.get(one)) for one in gathered]
    if any(entry is None for _, entry in entries):
        return  # somebody deletes the cache at this moment
    layers = result.state.layers[len(task.state.layers) :]
    facts = {
        "applied": [_counts(one) for one in result.applied],
        "parts": [one.part for one in result.applied],
        "gathered": [(one, entry.files["gathered"].xxh3) for one, entry in entries if entry is not None],
        "seen": None if result.gathered_seen is None else _pack(result.gathered_seen),
        "layers": [_record(layer) for layer in layers],
        "versions": result.state.versions,
        "live": _pack(result.state.live),
    }
    cache.put(fp, {}, facts)


def _counts(one: Applied) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _COUNTS}


def _record(layer: Layer) -> dict[str, Any]:
    """A layer as JSON; its file by the entry it is in, since a workspace may be moved."""
    path = Path(layer.stored.path)
    applied = None if layer.applied is None else _pack(layer.applied)
    return {
        "columns": layer.columns,
        "stored": [path.parent.name, path.name, *layer.stored[1:]],
        "applied": applied,
        "step": layer.step,
    }


def _layer(record: dict[str, Any], cache: Cache, rows: int) -> Layer:
    folder, name, *rest = record["stored"]
    stored = Stored(str(cache.folder(folder) / name), *rest)
    applied = None if record["applied"] is None else _unpack(record["applied"], rows)
    return Layer(tuple(record["columns"]), stored, applied=applied, step=record["step"])


def _pack(mask: Mask) -> str:
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes(), 1)).decode()


def _unpack(text: str, rows: int) -> Mask:
    packed = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8)
    return np.unpackbits(packed, count=rows).astype(np.bool_)
