"""select.stratified"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Table
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons
from tamis.engine.quotas import solve

from ._draw import NO_VALUE, NOT_DRAWN, REJECTED, Drawing


class Stratified(Drawing):
    """Draw a number of rows that are mixed as all rows are.

    ## What it does
    Keeps `rows` rows, or the `share` of them, so that every group of `by` has the part it has of all rows, by largest
    remainder, after `rare` rows of each group. Without `by` rows are drawn by chance alone, or as `prefer` says.

    ## Why
    A random thousand of a million has lost its rare classes, and looks like the million otherwise.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "topic": "common" if n % 10 else "rare"} for n in range(100)]
    >>> result = run_step(Stratified(by="topic", rows=20), rows)
    >>> sorted(row["source.topic"] for row in result.kept).count("rare")
    2
    >>> print(result.line)
    100 in = 20 kept + 80 dropped (not_drawn 80)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_drawn": NOT_DRAWN, "rejected": REJECTED}

    by: str | tuple[str, ...] = Field((), description="Column or columns whose values make the groups.")
    rows: int | None = Field(None, ge=1, description="Rows that stay.")
    share: float | None = Field(None, gt=0, le=1, description="Instead of `rows`: their share, 0..1, rounded.")
    rare: int = Field(1, ge=0, description="Rows of each group that stay before any gives more.")

    def model_post_init(self, context: object, /) -> None:
        if (self.rows is None) == (self.share is None):
            raise ValueError("give either `rows` or `share`")

    def groups_by(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by

    def decide(self, table: Table) -> Verdict:
        cell, values, supply = self.cells(table)
        want = round(Fraction(str(self.share)) * table.height) if self.rows is None else self.rows
        plan = solve(supply, [], min(want, table.height), rare=self.rare)
        names = [" | ".join(NO_VALUE if v is None else v for v in value) for value in values]
        verdict = self.draw(table, cell, plan.counts, names)
        if want > table.height:
            verdict = verdict.warn(f"only {table.height:,} rows are there, {want:,} were asked for")
        return verdict
