"""Strings copied between Arrow's views and bytes that lie end to end."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.core.columns import Chat, Text
from tamis.engine.kernels.buffers import scatter_rows, take_rows
from tamis.engine.text import joined, to_series, to_text

STRINGS = st.lists(st.none() | st.text(max_size=40) | st.text("aé", min_size=13, max_size=300), max_size=12)


def strings_of(text: Text) -> list[str | None]:
    """The slow twin: each string cut out by Python."""
    cuts = zip(text.offsets, text.offsets[1:], text.valid, strict=False)
    return [bytes(text.data[a:b]).decode() if valid else None for a, b, valid in cuts]


@given(STRINGS, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_texts_go_to_bytes_and_back(strings: list[str | None], skipped: int) -> None:
    series = pl.Series("s", strings, dtype=pl.String)[skipped:]  # a slice stands inside its buffers
    text = to_text(series)
    assert strings_of(text) == series.to_list()
    assert to_series("s", text).to_list() == series.to_list()


@given(st.lists(st.lists(st.tuples(st.text(max_size=30), st.booleans()), max_size=4), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_selected_messages_are_joined(rows: list[list[tuple[str, bool]]]) -> None:
    contents = [content for row in rows for content, _ in row]
    selected = np.array([chosen for row in rows for _, chosen in row], np.bool_)
    starts = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    chat = Chat(starts, pl.DataFrame({"content": pl.Series(contents, dtype=pl.String)}))
    found = strings_of(joined(chat, selected, to_text(chat.messages["content"])))
    kept = [[content for content, chosen in row if chosen] for row in rows]
    assert found == ["\x1e".join(row) if row else None for row in kept]


def test_rows_are_taken_and_put_where_they_belong() -> None:
    text = to_text(pl.Series(["one", "", "a string of more than twelve bytes", "é"]))
    rows = np.array([2, 3, 0], np.int64)
    lengths = np.diff(text.offsets)[rows]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    out = np.zeros(offsets[-1], np.uint8)
    take_rows(text.data, text.offsets, rows, out, offsets)
    assert bytes(out).decode() == "a string of more than twelve byteséone"
    room = np.full(60, ord("."), np.uint8)
    scatter_rows(text.data, text.offsets, np.array([0, 3, 10, 50], np.int64), room)
    assert bytes(room).decode() == "one.......a string of more than twelve bytes......é........"
