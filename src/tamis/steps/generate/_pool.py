"""Chance from the ids of all rows a step sees."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray


def mixed(numbers: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Numbers as if drawn by chance, each from its own and the seed (splitmix64)."""
    z = numbers + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@lru_cache(maxsize=4)
def _numbers(ids: Held) -> NDArray[np.uint64]:
    return np.array([int(one[16:], 16) for one in ids.series], np.uint64)


class Held:
    """A series that is known by what it is, not by what is in it."""

    def __init__(self, series: pl.Series) -> None:
        self.series = series

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and other.series is self.series

    def __hash__(self) -> int:
        return id(self.series)


def pool_numbers(pool: Mapping[str, pl.Series]) -> NDArray[np.uint64]:
    """The lower halves of a pool's ids, made once for the pool."""
    return _numbers(Held(pool["id"]))
