"""Between Polars strings and the bytes that kernels read, through the Arrow C interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Chat, Text
from tamis.core.row import MESSAGE, MESSAGES, SEPARATOR


def to_text(series: pl.Series) -> Text:
    """The bytes of a string series. Nulls have length zero and `valid` False."""
    import nanoarrow as na

    from .kernels.buffers import gather_views, view_offsets

    n = len(series)
    if series.dtype != pl.String:
        series = series.cast(pl.String)
    if n == 0:
        return Text(np.empty(0, np.uint8), np.zeros(1, np.int64), np.empty(0, np.bool_))
    series = series.rechunk()
    valid = series.is_not_null().to_numpy() if series.null_count() else np.ones(n, np.bool_)
    array = next(iter(na.c_array_stream(series)))
    view = array.view()
    base = array.offset
    inline = np.frombuffer(view.buffer(1), np.uint8)[base * 16 : (base + n) * 16].reshape(n, 16)
    views = inline.view(np.uint32)
    blocks = [np.frombuffer(view.buffer(k), np.uint8) for k in range(2, view.n_buffers - 1)]
    addresses = np.array([block.ctypes.data for block in blocks] or [0], np.int64)
    sizes = np.array([block.size for block in blocks] or [0], np.int64)
    offsets = np.empty(n + 1, np.int64)
    view_offsets(views, valid, offsets)
    out = np.empty(int(offsets[n]), np.uint8)
    gather_views(views, inline, addresses, sizes, offsets, out)
    return Text(out, offsets, valid)


def to_series(name: str, text: Text) -> pl.Series:
    """A string series over bytes that must be valid UTF-8."""
    import nanoarrow as na

    return pl.Series(name, na.Array(_large_strings(text)), dtype=pl.String).alias(name)


def _large_strings(text: Text) -> Any:
    """The bytes as an Arrow array, without a copy."""
    import nanoarrow as na

    validity = None if bool(text.valid.all()) else _bitmap(text.valid)
    offsets, data = np.ascontiguousarray(text.offsets), np.ascontiguousarray(text.data)
    return na.c_array_from_buffers(na.large_string(), len(offsets) - 1, [validity, offsets, data])


def _bitmap(valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Arrow's validity bits, least significant first."""
    return np.packbits(valid, bitorder="little")


def to_chat(series: pl.Series) -> Chat:
    """The messages of a `List(MESSAGE)` series, flat. Null rows have no messages."""
    lengths = series.list.len()
    filled = (lengths.fill_null(0) if series.null_count() else lengths).to_numpy()
    starts = np.zeros(len(series) + 1, np.int64)
    np.cumsum(filled, out=starts[1:])
    flat = (series if filled.all() else series.filter(lengths > 0)).explode()
    if len(flat) == 0:
        return Chat(starts, pl.DataFrame(schema=dict(MESSAGE)))
    return Chat(starts, flat.struct.unnest())


def to_messages(name: str, chat: Chat, valid: NDArray[np.bool_] | None = None) -> pl.Series:
    """A `List(MESSAGE)` series from flat messages; rows where `valid` is False are null.

    Columns that `chat.messages` lacks are null.
    """
    import nanoarrow as na

    n, m = len(chat.starts) - 1, chat.messages.height
    if n == 0:
        return pl.Series(name, [], dtype=MESSAGES)
    fields: dict[str, Any] = {}
    children = []
    for field in MESSAGE.fields:
        given = field.name in chat.messages.columns
        column = chat.messages[field.name] if given else pl.Series([None], dtype=field.dtype).new_from_index(0, m)
        if field.dtype == pl.String:
            fields[field.name] = na.large_string()
            children.append(_large_strings(to_text(column)))
        else:
            fields[field.name] = na.int8()
            present = column.is_not_null().to_numpy()
            values = column.cast(pl.Int8).fill_null(0).to_numpy()
            children.append(na.c_array_from_buffers(na.int8(), m, [_bitmap(present), np.ascontiguousarray(values)]))
    item = na.c_array_from_buffers(na.struct(fields), m, [None], children=children)
    starts = np.ascontiguousarray(chat.starts, np.int64)
    validity = None if valid is None or bool(valid.all()) else _bitmap(valid)
    array = na.c_array_from_buffers(na.large_list(na.struct(fields)), n, [validity, starts], children=[item])
    return pl.Series(name, na.Array(array), dtype=MESSAGES).alias(name)


def joined(chat: Chat, selected: NDArray[np.bool_], contents: Text) -> Text:
    """The selected messages of each row joined by the record separator; null where none is selected."""
    from .kernels.buffers import join_selected

    n = len(chat.starts) - 1
    lengths = np.diff(contents.offsets)
    room = int(lengths[selected].sum()) + int(selected.sum())
    out = np.empty(room, np.uint8)
    offsets = np.empty(n + 1, np.int64)
    valid = np.empty(n, np.bool_)
    used = join_selected(
        contents.data, contents.offsets, chat.starts, selected, np.uint8(ord(SEPARATOR)), out, offsets, valid
    )
    return Text(out[:used], offsets, valid)
