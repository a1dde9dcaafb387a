"""score.ifd"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, AskedRow, CallFailed, CallStep, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.step import Reasons

from ._shared import part


class Ifd(CallStep):
    """Add how much the instruction helps to foretell the answer: the instruction-following difficulty.

    ## What it does
    Takes the perplexity of the answer behind its request and the perplexity of the answer on its own, from a model's
    log-probabilities, and sets `<id>.score` to the first over the second. Near 0: the request all but says the answer.
    Near 1: it is of no help. Above 1: it misleads, so answer and request hardly belong together. Both are taken over the
    same tokens, those behind the first. Answers of fewer than `min_tokens` tokens have no score. Rows under `min` or over
    `max` are dropped. `local/smollm2` is enough for this, and sends nothing away.

    ## Why
    Rows that are hard in this sense teach more: Li et al. (2023, arXiv 2308.12032) reach with a twentieth of Alpaca what
    all of it reaches, and find (2024, arXiv 2402.00530) that small models rank rows much as large ones do.

    ## Example
    >>> from tamis.testing import run_step
    >>> rows = [{"prompt": "Say five words.", "response": "One two three four five"}]
    >>> says = lambda role, ask: [-1.0] * 5 if len(ask.messages) > 1 else [-2.0] * 5
    >>> result = run_step(Ifd(), rows, replies=says)
    >>> round(result.column("score.ifd.score")[0], 3)
    0.368
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "below": "the request says the answer all but itself (`min`)",
        "above": "the request hardly helps to foretell the answer (`max`)",
    }

    role: str = Field("prober", description="The role whose log-probabilities are taken; `models:` says who plays it.")
    min: float | None = Field(None, gt=0, description="Rows with a lower score are dropped.")
    max: float | None = Field(
        None, gt=0, description="Rows with a higher score are dropped; the paper drops those over 1."
    )
    min_tokens: int = Field(3, ge=1, description="Answers of fewer tokens have no score.")

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"`min` {self.min} is not under `max` {self.max}: every row would be dropped")
        return self

    def reads(self) -> tuple[str, ...]:
        return ("messages",)

    async def ask(self, row: AskedRow, models: Models) -> Any:
        messages = row.messages()
        if len(messages) < 2 or messages[-1].get("role") != "assistant" or not messages[-1].get("content"):
            return None
        answer = str(messages[-1]["content"])
        before = [{"role": one["role"], "content": one.get("content") or ""} for one in messages[:-1]]
        behind = await models.answer_logprobs(self.role, before, answer)
        alone = await models.answer_logprobs(self.role, [], answer)
        tokens = min(len(behind) - 1, len(alone))  # alone, the first has nothing before it to be foretold from
        if max(len(behind), len(alone)) > 2 * (tokens + 2):
            raise CallFailed("unreadable", f"{len(behind)} log-probabilities behind the request, {len(alone)} alone")
        if tokens < self.min_tokens:
            return {"tokens": max(tokens, 0)}
        given, own = (-math.fsum(figures[-tokens:]) / tokens for figures in (behind, alone))
        return {"tokens": tokens, "given": round(given, 6), "alone": round(own, 6)}

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        given, alone = (part(answers, name, pl.Float64()) for name in ("given", "alone"))
        ratio = [
            None if a is None or b is None else round(math.exp(min(a - b, 50.0)), 6)
            for a, b in zip(given, alone, strict=True)
        ]
        score = pl.Series("score", ratio, dtype=pl.Float64)
        verdict = change(score=score).note(
            score=score, given=given, alone=alone, tokens=part(answers, "tokens", pl.Int64())
        )
        if self.min is not None:
            verdict = verdict.drop("below", when=score < self.min)
        return verdict if self.max is None else verdict.drop("above", when=score > self.max)
