"""split.random"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from tamis.core.columns import Table
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.hashing import first_equal

from ._keys import Flags, Ints, gathered_keys, no_keys
from ._shared import LEAK, SplitStep


class Random(SplitStep):
    """Split rows at random, in exact shares.

    ## What it does
    Puts rows in an order that depends on the seed and on each row's own content or id, and gives the first of
    them to the first split, the next to the second. Counts are exact (largest remainder): 500 rows at 0.8 and
    0.2 are 400 and 100. Rows with the same prompt (`together`, compared as `dedup.exact` does) share a split;
    counts stay exact while there are rows without a copy to fill up with. Rows named by `golden` or `earlier`
    keep their split; copies of `earlier` rows follow them.

    ## Why
    A validation row that also stands in the training set measures memory, not skill. And an order made of
    ids, not of positions, does not change when files are read in another order or on another machine.

    ## Example
    >>> from tamis.testing import run_step
    >>> result = run_step(Random(), [{"prompt": f"question {n}", "response": "yes"} for n in range(10)])
    >>> sorted(result.column("split"))
    ['train', 'train', 'train', 'train', 'train', 'train', 'train', 'train', 'validation', 'validation']
    >>> print(result.line)
    10 in = 10 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"leak": LEAK}

    together: tuple[View, ...] = Field(
        ("prompt",), description="Texts of which equal copies share a split; none: `[]`."
    )

    def _together(self) -> tuple[str, ...]:
        return self.together

    def _place(self, table: Table, settled: Ints, joins: Flags) -> Ints:
        strata = np.zeros(table.height, np.int64)
        named = gathered_keys(table, "|".join(self.together)) if self.together else no_keys(table.height)
        return self._place_units(table, settled, joins, first_equal(named), named, strata)
