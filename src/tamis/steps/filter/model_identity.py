"""filter.model_identity"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.row import View
from tamis.core.step import Reasons, RowStep


class ModelIdentity(RowStep):
    """Drop answers that speak as some other model.

    ## What it does
    Looks for what a text says of its speaker, in the first person: `name`, the name of a known model ("I am ChatGPT");
    `maker`, who made it ("an AI assistant trained by …"); `cutoff`, how far its knowledge goes; `ai`, that it is an AI at
    all ("As an AI, I …"), which is not dropped unless `claims` names it. In English, and more simply in German, French,
    Spanish, Italian, Portuguese, Dutch, Polish, Russian, Chinese, Japanese and Korean. In system prompts and users'
    messages "you are …" counts as well. Others may be talked about: "ChatGPT was made by OpenAI" stays, as do
    quotations, code, and people called Claude. Claims that name nobody but `allow` stay.

    ## Why
    A model trained on another's answers says that it is the other one.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"response": "I am ChatGPT, trained by OpenAI."}, {"response": "ChatGPT was trained by OpenAI."}]
    >>> result = run_step(ModelIdentity(), rows)
    >>> result.evidence[0]["phrase"]
    'I am ChatGPT, trained by OpenAI.'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (names_model 1)
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[str, ...]] = ("kind",)
    reasons: ClassVar[Reasons] = {
        "names_model": "the text says, in the first person, that it is a certain model",
        "names_maker": "the text says who made the model that speaks",
        "knowledge_cutoff": "the text says how far the speaking model's knowledge goes",
        "says_ai": "the text says that an AI is speaking",
    }

    view: View = Field("response", alias="in", description="Which text of the row is looked at.")
    claims: tuple[Literal["name", "maker", "cutoff", "ai"], ...] = Field(
        ("name", "maker", "cutoff"), min_length=1, description="Claims for which rows are dropped."
    )
    allow: tuple[str, ...] = Field(
        (), description="Names of models and makers that may be claimed, such as your own; capitals make no difference."
    )

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.model_identity import claims_of

        found = claims_of(rows, self.view, self.claims, allow=self.allow)
        verdict = Verdict().note(**found._asdict())
        for claim, reason in zip(("name", "maker", "cutoff", "ai"), self.reasons, strict=True):
            if claim in self.claims:
                verdict = verdict.drop(reason, when=found.kind == claim)
        return verdict
