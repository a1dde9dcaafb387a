"""`convert`: one shape of training file to another."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, TextIO, get_args

import polars as pl

from tamis.core.errors import UsageError, did_you_mean
from tamis.core.origin import Batch, kind_of
from tamis.core.step import RowStep
from tamis.engine.bisect import judge_safely
from tamis.engine.frame import Frame
from tamis.engine.judge import KEPT
from tamis.engine.shape_write import WriteShape, to_shape
from tamis.engine.shapes import detect
from tamis.engine.store import writing
from tamis.sources.files import Files
from tamis.steps.map.auto import Auto


def convert(file: str, shape: str, out: Path) -> dict[str, Any]:
    """Convert a file; returns in, written, left, unreadable, `lost` (what → rows) and `reasons` (why left → rows)."""
    if shape not in get_args(WriteShape):
        raise UsageError(f"no shape {shape!r}; {did_you_mean(shape, get_args(WriteShape))}")
    source, step = Files(path=file), Auto()
    told: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    left = out.with_name(f"{out.stem}.left.jsonl")
    with (
        writing(out) as whole,
        writing(left) as rest,
        open(whole, "w", encoding="utf-8") as good,
        open(rest, "w", encoding="utf-8") as bad,
    ):
        inputs, _ = source.inputs(Path())
        cuts = [(what, source.cut(what)) for what in inputs]
        wanted = source.readings(cuts)
        for what, cut in cuts:
            for batch in source.read(what, cut.slices, wanted):
                told["unreadable"] += sum(batch.bad_counts.values())
                _convert(batch, shape, step, good, bad, told, lost, reasons)
    if not told["left"]:
        left.unlink(missing_ok=True)
    read = told["written"] + told["left"] + told["unreadable"]
    return {
        "in": read,
        "written": told["written"],
        "left": told["left"],
        "unreadable": told["unreadable"],
        "lost": dict(lost.most_common()),
        "reasons": dict(reasons.most_common()),
    }


def _convert(
    batch: Batch,
    shape: str,
    step: RowStep,
    good: TextIO,
    bad: TextIO,
    told: Counter[str],
    lost: Counter[str],
    reasons: Counter[str],
) -> None:
    if not batch.columns:
        return
    frame = Frame.of(pl.DataFrame([column.alias(f"source.{name}") for name, column in batch.columns.items()]))
    judged = judge_safely(step, frame)
    fits = judged.outcome == KEPT
    source = pl.DataFrame(list(batch.columns.values()))
    n = frame.height
    changes = judged.changes
    messages = changes.get("messages")
    if messages is None:
        messages = pl.Series("messages", [None] * n)
    label = source["label"] if "label" in source.columns and source["label"].dtype == pl.Boolean else None
    shaped = to_shape(
        messages,
        shape,
        rejected=changes.get("rejected"),
        tools=changes.get("tools"),
        text=changes.get("text"),
        source=source,
        label=label,
    )
    slugs = list(step.reasons)
    held = detect({name: kind_of(reading) for name, reading in batch.readings.items()}, source).mapping.values()
    beside = {f"column {name}": source[name].is_not_null() for name in source.columns if name not in held}
    for k, (record, losses) in enumerate(zip(shaped.records, shaped.lost, strict=True)):
        if record is None or not fits[k]:
            why = (
                f"{shape} needs {losses[0]}"
                if fits[k] and losses
                else slugs[judged.reason[k]]
                if judged.reason[k] >= 0
                else "unreadable"
            )
            told["left"] += 1
            reasons[why] += 1
            bad.write(
                json.dumps(
                    {"line": int(batch.lines[k]), "why": why, "row": source.row(k, named=True)}, ensure_ascii=False
                )
                + "\n"
            )
            continue
        told["written"] += 1
        lost.update([*losses, *(name for name, there in beside.items() if there[k])])
        good.write(json.dumps(record, ensure_ascii=False) + "\n")
