"""From the columns of a known shape to rows: `Reading`, and one function a shape (pairs are in `shape_pairs.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Chat, Columns

from .chats import flat, join_chats, nothing, one_message
from .shape_chat import Misfit, Piece, first_of, kind_of, load_json, read_lists, sparse
from .text import to_messages

#: a text that begins like a JSON list of objects, or like one object, and speaks of roles, is messages
_LIST, _LIST_OR_ONE = r'^\s*\[\s*\{\s*"', r'^\s*\[?\s*\{\s*"'
_ROLE = r'"(?:role|from)"\s*:'


@dataclass
class Mapped:
    """What rows of a shape become; columns that the shape says nothing of are None.

    problem: why a row is not of the shape; lost: what its row cannot hold. (n,) String, null where all is well.
    """

    messages: pl.Series | None = None
    rejected: pl.Series | None = None
    tools: pl.Series | None = None
    text: pl.Series | None = None
    problem: pl.Series | None = None
    lost: pl.Series | None = None


class Reading:
    """Reads the fields of a shape and keeps what went wrong. columns: the fields' full column names."""

    def __init__(self, rows: Columns, columns: Mapping[str, str], join: str) -> None:
        self.rows, self.columns, self.join = rows, columns, join
        self.n = rows.height
        self._problems: list[pl.Series | None] = []
        self._lost: list[pl.Series | None] = []
        self.tools_inside: pl.Series | None = None

    def has(self, field: str) -> bool:
        return field in self.columns

    def label(self, field: str) -> str:
        return self.columns[field].removeprefix("source.")

    def text(self, field: str, *, required: bool = False) -> pl.Series:
        """A field as text."""
        series = as_text(self.rows[self.columns[field]])
        if required:
            self.fault(series.is_null(), f"{self.label(field)} is null")
        return series

    def fault(self, when: pl.Series, message: str) -> None:
        """Rows where `when` holds are not of the shape."""
        if when.any():
            self._problems.append(pl.select(pl.when(when).then(pl.lit(message))).to_series())

    def take(self, piece: Piece) -> Chat:
        """A piece's messages; what it says of problems is kept."""
        self._problems.append(piece.problem)
        self._lost.append(piece.lost)
        self.tools_inside = first_of(self.tools_inside, piece.tools)
        return piece.chat

    def lists(self, field: str, *, single: bool = False) -> Chat:
        return self.take(read_lists(as_text(self.rows[self.columns[field]]), self.label(field), single=single))

    def turn(self, field: str, role: str, *, single: bool = False) -> Chat:
        """A field that is a text, or a JSON list of messages. It must not be null."""
        return self.turn_of(self.text(field, required=True), field, role, single=single)

    def turn_of(self, series: pl.Series, field: str, role: str, *, single: bool = False) -> Chat:
        """The same, of some of the field's texts; the others are null."""
        listed = series.str.contains(_LIST_OR_ONE if single else _LIST).fill_null(False)
        if listed.any():
            listed &= series.str.contains(_ROLE).fill_null(False)
        if not listed.any():
            return one_message(role, series)
        where = listed.to_numpy().nonzero()[0]
        piece = spread(read_lists(series.filter(listed), self.label(field), single=single), where, self.n)
        rest = pl.select(pl.when(~listed).then(series)).to_series()
        return join_chats([one_message(role, rest), self.take(piece)])

    def system(self, chat: Chat | None = None) -> Chat:
        """The system column as messages. Where the conversation begins with a system message too, they must agree."""
        if not self.has("system"):
            return nothing(self.n)
        series = self.text("system")
        series = pl.select(pl.when(series != "").then(series)).to_series()
        if chat is not None and chat.messages.height:
            filled = np.diff(chat.starts) > 0
            first = pl.Series(np.where(filled, chat.starts[:-1], 0)).cast(pl.UInt32)
            inside = pl.Series(filled) & (chat.messages["role"].gather(first) == "system")
            content = chat.messages["content"].gather(first)
            self.fault(
                inside & series.is_not_null() & series.ne_missing(content),
                f"{self.label('system')} differs from the system message",
            )
            series = pl.select(pl.when(~inside).then(series)).to_series()
        return one_message("system", series)

    def tools(self) -> pl.Series:
        """The tools column, or those found among the messages; a JSON string that holds JSON is opened."""
        if not self.has("tools"):
            return empty(self.n) if self.tools_inside is None else self.tools_inside
        series = self.text("tools").str.strip_chars(" \t\r\n")
        series = pl.select(pl.when(series != "").then(series)).to_series()
        quoted = series.str.starts_with('"').fill_null(False)
        if quoted.any():
            opened = [_opened(text) for text in series.filter(quoted).to_list()]
            series = series.scatter(quoted.arg_true(), pl.Series(opened, dtype=pl.String))
        self.fault(~series.str.contains(r"^[\[{]").fill_null(True), f"{self.label('tools')} is no JSON list")
        return series if self.tools_inside is None else pl.select(pl.coalesce(series, self.tools_inside)).to_series()

    def done(
        self,
        chat: Chat | None,
        *,
        rejected: Chat | None = None,
        tools: pl.Series | None = None,
        text: pl.Series | None = None,
    ) -> Mapped:
        problem = first_of(*self._problems)
        good = np.ones(self.n, np.bool_) if problem is None else problem.is_null().to_numpy()
        return Mapped(
            None if chat is None else to_messages("messages", chat, good),
            None if rejected is None else to_messages("rejected", rejected, good),
            tools,
            text,
            problem,
            _all_lost(self._lost),
        )


def read_chats(reading: Reading) -> Mapped:
    chat = reading.lists("messages")
    return reading.done(join_chats([reading.system(chat), chat]), tools=reading.tools())


def read_alpaca(reading: Reading) -> Mapped:
    user = reading.text("instruction", required=True)
    if reading.has("input"):
        more = reading.text("input").fill_null("")
        parts = pl.when(more == "").then(user).when(user == "").then(more)
        user = pl.select(parts.otherwise(pl.concat_str(user, pl.lit(reading.join), more))).to_series()
    history = read_history(reading)
    turns = [one_message("user", user)]
    if reading.has("output"):
        turns = [flat([("user", user), ("assistant", reading.text("output", required=True))])]
    return reading.done(join_chats([reading.system(), history, *turns]), tools=reading.tools())


def read_history(reading: Reading) -> Chat:
    """Earlier turns: a JSON list of [question, answer]."""
    if not reading.has("history"):
        return nothing(reading.n)
    label = reading.label("history")
    series = reading.text("history")
    rows = (series.is_not_null() & ~series.is_in(["", "[]"])).arg_true()
    starts = np.zeros(reading.n + 1, np.int64)
    problems: dict[int, str] = {}
    messages: list[tuple[str, str]] = []
    for row, text in zip(rows.to_list(), series.gather(rows).to_list(), strict=True):
        try:
            pairs = load_json(text, label)
            if not isinstance(pairs, list) or not all(
                isinstance(p, list) and [type(t) for t in p] == [str, str] for p in pairs
            ):
                raise Misfit(f"{label} is {kind_of(pairs)}, not a list of [question, answer]")
            messages += [turn for pair in pairs for turn in zip(("user", "assistant"), pair, strict=True)]
            starts[row + 1] = 2 * len(pairs)
        except Misfit as misfit:
            problems[row] = str(misfit)
    chat = Chat(
        np.cumsum(starts), pl.DataFrame(messages, schema={"role": pl.String, "content": pl.String}, orient="row")
    )
    return reading.take(Piece(chat, sparse(problems, reading.n)))


def read_pair(reading: Reading) -> Mapped:
    if reading.has("messages"):
        chat = reading.lists("messages")
        return reading.done(join_chats([reading.system(chat), chat]), tools=reading.tools())
    prompt = reading.turn("prompt", "user")
    answer = reading.turn("completion", "assistant", single=True) if reading.has("completion") else nothing(reading.n)
    return reading.done(join_chats([reading.system(prompt), prompt, answer]), tools=reading.tools())


def read_kto(reading: Reading) -> Mapped:
    label = reading.rows[reading.columns["label"]]
    if label.dtype == pl.Boolean:
        reading.fault(label.is_null(), f"{reading.label('label')} is null")
    else:
        everyone = pl.Series([True]).new_from_index(0, reading.n)
        reading.fault(everyone, f"{reading.label('label')} is {_dtype_word(label.dtype)}, not true or false")
    return read_pair(reading)


def read_text(reading: Reading) -> Mapped:
    return reading.done(None, text=reading.text("text", required=True).alias("text"))


# -- columns and chats ----------------------------------------------------------------------------


def as_text(series: pl.Series) -> pl.Series:
    """A column as text; floats as Python writes them."""
    if series.dtype == pl.String:
        return series
    if series.dtype.is_float():
        from .encode import float_text

        return float_text(series)
    return series.cast(pl.String)


def _dtype_word(dtype: pl.DataType) -> str:
    return "a text" if dtype == pl.String else "a number" if dtype.is_numeric() else str(dtype)


def empty(n: int) -> pl.Series:
    """n null texts."""
    return pl.Series([None], dtype=pl.String).new_from_index(0, n)


def spread(piece: Piece, rows: NDArray[np.int64], n: int) -> Piece:
    """A piece about some rows as a piece about all n."""
    counts = np.zeros(n, np.int64)
    counts[rows] = np.diff(piece.chat.starts)
    chat = Chat(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), piece.chat.messages)

    def wide(series: pl.Series | None) -> pl.Series | None:
        if series is None:
            return None
        return empty(n).scatter(rows, series)

    return Piece(chat, wide(piece.problem), wide(piece.lost), wide(piece.tools))


def _opened(text: str) -> str | None:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return (value.strip() or None) if isinstance(value, str) else text


def _all_lost(series: Sequence[pl.Series | None]) -> pl.Series | None:
    given = [one for one in series if one is not None]
    if len(given) < 2:
        return given[0] if given else None
    joined = pl.select(pl.concat_str([pl.Series(one) for one in given], separator=",", ignore_nulls=True)).to_series()
    return pl.select(pl.when(joined != "").then(joined)).to_series()
