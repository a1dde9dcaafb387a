"""score.grounded"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.calls import Answer, AskedRow, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import View
from tamis.core.step import Reasons
from tamis.engine.judging.quotes import stands_in
from tamis.engine.judging.scale import Canary

from ._judging import Judging
from ._shared import part, people

VERDICTS = ("supported", "unsupported", "contradicted")
SCHEMA = {
    "type": "object",
    "properties": {
        "claims": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "claim": {"type": "string", "description": "one statement of the answer, in its own words"},
                    "quote": {"type": "string", "description": "the words of the source that bear on it, or empty"},
                    "verdict": {"type": "string", "enum": list(VERDICTS)},
                },
                "required": ["claim", "quote", "verdict"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["claims"],
    "additionalProperties": False,
}
TOLD = """You check an answer against its source, and against nothing else: what you know yourself does not count.
Take every statement of fact in the answer, one by one. For each, copy the words of the source that bear on it, letter by
letter (nothing where there are none), and then say: supported, if the source says so or it follows from it; contradicted, if
the source says otherwise; unsupported, if it does not say. Greetings, questions and offers are no claims. Reply with JSON."""


class Grounded(Judging):
    """Add which share of an answer's claims the prompt supports, by a model that must quote it.

    ## What it does
    The judge lists the claims of the answer, quotes for each the words of the prompt that bear on it, and calls it
    supported, unsupported or contradicted. A claim counts as supported only if its quotation really stands in the prompt
    (`quotes`). Sets `<id>.score` (share supported), `<id>.unsupported`, `<id>.contradicted` (shares) and `<id>.claims`
    (how many); the claims are the evidence. An answer without claims has no score and stays. Rows under
    `min`, or with more than `max_contradicted`, are dropped.

    ## Why
    An answer that adds to its source teaches a model to make things up. `filter.grounding` sees numbers and names that
    come from nowhere, at no cost; this sees what is said in words.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "The shop closes at six. When does it close?", "response": "At six. It sells tea."}]
    >>> claims = [{"claim": "It closes at six.", "quote": "The shop closes at six.", "verdict": "supported"},
    ...           {"claim": "It sells tea.", "quote": "", "verdict": "unsupported"}]
    >>> result = run_step(Grounded(canaries=0), rows, replies=lambda role, ask: {"claims": claims})
    >>> result.column("score.grounded.score"), result.column("score.grounded.unsupported")
    ([0.5], [0.5])
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "below": "too few of the claims are supported (`min`)",
        "contradicted": "too many of the claims are contradicted (`max_contradicted`)",
    }

    view: View = Field("response", alias="in", description="The answer.")
    source: View = Field("prompt", description="The text that must support it.")
    quotes: bool = Field(
        True, description="Whether a claim whose quotation stands nowhere in the source is unsupported."
    )
    min: float | None = Field(
        None, gt=0, le=1, description="Rows with a smaller share of supported claims are dropped."
    )
    max_contradicted: float | None = Field(
        None, ge=0, lt=1, description="Rows with a larger share of contradicted claims are dropped."
    )
    human: str | None = Field(None, description="The column of the shares 0..1 that people found, to compare with.")

    def reads(self) -> tuple[str, ...]:
        return (*super().reads(), *([] if self.human is None else [self.human]))

    def shown(self, row: AskedRow) -> dict[str, str] | None:
        source, answer = row.text(self.source), row.text(self.view)
        return None if source is None or answer is None else {"Source": source, "Answer": answer}

    def canary_shown(self, canary: Canary) -> dict[str, str]:
        return {"Source": canary.prompt, "Answer": canary.response}

    async def decide(self, shown: Mapping[str, str], models: Models, sample: int) -> dict[str, Any]:
        reply = await self.say(models, TOLD, shown, schema=SCHEMA, sample=sample)
        claims = [dict(claim) for claim in reply.value["claims"]]
        for claim in claims:
            if self.quotes and claim["verdict"] == "supported" and not stands_in(claim["quote"], shown["Source"]):
                claim |= {"verdict": "unsupported", "misquoted": True}
        return {"claims": claims, **shares(claims), "key": reply.key}

    def figure(self, decided: Mapping[str, Any]) -> float | None:
        return decided["supported"]  # type: ignore[no-any-return]

    def passes(self, canary: Canary, decided: Mapping[str, Any]) -> bool:
        share = decided["supported"]
        return share is not None and (share > 0.5 if canary.kind == "good" else share <= 0.5)

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        made = {name: part(answers, name, pl.Float64()) for name in VERDICTS}
        claims = [None if one.value is None else one.value["claims"] for one in answers]
        score, contradicted = made["supported"], made["contradicted"]
        verdict = change(
            score=score,
            unsupported=made["unsupported"],
            contradicted=contradicted,
            claims=pl.Series([None if one is None else len(one) for one in claims], dtype=pl.Int64),
        ).note(
            score=score,
            contradicted=contradicted,
            human=people(rows, self.human).cast(pl.Float64, strict=False),
            length=rows.text(self.view).str.len_chars(),
            claims=pl.Series(
                [None if one is None else json.dumps(one, ensure_ascii=False) for one in claims], dtype=pl.String
            ),
        )
        if self.max_contradicted is not None:
            verdict = verdict.drop("contradicted", when=contradicted > self.max_contradicted)
        if self.min is not None:
            verdict = verdict.drop("below", when=score < self.min)
        return self.told(verdict, answers)


def shares(claims: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Per verdict, its share of the claims; None where there are none."""
    return {
        name: round(sum(one["verdict"] == name for one in claims) / len(claims), 6) if claims else None
        for name in VERDICTS
    }
