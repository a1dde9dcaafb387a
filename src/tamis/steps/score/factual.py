"""score.factual"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.judging.scale import Canary

from ._judging import Judging
from ._shared import part, people

#: verdict → score
VERDICTS = {"correct": 1.0, "partly correct": 0.5, "not answered": 0.0, "incorrect": 0.0}
SCHEMA = {
    "type": "object",
    "properties": {
        "why": {"type": "string", "description": "what in the answer agrees with the reference, and what does not"},
        "verdict": {"type": "string", "enum": list(VERDICTS)},
    },
    "required": ["why", "verdict"],
    "additionalProperties": False,
}
TOLD = """You check whether an answer says what the reference says. The reference is right, whatever you know yourself.
Judge the facts alone: other words, another order, another language or more detail are no errors, as long as nothing
contradicts the reference. correct: the answer holds all that the reference answers, and contradicts none of it. partly
correct: it holds a part of it, and contradicts none. incorrect: it contradicts the reference in a point. not answered: it
neither agrees nor contradicts, as a refusal does. Reply with JSON: `why`, and only then `verdict`."""


class Factual(Judging):
    """Add whether each answer agrees with a reference, by a model.

    ## What it does
    The judge sees the request, the answer and the reference (the column `reference`), and says: correct, partly correct,
    not answered or incorrect. Sets `<id>.verdict`, `<id>.score` (1, 0.5, 0 and 0) and `<id>.why`. Rows without a reference
    are left alone. Rows under `min` are dropped, as `incorrect` or, if they say nothing wrong, as `below`.

    ## Why
    Where the right answer is known, a judge need not know it: comparing is easier than grading, and a refusal is no error.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Capital of France?", "response": "Lyon.", "right": "Paris"}]
    >>> step = Factual(reference="source.right", min=0.5)
    >>> result = run_step(step, rows, replies=lambda role, ask: {"why": "Lyon is not Paris.", "verdict": "incorrect"})
    >>> result.column("score.factual.verdict")
    ['incorrect']
    >>> print(result.line)
    1 in = 0 kept + 1 dropped (incorrect 1)
    """

    version: ClassVar[int] = 1
    codes: ClassVar[tuple[str, ...]] = (*Judging.codes, "verdict")
    reasons: ClassVar[Reasons] = {
        "incorrect": "the answer contradicts the reference",
        "below": "the answer says less than the reference (`min`)",
    }

    view: View = Field("response", alias="in", description="The answer.")
    reference: str = Field(description="The column of the right answer.")
    min: float | None = Field(None, gt=0, le=1, description="Rows with a lower score are dropped: 0.5 or 1.")
    human: str | None = Field(None, description="The column of people's verdicts, in the same words, to compare with.")

    def reads(self) -> tuple[str, ...]:
        more = [name for name in (self.reference, self.human) if name is not None]
        return tuple(dict.fromkeys((*super().reads(), "messages", *more)))

    def shown(self, row: AskedRow) -> dict[str, str] | None:
        answer, reference = row.text(self.view), row[self.reference]
        if answer is None or reference is None:
            return None
        return {"Request": row.text("prompt") or "", "Reference": str(reference), "Answer": answer}

    def canary_shown(self, canary: Canary) -> dict[str, str]:
        return {"Request": canary.prompt, "Reference": canary.reference, "Answer": canary.response}

    async def decide(self, shown: Mapping[str, str], models: Models, sample: int) -> dict[str, Any]:
        reply = await self.say(models, TOLD, shown, schema=SCHEMA, sample=sample)
        verdict = reply.value["verdict"]
        return {"verdict": verdict, "score": VERDICTS[verdict], "why": reply.value["why"], "key": reply.key}

    def figure(self, decided: Mapping[str, Any]) -> float:
        return float(decided["score"])

    def passes(self, canary: Canary, decided: Mapping[str, Any]) -> bool:
        return bool(decided["verdict"] != "incorrect" if canary.kind == "good" else decided["score"] == 0)

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        score, said = part(answers, "score", pl.Float64()), part(answers, "verdict", pl.String())
        human = [VERDICTS.get(str(one).strip().lower()) for one in people(rows, self.human)]
        verdict = change(score=score, verdict=said, why=part(answers, "why", pl.String())).note(
            score=score,
            verdict=said,
            human=pl.Series(human, dtype=pl.Float64),
            length=rows.text(self.view).str.len_chars(),
        )
        if self.min is not None:
            verdict = verdict.drop("incorrect", when=said == "incorrect").drop("below", when=score < self.min)
        return self.told(verdict, answers)
