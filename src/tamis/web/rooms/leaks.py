"""Contamination: rows that hold items of test sets, the spans of both side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from .. import room_shapes, shapes
from ..asked import Asked
from ..opened import Opened
from ..texts import short
from .rows import lines_of

FAMILY = "decontaminate."
MATCHES = "evidence.matches"
#: leaks of a page; characters of a text beside another; test sets counted
PAGE, TEXT, SETS = 100, 4000, 200


def leaks(asked: Asked) -> room_shapes.Leaks:
    """A page of rows that left for what they hold, and how much of each test set is in the rows."""
    run, name = asked.run, asked.text("step")
    if name:
        run.step_number(name)
    steps = [
        one for one in run.ledger.steps if str(one.get("address", "")).startswith(FAMILY) and name in ("", one["name"])
    ]
    offset, limit = asked.number("offset", 0, 1 << 40), asked.number("limit", 20, PAGE)
    lines = [(step["name"], number, line) for step in steps for number, line in _lines(run, step)]
    page = lines[offset : offset + limit]
    rows = lines_of(run, np.array([number for _, number, _ in page], np.int64))
    told = [_leak(row, step, line) for row, (step, _, line) in zip(rows, page, strict=True)]
    return room_shapes.Leaks(benchmarks=_sets(lines), total=len(lines), leaks=told)


def _lines(run: Opened, step: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows that left at a step, with its evidence."""
    for index in range(len(run.starts) - 1):
        path = run.ledger.folder / step["folder"] / f"{index:05d}.parquet"
        if path.exists():
            lines = pl.read_parquet(path, use_statistics=False).filter(pl.col("outcome") != "kept")
            for line in lines.iter_rows(named=True):
                yield int(run.starts[index]) + line["row"], line


def _matches(line: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = json.loads(line[MATCHES]) if line.get(MATCHES) else []
    return [one for one in found if isinstance(one, dict)]


def _leak(row: shapes.RowLine, step: str, line: Mapping[str, Any]) -> room_shapes.LeakSpan:
    """The best match of a row."""
    matches = _matches(line)
    if not matches:  # by vectors: no span is the same
        benchmark, _, item = str(line.get("evidence.item") or "").rpartition("/")
        score = line.get("evidence.similarity") or line.get("evidence.coverage")
        return room_shapes.LeakSpan(
            row=row,
            step=step,
            benchmark=str(line.get("evidence.benchmark") or benchmark),
            item=item,
            row_text=row.text,
            item_text=short(str(line.get("evidence.item_text") or ""), TEXT),
            score=None if score is None else round(float(score), 4),
        )
    best = matches[0]
    return room_shapes.LeakSpan(
        row=row,
        step=step,
        benchmark=str(best.get("benchmark", "")),
        item=str(best.get("item", "")),
        row_text=str(best.get("row_text", ""))[:TEXT],
        item_text=str(best.get("item_text", ""))[:TEXT],
        row_spans=_spans(best.get("row_marks", ())),
        item_spans=_spans(best.get("item_marks", ())),
        score=best.get("coverage"),
    )


def _spans(marks: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Spans in code points, in order, none beyond what is shown of the text."""
    return sorted((min(int(low), TEXT), min(int(high), TEXT)) for low, high in marks if low < TEXT)


def _sets(lines: Sequence[tuple[str, int, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Per test set: rows that hold some of it, its items that leaked, and how many it has."""
    found: dict[str, dict[str, Any]] = {}
    for _, _, line in lines:
        matches = _matches(line)
        names = [str(one.get("benchmark", "")) for one in matches] or [
            str(line.get("evidence.benchmark") or "") or str(line.get("evidence.item") or "").rpartition("/")[0]
        ]
        for name in dict.fromkeys(names):
            one = found.setdefault(name, {"name": name, "rows": 0, "items": 0, "leaked": set()})
            one["rows"] += 1
        for match in matches:
            one = found[str(match.get("benchmark", ""))]
            one["items"] = match.get("items", 0)
            one["leaked"].add(match.get("item"))
    told = [{**one, "leaked": len(one["leaked"])} for one in found.values()]
    return sorted(told, key=lambda one: (-one["rows"], one["name"]))[:SETS]
