"""Decisions and what steps said, as pages are told of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from tamis.runs.decisions import Decision, Decisions

from .opened import Opened
from .shapes import Decided, StepWord
from .texts import short, value

#: characters of one piece of evidence, and of a value in a decision's answer
EVIDENCE, SAID = 4000, 200_000


def decided(one: Decision, *, undone: bool = False) -> Decided:
    """A decision as the file tells it."""
    said = one.value
    if isinstance(said, str):
        said = short(said, SAID)
    elif said is not None and len(json.dumps(said, ensure_ascii=False, default=str)) > SAID:
        said = None
    return Decided(
        key=one.key,
        kind=one.kind,
        step=one.step,
        row=one.row,
        who=one.who,
        at=one.at,
        reason=one.reason,
        why=one.why,
        value=said,
        round=one.round,
        seconds=one.seconds,
        undoes=one.undoes,
        undone=undone,
    )


def all_decided(found: Decisions, some: Iterable[Decision]) -> list[Decided]:
    """Decisions with whether each was taken back."""
    undone = {one.undoes for one in found.told if one.kind == "undo"}
    return [decided(one, undone=one.key in undone) for one in some]


def evidence(line: Mapping[str, Any]) -> dict[str, Any]:
    """What a step remembers of a row, texts cut."""
    return {
        name.removeprefix("evidence."): value(one, EVIDENCE)
        for name, one in line.items()
        if name.startswith("evidence.") and one is not None
    }


def said(run: Opened, partition: int, rows: Sequence[int], before: int) -> dict[int, list[StepWord]]:
    """Row → what the first `before` steps said of it beside that it was kept."""
    found: dict[int, list[StepWord]] = {row: [] for row in rows}
    for step in run.ledger.steps[:before]:
        path = run.ledger.folder / step["folder"] / f"{partition:05d}.parquet"
        if not path.exists():
            continue
        lines = pl.read_parquet(path, use_statistics=False).filter(pl.col("row").is_in(list(rows)))
        for line in lines.iter_rows(named=True):
            told = evidence(line)
            if told or line["outcome"] != "kept":
                reason = line["reason"] or None
                found[line["row"]].append(
                    StepWord(
                        step=step["name"],
                        outcome=line["outcome"],
                        reason=reason,
                        sentence=step["sentences"].get(reason) if reason else None,
                        into=line.get("into"),
                        evidence=told,
                    )
                )
    return found
