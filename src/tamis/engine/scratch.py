"""Bytes that are put away and read again in pieces: in memory, or in files without names, which are gone when their owner is."""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .store import disk_error

Bytes = NDArray[np.uint8]


class Store:
    """So many bytes, put and read at any place by any thread. A file is read and written, never mapped: its pages are the
    system's memory, not this process's.
    """

    def __init__(self, size: int, file: int | None) -> None:
        """file: the descriptor of one, which is closed with this store."""
        self._file = file
        self._held = np.empty(size if file is None else 0, np.uint8)
        if file is not None:
            weakref.finalize(self, os.close, file)

    def put(self, at: int, data: NDArray[Any]) -> None:
        """Write an array's bytes from `at` on. DiskFull where there is no room."""
        whole = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
        if self._file is None:
            self._held[at : at + len(whole)] = whole
            return
        left = memoryview(whole.data)
        try:
            while left:
                done = os.pwrite(self._file, left, at)
                left, at = left[done:], at + done
        except OSError as error:
            raise disk_error(error, Path(tempfile.gettempdir())) from error

    def get(self, start: int, stop: int, more: int = 0) -> Bytes:
        """The bytes from `start` to `stop`, not to be written to, and room for `more`."""
        if self._file is None and stop + more <= len(self._held):
            return self._held[start : stop + more]
        out = np.zeros(stop - start + more, np.uint8)
        if self._file is None:
            out[: stop - start] = self._held[start:stop]
            return out
        left = memoryview(out.data)[: stop - start]
        while left:
            done = os.preadv(self._file, [left], start)
            if not done:
                break  # never written to
            left, start = left[done:], start + done
        return out


class Scratch:
    """Stores: in memory up to `most` bytes together, beyond that in files in `folder` (by default the system's)."""

    def __init__(self, most: int, folder: Path | None = None) -> None:
        self._left, self._folder = most, folder

    def store(self, size: int) -> Store:
        """Room for so many bytes."""
        if size <= self._left:
            self._left -= size
            return Store(size, None)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            return Store(size, os.dup(file.fileno()))
