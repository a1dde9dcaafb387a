"""From rows back to the records of a shape, with what each record cannot hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, get_args

import polars as pl

from tamis.core.errors import UsageError, did_you_mean

from .shape_message import calls_text
from .shape_pairs import write_transcript

Message = dict[str, Any]
Form = Literal["messages", "text", "transcript"]
WriteShape = Literal["openai", "sharegpt", "alpaca", "prompt_completion", "preference", "kto", "text"]


class Shaped(NamedTuple):
    """records: one object a row, None where it cannot be of the shape; lost: per row, what its record leaves out."""

    records: list[dict[str, Any] | None]
    lost: list[list[str]]


class _Row(NamedTuple):
    messages: list[Message]
    rejected: list[Message] | None
    tools: str | None
    text: str | None
    label: bool | None
    source: Mapping[str, Any]
    form: Form


class _CannotBe(Exception):
    """The row has no record of this shape; the message is what is missing."""


def to_shape(
    messages: pl.Series,
    shape: str,
    *,
    rejected: pl.Series | None = None,
    tools: pl.Series | None = None,
    text: pl.Series | None = None,
    label: pl.Series | None = None,
    source: pl.DataFrame | None = None,
    form: Form = "messages",
    join: str = "\n",
) -> Shaped:
    """Rows as records of a shape.

    source: the source's own columns (without prefix). Where a shape splits what a message joins (Alpaca's instruction
    and input), they say where, as long as the text is still theirs. form: how prompts and answers are written:
    lists of messages, plain texts (single questions only), or `Human: … Assistant: …` transcripts.
    """
    if shape not in get_args(WriteShape):
        raise UsageError(f"no shape {shape!r}; {did_you_mean(shape, get_args(WriteShape))}")
    n = len(messages)
    given = [_values(column, n) for column in (messages, rejected, tools, text, label)]
    sources: Sequence[Mapping[str, Any]] = [{}] * n if source is None else source.to_dicts()
    writer = _WRITERS[shape]
    records: list[dict[str, Any] | None] = []
    losses: list[list[str]] = []
    for m, r, t, x, y, s in zip(*given, sources, strict=True):
        lost: list[str] = []
        try:
            record = writer(_Row(m or [], r, t, x, y, {**s, "": join}, form), lost)
        except _CannotBe as error:
            record = None
            lost = [str(error)]
        records.append(record)
        losses.append(list(dict.fromkeys(lost)))
    return Shaped(records, losses)


def _values(column: pl.Series | None, n: int) -> list[Any]:
    return [None] * n if column is None else column.to_list()


def _openai(row: _Row, lost: list[str]) -> dict[str, Any]:
    if not row.messages:
        raise _CannotBe("messages")
    record: dict[str, Any] = {"messages": [_openai_message(message) for message in row.messages]}
    if row.tools is not None:
        record["tools"] = json.loads(row.tools)
    _unheld(lost, rejected=row.rejected, text=row.text)
    return record


def _openai_message(message: Message) -> Message:
    written = {"role": message["role"], "content": message["content"]}
    if message["tool_calls"] is not None:
        written["tool_calls"] = json.loads(message["tool_calls"])
    return {**written, **{key: message[key] for key in ("name", "tool_call_id", "weight") if message[key] is not None}}


_FROM = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


def _sharegpt(row: _Row, lost: list[str]) -> dict[str, Any]:
    if not row.messages:
        raise _CannotBe("messages")
    turns, system = list(row.messages), None
    if "system" in row.source and turns[0]["role"] == "system" and row.source["system"]:
        system = turns.pop(0)["content"]
    conversations = []
    for message in turns:
        if message["tool_calls"] is not None:
            if message["content"]:
                conversations.append({"from": "gpt", "value": message["content"]})
                lost.append("text beside tool_calls")
            calls = json.loads(message["tool_calls"])
            if [call.get("id") for call in calls] != [None] * len(calls) and not all(
                str(c.get("id")).startswith("call_") for c in calls
            ):
                lost.append("tool_call_id")
            conversations.append({"from": "function_call", "value": calls_text(calls)})
        else:
            if message["content"] is None:
                lost.append("null content")
            conversations.append({"from": _FROM[message["role"]], "value": message["content"] or ""})
        _beside(message, lost, ("name", "weight"))
    record: dict[str, Any] = {"conversations": conversations}
    if system is not None:
        record["system"] = system
    if row.tools is not None:
        record["tools"] = row.tools
    _unheld(lost, rejected=row.rejected, text=row.text)
    return record


def _alpaca(row: _Row, lost: list[str]) -> dict[str, Any]:
    system, turns = _parts(row, lost)
    answer = turns.pop() if turns and turns[-1]["role"] == "assistant" else None
    question = turns.pop() if turns and turns[-1]["role"] == "user" else None
    if question is None:
        raise _CannotBe("a question")
    if any([m["role"] for m in turns[k : k + 2]] != ["user", "assistant"] for k in range(0, len(turns), 2)):
        raise _CannotBe("question and answer in turn")
    instruction, given = _split(question["content"] or "", row.source)
    record: dict[str, Any] = {"instruction": instruction, "input": given, "output": answer["content"] if answer else ""}
    if answer is None:
        lost.append("no answer")
    if system is not None:
        record["system"] = system
    if turns:
        record["history"] = [
            [turns[k]["content"] or "", turns[k + 1]["content"] or ""] for k in range(0, len(turns), 2)
        ]
    _unheld(lost, tools=row.tools, rejected=row.rejected, text=row.text)
    return record


def _split(text: str, source: Mapping[str, Any]) -> tuple[str, str]:
    """Instruction and input, where the source's own still make up the text; else all is instruction."""
    instruction, given = source.get("instruction"), source.get("input")
    if isinstance(instruction, str) and isinstance(given, str):
        whole = source[""].join(part for part in (instruction, given) if part)
        if whole == text:
            return instruction, given
    return text, ""


def _prompt_completion(row: _Row, lost: list[str]) -> dict[str, Any]:
    prompt, answer = _asked(row.messages)
    if not prompt:
        raise _CannotBe("a prompt")
    record: dict[str, Any] = {}
    if row.form == "text":
        prompt = _without_system(prompt, record)
    record["prompt"] = _formed(prompt, row.form, lost, "prompt")
    if answer:
        record["completion"] = _formed(answer, row.form, lost, "completion")
    _tools_of(row, record, lost)
    _unheld(lost, rejected=row.rejected, text=row.text)
    return record


def _kto(row: _Row, lost: list[str]) -> dict[str, Any]:
    if row.label is None:
        raise _CannotBe("a label")
    if not _asked(row.messages)[1]:
        raise _CannotBe("an answer")
    return {**_prompt_completion(row, lost), "label": row.label}


def _preference(row: _Row, lost: list[str]) -> dict[str, Any]:
    prompt, chosen = _asked(row.messages)
    if not prompt or not chosen:
        raise _CannotBe("a prompt and an answer")
    if not row.rejected:
        raise _CannotBe("a rejected answer")
    rejected = row.rejected
    whole = rejected[0]["role"] in ("system", "user")
    if row.form == "transcript":
        rejected = rejected if whole else [*prompt, *rejected]
        return {
            key: _formed(part, row.form, lost, key) for key, part in (("chosen", row.messages), ("rejected", rejected))
        }
    if whole:
        shared = _shared(row.messages, rejected)
        if not shared:
            raise _CannotBe("a prompt that both answers share")
        prompt, chosen, rejected = row.messages[:shared], row.messages[shared:], rejected[shared:]
    record: dict[str, Any] = {}
    if row.form == "text":
        prompt = _without_system(prompt, record)
    for key, part in (("prompt", prompt), ("chosen", chosen), ("rejected", rejected)):
        record[key] = _formed(part, row.form, lost, key)
    _tools_of(row, record, lost)
    _unheld(lost, text=row.text)
    return record


def _shared(chosen: list[Message], rejected: list[Message]) -> int:
    """How many messages both begin with, leaving each at least one."""
    count = 0
    while count < min(len(chosen), len(rejected)) - 1 and chosen[count] == rejected[count]:
        count += 1
    return count


def _text(row: _Row, lost: list[str]) -> dict[str, Any]:
    if row.text is None:
        raise _CannotBe("text")
    _unheld(lost, messages=row.messages, rejected=row.rejected, tools=row.tools)
    return {"text": row.text}


_WRITERS: dict[str, Callable[[_Row, list[str]], dict[str, Any]]] = {
    "openai": _openai,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "prompt_completion": _prompt_completion,
    "kto": _kto,
    "preference": _preference,
    "text": _text,
}


# -- parts of a conversation ----------------------------------------------------------------------


def _asked(messages: list[Message]) -> tuple[list[Message], list[Message]]:
    """What stands up to the last user message, and what answers it; without a user message, the last message."""
    users = [i for i, message in enumerate(messages) if message["role"] == "user"]
    cut = users[-1] + 1 if users else max(len(messages) - 1, 0)
    return messages[:cut], messages[cut:]


def _parts(row: _Row, lost: list[str]) -> tuple[str | None, list[Message]]:
    """The system message, and the turns as plain texts."""
    turns = list(row.messages)
    system = turns.pop(0)["content"] if turns and turns[0]["role"] == "system" else None
    for message in turns:
        _beside(message, lost, ("name", "tool_calls", "tool_call_id", "weight"))
    return system, turns


def _without_system(prompt: list[Message], record: dict[str, Any]) -> list[Message]:
    """A leading system message gets a key of its own beside plain texts."""
    if prompt and prompt[0]["role"] == "system":
        record["system"] = prompt[0]["content"]
        return prompt[1:]
    return prompt


def _formed(part: list[Message], form: Form, lost: list[str], what: str) -> Any:
    if form == "messages":
        return [_openai_message(message) for message in part]
    for message in part:
        _beside(message, lost, ("name", "tool_calls", "tool_call_id", "weight"))
    if form == "transcript":
        if any(message["role"] not in ("user", "assistant") for message in part):
            raise _CannotBe("user and assistant turns only")
        return write_transcript([(message["role"], message["content"] or "") for message in part])
    if len(part) != 1:
        raise _CannotBe(f"a {what} of one message")
    return part[0]["content"] or ""


def _tools_of(row: _Row, record: dict[str, Any], lost: list[str]) -> None:
    if row.tools is not None and row.form == "messages":
        record["tools"] = json.loads(row.tools)
    elif row.tools is not None:
        lost.append("tools")


def _beside(message: Message, lost: list[str], keys: Sequence[str]) -> None:
    lost += [key for key in keys if message[key] is not None]


def _unheld(lost: list[str], **values: Any) -> None:
    lost += [name for name, value in values.items() if value]
