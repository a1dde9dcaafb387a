"""generate.rewrite"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, AskedRow, CallStep, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, keep
from tamis.core.step import Reasons

from ._prompts import pieces, prompt, said, whole
from ._shared import chats, last_question
from ._texts import problem


class Rewrite(CallStep):
    """Rewrite answers, or questions, in another style or for other readers.

    ## What it does
    Asks a model to rewrite the last answer (or, with `in: prompt`, the last question) by `style`, by `difficulty`, or
    both, and puts what comes back in its place; `original` keeps the text before. An answer after a rewritten
    question is taken off, as it answers another one: `generate.respond` gives a new one. Where what comes back is
    empty, cut off, a refusal, talk about the task, or contains our instructions, the row stays as it was, and its
    `problem` says why.

    ## Why
    One set can serve beginners and experts, or lose a house style that its sources have. What a model was asked to
    rewrite and did not must not pass for rewritten.

    ## Example
    >>> from tamis.testing import run_step
    >>> result = run_step(Rewrite(style="plain words"), [{"prompt": "Why?", "response": "Owing to exigencies."}],
    ...                   replies=lambda role, ask: "Because there was no time.")
    >>> result.rows[0]["messages"][-1]["content"], result.rows[0]["generate.rewrite.original"]
    ('Because there was no time.', 'Owing to exigencies.')
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    writer_fields: ClassVar[tuple[str, ...]] = ("role",)
    reasons: ClassVar[Reasons] = {}
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer", "original")

    role: str = Field("generator", description="The role that is asked.")
    what: Literal["response", "prompt"] = Field(
        "response", alias="in", description="What is rewritten: the last answer, or the last question."
    )
    style: str | None = Field(None, description="How it shall be written, in words: `as a friendly e-mail`.")
    difficulty: Literal["easier", "harder"] | None = Field(None, description="For whom it shall be written.")
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; by default the model's.")
    max_tokens: int | None = Field(None, ge=1, description="Longest text in tokens; by default the model's.")

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.style and self.difficulty is None:
            raise ValueError("`style` or `difficulty` says what to do")
        return self

    def identity(self) -> Any:
        return [self.version, prompt("rewrite").version, pieces("operations")]

    def reads(self) -> tuple[str, ...]:
        return ("messages", "producer")

    async def ask(self, row: AskedRow, models: Models) -> Any:
        chat = row.messages()
        place = self._place(chat)
        text = str(chat[place].get("content") or "") if place >= 0 else ""
        if not text.strip():
            return None
        how = [
            f"Write it in this style: {self.style}." if self.style else "",
            pieces("operations").get(self.difficulty or "", ""),
        ]
        ask = prompt("rewrite").ask(
            models, {"text": text}, {"how": "\n".join(filter(None, how))}, temperature=self.temperature,
            max_tokens=self.max_tokens,
        )  # fmt: skip
        reply, failed = await said(models, self.role, ask)
        new = "" if reply is None else whole(reply.text)
        wrong = failed or problem(new, text) or ("same" if new == text.strip() else None)
        return {"problem": wrong} if wrong else {"text": new, "original": text, "producer": models.name(self.role)}

    def _place(self, chat: Sequence[Any]) -> int:
        """Which message is rewritten, -1 for none."""
        if self.what == "prompt":
            return last_question(chat)
        return len(chat) - 1 if chat and chat[-1].get("role") == "assistant" else -1

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        values = [answer.value or {} for answer in answers]
        wrong = pl.Series([value.get("problem") for value in values], dtype=pl.String)
        verdict = keep().note(problem=wrong)
        if "messages" not in rows.names:
            return verdict
        told = rows["messages"].to_list()
        turns = [self._rewritten(chat, value) for chat, value in zip(told, values, strict=True)]
        before = rows["producer"].to_list() if "producer" in rows.names else [None] * rows.height
        wrote = [self._producer(value, old) for value, old in zip(values, before, strict=True)]
        columns = {
            "messages": chats("messages", turns),
            "producer": pl.Series("producer", wrote, dtype=pl.String),
            "original": pl.Series([value.get("original") for value in values], dtype=pl.String),
        }
        return verdict.change(**columns).only(pl.Series(["text" in value for value in values], dtype=pl.Boolean))

    def _rewritten(self, chat: Any, value: dict[str, Any]) -> Any:
        if "text" not in value:
            return chat
        place = self._place(chat)
        turns = [*chat[:place], {**chat[place], "content": value["text"]}]
        return turns if self.what == "prompt" else [*turns, *chat[place + 1 :]]

    def _producer(self, value: dict[str, Any], before: Any) -> Any:
        """Who wrote the answer: the rewriter; nobody, where the answer was taken off."""
        if "text" not in value:
            return before
        return value["producer"] if self.what == "response" else None
