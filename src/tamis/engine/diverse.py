"""Choosing rows that are not too near to those chosen before: greedy, best first, by cosine similarity.

Vectors are scaled to length 1 and rounded to whole numbers. The products of these are summed exactly whatever the order,
so that neither the number of threads nor the size of a block can change a decision.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.columns import Columns
from tamis.core.errors import DataError, UsageError
from tamis.core.row import VECTOR

#: what length 1 becomes. Sums of products stay below 2**51, where float64 holds every whole number.
SCALE = 1 << 25
#: rows that are compared with all chosen ones at a time
BLOCK = 512


class Chosen(NamedTuple):
    """Per row: what became of it, its similarity (cosine, -1..1) to the nearest row chosen before it, and which that is.

    chosen: (n,) bool; near: (n,) bool, too similar; both False: not looked at. similarity: (n,) float64, NaN where there
    was nothing to compare with; nearest: (n,) int64, -1 there.
    """

    chosen: NDArray[np.bool_]
    near: NDArray[np.bool_]
    similarity: NDArray[np.float64]
    nearest: NDArray[np.int64]


def vectors_of(series: pl.Series) -> pl.Series:
    """A column of vectors as `List(Float32)`: lists, arrays, or JSON texts of numbers; null where there is none.

    TypeError where the column is none of these.
    """
    dtype = series.dtype
    if dtype == pl.Null:
        return series.cast(pl.List(pl.Float32))
    if dtype == pl.String:
        try:
            series = series.str.json_decode(pl.List(pl.Float64))
        except pl.exceptions.PolarsError:
            raise TypeError("texts that are no JSON lists of numbers") from None
    elif not (isinstance(dtype, pl.List | pl.Array) and dtype.inner is not None and dtype.inner.is_numeric()):
        raise TypeError(str(dtype))
    found = series.cast(pl.List(pl.Float32))
    whole = found.list.eval(pl.element().is_not_null() & pl.element().is_finite()).list.all() & (found.list.len() > 0)
    directed = found.list.eval(pl.element() != 0).list.any()
    return pl.select(pl.when(whole & directed).then(found)).to_series()


def place_of(vectors: str) -> str:
    """The column that a step's `vectors:` means: `column:NAME`, or the id of a step that embedded the rows.

    >>> place_of("mails"), place_of("column:v")
    ('mails.~vector', 'v')
    """
    column = vectors.removeprefix("column:")
    return column if column != vectors else f"{column}.{VECTOR}"


def gathered(rows: Columns, vectors: str) -> pl.Series:
    """What a step's `vectors:` means: a column of vectors, or keys of recorded ones. UsageError where it holds neither."""
    column = rows[rows.find(place_of(vectors))]
    if not vectors.startswith("column:"):
        return column.cast(pl.String)
    try:
        return vectors_of(column)
    except TypeError as error:
        raise UsageError(f"the column {place_of(vectors)!r} holds no vectors but {error}") from None


def matrix(vectors: pl.Series) -> NDArray[np.float32]:
    """(n, dimensions) float32 of vectors none of which is null. DataError where their lengths differ."""
    lengths = vectors.list.len().unique().to_list()
    if not lengths:
        return np.empty((0, 0), np.float32)
    if len(lengths) > 1:
        raise DataError(
            f"the vectors have {min(lengths)} to {max(lengths)} dimensions, and must all have one number of them",
            hint="embed all rows with one model",
        )
    return vectors.explode().to_numpy().reshape(len(vectors), -1)


def whole(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Vectors at length `SCALE`, rounded to whole numbers."""
    wide = vectors.astype(np.float64)
    wide /= np.abs(wide).max(axis=1, keepdims=True)  # squares of very small and very large numbers are none
    squares = np.zeros(len(wide))
    for k in range(wide.shape[1]):  # one after another: in a fixed order
        squares += wide[:, k] * wide[:, k]
    return np.rint(wide * (SCALE / np.sqrt(squares))[:, None])


def choose(
    vectors: NDArray[np.float32], order: NDArray[np.int64], threshold: float, count: int | None, *, block: int = BLOCK
) -> Chosen:
    """Go through the rows in `order` and choose each that is at most `threshold` similar to all chosen before it.

    vectors: (n, dimensions), finite, none of them zero. Ends when `count` rows are chosen.
    """
    n, width = vectors.shape
    found = Chosen(np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.full(n, np.nan), np.full(n, -1, np.int64))
    limit = len(order) if count is None else min(count, len(order))
    kept = np.empty((min(limit, 2 * block), width))
    squares, rows = np.empty(limit), np.empty(limit, np.int64)
    used = 0
    for start in range(0, len(order), block):
        if used == limit:
            break
        mine = order[start : start + block]
        some = whole(vectors[mine])
        own = (some * some).sum(axis=1)
        best, nearest = _best(some, own, kept[:used], squares[:used], rows[:used])
        inside = some @ some.T
        for k, row in enumerate(mine.tolist()):
            if nearest[k] >= 0:
                found.similarity[row], found.nearest[row] = best[k], nearest[k]
                if best[k] > threshold:
                    found.near[row] = True
                    continue
            if used == len(kept):
                kept = np.concatenate([kept, np.empty((min(used, limit - used), width))])
            kept[used], squares[used], rows[used] = some[k], own[k], row
            found.chosen[row] = True
            used += 1
            if used == limit:
                break
            with_me = inside[k, k + 1 :] / np.sqrt(own[k] * own[k + 1 :])
            better = (nearest[k + 1 :] < 0) | (with_me > best[k + 1 :])
            best[k + 1 :][better], nearest[k + 1 :][better] = with_me[better], row
    return found


def _best(
    some: NDArray[np.float64],
    own: NDArray[np.float64],
    kept: NDArray[np.float64],
    squares: NDArray[np.float64],
    rows: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Of each row its similarity to the nearest kept one (the first of equals), and which that is.

    own, squares: the squared lengths of `some` and of `kept`.
    """
    if not len(kept):
        return np.full(len(some), np.nan), np.full(len(some), -1, np.int64)
    similarity = some @ kept.T
    similarity /= np.sqrt(own[:, None] * squares[None, :])  # of two equal vectors 1, to the bit
    at = similarity.argmax(axis=1)
    return similarity[np.arange(len(some)), at], rows[at]
