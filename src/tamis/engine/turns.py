"""Figures of whole conversations from figures of their turns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl


def product(columns: Sequence[pl.Series], turns: Literal["sum", "mean"]) -> pl.Series:
    """(n,) Float64: the columns multiplied, lists turn by turn and then summed or averaged; null where one has no figure.

    A number beside a list counts for each of its turns. Lists of unlike lengths have no product. TypeError where a column
    holds neither numbers nor lists of numbers.
    """
    n = len(columns[0])
    lists = [column for column in map(_listed, columns) if column is not None]
    numbers = [_number(column) for column in columns if _listed(column) is None]
    total = pl.Series(np.ones(n))
    for column in numbers:
        total = total * column
    if not lists:
        return total.alias("score")
    lengths = lists[0].list.len()
    fits = (lengths > 0).fill_null(False)
    for column in lists[1:]:
        fits &= (column.list.len() == lengths).fill_null(False)
    at = fits.arg_true().cast(pl.UInt32)
    counts = lengths.gather(at).to_numpy().astype(np.int64)
    each = np.ones(int(counts.sum()))
    for column in lists:
        each *= column.gather(at).explode().fill_null(np.nan).to_numpy()
    sums = np.zeros(len(at))
    np.add.at(sums, np.repeat(np.arange(len(at)), counts), each)  # one turn after another
    if turns == "mean":
        sums /= counts
    whole = np.full(n, np.nan)
    whole[at.to_numpy()] = sums
    return (total * pl.Series(whole)).fill_nan(None).alias("score")


def _listed(column: pl.Series) -> pl.Series | None:
    """Lists of numbers as `List(Float64)`, JSON texts of them too; None for other columns."""
    dtype = column.dtype
    if dtype == pl.String:
        try:
            return column.str.json_decode(pl.List(pl.Float64))
        except pl.exceptions.PolarsError:
            raise TypeError("texts that are no JSON lists of numbers") from None
    if isinstance(dtype, pl.List | pl.Array) and dtype.inner is not None and dtype.inner.is_numeric():
        return column.cast(pl.List(pl.Float64))
    return None


def _number(column: pl.Series) -> pl.Series:
    if not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null)):
        raise TypeError(str(column.dtype))
    values = column.cast(pl.Float64)
    return pl.select(pl.when(values.is_finite()).then(values)).to_series()
