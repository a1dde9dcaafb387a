"""`Frame`: some rows of one partition in memory, with its views and buffers cached."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Chat, Text
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.row import CHAT_VIEWS, check_view, view_column

from .text import joined, to_chat, to_series, to_text

Loader = Callable[[str], pl.Series]


class Frame:
    """Rows of a partition. Columns are loaded when first asked for.

    `load(name)` returns a column of `height` values; `names` are all columns it knows.
    """

    def __init__(self, height: int, names: Sequence[str], load: Loader, *, seed: int = 0) -> None:
        self._height = height
        self._names = list(names)
        self._load = load
        self._seed = seed
        self._columns: dict[str, pl.Series] = {}
        self._texts: dict[str, pl.Series] = {}
        self._buffers: dict[str, Text] = {}
        self._chats: dict[str, Chat] = {}
        self._contents: dict[str, Text] = {}

    @classmethod
    def of(cls, frame: pl.DataFrame, *, seed: int = 0) -> Frame:
        """A frame over columns that are in memory already."""
        return cls(frame.height, frame.columns, frame.get_column, seed=seed)

    @property
    def height(self) -> int:
        return self._height

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._names)

    @property
    def seed(self) -> int:
        return self._seed

    def with_seed(self, seed: int) -> Frame:
        """The same rows and caches, seen by another step."""
        other = object.__new__(Frame)
        other.__dict__.update(self.__dict__)
        other._seed = seed
        return other

    def find(self, name: str) -> str:
        """The full name of a column, given with or without its prefix."""
        return find_column(name, self._names)

    def __getitem__(self, name: str) -> pl.Series:
        full = self.find(name)
        if full not in self._columns:
            self._columns[full] = self._load(full)
        return self._columns[full]

    def set(self, name: str, column: pl.Series) -> None:
        """Replace or add a column; what was made from its old value is forgotten."""
        if name in self._names and name in self._columns and column is self._columns[name]:
            return
        if name not in self._names:
            self._names.append(name)
        self._columns[name] = column if column.name == name else column.alias(name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        self._chats.pop(name, None)
        self._contents.pop(name, None)
        stale = [view for view in {*self._texts, *self._buffers} if view_column(view) == name]
        for view in stale:
            self._texts.pop(view, None)
            self._buffers.pop(view, None)

    def relay(self, name: str, read: Loader, rows: NDArray[np.int64] | None) -> None:
        """Take a column that a layer changed anew from `read`, when it is next asked for; `rows`: which of them."""
        if name not in self._names:
            self._names.append(name)
        older = self._load

        def load(wanted: str) -> pl.Series:
            if wanted != name:
                return older(wanted)
            column = read(name)
            return column if rows is None else column.gather(pl.Series(rows, dtype=pl.UInt32))

        self._load = load
        self._forget(name)
        self._columns.pop(name, None)

    def take(self, rows: NDArray[np.int64]) -> Frame:
        """A new frame with only these rows, in this order."""
        index = pl.Series(rows, dtype=pl.UInt32)
        loaded = dict(self._columns)

        def load(name: str) -> pl.Series:
            column = loaded.get(name)
            return (self._load(name) if column is None else column).gather(index)

        return Frame(len(rows), self._names, load, seed=self._seed)

    def chat(self, column: str = "messages") -> Chat:
        if column not in self._chats:
            self._chats[column] = to_chat(self[column])
        return self._chats[column]

    def contents(self, column: str = "messages") -> Text:
        """The contents of `chat(column)` as bytes; null contents (a tool call) are in no view."""
        if column not in self._contents:
            self._contents[column] = to_text(self.chat(column).messages["content"])
        return self._contents[column]

    def buffers(self, view: str) -> Text:
        check_view(view)
        if view not in self._buffers:
            self._buffers[view] = self._chat_view(view) if view in CHAT_VIEWS else to_text(self.text(view))
        return self._buffers[view]

    def present(self, view: str) -> NDArray[np.bool_]:
        """(height,) bool: which rows have such a text. Joins nothing."""
        if view not in CHAT_VIEWS:
            return self.text(view).is_not_null().to_numpy()
        column = view_column(view)
        if column not in self._names:
            return np.zeros(self._height, np.bool_)
        chat = self.chat(column)
        told = select_messages(view, chat) & chat.messages["content"].is_not_null().to_numpy()
        before = np.concatenate([[0], np.cumsum(told)])
        return before[chat.starts[1:]] > before[chat.starts[:-1]]

    def text(self, view: str) -> pl.Series:
        check_view(view)
        if view not in self._texts:
            if view in CHAT_VIEWS:
                self._texts[view] = to_series(view, self.buffers(view))
            elif view == "text" and "text" not in self._names:
                self._texts[view] = pl.Series("text", [None], dtype=pl.String).new_from_index(0, self._height)
            else:
                column = self[view_column(view)]
                self._texts[view] = column if column.dtype == pl.String else column.cast(pl.String)
        return self._texts[view]

    def _chat_view(self, view: str) -> Text:
        column = view_column(view)
        if column not in self._names:
            return Text(np.empty(0, np.uint8), np.zeros(self._height + 1, np.int64), np.zeros(self._height, np.bool_))
        chat = self.chat(column)
        contents = self.contents(column)
        return joined(chat, select_messages(view, chat) & contents.valid, contents)


def select_messages(view: str, chat: Chat) -> NDArray[np.bool_]:
    """(m,) bool: which messages a view is made of."""
    roles = chat.messages["role"]
    m = len(roles)
    if view == "all":
        return np.ones(m, np.bool_)
    if view == "system":
        return np.asarray((roles == "system").fill_null(False).to_numpy(), np.bool_)
    starts = chat.starts
    final = np.zeros(m, np.bool_)
    filled = starts[1:] > starts[:-1]
    final[starts[1:][filled] - 1] = True
    answers: NDArray[np.bool_] = final & (roles == "assistant").fill_null(False).to_numpy()
    if view == "response" or view == "rejected":
        return answers
    spoken: NDArray[np.bool_] = (roles != "system").fill_null(True).to_numpy()
    return ~answers & spoken


def find_column(name: str, names: Sequence[str]) -> str:
    """The full name of a column; exact first, then `source.<name>`, then one step's `<id>.<name>`.

    Raises UsageError where nothing, or more than one thing, is meant.
    """
    if name in names or name == "id":
        return name
    if f"source.{name}" in names:
        return f"source.{name}"
    ending = [full for full in names if full.endswith(f".{name}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise UsageError(f"column {name!r} could be any of {', '.join(ending)}", hint="name it in full")
    shown = [full for full in names if not full.startswith(("id.", "at."))]
    raise UsageError(f"no column {name!r}; {did_you_mean(name, {*shown, *(f.split('.', 1)[-1] for f in shown)})}")
