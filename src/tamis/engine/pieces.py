"""A gathered table, one partition at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from tamis.core.columns import Table


def pieces(table: Table, names: Sequence[str]) -> Iterator[tuple[int, pl.DataFrame]]:
    """Gathered columns of some rows at a time, in row order: (the first row's position, the columns).

    Nothing is kept, so that memory does not grow with the rows. `fetch` reads least when asked for one piece.
    """
    starts = table.starts.tolist()
    for index, start in enumerate(starts[:-1]):
        if starts[index + 1] > start:
            yield start, table.part(index, names)
