"""generate.preferences"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from tamis.core.calls import Answer, Ask, AskedRow, CallStep, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.step import Reasons

from ._kin import producer_of, refuse_kin
from ._prompts import prompt, said, whole
from ._rate import aspects, mean, pick, rate
from ._shared import chats
from .respond import spoken


class Preferences(CallStep):
    """Make preference pairs: several answers to a question, rated by aspects, the best against a worse one.

    ## What it does
    Each `role` answers each question `samples` times; `existing` adds the answer the row has. The `judge`
    rates one answer by one aspect a call, its reasons first, from 1 to 5; the aspects are those of UltraFeedback, or
    yours. The answer with the highest mean becomes the row's answer, and the `against` one its `rejected`. Rows whose
    best is less than `margin` better are dropped, as are those with fewer than two rated answers. `margin`,
    `chosen_rating`, `rejected_rating`, `rejected_producer`, and all `ratings` with reasons stay as columns.

    ## Why
    Several texts in one prompt are rated by their place, and a reader of free text has taken 10 for 1. Here a rating is
    a whole number from 1 to 5 in a reply of its own, or it is none, and an answer that lacks one is not compared.

    ## Example
    >>> from tamis.testing import run_step
    >>> def replies(role, ask):
    ...     if role == "judge":
    ...         return {"rationale": "…", "rating": 5 if "Four." in ask.messages[-1]["content"] else 2}
    ...     return ["Four.", "About five."][ask.sample]
    >>> result = run_step(Preferences(), [{"prompt": "2+2?"}], replies=replies)
    >>> row = result.rows[0]
    >>> row["messages"][-1]["content"], row["rejected"][-1]["content"], row["generate.preferences.margin"]
    ('Four.', 'About five.', 3.0)
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "too_few": "fewer than two different answers were given and rated",
        "too_close": "the best answer is rated less than `margin` above the other",
    }
    sets: ClassVar[tuple[str, ...]] = (
        "messages", "rejected", "producer", "margin", "chosen_rating", "rejected_rating", "rejected_producer", "ratings",
    )  # fmt: skip
    writer_fields: ClassVar[tuple[str, ...]] = ("role",)
    judge_fields: ClassVar[tuple[str, ...]] = ("rater",)
    seeded: ClassVar[bool] = True

    role: str | tuple[str, ...] = Field("generator", description="The role that answers, or several.")
    samples: int = Field(2, ge=1, le=32, description="Answers of each role.")
    existing: bool = Field(False, description="Whether the answer that the row has is one of those compared.")
    rater: str = Field("judge", alias="judge", description="The role that rates.")
    same_family: str | None = Field(None, description="Why the judge may be of the family of a role that answers.")
    aspects: tuple[str, ...] | dict[str, str] = Field(
        ("instruction_following", "truthfulness", "honesty", "helpfulness"),
        description="What is rated: names of the shipped aspects, or a name and a text with its scale for each.",
    )
    against: Literal["worst", "random"] = Field("worst", description="Which worse answer becomes `rejected`.")
    margin: float = Field(0.5, ge=0, le=4, description="Least difference of the mean ratings of a pair.")
    temperature: float | None = Field(
        None, ge=0, description="Sampling temperature of answers; by default the model's."
    )
    max_tokens: int | None = Field(None, ge=1, description="Longest answer in tokens; by default the model's.")

    @model_validator(mode="after")
    def _two_answers(self) -> Self:
        aspects(self.aspects)
        if len(self.writers()) * self.samples + self.existing < 2:
            raise ValueError("a pair needs two answers: more roles, more `samples`, or `existing: true`")
        return self

    def identity(self) -> Any:
        return [self.version, prompt("aspect").version, aspects(self.aspects)]

    def reads(self) -> tuple[str, ...]:
        return ("messages", "producer")

    async def ask(self, row: AskedRow, models: Models) -> Any:
        chat = row.messages()
        answer = chat.pop() if chat and chat[-1].get("role") == "assistant" else None
        if not chat or chat[-1].get("role") != "user" or not str(chat[-1].get("content") or "").strip():
            return None
        wrote = producer_of(row) if self.existing and answer is not None else None
        refuse_kin(models, self.writers(), self.rater, self.same_family, wrote)
        given, lost = dict[str, dict[str, Any]](), dict[str, int]()
        if self.existing and answer is not None and str(answer.get("content") or "").strip():
            given[answer["content"]] = {"text": answer["content"], "producer": wrote, "role": None}
        for role in self.writers():
            for sample in range(self.samples):
                ask = Ask(spoken(chat, None), None, self.temperature, max_tokens=self.max_tokens, sample=sample)
                reply, failed = await said(models, role, ask)
                text = "" if reply is None else whole(reply.text)
                if failed or text in given:
                    lost[failed or "same"] = lost.get(failed or "same", 0) + 1
                    continue
                given[text] = {"text": text, "producer": models.name(role), "role": role}
        for one in given.values():
            one["ratings"] = await rate(chat, one["text"], self.rater, aspects(self.aspects), models)
        return {"answers": list(given.values()), "lost": lost, "seed": row.seed, "turns": len(chat)}

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        picks = [None if a.value is None else pick(a.value, self.against) for a in answers]
        asked = pl.Series([p is not None for p in picks], dtype=pl.Boolean)
        pairs = [p if p is not None and p.rejected is not None else None for p in picks]
        gap = pl.Series([None if p is None else p.margin for p in pairs], dtype=pl.Float64)
        none = pl.Series([p is None for p in pairs], dtype=pl.Boolean)
        given = pl.Series([None if a.value is None else len(a.value["answers"]) for a in answers], dtype=pl.Int32)
        rated = pl.Series([None if p is None else p.rated for p in picks], dtype=pl.Int32)
        lost = pl.Series([None if a.value is None else sum(a.value["lost"].values()) for a in answers], dtype=pl.Int32)
        verdict = drop("too_few", when=asked & none, answers=given, rated=rated, lost=lost)
        verdict = verdict.drop("too_close", when=(gap < self.margin) | (gap <= 0), margin=gap)
        void: list[Any] = [None] * rows.height
        if "messages" not in rows.names:
            return verdict
        told_chats, rejected = rows["messages"].to_list(), [*void]
        producer = rows["producer"].to_list() if "producer" in rows.names else [*void]
        columns: dict[str, list[Any]] = {name: [*void] for name in self.sets[3:]}
        for i, pair in enumerate(pairs):
            if pair is None or pair.rejected is None:
                continue
            turns = told_chats[i][: answers[i].value["turns"]]
            told_chats[i] = [*turns, {"role": "assistant", "content": pair.chosen["text"]}]
            rejected[i] = [*turns, {"role": "assistant", "content": pair.rejected["text"]}]
            producer[i] = pair.chosen["producer"]
            told = (pair.margin, mean(pair.chosen), mean(pair.rejected), pair.rejected["producer"])
            for name, value in zip(self.sets[3:7], told, strict=True):
                columns[name][i] = value
            columns["ratings"][i] = json.dumps(answers[i].value["answers"], ensure_ascii=False)
        kinds = (pl.Float64, pl.Float64, pl.Float64, pl.String, pl.String)
        made = {n: pl.Series(n, columns[n], dtype=kind) for n, kind in zip(self.sets[3:], kinds, strict=True)}
        made |= {"messages": chats("messages", told_chats), "rejected": chats("rejected", rejected)}
        return verdict.change(**made, producer=pl.Series("producer", producer, dtype=pl.String)).only(~none)
