"""What a step asks a model and what it hears. Steps know roles; only `llm/` knows vendors.

A call step has two phases. First every row it sees is *asked* (`ask`, asynchronously, many at a time); what comes
back is kept as JSON, row by row. Then the rows are *judged* from these answers, like any row step's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr

from .columns import Columns, Table
from .errors import TamisError
from .outcome import Verdict
from .step import BirthStep, RowStep, Step, TableStep

#: what precedes a call step's name in the column that holds its answers; never delivered
ANSWERS = "~"


@dataclass(frozen=True)
class Ask:
    """One request to a chat model, complete: equal asks to the same model are bought once.

    messages: dicts of role and content; schema: JSON Schema that the reply must satisfy (an object), or None for
    free text; temperature, top_p, max_tokens, stop: None leaves them to the model's settings in the recipe;
    sample: which of several replies to the same request; logprobs: alternatives wanted per token, 0 for none;
    tools: as the endpoint has them, for requests that offer any.
    """

    messages: tuple[Mapping[str, Any], ...]
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sample: int = 0
    logprobs: int = 0
    tools: tuple[Mapping[str, Any], ...] = ()


class Token(NamedTuple):
    """A token of a reply: natural log-probability, and the most probable tokens in its place."""

    text: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Reply:
    """What a model said.

    value: what the text says under the schema, else None; model: the name the endpoint gave itself;
    finish: `stop`, `length`, …; tokens_in, tokens_out: None where the endpoint does not tell;
    cached: it was bought before; key: of the recorded request, 32 hexadecimal digits.
    """

    text: str
    value: Any = None
    model: str = ""
    finish: str = "stop"
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens: tuple[Token, ...] = ()
    cached: bool = False
    key: str = ""


class CallFailed(TamisError):
    """A row's call failed for good in this run. `reason` is a slug of `CALL_REASONS`, `key` names the raw reply.

    lasting: the failure is in a reply that is recorded, so asking again would buy nothing new.
    """

    def __init__(self, reason: str, message: str, *, key: str = "", lasting: bool = False) -> None:
        super().__init__(message)
        self.reason, self.key, self.lasting = reason, key, lasting


#: why a call can fail
CALL_REASONS: dict[str, str] = {
    "schema": "the reply does not satisfy the schema, after repairs",
    "unparsed": "the reply cannot be read as what was asked for",
    "length": "the reply was cut off at `max_tokens`",
    "content_filter": "the endpoint's filter withheld the reply",
    "refused": "the endpoint refuses the request",
    "server": "the endpoint kept failing",
    "timeout": "no reply within the deadline",
    "connection": "the endpoint cannot be reached",
    "unreadable": "the endpoint's reply is not what its API promises",
}


class Models(Protocol):
    """The models of a recipe, by role. Every call is cached, counted and paid for once."""

    async def chat(self, role: str, ask: Ask) -> Reply:
        """Ask a chat model. CallFailed where this row must go without; BudgetReached where all must stop."""

    async def answer_logprobs(self, role: str, messages: Sequence[Mapping[str, Any]], answer: str) -> list[float]:
        """Natural log-probability of each token of `answer` as the reply to `messages` (none: on its own)."""

    async def reward(self, role: str, messages: Sequence[Mapping[str, Any]]) -> float:
        """A reward model's figure for a conversation that ends on the assistant."""

    async def embed(self, role: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimensions) float32, one vector a text."""

    def family(self, role: str) -> str | None:
        """The family of the role's model (`gpt`, `claude`, `llama` …), None where it is not known."""

    def name(self, role: str) -> str:
        """The role's model as the recipe names it."""

    def fence(self, text: str, *, salt: str = "") -> str:
        """Row text between delimiters that no row can foresee; all that a prompt shows of a row is put so."""


class AskedRow(Protocol):
    """One row as `ask` sees it."""

    @property
    def id(self) -> str:
        """32 hexadecimal digits."""

    @property
    def seed(self) -> int:
        """A 64-bit number from the step's seed and the row's id: all chance comes from it."""

    @property
    def pool(self) -> Mapping[str, pl.Series]:
        """The step's `pool()` columns over all rows it sees, in row order, and `id` (hex)."""

    def __getitem__(self, name: str) -> Any:
        """A column's value (`source.topic`, `messages` …); UsageError where there is no such column."""

    def text(self, view: str) -> str | None:
        """A view of the row."""

    def messages(self) -> list[dict[str, Any]]:
        """The chat messages; empty where there are none."""


class Answer(NamedTuple):
    """What `ask` returned for a row: a JSON value, or None with the reason and the error where the call failed.

    A row that was not asked has neither.
    """

    value: Any = None
    reason: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class Bar:
    """What a prompt's figure must reach before all rows are annotated. `low`: by the lower end of its interval."""

    metric: str
    at_least: float
    low: bool = False


@dataclass(frozen=True)
class PromptGate:
    """The prompt a step asks by, as `runs/prompts.py` looks for what people said of it.

    prompt: its name, that of the file of decisions; version: of all that it sends; role: who is asked.
    """

    prompt: str
    version: str
    role: str
    bar: Bar | None = None


class Calling(Step):
    """What both kinds of call steps share."""

    #: step fields whose values are roles
    role_fields: ClassVar[tuple[str, ...]] = ("role",)
    #: those of them whose words become part of rows: labels, answers, new rows
    writer_fields: ClassVar[tuple[str, ...]] = ()
    #: those of them that judge what was written; such a step has a field `same_family`
    judge_fields: ClassVar[tuple[str, ...]] = ()

    failed: Literal["quarantine", "keep"] = Field(
        "quarantine", description="What becomes of a row whose call failed: quarantined, or kept without the answer."
    )

    def roles(self) -> tuple[str, ...]:
        """The roles it asks, as the recipe names them."""
        return self._played((*self.role_fields, *self.writer_fields, *self.judge_fields))

    def writers(self) -> tuple[str, ...]:
        """The roles whose words become part of rows."""
        return self._played(self.writer_fields)

    def judging(self) -> tuple[str, ...]:
        """The roles that judge what was written."""
        return self._played(self.judge_fields)

    def _played(self, fields: Sequence[str]) -> tuple[str, ...]:
        found: list[str] = []
        for name in fields:
            value = getattr(self, name, None)
            found += [value] if isinstance(value, str) else list(value or ())
        return tuple(dict.fromkeys(found))

    def prompt_gate(self) -> PromptGate | None:
        """The prompt that people must have looked at before all rows are asked; None where there is no such thing."""
        return None

    def pool(self) -> tuple[str, ...]:
        """Columns or views (`view:prompt`) that `ask` must see of all rows, not only of its own. Small ones."""
        return ()

    async def ask(self, row: AskedRow, models: Models) -> Any:
        """One row's answer, any JSON value; None where the step does not apply. Raises CallFailed."""
        raise NotImplementedError

    def settle(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        """All rows' answers in row order, before they are judged: for what depends on the others, as novelty does."""
        return answers

    def failing(self, verdict: Verdict, answers: Sequence[Answer]) -> Verdict:
        """The verdict, with what becomes of rows whose call failed: quarantined, or kept with the reason as evidence."""
        failures = errors(answers)
        return verdict.note(error=failures) if self.failed == "keep" else verdict.quarantine(failures)

    def answers(self, rows: Columns) -> list[Answer]:
        """What was answered, one for each row."""
        name = f"{ANSWERS}{self.name}"
        if name not in rows.names:
            return [Answer()] * rows.height
        import json

        return [Answer() if text is None else Answer(*json.loads(text)) for text in rows[name].to_list()]


class CallStep(Calling, RowStep):
    """Asks a model about each row, then judges the row from the answer."""

    def judge(self, rows: Columns) -> Verdict:
        """The verdict from the answers; rows whose call failed are quarantined, or kept, as `failed` says."""
        answers = self.answers(rows)
        verdict = self.judge_answers(rows, answers)
        return self.failing(verdict, answers)

    def judge_answers(self, rows: Columns, answers: Sequence[Answer]) -> Verdict:
        """The verdict on some rows of a partition. An answer's value is None where nothing was asked or it failed."""
        raise NotImplementedError


class EmbedStep(CallStep):
    """Asks an embedder for the vectors of a view, all rows' together. The vectors stay where they are recorded.

    A row's answer is the key of its vector, 32 hexadecimal digits; `Table.vectors` finds it by that.
    """

    role: str = Field("embedder", description="Which of the recipe's models embeds.")

    def embeds(self) -> str:
        """The view whose texts are embedded."""
        raise NotImplementedError

    async def ask(self, row: AskedRow, models: Models) -> str | None:
        """One row's key without a recorded vector: for trying a step. A run embeds whole partitions instead."""
        text = row.text(self.embeds())
        if text is None:
            return None
        import hashlib

        vector = np.asarray(await models.embed(self.role, [text]), np.float32)
        return hashlib.blake2b(vector.tobytes(), digest_size=16).hexdigest()

    def keys(self, rows: Columns) -> pl.Series:
        """The keys of the rows' vectors; null where there is none."""
        name = f"{ANSWERS}{self.name}"
        if name not in rows.names:
            return pl.Series("key", [None], dtype=pl.String).new_from_index(0, rows.height)
        return rows[name].cast(pl.String).str.extract(r'^\["([0-9a-f]{32})"').alias("key")


class CallBirthStep(Calling, BirthStep):
    """Asks a model for new rows."""

    def bear(self, rows: Columns) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        """The children the answers make; parents whose call failed are quarantined, or kept, as `failed` says."""
        answers = self.answers(rows)
        parents, children, verdict = self.bear_answers(rows, answers)
        return parents, children, self.failing(verdict, answers)

    def bear_answers(self, rows: Columns, answers: Sequence[Answer]) -> tuple[pl.Series, pl.DataFrame, Verdict]:
        """As `bear`, from the answers."""
        raise NotImplementedError


class CallTableStep(Calling, TableStep):
    """Asks a model a few questions about all rows together, then decides from what it said."""

    _heard: Any = PrivateAttr(None)

    async def consult(self, table: Table, models: Models) -> Any:
        """What the models say, as JSON values. CallFailed where the next run may hear more: then nothing is decided."""
        raise NotImplementedError

    def asks(self, table: Table, fence: Callable[..., str]) -> tuple[Sequence[Ask], int]:
        """The first requests, and about how many like them come later: for an estimate. fence: as in `Models`."""
        raise NotImplementedError

    def hear(self, said: Any) -> Self:
        """The step with what the models said."""
        step = self.model_copy()
        step._heard = said
        return step


def errors(answers: Sequence[Answer]) -> pl.Series:
    """Per row, what made its call fail; null where it did not."""
    told = [None if a.reason is None else f"{a.reason}: {a.error}" for a in answers]
    return pl.Series("error", told, dtype=pl.String)
