"""What the annotating steps share: the prompt, its gate, and what becomes of rows it cannot show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import polars as pl
from pydantic import BeforeValidator, Field

from tamis.core.calls import Answer, CallStep, PromptGate
from tamis.core.columns import Columns
from tamis.core.outcome import Verdict
from tamis.core.row import VIEWS
from tamis.core.step import Reasons
from tamis.engine.template import first_hit
from tamis.llm.prompts import as_prompt, column_of
from tamis.llm.tasks import Task, task_of

PromptSource = Annotated[Path | str, BeforeValidator(as_prompt)]


class Annotating(CallStep):
    """A step that asks a model about each row by a prompt."""

    role_fields: ClassVar[tuple[str, ...]] = ("role", "embedder")
    writer_fields: ClassVar[tuple[str, ...]] = ("role",)
    codes: ClassVar[tuple[str, ...]] = ("null_column",)
    reasons: ClassVar[Reasons] = {"missing_value": "a column that the prompt shows is null"}

    prompt: PromptSource = Field(
        description="The prompt: a file (`prompts/intent.md`, relative to the recipe), or its text."
    )
    role: str = Field("annotator", description="The role that is asked; `models:` says who plays it.")
    embedder: str | None = Field(
        None, description="The role that compares rows with examples; without it, shared characters are counted."
    )
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; by default the model's setting.")
    max_tokens: int | None = Field(None, ge=1, description="Longest reply in tokens; by default the model's setting.")
    missing: Literal["keep", "drop"] = Field(
        "keep",
        description="What becomes of rows with a null where the prompt shows a column: kept unasked, or dropped.",
    )

    @property
    def task(self) -> Task:
        """What is asked about every row."""
        return task_of(self)

    def prompt_gate(self) -> PromptGate:
        return self.task.gate(self)

    def reads(self) -> tuple[str, ...]:
        task = self.task
        return task.prompt.reads(labels=bool(task.labels))

    def files(self) -> tuple[str, ...]:
        return tuple(str(path) for path in self.task.files if path.exists())

    def said_where(self, column: str) -> str | None:
        """Where the prompt names a column."""
        prompt = self.task.prompt
        named = next((name for name in prompt.columns if column_of(name) == column), None)
        return None if named is None else prompt.place(named)

    def lacking(self, rows: Columns) -> pl.Series:
        """(n,) String: the first column or view that the prompt shows and that is null; null where none is."""
        hits = {
            name: (rows.text(name) if name in VIEWS else rows[name.removeprefix("column:")]).is_null()
            for name in self.task.columns
        }
        return first_hit(hits, rows.height)

    def parts_of(self, answers: Sequence[Answer], name: str) -> list[Any]:
        """One part of every answer; None where there is none."""
        return [None if answer.value is None else answer.value.get(name) for answer in answers]

    def versions(self, asked: pl.Series) -> pl.Series:
        """The prompt's version where a row was asked, else null."""
        return pl.select(pl.when(asked).then(pl.lit(self.task.version)).alias("prompt")).to_series()

    def judged(self, rows: Columns, answers: Sequence[Answer], verdict: Verdict) -> Verdict:
        """The verdict with what it rests on: the recorded reply, the examples shown, what each sample said."""
        lists = {
            name: [one and json.dumps(one, ensure_ascii=False) for one in self.parts_of(answers, name)]
            for name in ("examples", "votes")
        }
        verdict = verdict.note(
            reply=pl.Series(self.parts_of(answers, "key"), dtype=pl.String),
            **{name: pl.Series([one or None for one in texts], dtype=pl.String) for name, texts in lists.items()},
        )
        lacking = self.lacking(rows)
        verdict = verdict.note(null_column=lacking)
        return verdict if self.missing == "keep" else verdict.drop("missing_value", when=lacking.is_not_null())
