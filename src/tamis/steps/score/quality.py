"""score.quality"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from tamis.core.calls import AskedRow, Models

from ._shared import column, refuse_own
from ._turns import TurnScores


class Quality(TurnScores):
    """Add how good each answer is, 1..6, as DEITA scores it.

    ## What it does
    As `score.complexity`, of each user turn together with the answer that follows it: the expected value over the
    probabilities of the tokens "1" to "6". Turns without an answer are passed over. A scorer of the family of the row's
    `producer` is refused, unless `same_family` says why.

    ## Why
    The number a model says is coarse, most answers get the same. Its probabilities tell them apart.

    ## Example
    >>> from tamis.core.calls import Reply, Token
    >>> from tamis.testing import run_step
    >>> says = lambda role, ask: Reply("5", tokens=(Token("5", -0.1, (("5", -0.105), ("6", -2.303))),))
    >>> result = run_step(Quality(), [{"prompt": "Explain tides.", "response": "The moon pulls."}], replies=says)
    >>> [round(score, 2) for score in result.column("score.quality.score")]
    [5.1]
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    judge_fields: ClassVar[tuple[str, ...]] = ("role",)
    question: ClassVar[str] = (
        "How good is the response to this prompt? Think of whether it is right, does what was asked, goes as deep as it "
        "should, and is well put."
    )
    parts: ClassVar[tuple[str, ...]] = ("prompt", "response")

    same_family: str | None = Field(
        None,
        min_length=3,
        description="Why this model may score models of its own family; without a reason it does not.",
    )

    async def ask(self, row: AskedRow, models: Models) -> Any:
        if self.same_family is None:
            refuse_own(models, self.role, column(row, "producer"))
        return await super().ask(row, models)
