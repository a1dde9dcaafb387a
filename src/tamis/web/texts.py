"""Rows as pages are told of them: cut to a size, as JSON values, and without what privacy steps have still to take away."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS
from tamis.core.columns import Columns
from tamis.core.errors import DataError
from tamis.core.row import VECTOR
from tamis.engine.frame import Frame
from tamis.runs.questions import plain_text

from .opened import Opened
from .shapes import Message

#: characters of a text in a table, and messages of a row that are looked at for it
LINE, TURNS = 400, 12
#: characters that are read of a text before personal data are looked for and it is cut: what is found is whole then
READ = 2400
#: characters of one text, and messages, that a row's page is told
PAGE, MESSAGES = 200_000, 500
#: whole numbers beyond this are told as text: a page's numbers are floats
EXACT = 2**53


def frame_of(run: Opened, partition: int) -> Frame:
    """A partition's rows after all steps. Columns that only other partitions have are null."""
    here = run.rows.frame(partition)
    own = set(here.names)
    absent = [name for name in column_names(run) if name not in own]
    if not absent:
        return here

    def load(name: str) -> pl.Series:
        return (
            here[name]
            if name in own
            else pl.Series(name, [None], dtype=dtype_of(run, name)).new_from_index(0, here.height)
        )

    return Frame(here.height, [*here.names, *absent], load)


def column_names(run: Opened) -> list[str]:
    """Every column that any partition has, those of the first partition first."""
    known: list[str] | None = run.memory.get("columns")
    if known is None:
        names = (name for index in range(run.rows.count) for name in run.rows.frame(index).names)
        known = run.memory["columns"] = list(dict.fromkeys(names))
    return known


def shown_columns(run: Opened) -> list[str]:
    """The columns that people may ask for: not the parts of ids, nor what only machines read."""
    hidden = ("id.", "at.", ANSWERS)
    return [n for n in column_names(run) if not n.startswith(hidden) and not n.endswith(VECTOR) and n != "messages"]


def dtype_of(run: Opened, name: str) -> Any:
    """The type of a column, from the first partition that has it."""
    kinds: dict[str, Any] = run.memory.setdefault("dtypes", {})
    if name not in kinds:
        for index in range(run.rows.count):
            frame = run.rows.frame(index)
            if name in frame.names:
                kinds[name] = frame[name].dtype
                break
    return kinds[name]


# -- cutting --------------------------------------------------------------------------------------


def cut_series(series: pl.Series, characters: int, turns: int | None = None) -> pl.Series:
    """A column with its texts cut; of messages the first `turns`. Other types stay."""
    if series.dtype == pl.String:
        return series.str.head(characters)
    if isinstance(series.dtype, pl.List) and isinstance(series.dtype.inner, pl.Struct):
        names = [field.name for field in series.dtype.inner.fields if field.dtype == pl.String]
        some = series if turns is None else series.list.head(turns)
        cut = pl.element().struct.with_fields(*(pl.field(name).str.head(characters) for name in names))
        return some.list.eval(cut)
    return series


def told(
    run: Opened, rows: NDArray[np.int64], names: Sequence[str], characters: int = READ, turns: int = TURNS
) -> list[dict[str, Any]]:
    """Some columns of some rows, in their order, texts cut, as people may be told of them. DataError where text is gone."""
    found: list[dict[str, Any]] = [{}] * len(rows)
    parts = run.places(rows)
    veiled = run.veiled(rows)
    for index in np.unique(parts).tolist():
        mine = np.flatnonzero(parts == index)
        frame = frame_of(run, index).take(rows[mine] - run.starts[index])
        cut = pl.DataFrame([cut_series(frame[n], characters, turns).alias(n) for n in dict.fromkeys(names)])
        for hide in (False, True):
            some = np.flatnonzero(veiled[mine] == hide)
            if len(some):
                part = cut[some.tolist()]
                records = (unveiled(run, Frame.of(_with_names(run, part, frame, some))) if hide else part).to_dicts()
                for k, record in zip(mine[some].tolist(), records, strict=True):
                    found[k] = {name: record[name] for name in names}
    return found


def _with_names(run: Opened, part: pl.DataFrame, frame: Columns, rows: NDArray[np.int64]) -> pl.DataFrame:
    """The part with the columns that hold names of people, by which they are found in texts."""
    wanted = [n for one in run.rows.privacy.values() for n in (*one.get("names", ()), *one.get("addresses", ()))]
    named = [
        full for full in frame.names for name in wanted if full in (name, f"source.{name}") and full not in part.columns
    ]
    more = [frame[name].gather(rows.tolist()).alias(name) for name in dict.fromkeys(named)]
    return part.with_columns(more) if more else part


def unveiled(run: Opened, frame: Frame) -> pl.DataFrame:
    """Rows with tags in the places of personal data."""
    from tamis.engine.veil import Veil

    return Veil(list(run.rows.privacy.values())).rows(frame)


# -- lines ----------------------------------------------------------------------------------------


def text_columns(run: Opened) -> list[str]:
    """The columns that a row's text on one line is made of."""
    names = column_names(run)
    made = [name for name in ("messages", "text") if name in names]
    return [*made, *(name for name in names if name.startswith("source.") and _plain(run, name))]


def _plain(run: Opened, name: str) -> bool:
    """Whether a source's column is told where a row has no messages; lists are told as the messages made of them."""
    return not isinstance(dtype_of(run, name), pl.List | pl.Struct | pl.Array)


def line(record: Mapping[str, Any], characters: int = LINE, q: str = "") -> str:
    """A row on one line, cut; around the first place where it says `q`, where that is further on.

    >>> line({"text": "abcdef"}, 4), line({"text": "x" * 500 + "Word" + "y" * 500}, 100, "word")[:25]
    ('abc…', '…xxxxxxxxxxxxxxxxxxxxxxxx')
    """
    text = plain_text(dict(record))
    at = text.lower().find(q.lower()) if q else -1
    if at + len(q) >= characters:
        text = "…" + text[max(0, at - characters // 4) :]
    return short(text, characters)


def short(text: str, characters: int = LINE) -> str:
    """A text, cut."""
    return text if len(text) <= characters else text[: characters - 1] + "…"


def value(one: Any, characters: int = LINE) -> Any:
    """A value as JSON has it: texts cut, lists and objects as text, numbers that a page cannot hold as text.

    >>> value(float("nan")), value(2**60), value(["a"]), value(True), value(3)
    (None, '1152921504606846976', '["a"]', True, 3)
    """
    if one is None or isinstance(one, bool):
        return one
    if isinstance(one, int):
        return one if abs(one) <= EXACT else str(one)
    if isinstance(one, float):
        return one if math.isfinite(one) else None
    if isinstance(one, str):
        return short(one, characters)
    return short(json.dumps(one, ensure_ascii=False, default=str), characters)


# -- pages ----------------------------------------------------------------------------------------


class Cutter:
    """Cuts the texts of one row for its page, and remembers which: name → characters there were."""

    def __init__(self, characters: int = PAGE) -> None:
        self.characters = characters
        self.cut: dict[str, int] = {}

    def text(self, text: str | None, name: str) -> str | None:
        if text is None or len(text) <= self.characters:
            return text
        self.cut[name] = len(text)
        return text[: self.characters]

    def value(self, one: Any, name: str) -> Any:
        """A column's value; what is no text, number or flag is told as JSON text."""
        if isinstance(one, str):
            return self.text(one, name)
        if one is None or isinstance(one, bool | int | float):
            return value(one)
        return self.text(json.dumps(one, ensure_ascii=False, default=str), name)

    def messages(self, turns: Sequence[Mapping[str, Any]] | None, name: str) -> list[Message] | None:
        if turns is None:
            return None
        if len(turns) > MESSAGES:
            self.cut[name] = len(turns)
        told = []
        for k, turn in enumerate(turns[:MESSAGES]):
            fields: dict[str, Any] = {n: turn.get(n) for n in Message.model_fields}
            for part in ("content", "tool_calls"):
                fields[part] = self.text(fields[part], f"{name}.{k}.{part}")
            told.append(Message(**{**fields, "role": fields["role"] or ""}))
        return told


def or_gone(read: Callable[[], list[dict[str, Any]]], rows: int) -> tuple[list[dict[str, Any]], str | None]:
    """What was read, or as many empty rows and why their text is gone."""
    try:
        return read(), None
    except DataError as error:
        return [{} for _ in range(rows)], error.message
