"""Where a stretch of a view stands in the row: from positions in the joined text to (message, start, end)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tamis.core.columns import Columns
from tamis.core.row import CHAT_VIEWS, view_column


class Place(NamedTuple):
    """A stretch of a view's text: the row, and its first and last-but-one code point."""

    row: int
    start: int
    end: int


class Span(NamedTuple):
    """A stretch of a message (its index in the row; None in a view that is no chat), in code points."""

    message: int | None
    start: int
    end: int


def locate(rows: Columns, view: str, places: Sequence[Place]) -> list[Span]:
    """The spans of places. One that goes on into the next message ends with its own."""
    if view not in CHAT_VIEWS or not places:
        return [Span(None, place.start, place.end) for place in places]
    from .frame import select_messages

    chat = rows.chat(view_column(view))
    contents = chat.messages["content"]
    told = select_messages(view, chat) & contents.is_not_null().to_numpy()
    out = []
    for place in places:
        first, end = chat.starts[place.row], chat.starts[place.row + 1]
        start, stop = place.start, place.end
        span = Span(None, start, stop)
        for j in (first + np.flatnonzero(told[first:end])).tolist():
            length = len(contents[j])
            if start <= length:
                span = Span(int(j - first), start, min(stop, length))
                break
            start, stop = start - length - 1, stop - length - 1
        out.append(span)
    return out
