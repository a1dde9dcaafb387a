"""filter.where"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from tamis.core.columns import Columns
from tamis.core.errors import UsageError
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons, RowStep


class Where(RowStep):
    """Keep the rows for which a SQL expression is true, or drop those for which one is.

    ## What it does
    Evaluates `keep` or `drop` (or both: first `drop`, then `keep`) over the row's columns. Null counts as false,
    so `keep: n > 3` drops rows without `n`, and `drop: n > 3` keeps them. Columns are named with or without their
    prefix; a name with a dot stands in double quotes (`"source.category"`), a text in single quotes. The views
    `response`, `prompt`, `system`, `all` and `text` are names too, where no column is called so.
    Functions are those that speak of one row: `length`, `lower`, `regexp_like`, `coalesce`, `try_cast`, …

    ## Why
    Half of all filters are one comparison: a status, a date, a rating, a language somebody else found out.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "Yes.", "rating": 5}, {"response": "No.", "rating": 1}, {"response": "?", "rating": None}]
    >>> print(run_step(Where(keep="rating >= 3 AND length(response) > 2"), rows).line)
    3 in = 1 kept + 2 dropped (not_matching 2)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "matching": "the expression `drop` is true for the row",
        "not_matching": "the expression `keep` is false or null for the row",
    }

    keep: str | None = Field(None, description="SQL expression; rows stay only where it is true.")
    drop: str | None = Field(None, description="SQL expression; rows leave where it is true.")

    @field_validator("keep", "drop")
    @classmethod
    def _can_be_read(cls, sql: str | None) -> str | None:
        from tamis.engine.sql import names_in

        if sql is not None:
            try:
                names_in(sql)
            except UsageError as error:
                raise ValueError(str(error)) from None
        return sql

    @model_validator(mode="after")
    def _something_is_asked(self) -> Self:
        if self.keep is None and self.drop is None:
            raise ValueError("give `keep` or `drop`, a SQL expression such as `rating >= 3`")
        return self

    def reads(self) -> tuple[str, ...] | None:
        from tamis.engine.sql import columns_read

        found: list[str] = []
        for sql in (self.drop, self.keep):
            names = () if sql is None else columns_read(sql)
            if names is None:
                return None
            found += names
        return tuple(dict.fromkeys(found))

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.sql import evaluate

        verdict = Verdict()
        if self.drop is not None:
            verdict = drop("matching", when=evaluate(self.drop, rows))
        if self.keep is not None:
            verdict = verdict.drop("not_matching", when=~evaluate(self.keep, rows))
        return verdict
