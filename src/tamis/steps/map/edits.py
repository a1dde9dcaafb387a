"""map.edits"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import RESERVED, View, view_column
from tamis.core.step import Reasons, RowStep


class Edits(RowStep):
    """Learn from what users changed: what they sent becomes the answer, and the draft the rejected one.

    ## What it does
    Takes a draft a model wrote and what a person sent in its place. `messages` end on what was sent; `rejected` is the
    draft, where the two differ by at least `min_change` (Levenshtein distance in characters over the longer text's
    length). Rows of which nothing was sent are dropped, and rows that were rewritten by more than `max_change`: what was
    sent there answers another question. `change` holds the figure.

    ## Why
    An edited draft says twice what an accepted one says once: what is better, and what it is better than.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Can we meet?", "draft": "Yes, Tuesday works.", "sent": s} for s in ("Yes, Tuesday at 9.", None)]
    >>> result = run_step(Edits(draft="column:draft", sent="sent"), rows)
    >>> row = result.kept[0]
    >>> row["messages"][-1]["content"], row["rejected"][0]["content"]
    ('Yes, Tuesday at 9.', 'Yes, Tuesday works.')
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (not_sent 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "not_sent": "nothing was sent, or the draft is not known",
        "unchanged": "the draft was sent as it was",
        "rewritten": "so much was changed that another question was answered",
    }
    sets: ClassVar[tuple[str, ...]] = ("messages", "rejected", "change")

    draft: View = Field("response", description="What the model wrote.")
    sent: str = Field(description="Column with what the person sent.")
    unchanged: Literal["keep", "drop"] = Field(
        "keep", description="Drafts that were sent as they were: good answers without a pair, or dropped."
    )
    min_change: float = Field(
        0.02, ge=0, le=1, description="Smallest part of a text that must differ for a preference pair, 0..1."
    )
    max_change: float = Field(0.8, gt=0, le=1, description="Largest part that may differ, 0..1.")
    pairs: bool = Field(True, description="Whether the draft becomes `rejected`.")

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.min_change > self.max_change:
            raise ValueError(f"`min_change` {self.min_change} is above `max_change` {self.max_change}")
        return self

    def views(self) -> tuple[str, ...]:
        """None that decides whether the step applies: a row without a draft is dropped, not passed by."""
        return ()

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(["messages", "rejected", view_column(self.draft), self.sent]))

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.chats import with_answers
        from tamis.engine.edits import as_answer, changed_share

        draft, sent = rows.text(self.draft), rows[self.sent].cast(pl.String)
        share = changed_share(draft, sent)
        blank = sent.str.strip_chars().fill_null("") == ""
        absent = pl.Series([None], dtype=RESERVED["messages"]).new_from_index(0, rows.height)
        before = rows["messages"] if "messages" in rows.names else absent
        made = {"messages": with_answers(before, sent), "change": share}
        if self.pairs:
            made["rejected"] = as_answer(draft.set(~(share >= self.min_change).fill_null(False), None))
        verdict = change(**made).drop("not_sent", when=blank | draft.is_null(), change=share)
        if self.unchanged == "drop":
            verdict = verdict.drop("unchanged", when=share < self.min_change)
        return verdict.drop("rewritten", when=share > self.max_change)
