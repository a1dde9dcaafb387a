"""The key of a request: what makes two requests the same, and nothing else.

In it: the messages with the system prompt, the schema, the sampling, the tools, the sample, the model, whose API is
spoken, and where it is asked (`cache_as`, by default the base URL). Not in it: how many at once, retries, deadlines,
keys and headers, none of which changes what a model says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tamis.core.calls import Ask
from tamis.core.errors import UsageError

from .spec import Connection, Model

#: raise it when the same request would be sent as another one: everything is then bought anew
VERSION = 1
KEY_BYTES = 16
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Request(NamedTuple):
    """A request in its canonical form.

    key: 16 bytes; text: canonical JSON, kept in the journal; prompt: 8 bytes shared by the requests that differ only
    in what is not the system's (one prompt over many rows): what token quantiles are measured over.
    """

    key: bytes
    text: bytes
    prompt: bytes


def canonical(value: Any) -> bytes:
    """JSON that is the same for the same value: keys sorted, whole numbers alike as 1 and 1.0.

    >>> canonical({"b": 1.0, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    try:
        text = _ENCODER.encode(_plain(value))
    except (TypeError, ValueError) as error:
        raise UsageError(f"a request must be JSON: {error}") from None
    return text.encode("utf-8", "surrogatepass")


def place_of(connection: Connection) -> str:
    """The name replies of a connection are cached under."""
    return connection.cache_as or connection.url.rstrip("/")


def resolved(ask: Ask, model: Model) -> dict[str, Any]:
    """The sampling of a request: the step's, else the recipe's."""
    settings = {
        "temperature": ask.temperature if ask.temperature is not None else model.temperature,
        "top_p": ask.top_p if ask.top_p is not None else model.top_p,
        "max_tokens": ask.max_tokens if ask.max_tokens is not None else model.max_tokens,
        "stop": list(ask.stop) or None,
        "seed": model.seed,
        "logprobs": ask.logprobs or None,
    }
    return {name: value for name, value in settings.items() if value is not None}


def chat_key(ask: Ask, model: Model, name: str, connection: Connection) -> Request:
    """The key of a chat request. `name`: the model as the endpoint knows it."""
    frame: dict[str, Any] = {
        "kind": "chat",
        "at": place_of(connection),
        "shape": connection.shape,
        "model": name,
        "sampling": resolved(ask, model),
    }
    if ask.schema is not None:
        frame["schema"] = ask.schema
    if ask.tools:
        frame["tools"] = list(ask.tools)
    system = [message for message in ask.messages if message.get("role") in ("system", "developer")]
    whole = frame | {"messages": list(ask.messages)} | ({"sample": ask.sample} if ask.sample else {})
    return _request(whole, frame | {"system": system})


def other_key(kind: str, name: str, connection: Connection, content: Mapping[str, Any]) -> Request:
    """The key of a request that is no chat: `logprobs`, `reward`."""
    frame = {"kind": kind, "at": place_of(connection), "shape": connection.shape, "model": name}
    return _request(frame | dict(content), frame)


def text_keys(name: str, connection: Connection, texts: Sequence[str]) -> list[bytes]:
    """The keys of texts under an embedding model, 16 bytes each."""
    base = hashlib.blake2b(digest_size=KEY_BYTES)
    base.update(canonical(["embed", VERSION, place_of(connection), connection.shape, name]))
    keys = []
    for text in texts:
        one = base.copy()
        one.update(text.encode("utf-8", "surrogatepass"))
        keys.append(one.digest())
    return keys


def _request(whole: Mapping[str, Any], frame: Mapping[str, Any]) -> Request:
    text = canonical(whole)
    return Request(_digest(text, KEY_BYTES), text, _digest(canonical(frame), 8))


def _digest(text: bytes, size: int) -> bytes:
    return hashlib.blake2b(text, digest_size=size, person=b"tamis/call/%d" % VERSION).digest()


def _plain(value: Any) -> Any:
    """Mappings as dicts, sequences as lists, whole floats as integers."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind is dict or isinstance(value, Mapping):
        if all(type(name) is str is type(one) for name, one in value.items()):  # a message, mostly
            return dict(value)
        if not all(isinstance(name, str) for name in value):
            raise TypeError("the names in an object are strings")
        return {name: _plain(one) for name, one in value.items()}
    if kind is list or kind is tuple or isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
