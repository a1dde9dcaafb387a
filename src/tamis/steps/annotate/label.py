"""annotate.label"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import polars as pl
from pydantic import BeforeValidator, Field, model_validator

from tamis.core.calls import Answer, Ask, AskedRow, CallFailed, Models, Reply
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, change
from tamis.core.step import Reasons
from tamis.llm.confidence import value_probability, vote, vote_each
from tamis.llm.labels import as_labels, read_label

from ._shared import Annotating
from ._values import as_json, columns_of, flat_fields

Labels = Annotated[tuple[str, ...] | dict[str, str] | Path, BeforeValidator(as_labels)]
Schema = Annotated[dict[str, Any] | Path, BeforeValidator(lambda v: Path(v) if isinstance(v, str) else v)]
#: sampling temperature of several samples, where none is set
SAMPLING = 0.7
#: alternatives asked for with each token; one is enough for the token's own log-probability
ALTERNATIVES = 1


class Label(Annotating):
    """Label each row, or extract values from it, by a model and a prompt.

    ## What it does
    Asks the model of `role` by `prompt`, a file whose `{column}` placeholders the row fills. With `labels:` (a list, a
    mapping to descriptions, or a file) it chooses one, or several with `many: true`, and sets `<id>.label`; with
    `schema:` (a JSON Schema) it extracts a value and sets `<id>.value`, and the schema's fields as columns where they
    are plain. Both may stand in the prompt's front matter instead. `<id>.confidence` is the probability of the label's
    tokens where the endpoint gives log-probabilities, or, with `samples: 5`, the share of samples that agree;
    `<id>.review` says where it is under `review_below`, or not known; `<id>.prompt` is the prompt's version.

    ## Why
    Labels decide what a model learns. A run annotates all rows only after people have seen what the prompt does to a
    few (`tamis prompt try`).

    ## Example
    >>> from tamis.testing import run_step
    >>> step = Label(prompt="Sort this inquiry: {inquiry}", labels=("billing", "delivery"))
    >>> rows = [{"inquiry": "Where is my parcel?"}, {"inquiry": None}]
    >>> result = run_step(step, rows, replies=lambda role, ask: {"label": "delivery"})
    >>> result.column("annotate.label.label")
    ['delivery', None]
    >>> print(result.line)
    2 in = 2 kept
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = Annotating.reasons

    labels: Labels | None = Field(None, description="What a row may be: a list, a mapping to descriptions, or a file.")
    many: bool | None = Field(None, description="Whether a row may have several labels, or none.")
    schema_: Schema | None = Field(
        None, alias="schema", description="JSON Schema of the value to extract, or a file that holds it."
    )
    reply: Literal["json", "text"] | None = Field(
        None, description="How the label is given: as JSON (the default), or alone, which small models do better."
    )
    samples: int = Field(
        1, ge=1, le=100, description="Replies to each request; the majority wins, ties go to the first."
    )
    confidence: Literal["auto", "none"] = Field(
        "auto", description="Whether log-probabilities are asked for where there is one sample."
    )
    review_below: float | None = Field(
        None, ge=0, le=1, description="Confidence under which `<id>.review` is true, for a `review.gate` with `where:`."
    )

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("`samples` above 1 at `temperature: 0` would all be the same; leave the temperature away")
        if self.samples == 1 and self.confidence == "none" and self.review_below is not None:
            raise ValueError("`review_below` needs a confidence; leave `confidence: none` away, or take more samples")
        return self

    async def ask(self, row: AskedRow, models: Models) -> Any:
        task = self.task
        if task.schema is None and not task.labels:
            raise CallFailed("step", f"neither `labels:` nor `schema:` is stated, here or in {task.prompt.place('')}")
        values = task.values(row)
        if values is None:
            return None
        request = await task.request(row.id, values, models, self.embedder)
        several = self.samples > 1
        ask = Ask(
            messages=request.messages,
            schema=task.schema,
            temperature=(task.temperature or SAMPLING) if several else task.temperature,
            max_tokens=task.max_tokens,
            logprobs=0 if several or self.confidence == "none" else ALTERNATIVES,
        )
        said = []
        failure: CallFailed | None = None
        for sample in range(self.samples):
            try:
                reply = await models.chat(self.role, replace(ask, sample=sample))
                said.append((self._value(reply), reply))
            except CallFailed as error:
                failure = failure or error
        if not said:
            assert failure is not None
            raise failure
        given = [value for value, _ in said]
        answer = {"key": said[0][1].key, "examples": request.examples}
        if not several:
            name = None if task.reply == "text" or not task.labels else "labels" if task.many else "label"
            return {"value": given[0], "confidence": value_probability(said[0][1], name), **answer}
        voted = vote_each(given, list(task.labels), self.samples) if task.many else vote(given, self.samples)
        return {"value": voted.value, "confidence": voted.share, "votes": given, **answer}

    def _value(self, reply: Reply) -> Any:
        """What a reply says: a label, labels in the order they are listed, or an extracted value."""
        task = self.task
        if task.reply == "text":
            return read_label(reply.text, task.labels, reply.key)
        if not task.labels:
            return reply.value
        if task.many:
            return [name for name in task.labels if name in reply.value["labels"]]
        return reply.value["label"]

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        task = self.task
        values = self.parts_of(answers, "value")
        confidence = pl.Series("confidence", self.parts_of(answers, "confidence"), dtype=pl.Float64)
        asked = pl.Series([answer.value is not None for answer in answers], dtype=pl.Boolean)
        made = {"confidence": confidence, "prompt": self.versions(asked)}
        if task.labels:
            kind = pl.List(pl.String) if task.many else pl.String()
            made["label"] = pl.Series("label", values, dtype=kind)
        else:
            made |= {"value": as_json(values), **columns_of(values, flat_fields(task.schema or {}))}
        if self.review_below is not None:
            sure = (confidence >= self.review_below).fill_null(False)
            made["review"] = pl.Series("review", asked & ~sure)
        return self.judged(rows, answers, change(**made)).note(confidence=confidence)
