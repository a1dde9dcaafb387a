"""Columns as JSON, byte for byte as Python's `json.dumps(row, ensure_ascii=False)` writes them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Text
from tamis.core.errors import DataError
from tamis.core.row import MESSAGES

from .text import to_chat, to_series, to_text

#: Message fields in the order they are written; the others stand only where they are not null.
_MESSAGE_FIELDS = ("role", "content", "name", "tool_calls", "tool_call_id", "weight")


class BadValue(NamedTuple):
    """A value that JSON cannot hold: its position and what is wrong."""

    row: int
    message: str


class _Field(NamedTuple):
    """One key of an object and its values; `quoted` values are escaped, others are JSON already."""

    key: str
    text: Text
    quoted: bool
    keep_null: bool


def encode_rows(
    columns: Mapping[str, pl.Series],
    *,
    json_columns: Collection[str] = (),
    optional: Collection[str] = (),
    ascii: bool = False,
) -> memoryview:
    """One JSON object a line, keys in the order of `columns`.

    json_columns hold JSON text, which is embedded; columns in `optional` are left out of the rows where
    they are null, others are written as null. Raises DataError naming the row that cannot be written.
    """
    from .kernels.json_encode import write_rows

    fields = [
        _Field(name, *_values(name, series, name in json_columns, ascii), keep_null=name not in optional)
        for name, series in columns.items()
    ]
    n = len(next(iter(columns.values()))) if columns else 0
    packed = _pack(fields, n, ascii)
    used = write_rows(
        n, packed.modes, packed.keep_null, packed.keys, packed.key_offsets, packed.columns, packed.out, ascii
    )
    return packed.out[:used].data


def encode_chats(messages: pl.Series, tools: pl.Series | None = None, *, ascii: bool = False) -> memoryview:
    """`{"messages": […]}` a line, and `"tools": […]` where there are any. Rows without messages get no line."""
    if tools is not None and tools.null_count() < len(tools):
        return encode_rows(
            {"messages": messages, "tools": tools}, json_columns=["tools"], optional=["tools"], ascii=ascii
        )
    return _message_lists(messages, ascii, head='{"messages": ', tail="}\n").data.data


def messages_text(messages: pl.Series, *, ascii: bool = False) -> pl.Series:
    """Each row's messages as JSON text; null where the row has none."""
    return to_series(messages.name, _message_lists(messages, ascii)).alias(messages.name)


def bad_values(columns: Mapping[str, pl.Series], json_columns: Collection[str] = ()) -> list[BadValue]:
    """Every value that `encode_rows` would refuse, by row."""
    found: list[BadValue] = []
    for name, series in columns.items():
        if series.dtype == MESSAGES:
            found += _bad_calls(name, series)
        elif series.dtype.is_float():
            found += [BadValue(row, _no_number(name)) for row in _not_finite(series)]
        elif series.dtype.is_nested():
            found += [BadValue(row, _no_number(name)) for row in _nested(series, False)[1]]
        elif name in json_columns:
            found += [BadValue(row, f"column {name!r} {why}") for row, why in _recode(to_text(series), False)[1]]
    return sorted(found)


def float_text(series: pl.Series) -> pl.Series:
    """Floats as Python's `repr` writes them. Infinite values and NaN must be dealt with before."""
    series = series.cast(pl.Float64)
    text = series.cast(pl.String)
    size = series.abs()
    # both write the shortest digits that read back; only the exponent form differs, below 1e-4
    odd = ((size < 1e-4) & (size > 0)).fill_null(False)
    if not odd.any():
        return text
    exact = pl.Series([repr(value) for value in series.filter(odd).to_list()], dtype=pl.String)
    return text.scatter(odd.arg_true(), exact)


def to_json(values: Any, *, ascii: bool = False) -> str:
    """A Python value as JSON text; dates as text. ValueError for NaN and infinite numbers."""
    return json.dumps(values, ensure_ascii=ascii, allow_nan=False, default=str)


def _values(name: str, series: pl.Series, is_json: bool, ascii: bool) -> tuple[Text, bool]:
    """A column's values as bytes, and whether they still need quotes. Raises DataError for what JSON cannot hold."""
    dtype = series.dtype
    if dtype == MESSAGES:
        return _message_lists(series, ascii), False
    if is_json:
        text, bad = _recode(to_text(series), ascii)
        for row, why in bad:
            _refuse(BadValue(row, f"column {name!r} {why}"))
        return text, False
    if dtype == pl.String or dtype.is_temporal() or isinstance(dtype, pl.Categorical | pl.Enum):
        return to_text(series.cast(pl.String)), True
    if dtype == pl.Boolean or dtype.is_integer():
        return to_text(series.cast(pl.String)), False
    if dtype.is_float():
        for row in _not_finite(series):
            _refuse(BadValue(row, _no_number(name)))
        return to_text(float_text(series)), False
    if dtype == pl.Null:
        return to_text(series.cast(pl.String)), True
    texts, bad_rows = _nested(series, ascii)
    for row in bad_rows:
        _refuse(BadValue(row, _no_number(name)))
    return to_text(pl.Series(name, texts, dtype=pl.String)), False


def _nested(series: pl.Series, ascii: bool) -> tuple[list[str | None], list[int]]:
    """Lists and structs as JSON text, and the rows where a NaN or an infinite number is in them."""
    texts: list[str | None] = []
    bad = []
    for row, value in enumerate(series.to_list()):
        try:
            texts.append(None if value is None else to_json(value, ascii=ascii))
        except ValueError:
            texts.append(None)
            bad.append(row)
    return texts, bad


def _not_finite(series: pl.Series) -> list[int]:
    return (~series.is_finite()).fill_null(False).arg_true().to_list()


def _no_number(name: str) -> str:
    return f"column {name!r} is NaN or infinite, which JSON cannot hold"


def _refuse(bad: BadValue) -> NoReturn:
    raise DataError(
        f"row {bad.row}: {bad.message}", hint="change the value in a step, or leave the column out with `columns:`"
    )


def _message_lists(messages: pl.Series, ascii: bool, head: str = "", tail: str = "") -> Text:
    """Each row's messages as a JSON array between head and tail; null where the row has none."""
    from .kernels.json_encode import write_lists

    chat = to_chat(messages)
    fields = []
    for key in _MESSAGE_FIELDS:
        column = chat.messages[key]
        if key not in ("role", "content") and column.null_count() == len(column):
            continue
        if key == "tool_calls":
            text, bad = _recode(to_text(column), ascii)
            for line, why in bad:
                _refuse(BadValue(_row_of(chat.starts, line), f"tool_calls of a message in {messages.name!r} {why}"))
        else:
            text = to_text(column.cast(pl.String))
        fields.append(_Field(key, text, key not in ("tool_calls", "weight"), keep_null=key in ("role", "content")))
    n = len(messages)
    wrap = len(head) + len(tail) + 4
    packed = _pack(fields, chat.messages.height, ascii, more=n * wrap)
    present = messages.is_not_null().to_numpy()
    offsets = np.empty(n + 1, np.int64)
    before, after = np.frombuffer(head.encode(), np.uint8), np.frombuffer(tail.encode(), np.uint8)
    p = packed
    used = write_lists(
        chat.starts,
        present,
        before,
        after,
        p.modes,
        p.keep_null,
        p.keys,
        p.key_offsets,
        p.columns,
        p.out,
        offsets,
        ascii,
    )
    return Text(packed.out[:used], offsets, present)


def _bad_calls(name: str, messages: pl.Series) -> list[BadValue]:
    """Tool calls that are no JSON."""
    chat = to_chat(messages)
    column = chat.messages["tool_calls"]
    if column.null_count() == len(column):
        return []
    return [
        BadValue(_row_of(chat.starts, line), f"tool_calls of a message in {name!r} {why}")
        for line, why in _recode(to_text(column), False)[1]
    ]


def _row_of(starts: NDArray[np.int64], line: int) -> int:
    return int(np.searchsorted(starts, line, side="right")) - 1


def _recode(text: Text, ascii: bool) -> tuple[Text, list[tuple[int, str]]]:
    """JSON texts as `json.dumps(json.loads(text))` writes them, and (row, what is wrong) where that fails."""
    from .kernels.json_encode import SLACK, count_special
    from .kernels.json_recode import recode_json

    n = len(text.offsets) - 1
    room = 2 * len(text.data) + 5 * int(count_special(text.data, ascii)) + SLACK
    out, offsets, left = np.empty(room, np.uint8), np.empty(n + 1, np.int64), np.zeros(n, np.bool_)
    recode_json(text.data, text.offsets, text.valid, out, offsets, left, ascii)
    rows = np.flatnonzero(left)
    if not len(rows):
        return Text(out[: offsets[n]], offsets, text.valid), []
    bad: list[tuple[int, str]] = []
    pieces: list[bytes] = []
    lengths = np.diff(offsets)
    at = 0
    for row in rows.tolist():
        pieces.append(out[at : offsets[row]].tobytes())
        at = int(offsets[row])
        try:
            piece = _reread(text.data[text.offsets[row] : text.offsets[row + 1]].tobytes(), ascii)
        except (ValueError, RecursionError) as error:
            bad.append((row, f"is no JSON: {error}"))
            piece = b"null"
        pieces.append(piece)
        lengths[row] = len(piece)
    pieces.append(out[at : offsets[n]].tobytes())
    return Text(np.frombuffer(b"".join(pieces), np.uint8), np.concatenate([[0], np.cumsum(lengths)]), text.valid), bad


def _reread(raw: bytes, ascii: bool) -> bytes:
    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no JSON number")

    value = json.loads(raw.decode(), parse_constant=refuse)
    try:
        plain = to_json(value).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair") from None
    return to_json(value, ascii=True).encode() if ascii else plain


class _Packed(NamedTuple):
    """Fields as the kernels take them; `held` keeps their memory alive."""

    modes: NDArray[np.uint8]
    keep_null: NDArray[np.bool_]
    keys: NDArray[np.uint8]
    key_offsets: NDArray[np.int64]
    columns: NDArray[np.int64]
    out: NDArray[np.uint8]
    held: list[Any]


def _pack(fields: list[_Field], lines: int, ascii: bool, more: int = 0) -> _Packed:
    """Fields of `lines` values, and room for them written as objects, and `more` bytes."""
    from .kernels.json_encode import QUOTED, RAW, SLACK, count_special

    keys = [f"{to_json(field.key, ascii=ascii)}: ".encode() for field in fields]
    held = [
        (
            np.ascontiguousarray(f.text.data),
            np.ascontiguousarray(f.text.offsets),
            np.ascontiguousarray(f.text.valid).view(np.uint8),
        )
        for f in fields
    ]
    columns = np.array(
        [[data.ctypes.data, data.size, offsets.ctypes.data, valid.ctypes.data] for data, offsets, valid in held],
        np.int64,
    ).reshape(-1, 4)
    room = SLACK + more + lines * (4 + sum(len(key) + 8 for key in keys))
    for field, (data, *_) in zip(fields, held, strict=True):
        room += data.size + (5 * int(count_special(data, ascii)) if field.quoted else 0)
    return _Packed(
        np.array([QUOTED if f.quoted else RAW for f in fields], np.uint8),
        np.array([f.keep_null for f in fields], np.bool_),
        np.frombuffer(b"".join(keys) + b"\0" * SLACK, np.uint8),
        np.concatenate([[0], np.cumsum([len(key) for key in keys])]).astype(np.int64),
        columns,
        np.empty(room, np.uint8),
        held,
    )


def nested_text(series: pl.Series) -> pl.Series:
    """Lists and structs as JSON text. Raises DataError for what JSON cannot hold."""
    return to_series(series.name, _values(series.name, series, False, False)[0]).alias(series.name)


def row_bytes(rows: pl.DataFrame) -> NDArray[np.int64]:
    """(n,) about how many bytes of text and numbers each row holds; depends on each row alone."""
    total = np.full(rows.height, 8 * rows.width, np.int64)
    for series in rows.iter_columns():
        if series.dtype == pl.String:
            total += series.str.len_bytes().fill_null(0).to_numpy().astype(np.int64)
        elif series.dtype == MESSAGES:
            chat = to_chat(series)
            sizes = np.zeros(chat.messages.height + 1, np.int64)
            for name in ("content", "tool_calls"):
                sizes[1:] += chat.messages[name].str.len_bytes().fill_null(0).to_numpy().astype(np.int64)
            np.cumsum(sizes, out=sizes)
            total += sizes[chat.starts[1:]] - sizes[chat.starts[:-1]]
    return total
