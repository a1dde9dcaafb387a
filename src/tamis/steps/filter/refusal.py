"""filter.refusal"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class Refusal(RowStep):
    """Drop answers that refuse, instead of answering.

    ## What it does
    Looks at the opening of one view for the speaker saying, in the first person, that they will not or cannot do what
    was asked ("I'm sorry, but I can't help with that", "As an AI, I am not able to …"), in English and, more simply, in
    German, French, Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese, Japanese and Korean. A score, 0..1,
    says how sure that is: the verb, an apology, a mention of being an AI and the reason given add to it; sentences
    before it, quotation marks and letters take from it. A refusal followed by help ("However, I can …", a list) is
    *partial*. A *rebuke* condemns what was asked, or contradicts the question, instead of answering; where the row has
    a question, only one that asks how or why can be rebuked.

    ## Why
    A few refusals teach a model to refuse much more than them. How well they are found: `docs/figures/refusals.md`.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "I'm sorry, but I can't help with that."}, {"response": "I can't wait to see you!"}]
    >>> result = run_step(Refusal(), rows)
    >>> result.evidence[0]["phrase"]
    "i can't help with that."
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (refusal 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "refusal": "the text refuses",
        "partial_refusal": "the text refuses, and then helps in part",
        "rebuke": "the text condemns or contradicts the question instead of answering it",
    }

    view: View = Field("response", alias="in", description="Which text of the row is looked at.")
    min_score: float = Field(0.5, gt=0, le=1, description="Least score that counts as a refusal, 0..1.")
    partial: Literal["keep", "drop"] = Field("keep", description="What becomes of refusals that help in part.")
    rebukes: Literal["keep", "drop"] = Field("drop", description="What becomes of rebukes.")

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.refusals import find_refusals

        found = find_refusals(rows, self.view)
        sure = found.score >= self.min_score
        verdict = drop(
            "refusal",
            when=sure & ~found.partial & ~found.rebuke,
            score=found.score,
            phrase=found.phrase,
            partial=found.partial,
        )
        if self.partial == "drop":
            verdict = verdict.drop("partial_refusal", when=sure & found.partial)
        if self.rebukes == "drop":
            verdict = verdict.drop("rebuke", when=sure & found.rebuke & ~found.partial)
        return verdict
