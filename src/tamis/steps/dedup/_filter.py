"""What a Bloom filter over rows is made of: settings, keys, and what it has seen before the first row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tamis.core.columns import Columns, Table
from tamis.core.errors import DataError
from tamis.core.row import View, view_column
from tamis.core.step import TableStep
from tamis.engine.bloom import Filter, joined_texts, made_for, read_filter, row_grams
from tamis.engine.hashing import LOOSE, Rule, keys, ordered
from tamis.engine.pieces import pieces

#: the rates asked for where the recipe names none: of whole rows, of single n-grams
ROW_RATE, GRAM_RATE = 1e-6, 0.01
#: a share of n-grams that no row reaches: all are added
NEVER = 1_000_001


class Filtered(TableStep):
    """A step that keeps a Bloom filter."""

    on: View | tuple[View, ...] = Field("all", description="What is compared: a view, `column:NAME`, or several.")
    normalise: Literal["none", "case", "loose"] | tuple[Rule, ...] = Field(
        "loose", description="What counts as the same text: `none`, `case`, `loose`, or a list of rules."
    )
    threshold: float | None = Field(
        None, gt=0, le=1, description="Share of a row's n-grams seen, 0..1, from which it is dropped; null: whole rows."
    )
    ngram: int = Field(5, ge=1, le=100, description="For `threshold`: length of an n-gram, in `unit`s.")
    unit: Literal["words", "characters"] = Field("words", description="For `threshold`: what n-grams are made of.")
    expected: int | None = Field(
        None, ge=1, description="Rows (n-grams with `threshold`) the filter is made for; null: those there are."
    )
    false_positive_rate: float | None = Field(
        None, gt=0, lt=1, description="Errors per row (n-gram) once it is full; null: 0.000001 (0.01 of n-grams)."
    )
    memory_mb: float | None = Field(None, gt=0, description="Size of the filter in MB, instead of a rate.")
    against: tuple[Path, ...] = Field(
        (), description="Delivered files whose rows count as seen: JSON Lines, Parquet or CSV; their columns by name."
    )
    filter: Path | None = Field(None, description="A filter kept by `keep`, with which to begin; it is not changed.")

    @model_validator(mode="after")
    def _one_way_to_size(self) -> Self:
        if not self.on:
            raise ValueError("`on` is empty; name at least one view or column")
        if self.memory_mb is not None and self.false_positive_rate is not None:
            raise ValueError("`memory_mb` and `false_positive_rate` exclude each other: one follows from the other")
        if self.filter is not None and (self.expected or self.memory_mb or self.false_positive_rate):
            raise ValueError("`filter` has its size already; leave out `expected`, `memory_mb`, `false_positive_rate`")
        if self.threshold is None and {"ngram", "unit"} & self.model_fields_set:
            raise ValueError("`ngram` and `unit` have no effect without `threshold`")
        return self

    def files(self) -> tuple[str, ...]:
        return tuple(str(path) for path in (*self.against, *([self.filter] if self.filter else [])))

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(view_column, self.views())))

    def gathers_by(self) -> tuple[str, ...]:
        return ("on", "normalise", "threshold", "ngram", "unit")

    def rules(self) -> tuple[Rule, ...]:
        """The rules of normalisation."""
        presets: dict[Any, tuple[Rule, ...]] = {"none": (), "case": ("case",), "loose": LOOSE}
        return ordered(presets[self.normalise] if isinstance(self.normalise, str) else self.normalise)

    def about(self) -> dict[str, Any]:
        """How keys are made: what a kept filter must agree on."""
        made = {"on": list(self.views()), "rules": list(self.rules()), "unit": "rows", "ngram": 0}
        return made if self.threshold is None else made | {"unit": self.unit, "ngram": self.ngram}

    def gather(self, rows: Columns) -> dict[str, pl.Series]:
        if self.threshold is None:
            found = keys([rows.buffers(view) for view in self.views()], self.rules())
            return {name: pl.Series(values) for name, values in zip(found._fields, found, strict=True)}
        _, starts = self.grams([rows.text(view) for view in self.views()], count_only=True)
        return {"grams": pl.Series(np.diff(starts), dtype=pl.UInt32)}

    def begin(self, table: Table | None, room: float = 1.0) -> Filter:
        """The filter before the first row of the run, made for `room` times the keys to come."""
        if self.filter is not None:
            one = read_filter(self.filter, self.about())
        else:
            rate = self.false_positive_rate or (ROW_RATE if self.threshold is None else GRAM_RATE)
            expected = self.expected or math.ceil(room * self._count(table))
            memory = None if self.memory_mb is None else round(self.memory_mb * 1e6)
            one = made_for(expected, rate, memory, blocked=self.threshold is not None)
        for rows in self._earlier():
            if self.threshold is None:
                one.judge_keys(keys([rows.buffers(view) for view in self.views()], self.rules()))
            else:
                one.judge_grams(*self.grams([rows.text(view) for view in self.views()]), NEVER)
        one.wrong = 0.0
        return one

    def _count(self, table: Table | None) -> int:
        """How many keys there are to come, earlier deliveries' included."""
        total = 0
        if table is not None and self.threshold is None:
            total = table.height
        elif table is not None:
            total = sum(int(piece["grams"].sum()) for _, piece in pieces(table, ["grams"]))
        for rows in self._earlier():
            total += rows.height if self.threshold is None else int(self.gather(rows)["grams"].sum())
        return total

    def _earlier(self) -> Iterator[Columns]:
        from tamis.engine.delivered import delivered

        for path in self.against:
            for rows in delivered(path):
                for name in self.reads():
                    if name not in rows.names:
                        raise DataError(f"{path} has no column {name!r}, which {self.name} compares")
                yield rows

    def grams(
        self, texts: list[pl.Series], *, count_only: bool = False
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """(n-gram hashes of each row, where each row's begin) of the texts compared."""
        joined = joined_texts(texts)
        return row_grams(joined, self.rules(), self.ngram, self.unit == "words", count_only=count_only)
