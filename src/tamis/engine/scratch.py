"""Large arrays that may live in a file without a name, which is gone when its owner is."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class Scratch:
    """Byte arrays: in memory up to `most` bytes together, beyond that in files in `folder` (by default the system's).

    Pages of such a file count as this process's memory while it reads them; `rest` gives them back.
    """

    def __init__(self, most: int, folder: Path | None = None) -> None:
        self._left, self._folder = most, folder
        self._maps: list[mmap.mmap] = []
        self._turns = 0

    def bytes(self, size: int) -> NDArray[np.uint8]:
        """An array of so many bytes, all 0."""
        if size <= self._left or size == 0:
            self._left -= size
            return np.zeros(size, np.uint8)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            file.truncate(size)
            self._maps.append(mmap.mmap(file.fileno(), size))
        return np.frombuffer(self._maps[-1], np.uint8)

    def rest(self, every: int = 16) -> None:
        """Give back the memory of pages that lie in files: now and then, when called so often."""
        self._turns += 1
        if self._turns % every == 0 and hasattr(mmap, "MADV_DONTNEED"):
            for one in self._maps:
                one.madvise(mmap.MADV_DONTNEED)
