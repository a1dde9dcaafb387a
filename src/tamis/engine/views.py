"""Strings that lie where they are: Polars series over Arrow string views, through the Arrow C data interface.

nanoarrow cannot hand over views, so the two C structs are filled in here.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

_Release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Schema(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", _Release),
        ("private", ctypes.c_void_p),
    ]


class _Array(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.c_void_p),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", _Release),
        ("private", ctypes.c_void_p),
    ]


_NULLABLE = 2
_kept: dict[int, Any] = {}  # what the consumer of a struct still points to, by the struct's number
_numbers = itertools.count(1)
_lock = threading.Lock()

_capsule = ctypes.pythonapi.PyCapsule_New
_capsule.restype, _capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


def _drop_schema(address: int) -> None:
    ctypes.cast(address, ctypes.POINTER(_Schema)).contents.release = _Release()


def _drop_array(address: int) -> None:
    array = ctypes.cast(address, ctypes.POINTER(_Array)).contents
    with _lock:
        _kept.pop(array.private, None)
    array.release = _Release()


_release_schema, _release_array = _Release(_drop_schema), _Release(_drop_array)


class _Export:
    """One array of string views, handed over once."""

    def __init__(self, length: int, nulls: int, buffers: list[NDArray[Any] | None]) -> None:
        addresses = (ctypes.c_void_p * len(buffers))(*(None if b is None else b.ctypes.data for b in buffers))
        number = next(_numbers)
        with _lock:
            _kept[number] = (addresses, buffers)
        self.schema = _Schema(b"vu", b"", None, _NULLABLE, 0, None, None, _release_schema, None)
        self.array = _Array(
            length, nulls, 0, len(buffers), 0, ctypes.addressof(addresses), None, None, _release_array, number
        )

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return (
            _capsule(ctypes.addressof(self.schema), b"arrow_schema", None),
            _capsule(ctypes.addressof(self.array), b"arrow_array", None),
        )


def string_series(
    name: str, views: NDArray[np.uint8], valid: NDArray[np.bool_], buffers: list[NDArray[np.uint8]]
) -> pl.Series:
    """A string series over views (rows, 16) uint8 into `buffers`, which must hold valid UTF-8; nothing is copied."""
    validity = None if bool(valid.all()) else np.packbits(valid, bitorder="little")
    sizes = np.array([len(buffer) for buffer in buffers], np.int64)
    nulls = 0 if validity is None else int(len(valid) - valid.sum())
    if len(valid) == 0:
        return pl.Series(name, [], dtype=pl.String)
    export = _Export(len(valid), nulls, [validity, np.ascontiguousarray(views), *buffers, sizes])
    return pl.Series(name, export, dtype=pl.String).alias(name)


class Views(NamedTuple):
    """A string series as Arrow lays it out, for kernels. Valid only while `owner` lives.

    views: (n, 16) uint8; valid: (n,) bool; addresses, sizes: (k,) int64 of the data buffers.
    """

    views: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    addresses: NDArray[np.int64]
    sizes: NDArray[np.int64]
    owner: Any


def views_of(series: pl.Series) -> Views:
    """The views of a string series, without a copy."""
    import nanoarrow as na

    n = len(series)
    if n == 0:
        return Views(
            np.empty((0, 16), np.uint8), np.empty(0, np.bool_), np.zeros(1, np.int64), np.zeros(1, np.int64), None
        )
    series = series.rechunk()
    valid = series.is_not_null().to_numpy() if series.null_count() else np.ones(n, np.bool_)
    array = next(iter(na.c_array_stream(series)))
    view = array.view()
    base = array.offset
    inline = np.frombuffer(view.buffer(1), np.uint8)[base * 16 : (base + n) * 16].reshape(n, 16)
    blocks = [np.frombuffer(view.buffer(k), np.uint8) for k in range(2, view.n_buffers - 1)]
    addresses = np.array([block.ctypes.data for block in blocks] or [0], np.int64)
    sizes = np.array([block.size for block in blocks] or [0], np.int64)
    return Views(inline, valid, addresses, sizes, (array, view, blocks, inline))
