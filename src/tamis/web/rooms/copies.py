"""Copies: the groups that dedup steps made, the row that stays first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.runs import decisions as decided

from .. import room_shapes, shapes
from ..asked import Asked
from ..opened import Opened
from ..words import all_decided
from .rows import lines_of

#: groups of a page, and copies told of each
PAGE, SHOWN = 50, 30


class Groups(NamedTuple):
    """The merges of one step, group after group, the largest first. into: id of the row that stays, one a group; starts:
    where each begins; rows: numbers of the merged rows; similarity: NaN where the step tells none."""

    into: list[str]
    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    similarity: NDArray[np.float64]


def copies(asked: Asked) -> room_shapes.CopyGroups:
    """A page of groups, of one step or of all that merged rows."""
    run = asked.run
    steps = [str(one["name"]) for one in run.ledger.steps if one.get("merged") and _dedups(one)]
    name = asked.text("step")
    if name:
        run.step_number(name)
    found = [(step, groups_of(run, step)) for step in steps if name in ("", step)]
    places = [(step, groups, k) for step, groups in found for k in range(len(groups.into))]
    offset, limit = asked.number("offset", 0, 1 << 40), asked.number("limit", 20, PAGE)
    made = decided.read(asked.site.workspace.decisions(run.recipe))
    told = [_group(run, made, *place) for place in places[offset : offset + limit]]
    return room_shapes.CopyGroups(steps=steps, total=len(places), groups=told)


def _dedups(step: dict[str, object]) -> bool:
    return str(step.get("address", "")).startswith("dedup.")


def groups_of(run: Opened, step: str) -> Groups:
    """The groups of a step, worked out once."""
    with run.lock:
        known: Groups | None = run.memory.get(f"groups {step}")
    if known is not None:
        return known
    pieces = []
    record = run.ledger.step(step)
    for index in range(len(run.starts) - 1):
        path = run.ledger.folder / record["folder"] / f"{index:05d}.parquet"
        if not path.exists():
            continue
        names = pl.read_parquet_schema(path)
        if "into" not in names:
            continue
        wanted = ["row", "outcome", "into", *(n for n in ("evidence.similarity",) if n in names)]
        lines = pl.read_parquet(path, columns=wanted, use_statistics=False)
        lines = lines.filter((pl.col("outcome") == "merged") & pl.col("into").is_not_null())
        if "evidence.similarity" not in names:
            lines = lines.with_columns(pl.lit(None, pl.Float64).alias("evidence.similarity"))
        pieces.append(
            lines.select(
                "into",
                (pl.col("row").cast(pl.Int64) + int(run.starts[index])).alias("number"),
                pl.col("evidence.similarity").cast(pl.Float64).fill_null(float("nan")).alias("similarity"),
            )
        )
    if not pieces:
        groups = Groups([], np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0))
    else:
        every = pl.concat(pieces)
        sizes = every.group_by("into").agg(pl.len().alias("size"), pl.col("number").min().alias("first"))
        every = every.join(sizes, on="into").sort("size", "first", "number", descending=[True, False, False])
        changed = (every["into"] != every["into"].shift(1)).fill_null(True).arg_true().to_numpy()
        starts = np.concatenate([changed, [every.height]]).astype(np.int64)
        groups = Groups(
            every["into"].gather(pl.Series(changed)).to_list(),
            starts,
            every["number"].to_numpy(),
            every["similarity"].to_numpy(),
        )
    run.memory[f"groups {step}"] = groups
    return groups


def _group(run: Opened, made: decided.Decisions, step: str, groups: Groups, k: int) -> room_shapes.CopyGroup:
    low, high = int(groups.starts[k]), int(groups.starts[k + 1])
    shown = groups.rows[low : min(high, low + SHOWN)]
    found = run.ledger.find(groups.into[k])
    kept = [] if not found else [run.number(found[0])]
    lines = lines_of(run, np.array([*kept, *shown.tolist()], np.int64))
    stays = lines[0] if kept else shapes.RowLine(id=groups.into[k], text="", outcome="kept")
    others = lines[len(kept) :]
    ids = {stays.id, *(one.id for one in others)}
    about = [one for one in made.told if one.step == step and one.row in ids]
    return room_shapes.CopyGroup(
        step=step,
        kept=stays,
        copies=others,
        similarities=[None if np.isnan(s) else round(float(s), 4) for s in groups.similarity[low : low + len(shown)]],
        decisions=all_decided(made, about),
        more=high - low - len(shown),
    )
