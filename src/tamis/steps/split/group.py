"""split.group"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from tamis.core.columns import Table
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.hashing import first_equal
from tamis.engine.splits import components

from ._keys import Flags, Ints, gathered_keys
from ._shared import LEAK, SplitStep


class Group(SplitStep):
    """Split whole conversations, users or documents, never through the middle of one.

    ## What it does
    Rows with the same value in the columns `by` share a split, and so do groups that hold the same prompt
    (`together`). Large groups are placed first; each goes where its seeded hash falls if its rows fit there,
    else to the split that lacks most. Shares are met as nearly as whole groups allow, and no split stays empty
    while there are groups enough. A row without a value in `by` is a group of its own.

    ## Why
    Turns of one conversation, or letters of one user, resemble each other. Spread over train and
    validation they make a model look better than it is with people it has not met.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": f"question {n}", "response": "yes", "user": f"user {n // 2}"} for n in range(10)]
    >>> result = run_step(Group(by="user"), rows)
    >>> [row["source.user"] for row in result.rows if row["split"] == "validation"]
    ['user 3', 'user 3']
    >>> print(result.line)
    10 in = 10 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"leak": LEAK}

    by: str | tuple[str, ...] = Field(description="Column or columns whose values make the groups.")
    together: tuple[View, ...] = Field(
        ("prompt",), description="Texts that tie groups holding copies together; none: `[]`."
    )

    @field_validator("by")
    @classmethod
    def _some_column(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not value:
            raise ValueError("`by` names no column; without groups use `split.random`")
        return value

    def _by(self) -> tuple[str, ...]:
        return (self.by,) if isinstance(self.by, str) else self.by

    def _together(self) -> tuple[str, ...]:
        return self.together

    def _place(self, table: Table, settled: Ints, joins: Flags) -> Ints:
        named = gathered_keys(table, "by")
        first = first_equal(named)
        other = first_equal(gathered_keys(table, "|".join(self.together))) if self.together else first
        return self._place_units(
            table, settled, joins, components(first, other), named, np.zeros(table.height, np.int64)
        )
