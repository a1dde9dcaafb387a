"""Choosing a few rows that stand for all: the farthest first, the best servers, or worth against likeness.

Vectors are whole numbers (`engine/quantised.py`), their products and the sums of these too, and ties go by row order: the same
rows are chosen on any number of threads.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .executor import default_workers
from .quantised import LENGTH, Whole, centres_of, products, sums

Ints = NDArray[np.int64]

#: a product is divided by so much, so that it fits 16 bits
_DOWN = 1 << 9


class Chosen(NamedTuple):
    """order: the chosen rows in the order they were; nearest: (n,) int64, the nearest chosen row of each, itself for these;
    product: (n,) int32, their product.
    """

    order: Ints
    nearest: Ints
    product: NDArray[np.int32]


class _Nearest:
    """What is nearest of the rows chosen so far."""

    def __init__(self, vectors: Whole) -> None:
        self.vectors = np.ascontiguousarray(vectors)
        self.best = np.zeros(len(vectors), np.int32)
        self.row = np.full(len(vectors), -1, np.int64)
        self._bounds = np.linspace(0, len(vectors), default_workers() + 1).astype(np.int64)
        self._pool = ThreadPoolExecutor(default_workers())

    def add(self, row: int) -> None:
        from .kernels.spread import draw_near

        def some(k: int) -> None:
            draw_near(self.vectors, row, self._bounds[k], self._bounds[k + 1], self.best, self.row)

        for _ in self._pool.map(some, range(len(self._bounds) - 1)):
            pass
        self.row[row] = row

    def chosen(self, order: list[int]) -> Chosen:
        self._pool.shutdown()
        return Chosen(np.array(order, np.int64), self.row, self.best)


def farthest_first(vectors: Whole, count: int) -> Chosen:
    """k-centre, greedy (Gonzalez 1985): the most central row, then always the one that is farthest from those chosen."""
    centre = centres_of(sums(vectors, np.zeros(len(vectors), np.int32), 1))
    near, order = _Nearest(vectors), list[int]()
    middle = np.concatenate([some[:, 0] for _, some in products(vectors, centre)])
    row = int(middle.argmax())
    free = np.ones(len(vectors), np.bool_)
    while True:
        order.append(row)
        near.add(row)
        free[row] = False
        if len(order) == count:
            return near.chosen(order)
        row = int(np.where(free, near.best, np.iinfo(np.int32).max).argmin())


def worth_against_likeness(vectors: Whole, worth: NDArray[np.float64], count: int, balance: float) -> Chosen:
    """Maximal marginal relevance (Carbonell and Goldstein 1998): always the row with the highest
    balance × worth - (1 - balance) × cosine to the nearest one chosen. worth: (n,) 0..1.
    """
    near, order = _Nearest(vectors), list[int]()
    free = np.ones(len(vectors), np.bool_)
    value = balance * worth
    while len(order) < count:
        now = value - (1 - balance) * (near.best / (LENGTH * LENGTH)) if order else value
        row = int(np.where(free, now, -np.inf).argmax())
        order.append(row)
        near.add(row)
        free[row] = False
    return near.chosen(order)


def best_servers(vectors: Whole, count: int, ground: Ints) -> Chosen:
    """Facility location, greedy: always the row that raises most how near the `ground` rows are to their nearest chosen one.

    Gains only shrink, so most are not computed again (Minoux 1978); what is chosen is the same.
    """
    from .kernels.spread import gain_of, gains_of, raise_level

    n = len(vectors)
    served = np.empty((n, len(ground)), np.int16)
    for at, some in products(vectors, vectors[ground]):
        served[at : at + len(some)] = np.maximum(some, 0) // _DOWN
    level, gains = np.zeros(len(ground), np.int16), np.empty(n, np.int64)
    bounds = np.linspace(0, n, default_workers() + 1).astype(np.int64).tolist()
    with ThreadPoolExecutor(default_workers()) as pool:
        for _ in pool.map(lambda k: gains_of(served, level, bounds[k], bounds[k + 1], gains), range(len(bounds) - 1)):
            pass
    heap = [(-gain, row) for row, gain in enumerate(gains.tolist())]
    heapq.heapify(heap)
    near, order = _Nearest(vectors), list[int]()
    while len(order) < count:
        old, row = heapq.heappop(heap)
        gain = int(gain_of(served, row, level))
        if gain != -old:
            heapq.heappush(heap, (-gain, row))
            continue
        order.append(row)
        raise_level(served, row, level)
        near.add(row)
    return near.chosen(order)


def strided(count: int, most: int) -> Iterator[int]:
    """At most so many of the places 0..count, evenly apart."""
    yield from np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64)).tolist()
