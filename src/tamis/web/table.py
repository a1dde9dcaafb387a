"""Which rows of a run are meant: by outcome, step and reason from the ledger, by words and SQL from their text; sorted."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS
from tamis.core.errors import did_you_mean
from tamis.engine.frame import Frame, find_column
from tamis.engine.sql import evaluate, names_in

from .opened import OUTCOMES, Opened
from .problems import Refused
from .texts import column_names, frame_of

Rows = NDArray[np.int64]
#: characters of a text that decide its place when rows are sorted; equal ones stay in row order
SORTED = 64
#: what rows can be sorted by beside their columns
ENDS = ("outcome", "step", "reason")


class Look(NamedTuple):
    """Which rows, in which order. `seen_only`: what q and where look at is only what privacy steps are done with."""

    q: str = ""
    where: str = ""
    sort: str = ""
    descending: bool = False
    outcome: str = ""
    step: str = ""
    reason: str = ""
    seen_only: bool = False


def rows_of(run: Opened, look: Look) -> Rows:
    """The numbers of the rows meant, in the order asked for. 400 where a name or an expression is wrong."""
    base = look._replace(sort="", descending=False)
    found = run.chosen.get(base, lambda: _chosen(run, base))
    if not look.sort:
        return found[::-1] if look.descending else found
    return run.chosen.get(look, lambda: _sorted(run, look, found))


def _chosen(run: Opened, look: Look) -> Rows:
    mask = _by_ledger(run, look)
    if look.where:
        names_in(look.where)  # said at once, whatever rows there are
    if look.q or look.where:
        if look.seen_only and run.hidden:
            mask &= ~run.veiled(np.arange(run.height))
        with run.scanning:
            for index in range(len(run.starts) - 1):
                low, high = int(run.starts[index]), int(run.starts[index + 1])
                mask[low:high] = _in_partition(run, index, mask[low:high], look)
    return np.flatnonzero(mask)


def _by_ledger(run: Opened, look: Look) -> NDArray[np.bool_]:
    mask = np.ones(run.height, np.bool_)
    ends = run.ends
    if look.outcome:
        wanted = [_code(one) for one in look.outcome.split(",") if one]
        mask &= np.isin(ends.outcome, wanted)
    number = run.step_number(look.step) if look.step else None
    if number is not None:
        mask &= ends.step == number
    if look.reason:
        slugs = [k for k, (n, slug) in enumerate(run.reasons) if slug == look.reason and number in (None, n)]
        if not slugs:
            known = [slug for n, slug in run.reasons if number in (None, n)]
            raise Refused(400, f"no reason {look.reason!r} here; {did_you_mean(look.reason, known)}")
        mask &= np.isin(ends.reason, slugs)
    return mask


def _code(outcome: str) -> int:
    for code, name in enumerate(OUTCOMES):
        if name == outcome:
            return code
    raise Refused(400, f"no outcome {outcome!r}; possible: {', '.join(OUTCOMES)}")


def _in_partition(run: Opened, index: int, mask: NDArray[np.bool_], look: Look) -> NDArray[np.bool_]:
    """Which of a partition's rows, of those in the mask, hold the words and fulfil the expression."""
    if not mask.any():
        return mask
    frame, at = frame_of(run, index), np.arange(len(mask))
    if mask.sum() < 0.7 * len(mask):
        at = np.flatnonzero(mask)
        frame = frame.take(at)
    good = np.ones(len(at), np.bool_)
    if look.q:
        good &= holds(frame, look.q)
    if look.where:
        good &= evaluate(look.where, frame).to_numpy()
    found = np.zeros(len(mask), np.bool_)
    found[at[good]] = True
    return found & mask


def pattern(q: str) -> str:
    """A regular expression that finds the very text, in either case.

    >>> pattern("a+b")
    '(?i)a\\\\+b'
    """
    return "(?i)" + re.sub(r"([\\.+*?()|\[\]{}^$#&\-~])", r"\\\1", q)


def holds(frame: Frame, q: str) -> NDArray[np.bool_]:
    """Which rows hold a text in a message; in their text or the source's columns where they have no messages."""
    sought = pattern(q)
    found = np.zeros(frame.height, np.bool_)
    spoken = np.zeros(frame.height, np.bool_)
    for name in ("messages", "rejected"):
        if name in frame.names:
            chat = frame.chat(name)
            hits = chat.messages["content"].str.contains(sought).fill_null(False).to_numpy()
            before = np.concatenate([[0], np.cumsum(hits)])
            found |= before[chat.starts[1:]] > before[chat.starts[:-1]]
            spoken |= chat.starts[1:] > chat.starts[:-1]
    if not spoken.all():
        for name in frame.names:
            if name == "text" or name.startswith("source."):
                column = frame[name]
                if column.dtype != pl.String:
                    if isinstance(column.dtype, pl.List | pl.Struct | pl.Array):
                        continue
                    column = column.cast(pl.String, strict=False)
                found |= column.str.contains(sought).fill_null(False).to_numpy() & ~spoken
    return found


def _sorted(run: Opened, look: Look, rows: Rows) -> Rows:
    if look.sort in ENDS:
        ends = run.ends
        key = ends.codes(look.sort)[rows]
        order = np.lexsort((rows, -key if look.descending else key))
        return rows[order]
    name = column(run, look.sort)
    with run.scanning:
        values = values_of(run, rows, name, SORTED)
    if isinstance(values.dtype, pl.List | pl.Struct | pl.Array):
        raise Refused(
            400, f"rows cannot be sorted by {name!r}: its values are lists", hint="sort by a text or a number"
        )
    ranks = values.rank("dense", descending=look.descending)
    del values
    last = len(rows) + 1  # rows without a value
    return rows[np.lexsort((rows, ranks.fill_null(last).to_numpy()))]


def column(run: Opened, name: str) -> str:
    """The full name of a column. 400 where there is none."""
    names = [one for one in column_names(run) if not one.startswith(("id.", ANSWERS))]
    found = find_column(name, names)
    if found not in names:
        raise Refused(400, f"no column {name!r}; {did_you_mean(name, names)}")
    return found


def values_of(run: Opened, rows: Rows, name: str, characters: int) -> pl.Series:
    """One column of many rows, in their order, texts cut."""
    parts = run.places(rows)
    order = np.argsort(parts, kind="stable")
    rows, parts = rows[order], parts[order]
    pieces = []
    for index in np.unique(parts).tolist():
        low, high = np.searchsorted(parts, index, "left"), np.searchsorted(parts, index, "right")
        values = frame_of(run, index)[name].gather(pl.Series(rows[low:high] - run.starts[index], dtype=pl.UInt32))
        pieces.append(values.str.head(characters) if values.dtype == pl.String else values)
    if not pieces:
        return pl.Series(name, [], dtype=pl.String)
    if len({str(piece.dtype) for piece in pieces}) > 1:
        pieces = [piece.cast(pl.String, strict=False) for piece in pieces]
    joined = pl.concat([piece.alias(name) for piece in pieces])
    if np.array_equal(order, np.arange(len(order))):
        return joined
    back = np.empty(len(order), np.uint32)
    back[order] = np.arange(len(order), dtype=np.uint32)
    return joined.gather(pl.Series(back))
