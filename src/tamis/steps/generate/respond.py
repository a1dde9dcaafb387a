"""generate.respond"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, AskedRow, CallStep, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.step import Reasons

from ._prompts import said, whole
from ._shared import chats

#: what a row that ends on a question can lack → a sentence
_REASONS = {
    "length": "the answer was cut off at the limit of tokens",
    "content_filter": "the endpoint's filter withheld the answer",
    "empty": "the model answered with nothing",
}


class Respond(CallStep):
    """Answer rows that end on a question.

    ## What it does
    Sends the conversation as it stands to the role and appends the answer; `producer` is the model that gave it. With
    several roles each row is answered by one of them, drawn by its id. Rows that end on an answer are left alone.
    Rows whose answer was cut off, withheld or empty are dropped.

    ## Why
    Answers of several models make a set less like any one of them, and which model wrote which must stay known: a
    judge of the same family must not rate it, and its provider's terms hold for it. The question is the conversation
    itself, not text inside of a prompt of ours, so that the answer is what the model would give a user.

    ## Example
    >>> from tamis.testing import run_step
    >>> result = run_step(Respond(), [{"prompt": "1+1?"}, {"prompt": "2?", "response": "2"}], replies=lambda role, ask: "2")
    >>> [row["messages"][-1]["content"] for row in result.rows], result.rows[0]["producer"]
    (['2', '2'], 'scripted/generator')
    >>> print(result.line)
    2 in = 2 kept
    """

    version: ClassVar[int] = 1
    writer_fields: ClassVar[tuple[str, ...]] = ("role",)
    reasons: ClassVar[Reasons] = _REASONS
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer")
    seeded: ClassVar[bool] = True

    role: str | tuple[str, ...] = Field(
        "generator", description="The role that answers, or several that share the rows."
    )
    system: str | None = Field(None, description="A system prompt for rows that have none; it is not kept in them.")
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; by default the model's.")
    max_tokens: int | None = Field(None, ge=1, description="Longest answer in tokens; by default the model's.")

    @model_validator(mode="after")
    def _somebody_answers(self) -> Self:
        if not self.role:
            raise ValueError("`role` names nobody")
        return self

    def reads(self) -> tuple[str, ...]:
        return ("messages", "producer")

    async def ask(self, row: AskedRow, models: Models) -> Any:
        from tamis.core.calls import Ask

        chat = row.messages()
        if not chat or chat[-1].get("role") != "user" or not str(chat[-1].get("content") or "").strip():
            return None
        roles = (self.role,) if isinstance(self.role, str) else self.role
        role = roles[(row.seed >> 8) % len(roles)]
        sent = spoken(chat, self.system)
        reply, failed = await said(models, role, Ask(sent, temperature=self.temperature, max_tokens=self.max_tokens))
        if reply is None:
            return {"problem": failed}
        return {"text": whole(reply.text), "producer": models.name(role)}

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        values = [answer.value or {} for answer in answers]
        lost = pl.Series([value.get("problem") for value in values], dtype=pl.String)
        verdict = Verdict()
        for slug in self.reasons:
            verdict = verdict.drop(slug, when=lost == slug)
        answered = pl.Series(["text" in value for value in values], dtype=pl.Boolean)
        if "messages" not in rows.names:
            return verdict
        told = rows["messages"].to_list()
        turns = [
            [*told[i], {"role": "assistant", "content": value["text"]}] if "text" in value else told[i]
            for i, value in enumerate(values)
        ]
        before = rows["producer"].to_list() if "producer" in rows.names else [None] * rows.height
        wrote = [value.get("producer", old) for value, old in zip(values, before, strict=True)]
        columns = {"messages": chats("messages", turns), "producer": pl.Series("producer", wrote, dtype=pl.String)}
        return verdict.change(**columns).only(answered)


def spoken(chat: Sequence[dict[str, Any]], system: str | None) -> tuple[dict[str, Any], ...]:
    """The conversation as an endpoint takes it; `system` stands before one that has no system prompt."""
    kept = ("role", "content", "name", "tool_call_id", "tool_calls")
    turns = tuple({key: one[key] for key in kept if one.get(key) is not None} for one in chat)
    for turn in turns:
        if "tool_calls" in turn:
            turn["tool_calls"] = json.loads(turn["tool_calls"])
    return turns if system is None or turns[0]["role"] == "system" else ({"role": "system", "content": system}, *turns)
