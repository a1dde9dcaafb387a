"""select.mix"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View, view_column
from tamis.core.step import Reasons
from tamis.engine.measure import Unit, count
from tamis.engine.mixing import shares, times

from ._draw import NO_VALUE, NOT_DRAWN, REJECTED, Drawing, labels


class Mix(Drawing):
    """Mix several sources by weight, repeating small ones.

    ## What it does
    Gives each group its share by `weights`, of `rows`, of a `budget` of text, or of as much as can be had, to the row by
    largest remainder. A group that is too small is repeated, up to `max_epochs` times: whole epochs first, then some of its
    rows once more, by `prefer` and chance (by seed and row id). Copies are born rows with ids of their own. Of a group, the rows
    of a smaller mix are among those of a larger one. What a group lacks even so is told, or given by the others (`short: fill`). Split before you
    mix: of a row and its copy, one must not be in training and the other in validation.

    ## Why
    Sources are never of the sizes one wants. Mixed by chance the shares hold only roughly; repeated without a limit, a small
    source is learnt by heart.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "kind": kind} for kind in "aaaaaaaab"]
    >>> print(run_step(Mix(by="kind", weights={"a": 3, "b": 1}, rows=8, max_epochs=2), rows).line)
    9 in + 1 born = 8 kept + 2 dropped (not_drawn 2)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "not_drawn": NOT_DRAWN,
        "not_in_mix": "`weights` gives its group no part of the mix",
        "rejected": REJECTED,
    }

    by: str | None = Field(None, description="Column whose values make the groups; by default the source of a row.")
    weights: dict[str, float] = Field(description="Weight of each group, in any unit; of groups not named, 0.")
    rows: int | None = Field(None, ge=1, description="Rows in all, copies among them.")
    budget: int | None = Field(None, ge=1, description="Text in all instead, in `unit`s of `view`; never exceeded.")
    unit: Unit = Field("tokens", description="What `budget` counts.")
    view: View = Field("all", alias="in", description="Which text of a row `budget` counts.")
    max_epochs: float = Field(1.0, gt=0, le=1000, description="How often a group may be used: 1 repeats nothing.")
    short: Literal["warn", "fill", "error"] = Field(
        "warn", description="Where a group lacks rows: `warn` and be fewer, let the others `fill`, or `error`."
    )

    @model_validator(mode="after")
    def _weighs_something(self) -> Self:
        if any(not 0 <= weight < float("inf") for weight in self.weights.values()):
            raise ValueError("a weight is a number from 0 on")
        if not any(self.weights.values()):
            raise ValueError("`weights` gives no group any part of the mix")
        if self.rows is not None and self.budget is not None:
            raise ValueError("`rows` and `budget` both say how much; choose one")
        return self

    def groups_by(self) -> tuple[str, ...]:
        return () if self.by is None else (self.by,)

    def reads(self) -> tuple[str, ...]:
        return (*super().reads(), *([view_column(self.view)] if self.budget is not None else []), "split")

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        found = super().gather(rows)
        if self.budget is not None:
            found["size"] = count(rows.buffers(self.view), self.unit).cast(pl.Int64).fill_null(0)
        split = rows["split"].is_not_null() if "split" in rows.names else None
        found["split"] = pl.Series("split", [False]).new_from_index(0, rows.height) if split is None else split
        return found

    def decide(self, table: Table) -> Verdict:
        names = list(self.weights)
        told = table.sources() if self.by is None else table[f"by:{self.by}"]
        told = labels(told).fill_null(NO_VALUE)
        place = {name: k for k, name in enumerate(names) if self.weights[name] > 0}
        group = np.array([place.get(name, -1) for name in told.to_list()], np.int64)
        self._named_are_there(told, table.height)
        without = group < 0
        rejected = np.array(self.positions_rejected(table), np.int64)
        group[rejected] = -1
        size = table["size"].to_numpy().astype(np.int64) if self.budget is not None else None
        weight = np.ones(table.height, np.int64) if size is None else size
        supply = [int(weight[group == k].sum()) for k in range(len(names))]
        given = [Fraction(str(self.weights[name])) for name in names]
        total = self.rows if self.budget is None else self.budget
        found = shares(supply, given, total, Fraction(str(self.max_epochs)), fill=self.short == "fill")
        often = times(group, self.order(table), found.take, size)
        out = np.zeros(table.height, bool)
        out[rejected] = True
        verdict = (
            drop("rejected", when=pl.Series(out))
            .drop("not_in_mix", when=pl.Series(without))
            .drop("not_drawn", when=pl.Series(often == 0), group=told, epochs=pl.Series(often.astype(np.uint32)))
            .repeat(pl.Series(np.maximum(often - 1, 0)))
        )
        if table.height and any(found.short):
            verdict = self._short(verdict, names, supply, found.short)
        if (often > 1).any() and not table["split"].any():
            verdict = verdict.warn(
                "rows are repeated before they are split: put `split.*` before, or copies stand on both sides"
            )
        return verdict

    def _short(self, verdict: Verdict, names: list[str], supply: list[int], short: list[int]) -> Verdict:
        unit = "rows" if self.budget is None else self.unit
        lacks = [f"{n} ({s:,} short, has {have:,})" for n, s, have in zip(names, short, supply, strict=True) if s]
        message = f"with {self.max_epochs:g} epochs at most, {unit} lack: {', '.join(lacks)}"
        if self.short == "error":
            raise UsageError(
                f"step {self.name!r}: {message}", hint="ask for less, raise `max_epochs`, or `short: fill`"
            )
        return verdict.warn(message + ("; the other groups give them" if self.short == "fill" else ""))

    def _named_are_there(self, told: pl.Series, height: int) -> None:
        """A group that no row is of is a slip more often than a shortage."""
        there = told.unique().to_list()
        for name in self.weights:
            if height and name not in there and did_you_mean(name, there).startswith("did"):
                raise UsageError(f"step {self.name!r}: no row is of {name!r}; {did_you_mean(name, there)}")
