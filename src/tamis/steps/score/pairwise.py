"""score.pairwise"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.judging.parse import TIE, read_choice
from tamis.engine.judging.scale import Canary, as_rubric

from ._judging import Judging
from ._rubrics import CHOICE, Rubrics
from ._shared import column, part, people, unparsed

#: what the judge calls the answers, in the order they are shown; and the step's names of them
SHOWN = ("Answer 1", "Answer 2")
SIDES = ("first", "second")


class Pairwise(Judging):
    """Compare two answers to the same request, by a model, in both orders.

    ## What it does
    The judge sees the request and both answers (`first`, by default the response, and `second`, by default the rejected
    one), explains, then names the better one, or a tie; then again, the answers the other way round. Only an answer that
    wins both times has won: `<id>.winner` is `first`, `second` or `tie`, `<id>.consistent` says whether both orders agree.
    With `keep: first` rows whose first answer does not win are dropped, so that chosen answers are the better ones.

    ## Why
    Judges prefer places: GPT-4 keeps its verdict in about two of three pairs when they are swapped (Zheng et al. 2023,
    arXiv 2306.05685). A verdict that depends on the order is none; how often that happens is the judge's first figure.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Two and two?", "response": "Four.", "other": "Nine."}]
    >>> def says(role, ask):
    ...     text = ask.messages[1]["content"]
    ...     return {"why": "Sums.", "better": "Answer 1" if text.find("Four") < text.find("Nine") else "Answer 2"}
    >>> result = run_step(Pairwise(second="column:source.other"), rows, replies=says)
    >>> result.column("score.pairwise.winner"), result.column("score.pairwise.consistent")
    (['first'], [True])
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"not_better": "the first answer does not win in both orders"}

    first: View = Field("response", description="One answer: a view.")
    second: View = Field("rejected", description="The other answer: a view.")
    rubric: Rubrics = Field(
        ("overall",), description="By what they are compared: the name of a shipped rubric, or your own words."
    )
    reference: str | None = Field(None, description="The column of an answer known to be good, shown to the judge.")
    human: str | None = Field(None, description="The column of what people preferred: first, second or tie.")
    keep: Literal["all", "first"] = Field("all", description="Whether rows whose first answer does not win stay.")
    reply: Literal["json", "text"] = Field("json", description="How the verdict is given: as JSON, or as a last line.")

    @model_validator(mode="after")
    def _two_answers(self) -> Self:
        if self.first == self.second:
            raise ValueError(f"both answers are {self.first!r}; name two different ones")
        if len(self.rubric) > 1:
            raise ValueError("pairs are compared by one rubric")
        return self

    def reads(self) -> tuple[str, ...]:
        more = [name for name in (self.reference, self.human) if name is not None]
        return tuple(dict.fromkeys((*super().reads(), "messages", *more)))

    def shown(self, row: AskedRow) -> dict[str, str] | None:
        answers = row.text(self.first), row.text(self.second)
        if answers[0] is None or answers[1] is None:
            return None
        shown = {"Request": row.text("prompt") or "", SIDES[0]: answers[0], SIDES[1]: answers[1]}
        if self.reference is not None and (reference := column(row, self.reference)) is not None:
            shown["Reference"] = str(reference)
        return shown

    def canary_shown(self, canary: Canary) -> dict[str, str]:
        shown = {"Request": canary.prompt, SIDES[0]: canary.response, SIDES[1]: canary.other}
        return {**shown, "Reference": canary.reference} if self.reference is not None else shown

    async def decide(self, shown: Mapping[str, str], models: Models, sample: int) -> dict[str, Any]:
        rest = {name: text for name, text in shown.items() if name not in SIDES and text}
        verdicts, why = [], ""
        for order in (SIDES, SIDES[::-1]):
            texts = {**rest, **{name: shown[side] for name, side in zip(SHOWN, order, strict=True)}}
            schema = CHOICE if self.reply == "json" else None
            reply = await self.say(models, self.told_to(texts), texts, schema=schema, sample=sample)
            names = dict(zip(SHOWN, order, strict=True))
            better = names.get(reply.value["better"], TIE) if schema else read_choice(reply.text, names)
            if better is None:
                raise unparsed(reply, "which is better")
            verdicts.append(better)
            why = why or (reply.value["why"] if schema else reply.text.strip())
        consistent = verdicts[0] == verdicts[1]
        winner = verdicts[0] if consistent else TIE
        return {"winner": winner, "orders": verdicts, "consistent": consistent, "why": why, "key": reply.key}

    def told_to(self, shown: Mapping[str, str]) -> str:
        """What the judge is told to do."""
        rubric = as_rubric(self.rubric[0])
        guided = " The reference is an answer known to be good; others can be as good." if "Reference" in shown else ""
        form = (
            "Reply with JSON: `why`, your reasons in a few sentences, and only then `better`."
            if self.reply == "json"
            else f"Give your reasons. Then write on a last line: Verdict: {SHOWN[0]}, or {SHOWN[1]}, or tie"
        )
        return (
            f"You compare two answers to the same request by one rubric. The order they stand in says nothing.{guided}\n\n"
            f"Rubric:\n{rubric.text}\n\nWhich answer is better by it? A tie where neither is.\n\n{form}"
        )

    def figure(self, decided: Mapping[str, Any]) -> float:
        return {"first": 1.0, TIE: 0.5}.get(decided["winner"], 0.0)

    def passes(self, canary: Canary, decided: Mapping[str, Any]) -> bool:
        return bool(decided["winner"] == ("first" if canary.kind == "good" else "second"))

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        winner = part(answers, "winner", pl.String())
        consistent = part(answers, "consistent", pl.Boolean())
        orders = [None if a.value is None else "/".join(a.value["orders"]) for a in answers]
        score = winner.replace_strict({"first": 1.0, TIE: 0.5, "second": 0.0}, return_dtype=pl.Float64)
        longer = rows.text(self.first).str.len_chars().cast(pl.Int64) - rows.text(self.second).str.len_chars()
        verdict = change(winner=winner, consistent=consistent, why=part(answers, "why", pl.String()))
        verdict = verdict.note(
            score=score, orders=pl.Series(orders, dtype=pl.String), human=people(rows, self.human), longer=longer
        )
        verdict = verdict if self.keep == "all" else verdict.drop("not_better", when=winner != "first")
        return self.told(verdict, answers)
