"""Replies that are JSON: found in the text, judged by the schema, mended by asking again with what is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from tamis.core.calls import Ask, CallFailed, Reply

from .schema import violations

#: further calls that a reply may cost that does not satisfy its schema
REPAIRS = 2
_FENCED = re.compile(r"^[ \t]*```[ \t]*(?:json[c5]?|JSON)?[ \t]*\r?\n(.*?)^[ \t]*```", re.MULTILINE | re.DOTALL)
_THOUGHT = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_HALVES = re.compile("[\ud800-\udfff]")
_STARTS = re.compile(r"[{\[]")
#: places in a text where a value may begin that are tried; a text of nothing but brackets is given up
_TRIED = 200

Send = Callable[[Ask], Awaitable[Reply]]


class Read(NamedTuple):
    """What a text says under a schema: the value, or what is wrong with it."""

    value: Any
    wrong: tuple[str, ...]


def read(text: str, schema: Mapping[str, Any]) -> Read:
    """The value in a text that satisfies the schema: the whole text, a fenced block, or a value amid prose; the last
    one where several do. Where none does: what is wrong with the first that is JSON of the right kind.

    >>> read('Sure! {"label": "a"} Glad to help.', {"type": "object", "required": ["label"]}).value
    {'label': 'a'}
    >>> read("no idea", {"type": "object"}).wrong
    ('there is no JSON in it',)
    """
    nearest: Read | None = None
    for candidates in _places(_THOUGHT.sub("", text, count=1)):
        for value in reversed(list(candidates)):
            wrong = violations(value, schema)
            if not wrong:
                return Read(value, ())
            if nearest is None:
                nearest = Read(None, tuple(wrong))
    return nearest or Read(None, ("there is no JSON in it",))


def whole(text: str) -> str:
    """Text that can be stored: halves of surrogate pairs are replaced."""
    return _HALVES.sub("\ufffd", text) if not text.isascii() else text


async def satisfied(send: Send, ask: Ask, repairs: int = REPAIRS) -> Reply:
    """The reply with its value. CallFailed, lasting, where it does not satisfy the schema after all repairs."""
    assert ask.schema is not None
    said = await send(ask)
    for left in range(repairs, -1, -1):
        value, wrong = read(said.text, ask.schema)
        if not wrong:
            return replace(said, value=value)
        if said.finish == "length":
            raise CallFailed("length", "the reply was cut off before its JSON was whole", key=said.key, lasting=True)
        if left:
            mending = _mending(said.text, wrong, again=left < repairs)
            said = await send(replace(ask, messages=(*ask.messages, *mending)))
    told = "; ".join(wrong)
    tries = f"after {repairs} repair{'s' if repairs != 1 else ''}" if repairs else "and repairs are off"
    raise CallFailed("schema", f"the reply does not satisfy the schema {tries}: {told}", key=said.key, lasting=True)


def instructed(ask: Ask) -> Ask:
    """The same request for an endpoint that does not enforce schemas: the schema stands in the system prompt."""
    rule = (
        "Reply with one JSON value that satisfies this JSON Schema, and with nothing else: no prose, no code fence.\n"
        + json.dumps(ask.schema, ensure_ascii=False, separators=(",", ":"))
    )
    messages = list(ask.messages)
    first = messages[0] if messages else {}
    if first.get("role") in ("system", "developer") and isinstance(first.get("content"), str):
        messages[0] = {**first, "content": f"{first['content']}\n\n{rule}"}
    else:
        messages.insert(0, {"role": "system", "content": rule})
    return replace(ask, messages=tuple(messages), schema=None)


def probe(max_tokens: int = 1024) -> Ask:
    """A request whose schema forbids the natural answer: only an endpoint that enforces schemas satisfies it."""
    return Ask(
        messages=(
            {
                "role": "user",
                "content": 'What is the capital of France? Reply with this JSON and nothing else: {"answer": "Paris"}',
            },
        ),
        schema={
            "type": "object",
            "properties": {"answer": {"type": "string", "enum": ["k7-ochre", "q2-teal"]}},
            "required": ["answer"],
            "additionalProperties": False,
        },
        max_tokens=max_tokens,
    )


def enforces(reply: Reply) -> bool:
    """Whether the reply to the probe shows that schemas are enforced."""
    schema = probe().schema
    assert schema is not None
    return not read(reply.text, schema).wrong


def _mending(said: str, wrong: tuple[str, ...], *, again: bool) -> tuple[dict[str, str], dict[str, str]]:
    """What is added to the messages. A second repair differs from the first, or it would be the same request."""
    problems = "\n".join(f"- {one}" for one in wrong)
    return (
        {"role": "assistant", "content": whole(said)},
        {
            "role": "user",
            "content": f"{'Even now that' if again else 'That'} reply cannot be used:\n{problems}\nReply again with the corrected JSON and nothing else.",
        },
    )


def _places(text: str) -> Iterator[Iterator[Any]]:
    """Where JSON may stand, the best place first; each gives the values there in order."""
    yield _parsed([text.strip()])
    yield _parsed(match.group(1) for match in _FENCED.finditer(text))
    yield _amid(text)


def _parsed(texts: Any) -> Iterator[Any]:
    for text in texts:
        try:
            yield _clean(_DECODER.decode(text))
        except (ValueError, RecursionError):
            continue


def _amid(text: str) -> Iterator[Any]:
    """Objects and arrays that stand amid prose, outermost ones."""
    at, tried = 0, 0
    while tried < _TRIED and (match := _STARTS.search(text, at)) is not None:
        tried += 1
        try:
            value, at = _DECODER.raw_decode(text, match.start())
        except json.JSONDecodeError as error:
            if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
                return  # cut off: what stands inside is no value of its own
            at = match.start() + 1
        except (ValueError, RecursionError):
            at = match.start() + 1
        else:
            yield _clean(value)


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice in one object")
    return found


_DECODER = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_unique)


def _clean(value: Any) -> Any:
    """The value with halves of surrogate pairs replaced, which no file of rows could hold."""
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {whole(name): _clean(one) for name, one in value.items()}
    return value
