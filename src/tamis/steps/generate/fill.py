"""generate.fill"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, keep
from tamis.core.row import SEPARATOR
from tamis.core.step import Reasons

from ._plan import Job, Plan, are_shares, filled, planned
from ._pool import mixed, pool_numbers
from ._prompts import counted, prompt, said
from ._shared import Makes, born, figures, question
from ._texts import tidy
from .expand import requests

LOST = (
    "schema", "length", "content_filter", "missing", "empty", "refused", "talk", "leaked", "not_novel", "surplus",
)  # fmt: skip


class Fill(Makes):
    """Make rows for values of a column that have too few, up to a stated plan.

    ## What it does
    Counts the rows of each value of `by` (a label, a cluster) over all rows the step sees, and asks a model for what
    the `plan` says is lacking: rows for each value, shares of `total`, or `even`. A call shows examples of the value,
    or, where it has none, of the others, and what `descriptions` says of it. New prompts carry the value in the same
    column. They are taken in row order where ROUGE-L to every row and to all taken before stays below `threshold`,
    until the plan is filled. What is lacking after all is told as a warning.

    ## Why
    Rare classes are learned badly, and copying their rows teaches those rows. How many are made must follow from the
    rows there are, not from a loop that somebody stops.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Where is my parcel?", "topic": "delivery"}, {"prompt": "Refund me.", "topic": "money"},
    ...         {"prompt": "It came broken.", "topic": "delivery"}]
    >>> replies = lambda role, ask: {"requests": ["You charged my card twice."]}
    >>> result = run_step(Fill(by="topic", plan="even", count=1, spare=0), rows, replies=replies)
    >>> [(row["messages"][0]["content"], row["source.topic"]) for row in result.born]
    [('You charged my card twice.', 'money')]
    >>> print(result.line)
    3 in + 1 born = 4 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer")
    prompts: ClassVar[tuple[str, ...]] = ("fill",)
    seeded: ClassVar[bool] = True

    by: str = Field(description="Column whose values are filled up.")
    plan: dict[str, float] | Literal["even"] = Field(
        description="Rows for each value, or shares of `total` that come to 1, or `even`: as many as the largest has."
    )
    total: int | None = Field(
        None, ge=1, description="What shares are of; by default the least in which no value has more than its share."
    )
    descriptions: dict[str, str] = Field({}, description="What a value means, for the model.")
    count: int = Field(4, ge=1, le=50, description="New prompts asked for in one call.")
    shown: int = Field(6, ge=1, le=50, description="Prompts of rows shown as examples in a call.")
    spare: float = Field(0.25, ge=0, le=10, description="Share asked for beyond what is lacking, as some are lost.")
    threshold: float = Field(0.7, gt=0, le=1, description="ROUGE-L (0..1) from which a prompt is too like another.")

    @model_validator(mode="after")
    def _a_plan_that_can_be_filled(self) -> Self:
        if isinstance(self.plan, str):
            return self
        if not self.plan or min(self.plan.values()) < 0:
            raise ValueError("`plan` names a number of rows, or a share, for each value")
        if self.total is not None and not are_shares(self.plan):
            raise ValueError("with `total`, `plan` holds shares, and they come to 1")
        if not are_shares(self.plan) and any(value != int(value) for value in self.plan.values()):
            raise ValueError("`plan` holds whole numbers of rows, or shares that come to 1")
        return self

    def pool(self) -> tuple[str, ...]:
        return (self.by, "view:prompt")

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().reads(), self.by)))

    async def ask(self, row: AskedRow, models: Models) -> Any:
        own = int(row.id[16:], 16)
        seed = row.seed ^ own  # the step's
        plan = planned(row.pool, self.by, self.plan, self.total, asked=self.count, spare=self.spare, seed=seed)
        made: list[dict[str, Any]] = []
        problems: dict[str, int] = {}
        jobs = plan.jobs.get(own, [])
        for job in jobs:
            shown = "\n\n".join(self._examples(row, plan, job, seed, models))
            words = {
                "label": job.label, "description": self.descriptions.get(job.label, ""), "count": self.count,
                "examples": shown,
            }  # fmt: skip
            ask = prompt("fill").ask(
                models, {}, words, schema=requests(2 * self.count), temperature=self.temperature,
                max_tokens=self.max_tokens, sample=job.number,
            )  # fmt: skip
            reply, failed = await said(models, self.role, ask)
            texts = [] if reply is None else [tidy(one) for one in reply.value["requests"]][: self.count]
            counted(problems, *((str(failed), 1) if reply is None else ("missing", self.count - len(texts))))
            producer = models.name(self.role)
            made += [{"text": text, "label": job.label, "producer": producer} for text in texts]
        short = {job.label: plan.short[job.label] for job in jobs}
        return {"seed": question(row.messages()), "short": short, "made": made, "problems": problems}

    def _examples(self, row: AskedRow, plan: Plan, job: Job, seed: int, models: Models) -> list[str]:
        """Rows of the label, or, where there are none, of the others with their labels; drawn by the call's number."""
        own = plan.groups.get(job.label)
        rows = np.array(own if own else range(len(row.pool["id"])), np.int64)
        draw = mixed(pool_numbers(row.pool)[rows], seed + 1 + job.number)
        told = []
        for place in rows[np.argsort(draw)][: self.shown].tolist():
            text = str(row.pool["view:prompt"][place] or "").rsplit(SEPARATOR, 1)[-1]
            if text.strip():
                head = "" if own else f"Of another class, {row.pool[self.by][place]}:\n"
                told.append(head + models.fence(text))
        return told

    def settle(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        return filled(answers, self.by, self.threshold)

    def bear_answers(self, rows: Columns, answers: Sequence[Answer]) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        column = rows.find(self.by)
        parents, children = born(answers, self.made_by(), {"label": pl.String})
        labels = children["label"].cast(rows[column].dtype, strict=False).alias(column)
        verdict = keep().note(**figures(answers, LOST))
        for told in dict.fromkeys(line for answer in answers for line in (answer.value or {}).get("told", ())):
            verdict = verdict.warn(told)
        return parents, children.drop("label").with_columns(labels), verdict
