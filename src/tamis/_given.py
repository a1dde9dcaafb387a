"""Rows as people hold them in Python, brought to the two forms the source `frames` reads: a table, or a list of dicts.

What is the same row must get the same id, whatever held it: a point in time does not depend on the unit a library
counts it in, and nothing is taken whose text changes from one process to the next.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import math
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, NoReturn

import polars as pl

from tamis.core.errors import DataError

Rows = pl.DataFrame | list[dict[str, Any]]

TAKEN = "a pandas, Polars or pyarrow table, a list of dicts, a dict of lists, or anything with `__arrow_c_stream__` is taken"
#: levels of nesting; from fewer on the source quarantines the row
DEEPEST = 200
ONCE = "a generator or a stream of record batches can be read once; make it anew"


def given(data: Any) -> Rows:
    """The rows of some data. DataError where it holds none, or something that no row can hold."""
    rows = _rows(data)
    if len(rows) == 0:
        once = hasattr(data, "__next__") or hasattr(data, "read_next_batch")
        raise DataError(f"the data ({_kind(data)}) holds no rows", hint=ONCE if once else None)
    return rows


def _rows(data: Any) -> Rows:
    if isinstance(data, pl.LazyFrame):
        return _table(data.collect())
    if isinstance(data, pl.DataFrame):
        return _table(data)
    if type(data).__module__.split(".")[0] == "pandas":
        return _pandas(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return _table(_arrow(data))
    if isinstance(data, Mapping):
        return _columns(data)
    if isinstance(data, str | bytes | PurePath):
        raise DataError(
            f"{str(data)[:200]!r} is a name and no data", hint='files are read by `tamis.source("files", path=…)`'
        )
    if not isinstance(data, Iterable):
        raise DataError(f"a {_kind(data)} holds no rows", hint=TAKEN)
    return [_row(row, number) for number, row in enumerate(data, 1)]


def _kind(data: Any) -> str:
    home = type(data).__module__.split(".")[0]
    return type(data).__name__ if home == "builtins" else f"{home} {type(data).__name__}"


# -- tables -----------------------------------------------------------------------------------


def _arrow(data: Any) -> pl.DataFrame:
    try:
        frame = pl.DataFrame(data)
    except pl.exceptions.DuplicateError:
        schema = getattr(data, "schema", None)
        _repeated(list(getattr(schema, "names", None) or []))
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise DataError(f"the data ({_kind(data)}) cannot be read as a table: {error}", hint=TAKEN) from None
    return frame


def _pandas(data: Any) -> Rows:
    """A pandas table; its index is left out. Columns that Arrow cannot hold in one type are read value by value."""
    if not hasattr(data, "columns"):
        if not hasattr(data, "to_frame"):
            raise DataError(f"a {_kind(data)} holds no rows", hint=TAKEN)
        data = data.to_frame()
    names = list(data.columns)
    if any(isinstance(name, tuple) for name in names):
        raise DataError(
            f"the columns of the pandas table have {len(names[0])} levels",
            hint='one name each: frame.columns = ["_".join(map(str, name)) for name in frame.columns]',
        )
    names = _unique(names)
    data = data.set_axis(names, axis=1)
    for place, name in enumerate(names):
        if str(data.dtypes.iloc[place]) == "object" and any(isinstance(v, set | frozenset) for v in data[name]):
            break
    else:
        try:
            return _table(pl.from_pandas(data))
        except (ImportError, ValueError, TypeError, OverflowError, NotImplementedError, pl.exceptions.PolarsError):
            pass  # pyarrow is missing, or a column mixes types
    return [_row(row, number) for number, row in enumerate(data.astype(object).to_dict("records"), 1)]


def _table(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, points in time in microseconds: pandas, Polars and Arrow count them in units of their own."""
    return frame.with_columns(
        [
            same
            for series in frame
            if (target := _microseconds(series.dtype)) != series.dtype
            and (same := series.cast(target)).cast(series.dtype).equals(series, null_equal=True)
        ]
    )


def _microseconds(dtype: Any) -> Any:
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", dtype.time_zone)
    if isinstance(dtype, pl.Duration):
        return pl.Duration("us")
    if isinstance(dtype, pl.List):
        return pl.List(_microseconds(dtype.inner))
    if isinstance(dtype, pl.Array):
        return pl.Array(_microseconds(dtype.inner), dtype.size)
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _microseconds(field.dtype) for field in dtype.fields})
    return dtype


def _unique(names: list[Any]) -> list[str]:
    texts = [str(name) for name in names]
    if len(set(texts)) < len(texts):
        _repeated(texts)
    return texts


def _repeated(names: list[str]) -> NoReturn:
    twice = [repr(name) for name, count in Counter(names).items() if count > 1]
    raise DataError(
        f"the data has columns of one name: {', '.join(twice[:10]) or 'more than one'}", hint="rename all but one"
    )


# -- values -----------------------------------------------------------------------------------


def _columns(data: Mapping[Any, Any]) -> list[dict[str, Any]]:
    """A dict of lists, read as the rows it means."""
    names = _unique(list(data))
    columns: dict[str, list[Any]] = {}
    for name, values in zip(names, data.values(), strict=True):
        if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
            raise DataError(
                f"column {name!r} is a {_kind(values)} and not a list", hint="one row is a list of one dict: [row]"
            )
        columns[name] = list(values)
    heights = {name: len(values) for name, values in columns.items()}
    if len(set(heights.values())) > 1:
        told = ", ".join(f"{name!r} {height}" for name, height in list(heights.items())[:10])
        raise DataError(f"the columns are not of one length: {told}")
    rows = zip(*columns.values(), strict=True)
    return [_row(dict(zip(names, row, strict=True)), number) for number, row in enumerate(rows, 1)]


def _row(row: Any, number: int) -> dict[str, Any]:
    if not isinstance(row, Mapping):
        raise DataError(f"row {number} is a {_kind(row)} and not a dict", hint=TAKEN)
    names = row if all(type(name) is str for name in row) else _unique(list(row))
    try:
        return {name: _value(value, 0) for name, value in zip(names, row.values(), strict=True)}
    except (TypeError, ValueError) as error:
        raise DataError(f"row {number} {error}") from None


def _value(value: Any, depth: int) -> Any:
    """A value as JSON has it, the same in every process. TypeError says what cannot be one."""
    kind = type(value)
    if value is None or kind is str or kind is int or kind is bool:
        return value
    if depth > DEEPEST:
        raise ValueError(f"is nested deeper than {DEEPEST} levels")
    if isinstance(value, float):
        return None if math.isnan(value) else float(value)
    if isinstance(value, Mapping):
        return {_key(name): _value(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_value(inner, depth + 1) for inner in value]
    if kind.__name__ in ("NaTType", "NAType"):  # pandas' words for null
        return None
    if isinstance(value, enum.Enum):
        return _value(value.value, depth + 1)
    if isinstance(value, dt.datetime):
        finer = getattr(value, "nanosecond", 0)  # pandas counts finer than Python
        return value.isoformat(sep=" ", timespec="nanoseconds" if finer else "microseconds")
    if isinstance(value, dt.timedelta):
        return pl.Series([value]).dt.to_string("iso").item()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, str | int):
        return str(value) if isinstance(value, str) else int(value)
    if isinstance(value, decimal.Decimal | uuid.UUID | PurePath):
        return str(value)
    if isinstance(value, pl.Series):
        return _value(value.to_list(), depth + 1)
    if kind.__module__.split(".")[0] == "numpy" and hasattr(value, "tolist"):
        if kind.__name__ in ("datetime64", "timedelta64") and isinstance(value.tolist(), int):
            value = value.astype(f"{kind.__name__}[us]")
        return _value(value.tolist(), depth + 1)
    if isinstance(value, set | frozenset):
        raise TypeError(f"holds a {kind.__name__}, which has no order; give a sorted list")
    raise TypeError(f"holds a {_kind(value)}, which is no value of JSON; give its text or its fields")


def _key(name: Any) -> str:
    if not isinstance(name, str | int | float) or isinstance(name, bool):
        raise TypeError(f"holds a dict with the key {name!r}; keys are text")
    return str(name)
