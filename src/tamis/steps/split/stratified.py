"""split.stratified"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, field_validator

from tamis.core.columns import Table
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.hashing import first_equal

from ._keys import Flags, Ints, gathered_keys, no_keys, strata_of
from ._shared import LEAK, SplitStep


class Stratified(SplitStep):
    """Split rows so that every class has its share in every split.

    ## What it does
    Splits each stratum (the rows with the same values in the columns `by`; empty is a value too) in the same
    proportions. The totals come first and are exact: 500 rows at 0.8 and 0.2 are 400 and 100; then each stratum
    is as near to its share as whole rows allow (largest remainder in both directions). Within a stratum rows are
    taken in the seeded order of `split.random`. A stratum with a single row goes to the largest split while the
    totals permit, since a class that is only tested cannot be learned. Rows with the same prompt (`together`)
    share a split, and count in the stratum of the first of them.

    ## Why
    By chance alone a rare class may be missing from validation, and its score is then an accident.

    ## Example
    >>> from tamis.testing import run_step
    >>> classes = ["billing"] * 5 + ["delivery"] * 5
    >>> rows = [{"prompt": f"question {n}", "response": "yes", "category": c} for n, c in enumerate(classes)]
    >>> result = run_step(Stratified(by="category"), rows)
    >>> [row["source.category"] for row in result.rows if row["split"] == "validation"]
    ['billing', 'delivery']
    >>> print(result.line)
    10 in = 10 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"leak": LEAK}

    by: str | tuple[str, ...] = Field(description="Column or columns whose values make the strata.")
    together: tuple[View, ...] = Field(
        ("prompt",), description="Texts of which equal copies share a split; none: `[]`."
    )

    @field_validator("by")
    @classmethod
    def _some_column(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not value:
            raise ValueError("`by` names no column; without strata use `split.random`")
        return value

    def _by(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by

    def _together(self) -> tuple[str, ...]:
        return self.together

    def _place(self, table: Table, settled: Ints, joins: Flags) -> Ints:
        strata = strata_of(gathered_keys(table, "by"))
        named = gathered_keys(table, "|".join(self.together)) if self.together else no_keys(table.height)
        return self._place_units(table, settled, joins, first_equal(named), named, strata)
