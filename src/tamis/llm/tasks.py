"""What a step asks by a prompt: the prompt's own settings and the step's put together, its labels, schema, examples.

What is stated in both places must be the same. Paths in a prompt are seen from the prompt's folder, those of a step from
the recipe's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from tamis.core.calls import AskedRow, Bar, Calling, Models, PromptGate
from tamis.core.errors import DataError, UsageError
from tamis.core.fingerprint import fingerprint

from .examples import Example, examples_file, load_examples, pick
from .labels import as_labels, label_schema, listing, load_labels
from .prompts import LABELS, Prompt, Turn, load_prompt
from .schema import check_schema

Reply = Literal["json", "text"]


class Asking(Protocol):
    """The fields of a step that asks by a prompt."""

    @property
    def name(self) -> str: ...
    @property
    def prompt(self) -> Path | str: ...
    @property
    def role(self) -> str: ...
    @property
    def embedder(self) -> str | None: ...


class Request(NamedTuple):
    """One row's request: the messages, and the ids of the examples in it."""

    messages: tuple[dict[str, str], ...]
    examples: list[str]


@dataclass(frozen=True)
class Task:
    """What is asked about every row.

    labels: label → description, empty where none are given; schema: of the reply, None for free text; version: of all
    that decides what is asked; files: what it was read from.
    """

    prompt: Prompt
    version: str
    labels: Mapping[str, str]
    many: bool
    schema: Mapping[str, Any] | None
    reply: Reply
    temperature: float | None
    max_tokens: int | None
    examples: tuple[Example, ...]
    files: tuple[Path, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The placeholders that rows fill."""
        return tuple(name for name in self.prompt.columns if not (self.labels and name == LABELS))

    def values(self, row: AskedRow) -> dict[str, str] | None:
        """What a row puts in; None where a column is null."""
        return self.prompt.values(row, labels=bool(self.labels))

    def said(self, output: Any) -> str:
        """An example's output as the model would say it."""
        if self.reply == "text" or (self.schema is None and isinstance(output, str)):
            return str(output)
        if self.labels:
            output = {"labels" if self.many else "label": output}
        return json.dumps(output, ensure_ascii=False)

    async def request(self, row: str, values: Mapping[str, str], models: Models, embedder: str | None) -> Request:
        """The request about one row."""
        chosen: list[Example] = []
        settings = self.prompt.settings.examples
        if settings is not None and self.examples:
            chosen = await pick(self.examples, settings, values, row, models, embedder)
        turns = [Turn(one.input, self.said(one.output)) for one in chosen]
        labels = listing(self.labels, many=self.many, reply=self.reply) if self.labels else ""
        return Request(
            self.prompt.messages(values, models.fence, labels=labels, turns=turns), [one.id for one in chosen]
        )

    def gate(self, step: Asking) -> PromptGate:
        """What the gate before the step looks for."""
        bar = self.prompt.settings.bar
        name = step.name if self.prompt.path is None else self.prompt.name
        return PromptGate(
            name, self.version, step.role, None if bar is None else Bar(bar.metric, bar.at_least, bar.low)
        )


def content_of(values: Mapping[str, str]) -> str:
    """Hash of what a person sees of a row: a decision on other content is stale."""
    return fingerprint("shown", dict(values))


#: tasks by the step they are of, while the files they were read from stay as they are
_KNOWN: dict[int, tuple[Asking, tuple[Any, ...], Task]] = {}


def task_of(step: Asking) -> Task:
    """A step's task, read once while its files stay as they are."""
    known = _KNOWN.get(id(step))
    if known is not None and known[0] is step and known[1] == _stamps(known[2].files):
        return known[2]
    task = _read(step)
    if len(_KNOWN) >= 32:
        _KNOWN.clear()
    _KNOWN[id(step)] = (step, _stamps(task.files), task)
    return task


def _stamps(files: Sequence[Path]) -> tuple[Any, ...]:
    found: list[Any] = []
    for path in files:
        try:
            stat = path.stat()
            found.append((stat.st_mtime_ns, stat.st_size))
        except OSError:
            found.append(None)
    return tuple(found)


def _read(step: Asking) -> Task:
    prompt = load_prompt(step.prompt, step.name)
    settings, files = prompt.settings, [] if prompt.path is None else [prompt.path]
    folder = prompt.path.parent if prompt.path else Path()

    def told(field: str, front: Any) -> Any:
        """The setting, from the step or the prompt."""
        own = getattr(step, field, None)
        if own is not None and front is not None and own != front:
            name = field.rstrip("_")
            raise UsageError(f"`{name}:` is {own!r} in the step and {front!r} in {prompt.place('')}; state it once")
        return front if own is None else own

    told("role", settings.role)
    labels = told("labels", settings.labels)
    if settings.labels is not None and isinstance(front := as_labels(settings.labels), Path):
        labels = folder / front
    elif isinstance(labels, str):
        raise UsageError(
            f"`labels:` is {labels!r}: a list, a mapping to descriptions, or a file .yaml, .json, .csv, .txt"
        )
    if isinstance(labels, Path):
        files.append(labels)
    named = load_labels(labels) if labels is not None else {}
    schema = told("schema_", settings.schema_)
    if isinstance(schema, str | Path):
        file = folder / schema if settings.schema_ is not None else Path(schema)
        files.append(file)
        schema = _schema(file)
    if schema is not None and named:
        raise UsageError("`labels:` and `schema:` exclude each other: a reply is a label, or a value under a schema")
    if schema is not None:
        check_schema(schema, "`schema:`")
    many = bool(told("many", settings.many))
    reply: Reply = told("reply", settings.reply) or ("json" if named or schema is not None else "text")
    if reply == "text" and (many or schema is not None):
        raise UsageError("`reply: text` holds one label or free text; several labels and schemas need `reply: json`")
    if named:
        schema = label_schema(named, many=many) if reply == "json" else None
    shown: tuple[Example, ...] = ()
    if settings.examples is not None:
        if prompt.path is None and settings.examples.file is None:
            raise UsageError(
                "a prompt inside the recipe has no file of examples beside it; name it: `examples: {file: …}`"
            )
        beside = examples_file(prompt.path or Path("_"), settings.examples)
        files.append(beside)
        shown = _fitting(load_examples(beside), beside, prompt, named)
    temperature = told("temperature", settings.temperature)
    max_tokens = told("max_tokens", settings.max_tokens)
    version = prompt.version(
        named, many, schema, reply, temperature, max_tokens, getattr(step, "samples", 1),
        settings.examples and [settings.examples.model_dump(), step.embedder, [[e.id, dict(e.input), e.output] for e in shown]],
    )  # fmt: skip
    return Task(prompt, version, named, many, schema, reply, temperature, max_tokens, shown, tuple(files))


def _schema(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise DataError(f"no schema {str(path)!r}", hint="the path is relative to the file that names it") from None
    except (OSError, ValueError) as error:
        raise DataError(f"the schema {str(path)!r} cannot be read: {error}") from None


def _fitting(
    examples: tuple[Example, ...], path: Path, prompt: Prompt, labels: Mapping[str, str]
) -> tuple[Example, ...]:
    """The examples, where each shows what the prompt shows. DataError else."""
    for one in examples:
        lacking = [n for n in prompt.columns if n not in one.input and not (labels and n == LABELS)]
        if lacking:
            raise DataError(
                f"{path}: the example {one.id or dict(one.input)!r} has no {lacking[0]!r}, which the prompt shows"
            )
        given = one.output if isinstance(one.output, list) else [one.output]
        if labels and (odd := [name for name in given if name not in labels]):
            raise DataError(
                f"{path}: the example {one.id or dict(one.input)!r} has the label {odd[0]!r}, which is none"
            )
    return examples


def asking(step: Calling) -> Task | None:
    """The task of a step that asks by a prompt; None of others."""
    return task_of(step) if hasattr(step, "prompt") and hasattr(step, "embedder") else None  # type: ignore[arg-type]
