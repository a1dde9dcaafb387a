"""select.per_cluster"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from tamis.core.columns import Table
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons

from ._draw import NO_VALUE, NOT_DRAWN, REJECTED, Drawing


class PerCluster(Drawing):
    """Draw the same number of rows from each cluster, or each value of any column.

    ## What it does
    Keeps `n` rows of each group of `by`, those that `prefer` puts first, by chance among equals; smaller groups stay whole,
    and how many rows they lack is told. Rows without a value (outliers that belong to no cluster) are a group of their own,
    of which `outliers` rows stay.

    ## Why
    What users write is a few topics again and again. Drawn by chance, the set is these topics; drawn per cluster, it is
    all of them.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "cluster": c} for c in (0, 0, 0, 1, 1, 1, 1, 2)]
    >>> print(run_step(PerCluster(by="cluster", n=2), rows).line)
    8 in = 5 kept + 3 dropped (not_drawn 3)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_drawn": NOT_DRAWN, "rejected": REJECTED}

    by: str | tuple[str, ...] = Field(description="The column with the cluster, or several that make groups.")
    n: int = Field(ge=1, description="Rows of each group.")
    outliers: int | None = Field(None, ge=0, description="Rows without a value that stay; by default `n`.")

    def groups_by(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by

    def decide(self, table: Table) -> Verdict:
        cell, values, supply = self.cells(table)
        names = [" | ".join(NO_VALUE if v is None else v for v in value) for value in values]
        want = [self.n if self.outliers is None or None not in value else self.outliers for value in values]
        verdict = self.draw(table, cell, np.array(want, np.int64), names)
        short = [(name, int(n), int(w)) for name, n, w in zip(names, supply, want, strict=True) if n < w]
        if short:
            told = ", ".join(f"{name} ({n:,})" for name, n, _ in short[:8]) + (", …" if len(short) > 8 else "")
            missing = sum(w - n for _, n, w in short)
            verdict = verdict.warn(
                f"{len(short)} of {len(names)} groups have fewer than {self.n:,} rows: {told}; {missing:,} rows short"
            )
        return verdict
