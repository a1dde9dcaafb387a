"""What the steps that draw rows share: the groups rows stand in, the order they are drawn in, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from tamis.core.columns import Columns, Table
from tamis.core.outcome import Verdict, drop
from tamis.core.row import id_pair
from tamis.core.step import Reasons, TableStep
from tamis.engine.allocate import seeded_order

NOT_DRAWN = "the plan needs no more rows of its group"
REJECTED = "a person rejected the row; another of its group is drawn in its place"

#: what a row without a value is called
NO_VALUE = "(none)"


class Drawing(TableStep):
    """Draws some rows of each group, those it prefers first, by chance among equals."""

    seeded: ClassVar[bool] = True
    reasons: ClassVar[Reasons] = {"not_drawn": NOT_DRAWN, "rejected": REJECTED}

    redraw: str | None = Field(
        None,
        description="The id of a later gate: rows that people reject there leave here, and others of their groups are drawn.",
    )
    rejected: tuple[str, ...] = Field((), description="Ids of further rows that must not be drawn.")
    prefer: tuple[str, ...] = Field(
        (),
        description="Columns by which rows of a group are drawn, smallest first; `-name` largest first. Rows without a "
        "value come last, and chance (by seed and row id) decides among equals.",
    )

    def groups_by(self) -> tuple[str, ...]:
        """Every column that makes groups."""
        raise NotImplementedError

    def views(self) -> tuple[str, ...]:
        return ()

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.groups_by(), *(name.removeprefix("-") for name in self.prefer)]))

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        found = {f"by:{name}": labels(rows[name]) for name in dict.fromkeys(self.groups_by())}
        for name in self.prefer:
            column = rows[name.removeprefix("-")]
            found[f"prefer:{name}"] = column.fill_nan(None) if column.dtype.is_float() else column
        return found

    def keys(self, table: Table) -> list[tuple[pl.Series, bool]]:
        """What rows are ordered by before chance: the column, and whether the largest come first."""
        return [(table[f"prefer:{name}"], name.startswith("-")) for name in self.prefer]

    def order(self, table: Table) -> NDArray[np.int64]:
        """(n,) int64: the rows in the order they are drawn."""
        chance = pl.Series("chance", seeded_order(table.seed & 0xFFFFFFFFFFFFFFFF, *table.ids()))
        keys = self.keys(table)
        frame = pl.DataFrame([*(key.alias(f"k{k}") for k, (key, _) in enumerate(keys)), chance]).with_row_index("row")
        down = [largest for _, largest in keys]
        names = [f"k{k}" for k in range(len(keys))]
        ordered = frame.sort([*names, "chance", "row"], descending=[*down, False, False], nulls_last=True)
        return ordered["row"].to_numpy().astype(np.int64)

    def heeds(self) -> str | None:
        return self.redraw

    def cells(self, table: Table) -> tuple[NDArray[np.int64], list[tuple[str | None, ...]], NDArray[np.int64]]:
        """(n,) the cell of each row, -1 for rows that were rejected; each cell's values; and the rows there are of it."""
        cell, values = cells_of(table, self.groups_by())
        cell[self.positions_rejected(table)] = -1
        return cell, values, np.bincount(cell[cell >= 0], minlength=len(values)).astype(np.int64)

    def positions_rejected(self, table: Table) -> list[int]:
        """The positions of rows that people rejected."""
        if not self.rejected:
            return []
        out = {id_pair(row) for row in self.rejected}
        high, low = table.ids()
        return [k for k, pair in enumerate(zip(high.tolist(), low.tolist(), strict=True)) if pair in out]

    def draw(self, table: Table, cell: NDArray[np.int64], counts: NDArray[np.int64], names: Sequence[str]) -> Verdict:
        """The verdict: of each cell the first `counts` rows in drawing order stay. cell: (n,) int64, -1 for none."""
        order = self.order(table)
        rank = np.zeros(table.height, np.int64)
        mine = cell[order]
        by_cell = np.argsort(mine, kind="stable")
        starts = np.searchsorted(mine[by_cell], mine[by_cell], side="left")
        rank[order[by_cell]] = np.arange(table.height) - starts + 1
        limit = np.where(cell >= 0, counts[cell], 0) if len(counts) else np.zeros(table.height, np.int64)
        told = pl.Series("group", [*names, None], dtype=pl.String).gather(
            pl.Series(np.where(cell >= 0, cell, len(names)).astype(np.uint32))
        )
        return drop("rejected", when=pl.Series(cell < 0)).drop(
            "not_drawn",
            when=pl.Series(rank > limit),
            group=told,
            rank=pl.Series(rank.astype(np.uint32)),
            drawn=pl.Series(limit.astype(np.uint32)),
        )


def labels(column: pl.Series) -> pl.Series:
    """A column's values as people would write them in a plan."""
    if column.dtype == pl.Boolean:
        return column.replace_strict({True: "true", False: "false"}, default=None, return_dtype=pl.String)
    return column.cast(pl.String)


def cells_of(table: Table, names: Sequence[str]) -> tuple[NDArray[np.int64], list[tuple[str | None, ...]]]:
    """(n,) int64: the cell of each row, numbered in row order; and each cell's values."""
    if not names:
        return np.zeros(table.height, np.int64), [()] if table.height else []
    frame = pl.DataFrame([table[f"by:{name}"].alias(f"c{k}") for k, name in enumerate(names)])
    firsts = frame.unique(maintain_order=True).with_row_index("cell")
    joined = frame.join(firsts, on=frame.columns, how="left", maintain_order="left", nulls_equal=True)
    return joined["cell"].to_numpy().astype(np.int64), list(firsts.drop("cell").iter_rows())
