"""What score.complexity and score.quality share: every turn scored by the probabilities of the score tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, Ask, AskedRow, CallFailed, CallStep, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.step import Reasons
from tamis.engine.judging.guard import harmless
from tamis.engine.judging.tokens import expected_score

from ._judging import GUARD
from ._shared import part

#: alternatives asked for with each token: as many as most endpoints give
ALTERNATIVES = 20
#: a share of the probability on scores under which the place was hardly that of a score
SEEN = 0.5


class TurnScores(CallStep):
    """A step that scores every turn from 1 to 6 and makes a row's score of them."""

    reasons: ClassVar[Reasons] = {"below": "the score is under `min`"}
    #: what is asked, where no template is given
    question: ClassVar[str]
    #: the texts of a turn that are shown: `prompt`, `response`
    parts: ClassVar[tuple[str, ...]]

    role: str = Field("scorer", description="The role that scores; its endpoint must give log-probabilities.")
    template: str | None = Field(
        None,
        description="For a model trained to score: the words it was trained with, `{prompt}` and `{response}` in them.",
    )
    turns: Literal["mean", "sum"] = Field(
        "mean",
        description="What `<id>.score` is made of the turns' scores by: their mean, or their sum, which long chats win.",
    )
    min: float | None = Field(None, description="Rows with a lower score are dropped.")

    @model_validator(mode="after")
    def _shows_the_turn(self) -> Self:
        missing = [name for name in self.parts if self.template is not None and f"{{{name}}}" not in self.template]
        if missing:
            raise ValueError(f"the template does not show {', '.join('{' + name + '}' for name in missing)}")
        if self.min is not None and self.turns == "mean" and not 1 < self.min <= 6:
            raise ValueError("means of scores lie in 1..6: `min` must be above 1, and 6 at most")
        return self

    def reads(self) -> tuple[str, ...]:
        return ("messages", "producer")

    async def ask(self, row: AskedRow, models: Models) -> Any:
        found = turns(row.messages(), answered="response" in self.parts)
        if not found:
            return None
        scored = []
        for turn in found:
            reply = await models.chat(
                self.role,
                Ask(self.request(turn, models), temperature=0.0, max_tokens=4, logprobs=ALTERNATIVES),
            )
            told = expected_score(reply.tokens)
            if told is None:
                what = "no score" if reply.tokens else "no log-probabilities"
                raise CallFailed("unparsed", f"{what} in the reply {reply.text[:80]!r}", key=reply.key, lasting=True)
            scored.append(told)
        return {
            "turns": [one.score for one in scored],
            "seen": min(one.seen for one in scored),
            "missing": max(one.missing for one in scored),
        }

    def request(self, turn: dict[str, str], models: Models) -> tuple[dict[str, str], ...]:
        """The messages about one turn. Row text is put into a template once, so that it fills no placeholder itself."""
        if self.template is not None:
            filled = re.sub(r"\{(prompt|response)\}", lambda match: turn.get(match[1], ""), self.template)
            return ({"role": "user", "content": filled},)
        texts = "\n\n".join(f"{name.title()}:\n{models.fence(harmless(turn[name]), salt=name)}" for name in self.parts)
        told = f"{self.question} Reply with one number from 1 (lowest) to 6 (highest), and nothing else.\n\n{GUARD}"
        return ({"role": "system", "content": told}, {"role": "user", "content": f"{texts}\n\nScore:"})

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        each = part(answers, "turns", pl.List(pl.Float64()))
        total = pl.Series([None if one is None else sum(one) for one in each.to_list()], dtype=pl.Float64)
        mean = pl.Series([None if one is None else sum(one) / len(one) for one in each.to_list()], dtype=pl.Float64)
        score = mean if self.turns == "mean" else total
        seen = part(answers, "seen", pl.Float64())
        verdict = change(score=score, sum=total, mean=mean, turns=each, unsure=seen < SEEN)
        verdict = verdict.note(score=score, seen=seen, missing=part(answers, "missing", pl.Int64()))
        return verdict if self.min is None else verdict.drop("below", when=score < self.min)


def turns(messages: Sequence[dict[str, Any]], *, answered: bool) -> list[dict[str, str]]:
    """What users said, each with the answer that follows (`answered`: only where one does). Tool calls are passed over."""
    found: list[dict[str, str]] = []
    for message in messages:
        content = message.get("content")
        if not content:
            continue
        if message.get("role") == "user":
            found.append({"prompt": content})
        elif message.get("role") == "assistant" and found:
            found[-1]["response"] = content  # the last, where tools stand between
    return [turn for turn in found if not answered or "response" in turn]
