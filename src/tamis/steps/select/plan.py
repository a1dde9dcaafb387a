"""select.plan"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tamis.core.columns import Table
from tamis.core.errors import UsageError, did_you_mean
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons

from ._draw import NOT_DRAWN, REJECTED, Drawing
from ._plan import quota_of, shortage_text


class Quota(BaseModel):
    """How many rows each group of one grouping gives. Groups it does not name are bounded by `at_least` and `at_most`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str | tuple[str, ...] = Field(description="Column or columns whose values make the groups.")
    shares: dict[str, float] = Field(
        {}, description="Share of the rows each group gives, 0..1. If they add up to 1, other groups give none."
    )
    counts: dict[str, int] = Field({}, description="Rows each group gives.")
    each: int | None = Field(None, ge=0, description="Rows every group gives that is not named.")
    at_least: int = Field(0, ge=0, description="Fewest rows of every group that is not named.")
    at_most: int | None = Field(None, ge=0, description="Most rows of every group that is not named.")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if not self.by:
            raise ValueError("`by` names no column")
        if sum(self.shares.values()) > 1 + 1e-9 or any(share < 0 for share in self.shares.values()):
            raise ValueError(f"the shares of {self.by!r} add up to {sum(self.shares.values()):g}, to more than 1")
        if any(count < 0 for count in self.counts.values()):
            raise ValueError("a count is 0 or more")
        if self.at_most is not None and self.at_most < self.at_least:
            raise ValueError(f"`at_most` {self.at_most} is less than `at_least` {self.at_least}")
        if self.each is not None and (self.at_least or self.at_most is not None):
            raise ValueError("`each` says how many; leave `at_least` and `at_most` out")
        if not (self.shares or self.counts or self.each is not None or self.at_least or self.at_most is not None):
            raise ValueError("a quota needs `shares`, `counts`, `each`, `at_least` or `at_most`")
        return self

    def columns(self) -> tuple[str, ...]:
        """The columns that make the groups."""
        return (self.by,) if isinstance(self.by, str) else self.by


class Plan(Drawing):
    """Draw rows so that quotas over any columns hold, all of them at once.

    ## What it does
    Every combination of the quotas' columns is a cell. How many rows each cell gives is solved for all quotas together:
    shares and counts of groups hold exactly where the rows are there, and never too many of a group are drawn. Where rows
    lack, as few as possible are missing, and each group that is short is told with the number. What the quotas leave open
    goes by the cells' shares of the rows, largest remainder first, after `rare` rows of each cell. Within a cell rows are
    drawn as `prefer` says. Groups of several columns are written `a | b`.

    ## Why
    "Half general, half specific, twenty of each cluster" is two plans that cross. Drawn one after the other, the second
    breaks the first; drawn by weights, both hold only roughly.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "?", "kind": kind, "topic": topic} for kind in "ab" for topic in ("x", "y", "y", "z")]
    >>> plan = Plan(rows=4, quotas=[{"by": "kind", "shares": {"a": 0.5, "b": 0.5}}, {"by": "topic", "at_most": 2}])
    >>> print(run_step(plan, rows).line)
    8 in = 4 kept + 4 dropped (not_drawn 4)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_drawn": NOT_DRAWN, "rejected": REJECTED}

    rows: int | None = Field(None, ge=1, description="Rows in all; by default as many as the quotas allow.")
    quotas: tuple[Quota, ...] = Field(description="What must hold; of several groupings, all at once.")
    rare: int = Field(
        1, ge=0, description="Rows of each cell that are drawn before any gives more: rare ones are not lost."
    )
    short: str = Field("warn", pattern="^(warn|error)$", description="Where rows lack: `warn` and go on, or `error`.")

    @model_validator(mode="after")
    def _shares_of_something(self) -> Self:
        if not self.quotas:
            raise ValueError("`quotas` is empty; to draw a number of rows use `select.stratified`")
        if self.rows is None and any(quota.shares for quota in self.quotas):
            raise ValueError("`shares` are of `rows`; say how many rows there shall be")
        for quota in self.quotas:
            if self.rows is not None and sum(quota.counts.values()) > self.rows:
                raise ValueError(f"the counts of {quota.by!r} add up to more than `rows`, {self.rows}")
        return self

    def groups_by(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for quota in self.quotas for name in quota.columns()))

    def decide(self, table: Table) -> Verdict:
        from tamis.engine.quotas import solve

        names = self.groups_by()
        cell, values, supply = self.cells(table)
        quotas = [quota_of(quota, names, values, self.rows) for quota in self.quotas]
        self._named_are_there(names, values, table.height)
        plan = solve(supply, quotas, self.rows, rare=self.rare)
        told = [" | ".join("(none)" if v is None else v for v in value) for value in values]
        verdict = self.draw(table, cell, plan.counts, told)
        if plan.shortages and table.height:
            message = shortage_text(plan.shortages)
            if self.short == "error":
                raise UsageError(
                    f"step {self.name!r}: {message}", hint="ask for less, keep more rows before, or `short: warn`"
                )
            verdict = verdict.warn(message)
        return verdict

    def _named_are_there(self, names: tuple[str, ...], values: list[tuple[str | None, ...]], height: int) -> None:
        """A group that no row is of is a slip more often than a shortage."""
        for quota in self.quotas:
            at = [names.index(name) for name in quota.columns()]
            there = {" | ".join("(none)" if v[k] is None else str(v[k]) for k in at) for v in values}
            for name in (*quota.shares, *quota.counts):
                if height and name not in there and did_you_mean(name, there).startswith("did"):
                    raise UsageError(
                        f"step {self.name!r}: no row has {name!r} in {', '.join(quota.columns())}; {did_you_mean(name, there)}"
                    )
