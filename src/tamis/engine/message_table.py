"""Conversations out of a table of single messages that name their parents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .hashing import Keys
from .shape_trees import _ROLES

#: what is wrong with a message, by code; 0: nothing
PROBLEMS = ("", "not_this_shape", "deleted", "repeated_id", "no_parent", "worse_reply")
SHAPE, DELETED, REPEATED, ORPHAN, WORSE = range(1, len(PROBLEMS))

Ints = NDArray[np.int64]


class Forest(NamedTuple):
    """Messages as trees, per row.

    parent: (n,) int64, -1 for a first message; problem: (n,) uint8, an index into PROBLEMS; end: (n,) bool, the row
    is the last answer of a thread; into: (n,) int64, the first thread a row is part of, -1 where it is part of none.
    """

    parent: Ints
    problem: NDArray[np.uint8]
    end: NDArray[np.bool_]
    into: Ints


def role_of(column: pl.Series) -> pl.Series:
    """user, assistant, system, or null where the role is none of them."""
    return column.cast(pl.String).replace_strict(_ROLES, default=None, return_dtype=pl.String)


def forest(
    own: Keys, above: Keys, answer: NDArray[np.bool_], problem: NDArray[np.uint8], rank: pl.Series | None
) -> Forest:
    """The trees that messages form. own, above: keys of a message and of its parent; answer: an assistant spoke.

    problem: what is wrong with a message by itself. Where `rank` is given only the best reply to each message stays.
    """
    problem = problem.copy()
    parent = _parents(own, above, problem)
    if rank is not None:
        _keep_best(parent, problem, rank)
    levels = _levels(parent, above.valid, problem)
    end, into = _ends(parent, levels, answer)
    return Forest(parent, problem, end, into)


def path(parent: Ints, row: int) -> list[int]:
    """The rows from the first message to `row`."""
    found = [row]
    while parent[found[-1]] >= 0:
        found.append(int(parent[found[-1]]))
    return found[::-1]


def _parents(own: Keys, above: Keys, problem: NDArray[np.uint8]) -> Ints:
    """(n,) int64: the row of each row's parent, -1 where there is none; later rows of one id are told as repeated."""
    n = len(own.high)
    table = pl.DataFrame({"high": own.high, "low": own.low, "row": np.arange(n)})
    usable = pl.Series(own.valid & (problem == 0))
    first = table.filter(usable).unique(["high", "low"], keep="first", maintain_order=True)
    repeated = usable.to_numpy().copy()
    repeated[first["row"].to_numpy()] = False
    problem[repeated] = REPEATED
    asked = pl.DataFrame({"high": above.high, "low": above.low}).join(
        first, on=["high", "low"], how="left", maintain_order="left"
    )
    parent = asked["row"].fill_null(-1).to_numpy().astype(np.int64)
    parent[~above.valid] = -1
    problem[(problem == 0) & above.valid & (parent < 0)] = ORPHAN
    return parent


def _keep_best(parent: Ints, problem: NDArray[np.uint8], rank: pl.Series) -> None:
    """Mark replies that have a better sibling: the least rank wins, rows without one come last, ties as they stand."""
    n = len(parent)
    rows = pl.DataFrame({"parent": parent, "rank": rank.cast(pl.Float64).fill_nan(None), "row": np.arange(n)})
    replies = rows.filter((pl.col("parent") >= 0) & pl.Series(problem == 0))
    best = replies.sort("rank", "row", nulls_last=True).unique("parent", keep="first", maintain_order=True)["row"]
    worse = np.zeros(n, np.bool_)
    worse[replies["row"].to_numpy()] = True
    worse[best.to_numpy()] = False
    problem[worse] = WORSE


def _levels(parent: Ints, has_parent: NDArray[np.bool_], problem: NDArray[np.uint8]) -> list[Ints]:
    """Rows by their distance from a first message; who is reached from none goes with the parent it hangs on."""
    sound = problem == 0
    level = np.flatnonzero(sound & ~has_parent)
    reached = np.zeros(len(parent), np.bool_)
    levels = []
    children = np.argsort(parent, kind="stable")
    ordered = parent[children]
    while len(level):
        levels.append(level)
        reached[level] = True
        starts, stops = np.searchsorted(ordered, level, "left"), np.searchsorted(ordered, level, "right")
        below = [children[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True) if a < b]
        level = np.sort(np.concatenate(below)) if below else np.empty(0, np.int64)
        level = level[sound[level]]
    problem[sound & ~reached] = ORPHAN
    return levels


def _ends(parent: Ints, levels: list[Ints], answer: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], Ints]:
    """The last answers, and for every row the first of them that it leads to."""
    n = len(parent)
    into = np.full(n, n, np.int64)
    end = np.zeros(n, np.bool_)
    for level in reversed(levels):
        last = level[answer[level] & (into[level] == n)]
        end[last] = True
        into[last] = last
        inner = level[parent[level] >= 0]
        np.minimum.at(into, parent[inner], into[inner])
    into[into == n] = -1
    return end, into
