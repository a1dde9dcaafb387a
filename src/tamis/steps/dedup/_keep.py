"""Which of several copies stays."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.step import TableStep
from tamis.engine.measure import count


class KeepFields(TableStep):
    """The settings that say which copy stays."""

    keep: Literal["first", "last", "longest", "column"] = Field("first", description="Which copy stays.")
    by: str | None = Field(None, description="For `keep: column`: the column that decides; empty values come last.")
    order: Literal["highest", "lowest"] = Field("highest", description="For `keep: column`: which value wins.")

    @model_validator(mode="after")
    def _the_choice_is_clear(self) -> Self:
        if self.keep == "column" and self.by is None:
            raise ValueError("`keep: column` needs `by`, the column that decides")
        if self.keep != "column" and self.by is not None:
            raise ValueError(f"`by: {self.by}` has no effect with `keep: {self.keep}`; set `keep: column`")
        return self

    def _gather_worth(self, rows: Columns) -> dict[str, pl.Series]:
        """What the choice rests on, as the column `worth`; nothing where it is the order of rows."""
        if self.keep == "longest":
            lengths = [count(rows.buffers(view), "characters").fill_null(0) for view in self.views()]
            return {"worth": pl.Series(np.sum([length.to_numpy() for length in lengths], axis=0, dtype=np.int64))}
        return {} if self.by is None else {"worth": rows[self.by]}

    def _worth(self, table: Table) -> NDArray[np.int64] | None:
        """(n,) int64: the higher the better; None where the first is the best."""
        if self.keep == "first":
            return None
        if self.keep == "last":
            return np.arange(table.height, dtype=np.int64)
        parts = [table.part(index, ["worth"])["worth"] for index in range(len(table.starts) - 1)]
        whole = pl.concat(parts) if parts else pl.Series([], dtype=pl.Int64)
        return whole.rank("dense", descending=self.order == "lowest").fill_null(0).to_numpy().astype(np.int64)
