"""Cutting repeated passages out of texts: places, what is left, and the rows with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns, Table, Text
from tamis.core.outcome import Changer
from tamis.core.row import view_column

from .frame import Frame
from .ids import hex_ids
from .passage_text import Ints, Messages, anchors_of, messages_of, rules_for
from .passages import Reader, Repeated, find_passages, lengths_of
from .rewrite import patched, with_contents
from .text import to_series

if TYPE_CHECKING:
    from .kernels.passages import Rules

Snap = Literal["sentence", "line", "none"]

#: rows cut at a time
BATCH = 25_000


class Cuts(NamedTuple):
    """Places to cut, ascending: (k,) each.

    row; message: its place in its conversation; text: among the texts looked at of the row; first, last: bytes
    of the message; start, end: the same in code points; words: how many are in it.
    """

    row: Ints
    message: Ints
    text: Ints
    first: Ints
    last: Ints
    start: Ints
    end: Ints
    words: Ints


def place_cuts(reader: Reader, found: Repeated, rules: Rules, snap: Snap) -> tuple[Cuts, Ints]:
    """(where to cut, so that cuts begin and end with a sentence or a line; rows in which a message would be empty)."""
    from .kernels.passage_cuts import LINES, NO_SNAP, SENTENCES, characters_at, cut_places

    rows = np.unique(found.row).astype(np.int32)
    parts: list[list[Ints]] = [[np.empty(0, np.int64)] for _ in Cuts._fields]
    emptied = [np.empty(0, np.int64)]
    for at in range(0, len(rows), BATCH):
        numbers = rows[at : at + BATCH]
        texts = reader.read(numbers)
        a, b = np.searchsorted(found.row, numbers[0]), np.searchsorted(found.row, numbers[-1], "right")
        local = np.searchsorted(numbers, found.row[a:b])
        kind = {"sentence": SENTENCES, "line": LINES, "none": NO_SNAP}[snap]
        places, words = cut_places(
            texts.data, texts.offsets, texts.starts, rules, kind, local, found.word[a:b], found.length[a:b]
        )
        row, message, first, last = (np.ascontiguousarray(places[:, k]) for k in range(4))
        start, end = np.empty(len(row), np.int64), np.empty(len(row), np.int64)
        characters_at(texts.data, texts.offsets, message, first, start)
        characters_at(texts.data, texts.offsets, message, last, end)
        new = (numbers[row], texts.place[message], message - texts.starts[row], first, last, start, end, words)
        for part, values in zip(parts, new, strict=True):
            part.append(values.astype(np.int64))
        _, empty, _ = _left(texts, message, first, last, rules)
        emptied.append(numbers[row[np.unique(message, return_index=True)[1][empty]]].astype(np.int64))
    return Cuts(*(np.concatenate(part) for part in parts)), np.unique(np.concatenate(emptied))


def _left(
    texts: Messages, message: Ints, first: Ints, last: Ints, rules: Rules
) -> tuple[Text, NDArray[np.bool_], Ints]:
    """(what is left of the messages cut, whether that is nothing, which messages they are)."""
    from .kernels.passage_cuts import cut_texts

    which = np.unique(message)
    room = int((texts.offsets[which + 1] - texts.offsets[which]).sum())
    out, offsets, empty = np.empty(room, np.uint8), np.zeros(len(which) + 1, np.int64), np.empty(len(which), np.bool_)
    cut_texts(texts.data, texts.offsets, message, first, last, rules.classes, out, offsets, empty)
    return Text(out[: offsets[-1]], offsets, np.ones(len(which), np.bool_)), empty, which


def cut_rows(rows: Columns, views: Sequence[str], cuts: Cuts, numbers: Ints, rules: Rules) -> dict[str, pl.Series]:
    """The column of the rows `numbers`, ascending, with their passages cut."""
    column = view_column(views[0])
    texts = messages_of(rows, views, numbers)
    mine = np.isin(cuts.row, numbers)
    message = texts.starts[np.searchsorted(numbers, cuts.row[mine])] + cuts.text[mine]
    left, _, which = _left(texts, message, cuts.first[mine], cuts.last[mine], rules)
    old = rows[column]
    values = to_series("", left)
    if column == "text":
        return {column: patched(old, texts.flat[which], values).alias(column)}
    chat = rows.chat(column)
    contents = patched(chat.messages["content"], texts.flat[which], values)
    return {column: with_contents(old, chat, contents).alias(column)}


class Told(NamedTuple):
    """What is said of all rows: the share of words repeated (or cut), evidence, rows with an emptied message, cuts."""

    share: pl.Series
    figures: dict[str, pl.Series]
    emptied: pl.Series
    cuts: Cuts


class Passages:
    """Repeated passages of some views: gathered, found, told and cut."""

    def __init__(self, views: Sequence[str], length: int, letters: bool, code: bool, ignore_case: bool) -> None:
        self.views = tuple(views)
        self._rules = (length, letters, code, ignore_case)

    @property
    def rules(self) -> Rules:
        """What words and windows are."""
        length, letters, code, ignore_case = self._rules
        return rules_for(length, letters=letters, code=code, ignore_case=ignore_case)

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        """What `find` needs of each row."""
        anchors, words = anchors_of(messages_of(rows, self.views, np.arange(rows.height)), self.rules)
        return {"anchors": anchors, "words": words}

    def find(self, table: Table, least: int, *, first_stays: bool) -> Repeated:
        """The repeated words of all rows."""
        return find_passages(table, Reader(table, self.views), self.rules, least, first_stays=first_stays)

    def tell(self, table: Table, found: Repeated, snap: Snap) -> Told:
        """Where to cut, and what is said of it."""
        cuts, emptied = place_cuts(Reader(table, self.views), found, self.rules, snap)
        n, words = table.height, lengths_of(table).astype(np.int64)
        repeated = np.bincount(cuts.row, weights=cuts.words, minlength=n).astype(np.int64)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = pl.Series("share", (repeated / words).astype(np.float32)).fill_nan(None)
        spans = pl.DataFrame(
            {
                "row": cuts.row,
                "spans": pl.DataFrame(
                    {
                        "view": pl.repeat(self.views[0] if len(self.views) == 1 else "all", len(cuts.row), eager=True),
                        "message": pl.Series(cuts.message, dtype=pl.Int32),
                        "start": pl.Series(cuts.start, dtype=pl.Int32),
                        "end": pl.Series(cuts.end, dtype=pl.Int32),
                    }
                ).to_struct(),
            }
        )
        grouped = spans.group_by("row", maintain_order=True).agg("spans")
        whole = pl.DataFrame({"row": pl.int_range(n, dtype=pl.Int64, eager=True)})
        listed = whole.join(grouped, on="row", how="left", maintain_order="left")["spans"]
        figures = {"share": share, "spans": listed, **_like(table, found, cuts)}
        return Told(share, figures, pl.Series(np.isin(np.arange(n), emptied)), cuts)

    def changer(self, table: Table, told: Told) -> Changer:
        """Makes the rows with their passages cut."""
        column = view_column(self.views[0])
        stay = ~told.emptied.to_numpy()[told.cuts.row]
        cuts = Cuts(*(values[stay] for values in told.cuts))
        rows = np.unique(cuts.row)

        def change(start: int, stop: int) -> tuple[pl.Series, dict[str, pl.Series]]:
            mine = rows[np.searchsorted(rows, start) : np.searchsorted(rows, stop)]
            parts = [
                cut_rows(Frame.of(table.fetch(some, [column])), self.views, cuts, some, self.rules)
                for some in (mine[at : at + BATCH] for at in range(0, len(mine), BATCH))
            ]
            columns = {column: pl.concat([part[column] for part in parts], rechunk=True)} if parts else {}
            return pl.Series(mine), columns

        return change


def _like(table: Table, found: Repeated, cuts: Cuts) -> dict[str, pl.Series]:
    """Per row cut: the row that has its longest passage first, and how many rows have it."""
    n = table.height
    high, low = table.ids()
    order = np.lexsort((found.length, found.row))
    last = order[np.r_[found.row[order][1:] != found.row[order][:-1], True]] if len(order) else order
    first, rows = np.full(n, -1, np.int64), np.zeros(n, np.int64)
    first[found.row[last]], rows[found.row[last]] = found.first[last], found.rows[last]
    cut = np.isin(np.arange(n), cuts.row)
    first[~cut | (first == np.arange(n))] = -1
    return {
        "like": hex_ids(high[first], low[first], valid=first >= 0).alias("like"),
        "rows": pl.select(pl.when(pl.Series(cut)).then(pl.Series(rows, dtype=pl.Int32))).to_series().alias("rows"),
    }
