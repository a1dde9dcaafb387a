"""select.temperature"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from tamis.core.columns import Table
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons
from tamis.engine.quotas import tempered

from ._draw import NO_VALUE, NOT_DRAWN, REJECTED, Drawing


class Temperature(Drawing):
    """Draw rows so that small groups weigh more than they are, and large ones less.

    ## What it does
    Keeps `rows` rows; a group of `by` with n rows gets a part proportional to n to the power of 1 / `temperature`, never
    more than it has; what is left over goes to the others. At 1 the mixture stays as it is, the higher the temperature
    the more equal the groups become. (As languages are mixed in Arivazhagan et al., "Massively Multilingual Neural Machine
    Translation in the Wild", 2019.)

    ## Why
    Equal numbers starve the large groups, true ones the small; between them lies one number to turn.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "language": "en" if n % 10 else "sw"} for n in range(200)]
    >>> result = run_step(Temperature(by="language", rows=40, temperature=2), rows)
    >>> sum(row["source.language"] == "sw" for row in result.kept)
    10
    >>> print(result.line)
    200 in = 40 kept + 160 dropped (not_drawn 160)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_drawn": NOT_DRAWN, "rejected": REJECTED}

    by: str | tuple[str, ...] = Field(description="Column or columns whose values make the groups.")
    rows: int = Field(ge=1, description="Rows that stay.")
    temperature: float = Field(
        2.0, ge=1, le=100, description="1 leaves the mixture, 100 makes the groups all but equal."
    )

    def groups_by(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by

    def decide(self, table: Table) -> Verdict:
        cell, values, supply = self.cells(table)
        counts = tempered(supply, min(self.rows, table.height), self.temperature)
        names = [" | ".join(NO_VALUE if v is None else v for v in value) for value in values]
        verdict = self.draw(table, cell, counts, names)
        if self.rows > table.height:
            verdict = verdict.warn(f"only {table.height:,} rows are there, {self.rows:,} were asked for")
        return verdict
