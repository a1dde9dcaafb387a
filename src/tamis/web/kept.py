"""What was worked out and may be asked for again: kept up to a number of bytes, the oldest goes first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """A memory of results. `size` tells the bytes of one; at most `limit` bytes are kept, and always the last."""

    def __init__(self, limit: int, size: Callable[[T], int]) -> None:
        self._limit, self._size = limit, size
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result kept under a key, or made now."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
        made = make()
        with self._lock:
            if key not in self._held:
                self._held[key] = made
                self._bytes += self._size(made)
            while self._bytes > self._limit and len(self._held) > 1:
                _, old = self._held.popitem(last=False)
                self._bytes -= self._size(old)
        return made
