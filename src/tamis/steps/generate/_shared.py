"""What the steps of this family share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from tamis.core.calls import Answer, CallBirthStep
from tamis.core.row import MESSAGE, MESSAGES

from ._prompts import prompt

_FIELDS = [field.name for field in MESSAGE.fields]
Chat = Sequence[Mapping[str, Any]]
#: the column in which born rows tell the versions of the prompts that made them
PROMPT = "generate.prompt"


class Makes(CallBirthStep):
    """A step that makes rows by asking models. Rows that it makes carry nothing of their parent but what `inherit` names."""

    writer_fields: ClassVar[tuple[str, ...]] = ("role",)
    rewrites: ClassVar[bool] = True  # all steps of the family tell their prompt in one column
    #: the files of prompts it says; the outcome depends on them
    prompts: ClassVar[tuple[str, ...]] = ()

    role: str = Field("generator", description="The role that is asked.")
    keep_parents: bool = Field(
        True, description="Whether a row stays beside the rows made from it; else it is merged into them."
    )
    inherit: tuple[str, ...] = Field(
        (), description="Columns that new rows take from their parent; all others are null in them."
    )
    temperature: float | None = Field(None, ge=0, description="Sampling temperature; by default the model's.")
    max_tokens: int | None = Field(None, ge=1, description="Longest reply in tokens; by default the model's.")

    def identity(self) -> Any:
        return [self.version, *(prompt(name).version for name in self.prompts)]

    def keeps_parents(self) -> bool:
        return self.keep_parents

    def inherits(self, names: Sequence[str]) -> Sequence[str]:
        wanted = {full for name in self.inherit for full in (name, f"source.{name}")}
        return [name for name in names if name in wanted]

    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("messages", *self.inherit)))

    def made_by(self) -> str:
        """The versions of its prompts, as the rows made tell them."""
        return " ".join(f"{name}@{prompt(name).version}" for name in self.prompts)


def last_question(chat: Chat) -> int:
    """The place of the last user message, -1 where there is none."""
    return next((i for i in range(len(chat) - 1, -1, -1) if chat[i].get("role") == "user"), -1)


def question(chat: Chat) -> str:
    """The last user message's text; '' where there is none."""
    place = last_question(chat)
    return str(chat[place].get("content") or "") if place >= 0 else ""


def user(text: str) -> list[dict[str, Any]]:
    """A conversation of one question."""
    return [{"role": "user", "content": text}]


def chats(name: str, values: Iterable[Chat | None]) -> pl.Series:
    """Conversations as a column."""
    told = [None if chat is None else [{key: one.get(key) for key in _FIELDS} for one in chat] for chat in values]
    return pl.Series(name, told, dtype=MESSAGES)


def born(answers: Sequence[Answer], made_by: str, kinds: Mapping[str, Any]) -> tuple[pl.Series, pl.DataFrame]:
    """(parents, children): every item under `born` of the answers is a row. kinds: its further columns → types."""
    parents, items = [], list[dict[str, Any]]()
    for position, answer in enumerate(answers):
        for item in (answer.value or {}).get("born", ()):
            parents.append(position)
            items.append(item)
    columns = [
        chats("messages", [item["messages"] for item in items]),
        pl.Series("producer", [item.get("producer") for item in items], dtype=pl.String),
        pl.Series(PROMPT, [made_by] * len(items), dtype=pl.String),
    ]
    columns += [pl.Series(n, [item.get(n) for item in items], dtype=kind, strict=False) for n, kind in kinds.items()]
    return pl.Series(parents, dtype=pl.UInt32), pl.DataFrame(columns)


def figures(answers: Sequence[Answer], problems: Sequence[str]) -> dict[str, pl.Series]:
    """The evidence on parents: how many were received and born, and how many were lost to which problem."""

    def told(read: Any) -> pl.Series:
        return pl.Series([None if a.value is None else read(a.value) for a in answers], dtype=pl.Int32)

    found = {"received": told(lambda v: v.get("received", 0)), "made": told(lambda v: len(v.get("born", ())))}
    return found | {name: told(lambda v, name=name: v.get("problems", {}).get(name, 0)) for name in problems}
