"""Vectors at length `LENGTH`, rounded to whole numbers: compared with exactness, on any number of threads.

The product of two such vectors, and each part of its sum in whatever order, is a whole number below 2**24 (Cauchy and
Schwarz: no part exceeds the product of the lengths). A float32 holds all of these, so a matrix product of any library
gives the same bytes on one thread or on many, and no decision hangs on rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int16]

#: what length 1 becomes; with up to 4,096 dimensions rounding lengthens it by at most 32
LENGTH = 4000
#: rows worked on at a time, and those whose numbers stay near the processor
BLOCK, STRIP = 8192, 1024


def quantise(vectors: NDArray[Any]) -> tuple[Whole, NDArray[np.bool_]]:
    """(n, d) vectors at length `LENGTH`, and which rows point anywhere: neither zero nor holding a value that is no number."""
    n, d = vectors.shape
    made, valid = np.zeros((n, d), np.int16), np.zeros(n, np.bool_)
    for at in range(0, n, STRIP):
        wide = np.ascontiguousarray(vectors[at : at + STRIP].T, np.float64)
        most = np.abs(wide).max(axis=0, initial=0.0)
        good = np.isfinite(most) & (most > 0)
        wide[:, ~good] = 0
        wide /= np.where(good, most, 1.0)
        squares = np.zeros(len(good))
        for values in wide:  # one after another: in a fixed order
            squares += values * values
        wide *= LENGTH / np.sqrt(np.where(good, squares, 1.0))
        made[at : at + STRIP] = np.rint(wide).T
        valid[at : at + STRIP] = good
    return made, valid


def products(vectors: Whole, centres: Whole) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(first row, (rows, k) exact products with the centres), a block at a time."""
    other = np.ascontiguousarray(centres.T.astype(np.float32))
    for at in range(0, len(vectors), BLOCK):
        yield at, vectors[at : at + BLOCK].astype(np.float32) @ other


def nearest(vectors: Whole, centres: Whole) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Per row the nearest centre by cosine, the first of equals, and their product."""
    label, product = np.empty(len(vectors), np.int32), np.empty(len(vectors), np.int32)
    for at, some in products(vectors, centres):
        best = some.argmax(axis=1)
        label[at : at + BLOCK] = best
        product[at : at + BLOCK] = some[np.arange(len(some)), best]
    return label, product


def distance(product: NDArray[Any]) -> NDArray[np.float64]:
    """1 - cosine, 0..2, of products of quantised vectors."""
    return np.asarray(np.clip(1.0 - product.astype(np.float64) / (LENGTH * LENGTH), 0.0, 2.0))


def sums(vectors: Whole, label: NDArray[np.int32], k: int) -> NDArray[np.int64]:
    """(k, d): the vectors of each label added up; rows with a negative label are left out."""
    total = np.zeros((k, vectors.shape[1]), np.int64)
    for at in range(0, len(vectors), BLOCK):
        mine = label[at : at + BLOCK]
        order = np.argsort(mine, kind="stable")
        order = order[np.searchsorted(mine[order], 0) :]
        if len(order):
            present, first = np.unique(mine[order], return_index=True)
            total[present] += np.add.reduceat(vectors[at : at + BLOCK][order].astype(np.int32), first, axis=0)
    return total


def centres_of(total: NDArray[np.int64]) -> Whole:
    """Sums of vectors at length `LENGTH` again."""
    return quantise(total)[0]
