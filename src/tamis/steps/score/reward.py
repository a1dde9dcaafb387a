"""score.reward"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.calls import Answer, AskedRow, CallStep, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.step import Reasons

from ._shared import column, part


class Reward(CallStep):
    """Add what a reward model gives for each conversation.

    ## What it does
    Sends the conversation, which must end on the assistant, to the reward model of `role` and sets `<id>.score` to its
    figure. Where a row has a rejected answer too, that is scored as well: `<id>.rejected_score` is its figure and `<id>.margin`
    the difference. Rows under `min`, or whose margin is under `min_margin`, are dropped.

    ## Why
    A reward model is trained on people's preferences and costs a fraction of a judge. Its figures have no unit: they are
    to be compared within one model, and a margin says more than a figure.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Hi", "response": "Hello!"}, {"prompt": "Hi", "response": "What."}]
    >>> result = run_step(Reward(min=0), rows, replies=lambda role, ask: 1.5 if "Hello!" in str(ask.messages) else -2)
    >>> result.column("score.reward.score")
    [1.5, -2.0]
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (below 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "below": "the reward is under `min`",
        "margin": "the answer's reward is not `min_margin` above that of the rejected one",
    }

    role: str = Field("reward", description="The role of the reward model; `models:` says who plays it.")
    min: float | None = Field(None, description="Rows with a lower reward are dropped.")
    min_margin: float | None = Field(None, description="Rows with a smaller margin over the rejected one are dropped.")

    def reads(self) -> tuple[str, ...]:
        return ("messages", "rejected")

    async def ask(self, row: AskedRow, models: Models) -> Any:
        chosen = _answered(row.messages())
        if chosen is None:
            return None
        rejected = _answered([_plain(message) for message in column(row, "rejected") or []])
        answer = {"score": await models.reward(self.role, chosen)}
        if rejected is not None:
            answer["rejected"] = await models.reward(self.role, rejected)
        return answer

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        score, rejected = (part(answers, name, pl.Float64()) for name in ("score", "rejected"))
        margin = score - rejected
        verdict = change(score=score, rejected_score=rejected, margin=margin).note(score=score, margin=margin)
        if self.min is not None:
            verdict = verdict.drop("below", when=score < self.min)
        if self.min_margin is not None:
            verdict = verdict.drop("margin", when=margin < self.min_margin)
        return verdict


def _answered(messages: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Role and content of the messages, where they end on an answer."""
    if not messages or messages[-1].get("role") != "assistant" or not messages[-1].get("content"):
        return None
    return [{"role": one["role"], "content": one.get("content") or ""} for one in messages]


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if value is not None}
