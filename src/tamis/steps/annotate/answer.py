"""annotate.answer"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import Field, field_validator

from tamis.core.calls import Answer as Given
from tamis.core.calls import Ask, AskedRow, CallFailed, Models
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.row import RESERVED
from tamis.core.step import Reasons
from tamis.llm.confidence import mean_probability

from ._shared import Annotating


class Answer(Annotating):
    """Write an answer to each row, such as a summary or a reply, by a model and a prompt.

    ## What it does
    Asks the model of `role` by `prompt` and makes its reply the row's answer: the assistant's message that ends the
    conversation, in place of one that is there already, with `producer` naming the model. Rows without messages are
    left alone. With `into: summary` the reply goes into the column `<id>.summary` instead, and `messages` stay.
    `<id>.prompt` is the prompt's version.

    ## Why
    An answer is what the trained model will imitate: who wrote it, and by which prompt, must stay with it. A judge of
    the writer's family is refused later by what `producer` says.

    ## Example
    >>> from tamis.testing import run_step
    >>> step = Answer(prompt="Summarise this conversation in a sentence: {prompt}")
    >>> rows = [{"prompt": "A: The pump leaks. B: I ordered a seal."}]
    >>> result = run_step(step, rows, replies=lambda role, ask: "The pump leaks; a seal is ordered.")
    >>> result.kept[0]["messages"][-1]["content"], result.kept[0]["producer"]
    ('The pump leaks; a seal is ordered.', 'scripted/annotator')
    >>> print(result.line)
    1 in = 1 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = Annotating.reasons

    into: str = Field(
        "messages",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="`messages`, or the name of the column the reply goes into.",
    )
    confidence: Literal["logprobs", "none"] = Field(
        "none",
        description="Whether `<id>.confidence` is the mean probability of the reply's tokens (geometric), 0..1.",
    )

    @field_validator("into")
    @classmethod
    def _hides_nothing(cls, name: str) -> str:
        if name in ("prompt", "confidence") or (name in RESERVED and name != "messages"):
            raise ValueError(f"{name!r} is a column that is there already; choose another name")
        return name

    def reads(self) -> tuple[str, ...]:
        more = ("messages", "producer") if self.into == "messages" else ()
        return tuple(dict.fromkeys((*super().reads(), *more)))

    async def ask(self, row: AskedRow, models: Models) -> Any:
        task = self.task
        if task.labels or task.schema is not None:
            raise CallFailed("step", f"labels and schemas are for annotate.label; {task.prompt.place('')} states some")
        values = task.values(row)
        if values is None or (self.into == "messages" and not row.messages()):
            return None
        request = await task.request(row.id, values, models, self.embedder)
        reply = await models.chat(
            self.role,
            Ask(
                messages=request.messages,
                temperature=task.temperature,
                max_tokens=task.max_tokens,
                logprobs=int(self.confidence == "logprobs"),
            ),
        )
        text = reply.text.strip()
        if reply.finish in ("length", "refusal"):
            reason, told = ("length", "was cut off") if reply.finish == "length" else ("refused", "is a refusal")
            raise CallFailed(reason, f"the reply {told}: {text[:80]!r}", key=reply.key, lasting=True)
        if not text:
            raise CallFailed("unparsed", "the reply is empty", key=reply.key, lasting=True)
        sure = mean_probability(reply) if self.confidence == "logprobs" else None
        return {
            "value": text,
            "model": models.name(self.role),
            "confidence": sure,
            "key": reply.key,
            "examples": request.examples,
        }

    def judge_answers(self, rows: Columns, answers: Sequence[Given]) -> Verdict:
        texts = pl.Series(self.parts_of(answers, "value"), dtype=pl.String)
        made = {"prompt": self.versions(texts.is_not_null())}
        if self.confidence == "logprobs":
            made["confidence"] = pl.Series(self.parts_of(answers, "confidence"), dtype=pl.Float64)
        if self.into != "messages":
            return self.judged(rows, answers, change(**made, **{self.into: texts}))
        from tamis.engine.chats import with_answers

        model = pl.Series(self.parts_of(answers, "model"), dtype=pl.String)
        before = (
            rows["producer"]
            if "producer" in rows.names
            else pl.Series([None], dtype=pl.String).new_from_index(0, rows.height)
        )
        producer = pl.select(pl.when(texts.is_not_null()).then(model).otherwise(before).alias("producer")).to_series()
        made |= {"messages": with_answers(rows["messages"], texts), "producer": producer}
        return self.judged(rows, answers, change(**made))
