"""What of a partition a call step still has to ask, and the answers as a layer over it.

An answer depends on the step, on who plays its roles, and on what the row says; so answers are kept like a row step's
outcomes, by fingerprint, and rows that an entry lacks are asked and added. A call that failed and may do better the next
time is kept by no entry. The replies themselves are recorded elsewhere, for ever: losing an entry buys nothing again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS, Answer, Calling
from tamis.core.fingerprint import fingerprint

from .asked import FrameRows
from .cache import Cache, Entry
from .frame import Frame
from .layers import Layer, Mask, mask_hash
from .stage import _Stage
from .task import Call, PartState, Task


@dataclass
class Part:
    """One partition before it is asked.

    selected: (rows,) bool, the rows the step sees; known: answers there are already, by row of the partition;
    missing: the rows still to ask, ascending.
    """

    state: PartState
    fingerprint: str
    selected: Mask
    known: dict[int, Answer]
    missing: NDArray[np.int64]
    seed: int

    def rows(self, pool: Mapping[str, pl.Series]) -> FrameRows:
        """The missing rows, in order."""
        reader = self.state.reader()
        frame = Frame(self.state.rows, reader.names, reader.read, seed=self.seed)
        return FrameRows(frame if len(self.missing) == self.state.rows else frame.take(self.missing), pool)


def select(call: Call, states: Sequence[PartState], cache: Cache) -> list[Mask]:
    """The rows the step sees, per partition."""
    return [_Stage(Task(state, (), cache.root))._selected(call) for state in states]


def look(call: Call, states: Sequence[PartState], masks: Sequence[Mask], cache: Cache, pooled: str) -> list[Part]:
    """What is known and what is missing. `pooled`: hash of what the step sees of all rows, '' for nothing."""
    parts = []
    for state, selected in zip(states, masks, strict=True):
        stage = _Stage(Task(state, (), cache.root))
        fp = fingerprint(stage._fingerprint(call, "ask"), pooled)
        entry = cache.get(fp)
        known = {} if entry is None else _answers(entry)
        rows = np.flatnonzero(selected)
        missing = rows[[int(row) not in known for row in rows]] if known else rows
        parts.append(Part(state, fp, selected, known, missing, call.seed))
    return parts


def pool(call: Call, states: Sequence[PartState], masks: Sequence[Mask]) -> tuple[dict[str, pl.Series], str]:
    """The columns the step wants of all rows it sees, with their ids, and a hash of them."""
    step = call.step
    assert isinstance(step, Calling)
    names = step.pool()
    if not names:
        return {}, ""
    frames = []
    for state, mask in zip(states, masks, strict=True):
        reader = state.reader()
        frame = Frame(state.rows, reader.names, reader.read).take(np.flatnonzero(mask))
        views = {n: frame.text(n.removeprefix("view:")) if n.startswith("view:") else frame[n] for n in names}
        frames.append(
            pl.DataFrame(
                [pl.Series("id", FrameRows(frame).ids, dtype=pl.String), *(s.alias(n) for n, s in views.items())]
            )
        )
    whole = pl.concat(frames, how="vertical_relaxed", rechunk=True)
    told = fingerprint([(s.content, sorted(s.versions.items())) for s in states], [mask_hash(mask) for mask in masks])
    return {name: whole[name] for name in whole.columns}, told


def keep(part: Part, lasting: Mapping[int, Answer], cache: Cache) -> None:
    """Add answers that will not change to the entry. `lasting` is by row of the partition."""
    if not lasting:
        return
    known = {**part.known, **lasting}
    rows = sorted(known)
    frame = pl.DataFrame(
        {"row": pl.Series(rows, dtype=pl.UInt32), "answer": [_text(known[row]) for row in rows]},
        schema_overrides={"answer": pl.String},
    )
    cache.put(part.fingerprint, {"answers": frame}, {})


def lay(call: Call, part: Part, answers: Mapping[int, Answer], cache: Cache) -> PartState:
    """The partition with the answers on top; each row's own, so the same answers make the same layer."""
    name = f"{ANSWERS}{call.step.name}"
    rows = [row for row in np.flatnonzero(part.selected).tolist() if row in answers]
    frame = pl.DataFrame(
        {"row": pl.Series(rows, dtype=pl.UInt32), name: [_text(answers[row]) for row in rows]},
        schema_overrides={name: pl.String},
    )
    told = fingerprint("answers", part.fingerprint, frame["row"].to_list(), frame[name].to_list())
    entry = cache.get(told) or cache.put(told, {"answers": frame}, {})
    layer = Layer((name,), entry.files["answers"])
    versions = {**part.state.versions, name: entry.files["answers"].xxh3}
    return replace(part.state, layers=(*part.state.layers, layer), versions=versions)


def without_answers(state: PartState) -> PartState:
    """The partition without any answers: they were judged."""
    layers = tuple(layer for layer in state.layers if not layer.columns[0].startswith(ANSWERS))
    versions = {name: version for name, version in state.versions.items() if not name.startswith(ANSWERS)}
    return replace(state, layers=layers, versions=versions)


def _answers(entry: Entry) -> dict[int, Answer]:
    frame = entry.read("answers")
    return {
        row: Answer(*json.loads(text))
        for row, text in zip(frame["row"].to_list(), frame["answer"].to_list(), strict=True)
    }


def _text(answer: Answer) -> str:
    return json.dumps(list(answer), ensure_ascii=False, separators=(",", ":"))
