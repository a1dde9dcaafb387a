"""score.judge"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.judging.parse import read_level
from tamis.engine.judging.scale import LEVELS, Canary, Rubric, as_rubric, level_of, score_of

from ._judging import Judging
from ._rubrics import SCHEMA, Rubrics
from ._shared import column, part, people, unparsed


class Judge(Judging):
    """Rate each answer by a rubric on five levels, by a model.

    ## What it does
    The model of `role` sees the request, the answer, the rubric and, with `reference:`, an answer known to be good; it
    explains first, then names a level: very bad, bad, moderate, good or excellent. Sets `<id>.score` (0..4), `<id>.level`
    and `<id>.why`. One row, one rubric and one call: with several rubrics each is asked by itself, `<id>.<rubric>` holds
    its score, and `<id>.score` their mean. Rows under `min` are dropped. A judge of the family of the row's `producer` is
    refused, unless `same_family` says why.

    ## Why
    A judge's word is worth what is known of the judge. So some rows are judged twice, answers of known worth are judged
    among them, scores are compared with length and with what people said (`human`), and the report tells all of it.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Two and two?", "response": "Four."}, {"prompt": "Two and two?", "response": "Nine."}]
    >>> step = Judge(rubric="truthfulness", min=2)
    >>> def says(role, ask):
    ...     right = "Four." in ask.messages[1]["content"]
    ...     return {"why": "It is." if right else "It is not.", "level": "excellent" if right else "very bad"}
    >>> result = run_step(step, rows, replies=says)
    >>> result.column("score.judge.score")
    [4.0, 0.0]
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (below 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {"below": "the judge's score is under `min`"}

    view: View = Field("response", alias="in", description="Which text of the row is judged.")
    rubric: Rubrics = Field(
        ("overall",),
        description="What is judged: the name of a shipped rubric, several of them, or your own words.",
    )
    reference: str | None = Field(None, description="The column of an answer known to be good, shown to the judge.")
    human: str | None = Field(
        None, description="The column of what people gave, 0..4 or a level's name, to compare the judge with."
    )
    min: float | None = Field(None, gt=0, le=4, description="Rows with a lower score, 0..4, are dropped.")
    reply: Literal["json", "text"] = Field(
        "json", description="How the verdict is given: as JSON, or as a last line, which small models do better."
    )

    def reads(self) -> tuple[str, ...]:
        more = [name for name in (self.reference, self.human) if name is not None]
        return tuple(dict.fromkeys((*super().reads(), "messages", *more)))

    def shown(self, row: AskedRow) -> dict[str, str] | None:
        answer = row.text(self.view)
        if answer is None:
            return None
        shown = {
            "Request": (row.text("prompt") or "") if self.view in ("response", "rejected") else "",
            "Answer": answer,
        }
        if self.reference is not None and (reference := column(row, self.reference)) is not None:
            shown["Reference"] = str(reference)
        return {name: text for name, text in shown.items() if text or name == "Answer"}

    def canary_shown(self, canary: Canary) -> dict[str, str]:
        shown = {"Request": canary.prompt, "Answer": canary.response}
        return {**shown, "Reference": canary.reference} if self.reference is not None else shown

    async def decide(self, shown: Mapping[str, str], models: Models, sample: int) -> dict[str, Any]:
        scores, whys = {}, []
        for text in self.rubric:
            rubric = as_rubric(text)
            schema = SCHEMA if self.reply == "json" else None
            reply = await self.say(models, self.told_to(rubric, shown), shown, schema=schema, sample=sample)
            level = reply.value["level"] if schema else read_level(reply.text, LEVELS)
            if level not in LEVELS:
                raise unparsed(reply, "a level")
            scores[rubric.name] = LEVELS.index(level)
            why = reply.value["why"] if schema else reply.text.strip()
            whys.append(why if len(self.rubric) == 1 else f"{rubric.name}: {why}")
        return {"score": sum(scores.values()) / len(scores), "scores": scores, "why": "\n".join(whys), "key": reply.key}

    def told_to(self, rubric: Rubric, shown: Mapping[str, str]) -> str:
        """What the judge is told to do."""
        guided = " The reference is an answer known to be good; others can be as good." if "Reference" in shown else ""
        form = (
            "Reply with JSON: `why`, your reasons in a few sentences, and only then `level`."
            if self.reply == "json"
            else "Give your reasons in a few sentences. Then write the level alone on a last line: Verdict: <level>"
        )
        return f"You judge one answer by one rubric.{guided}\n\nRubric:\n{rubric.text}\n\n{form}"

    def figure(self, decided: Mapping[str, Any]) -> float:
        return float(decided["score"])

    def passes(self, canary: Canary, decided: Mapping[str, Any]) -> bool:
        return bool(decided["score"] > 2 if canary.kind == "good" else decided["score"] < 2)

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        score = part(answers, "score", pl.Float64())
        levels = pl.Series([None if one is None else level_of(one) for one in score], dtype=pl.String)
        made = {"score": score, "level": levels, "why": part(answers, "why", pl.String())}
        if len(self.rubric) > 1:
            for name in (as_rubric(one).name for one in self.rubric):
                each = [None if a.value is None else float(a.value["scores"][name]) for a in answers]
                made[name] = pl.Series(each, dtype=pl.Float64)
        human = pl.Series([score_of(one) for one in people(rows, self.human)], dtype=pl.Float64)
        verdict = change(**made).note(score=score, human=human, length=rows.text(self.view).str.len_chars())
        verdict = verdict if self.min is None else verdict.drop("below", when=score < self.min)
        return self.told(verdict, answers)
