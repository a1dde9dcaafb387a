"""map.template"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tamis.core.columns import Columns
from tamis.core.outcome import Verdict, drop
from tamis.core.row import ROLES
from tamis.core.step import Reasons, RowStep
from tamis.engine.template import Renderer, checked, columns_of, first_hit


class JsonTemplate(BaseModel):
    """A message that is JSON: the bytes Python's `json.dumps` makes."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    value: Any = Field(
        alias="json", description="Keys and templates, nested at will. A value that is one {column} keeps its type."
    )
    ascii: bool = Field(
        True, description="Write characters beyond ASCII as \\u escapes, as `json.dumps` does by default."
    )

    @field_validator("value")
    @classmethod
    def _no_lost_quotes(cls, value: Any) -> Any:
        return checked(value)


Template_ = str | JsonTemplate


class Template(RowStep):
    """Make messages from any columns: `{column}` stands for the column's value.

    ## What it does
    Sets `messages` from `system`, `user` and `assistant`, or from a list `messages` of {role: template} for several
    turns. `{{` and `}}` are plain braces; there is no other syntax, and text in rows is never read as a template.
    With `assistant: {json: {...}}` the answer is JSON, with the bytes of Python's `json.dumps`: a value that is
    one {column} keeps its type. Rows where a column is null are dropped, unless `missing: empty`.

    ## Why
    A table of texts and labels becomes a training set by one sentence around them, and it should be the same
    sentence in every row.

    ## Example
    >>> from tamis.testing import run_step
    >>> step = Template(user="{inquiry}", assistant={"json": {"category": "{category}"}})
    >>> rows = [{"inquiry": "Where is it?", "category": "delivery"}, {"inquiry": "Hi", "category": None}]
    >>> result = run_step(step, rows)
    >>> result.kept[0]["messages"][1]["content"]
    '{"category": "delivery"}'
    >>> print(result.line)
    2 in = 1 kept + 1 dropped (missing_value 1)
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Reasons] = {
        "missing_value": "a column that the template names is null",
        "not_json": "a value has no JSON form: NaN, infinity, or broken JSON in one of `json_columns`",
    }
    sets: ClassVar[tuple[str, ...]] = ("messages", "producer", "tools")

    system: str | None = Field(None, description="Template of the system message.")
    user: Template_ | None = Field(None, description="Template of the user's message.")
    assistant: Template_ | None = Field(None, description="Template of the answer; without it rows end on the user.")
    messages: tuple[dict[str, Template_], ...] = Field(
        (), description="Several turns, each {role: template}, instead of the three above."
    )
    producer: str | None = Field(None, description="Template of the name of the model that wrote the answer.")
    tools: str | None = Field(None, description="Template of the tool definitions, JSON.")
    missing: Literal["drop", "empty"] = Field(
        "drop", description="What becomes of rows with a null: dropped, or filled with empty text."
    )
    json_columns: tuple[str, ...] = Field(
        (), description="Columns that hold JSON text, embedded as values in {json: …}."
    )

    @field_validator("system", "user", "assistant", "producer", "tools", mode="before")
    @classmethod
    def _is_a_template(cls, value: Any) -> Any:
        return checked(value) if isinstance(value, str) or not (isinstance(value, dict) and "json" in value) else value

    @field_validator("messages")
    @classmethod
    def _turns_have_one_role(cls, turns: tuple[dict[str, Template_], ...]) -> tuple[dict[str, Template_], ...]:
        for i, turn in enumerate(turns):
            if len(turn) != 1 or next(iter(turn)) not in ROLES:
                raise ValueError(f"messages[{i}] is no {{role: template}} with one of the roles {', '.join(ROLES)}")
            checked(next(iter(turn.values())))
        return turns

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.messages and (self.system, self.user, self.assistant) != (None, None, None):
            raise ValueError("use either `messages` or system, user and assistant, not both")
        if not self.messages and self.user is None and self.assistant is None:
            raise ValueError("no message: give `user`, `assistant` or `messages`")
        if not self.reads():
            raise ValueError("every row would be the same: no template names a {column}")
        return self

    def turns(self) -> list[tuple[str, Template_]]:
        """(role, template) of each message."""
        if self.messages:
            return [next(iter(turn.items())) for turn in self.messages]
        given: tuple[tuple[str, Template_ | None], ...] = (
            ("system", self.system),
            ("user", self.user),
            ("assistant", self.assistant),
        )
        return [(role, template) for role, template in given if template is not None]

    def reads(self) -> tuple[str, ...]:
        templates = [t.value if isinstance(t, JsonTemplate) else t for _, t in self.turns()]
        return tuple(dict.fromkeys(columns_of([*templates, self.producer, self.tools])))

    def judge(self, rows: Columns) -> Verdict:
        from tamis.engine.chats import flat
        from tamis.engine.text import to_messages

        renderer = Renderer(
            rows, json_columns=[c for c in self.json_columns if c in self.reads()], empty=self.missing == "empty"
        )

        def made(template: Template_) -> pl.Series:
            return (
                renderer.json(template.value, ascii=template.ascii)
                if isinstance(template, JsonTemplate)
                else renderer.text(template)
            )

        turns = [(role, made(template)) for role, template in self.turns()]
        extra = {
            name: made(t).alias(name)
            for name, t in (("producer", self.producer), ("tools", self.tools))
            if t is not None
        }
        missing, odd = first_hit(renderer.missing, rows.height), first_hit(renderer.odd, rows.height)
        whole = (missing.is_null() & odd.is_null()).to_numpy()
        messages = to_messages("messages", flat([(role, text) for role, text in turns]), whole)
        verdict = drop("missing_value", when=missing.is_not_null(), missing=missing)
        return verdict.drop("not_json", when=odd.is_not_null(), not_json=odd).change(messages=messages, **extra)
