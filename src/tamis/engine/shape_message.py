"""One message of a JSON list, read exactly: content parts, tool calls in each format's own way, weights."""

from __future__ import annotations

import json
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from .shape_chat import ROLE_WORDS, Misfit, kind_of, load_json

_KNOWN = {
    "role",
    "from",
    "content",
    "value",
    "name",
    "tool_calls",
    "tool_call_id",
    "weight",
    "loss_weight",
    "function_call",
}
_USUAL_ROLES = {"system", "user", "assistant", "tool", "human", "gpt", "observation"}


class Reader:
    """Reads the messages of one list in turn; remembers what was lost, and which calls wait for an answer."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.lost: list[str] = []
        self.tools: str | None = None
        self._calls = 0
        self._open: list[str] = []

    def read(self, i: int, item: Any) -> list[dict[str, Any]]:
        """The message as a dict of its fields; a turn that only declares tools is none."""
        where = f"{self.label}[{i}]"
        if not isinstance(item, dict):
            raise Misfit(f"{where} is {kind_of(item)}, not a message")
        word = self._one(item, "role", "from", where)
        if not isinstance(word, str):
            raise Misfit(f"{where} has no role")
        if word == "function_call":
            return [self._turn_of_calls(self._one(item, "content", "value", where), item, where)]
        if word == "tools":
            self._declare(self._one(item, "content", "value", where), where)
            return []
        if word not in ROLE_WORDS:
            raise Misfit(f"{where}: unknown role {word[:40]!r}; possible: {', '.join(ROLE_WORDS)}")
        if word not in _USUAL_ROLES:
            self.lost.append(f"role:{word}")
        if "content" not in item and "value" not in item and not (item.get("tool_calls") or item.get("function_call")):
            raise Misfit(f"{where} has no content")
        message: dict[str, Any] = {"role": ROLE_WORDS[word], "name": self._text(item, "name", where)}
        message["content"], calls = self._content(self._one(item, "content", "value", where), where)
        calls += self._calls_of(item, where)
        if calls:
            message["tool_calls"] = json.dumps(calls, ensure_ascii=False)
            self._open = [call["id"] for call in calls if isinstance(call.get("id"), str)]
        message["tool_call_id"] = self._text(item, "tool_call_id", where)
        if (
            message["role"] == "tool"
            and message["tool_call_id"] is None
            and word in ("observation", "function")
            and self._open
        ):
            message["tool_call_id"] = self._open.pop(0)
        message["weight"] = self._weight(item)
        self._note_rest(item)
        return [message]

    def _one(self, item: dict[str, Any], first: str, second: str, where: str) -> Any:
        if item.get(first) is not None and item.get(second) is not None:
            raise Misfit(f"{where} has both {first} and {second}")
        return item.get(first) if item.get(first) is not None else item.get(second)

    def _text(self, item: dict[str, Any], key: str, where: str) -> str | None:
        value = item.get(key)
        if value is not None and not isinstance(value, str):
            raise Misfit(f"{where}.{key} is {kind_of(value)}, not a text")
        return value

    def _content(self, value: Any, where: str) -> tuple[str | None, list[dict[str, Any]]]:
        """Text, and the calls that stand among its parts. Parts of text are joined as they are."""
        if value is None or isinstance(value, str):
            return value, []
        if not isinstance(value, list):
            raise Misfit(f"{where}.content is {kind_of(value)}, not a text")
        texts: list[str] = []
        calls: list[dict[str, Any]] = []
        for j, part in enumerate(value):
            if isinstance(part, str):
                part = {"type": "text", "text": part}
            kind = part.get("type") if isinstance(part, dict) else None
            if not isinstance(kind, str):
                raise Misfit(f"{where}.content[{j}] is no content part")
            inside = part.get(kind, part.get("text", part.get("value")))
            if kind in ("text", "input_text", "output_text"):
                if not isinstance(inside, str):
                    raise Misfit(f"{where}.content[{j}] has no text")
                texts.append(inside)
            elif kind == "tool_call" and isinstance(inside, str):
                calls += self._calls_in(inside, f"{where}.content[{j}]")
            else:
                self.lost.append(kind)
        if len(texts) > 1:
            self.lost.append("parts")
        return "".join(texts) if texts else None, calls

    def _calls_of(self, item: dict[str, Any], where: str) -> list[dict[str, Any]]:
        """Calls in OpenAI's way, kept as they are; the old `function_call` becomes one of them."""
        calls = item.get("tool_calls") or []
        if not isinstance(calls, list) or not all(isinstance(call, dict) for call in calls):
            raise Misfit(f"{where}.tool_calls is no list of calls")
        old = item.get("function_call")
        if old is None:
            return list(calls)
        if not isinstance(old, dict) or not isinstance(old.get("name"), str):
            raise Misfit(f"{where}.function_call has no name")
        self.lost.append("function_call")
        return [*calls, self._call(old["name"], old.get("arguments", ""))]

    def _turn_of_calls(self, value: Any, item: dict[str, Any], where: str) -> dict[str, Any]:
        """A `function_call` turn: its value is the JSON of one call or of several."""
        if not isinstance(value, str):
            raise Misfit(f"{where} is a function_call without JSON text")
        calls = self._calls_in(value, where)
        self._open = [call["id"] for call in calls]
        self._note_rest(item)
        if calls_text(calls) != value:
            self.lost.append("function_call layout")
        return {"role": "assistant", "tool_calls": json.dumps(calls, ensure_ascii=False), "weight": self._weight(item)}

    def _calls_in(self, text: str, where: str) -> list[dict[str, Any]]:
        """Calls written as {"name": …, "arguments": …}; the arguments keep their own bytes."""
        value = load_json(text, f"{where} (a function_call)")
        several = isinstance(value, list)
        named = [
            call
            for call in (value if several else [value])
            if isinstance(call, dict) and isinstance(call.get("name"), str)
        ]
        if len(named) != (len(value) if several else 1) or not named:
            raise Misfit(f"{where} is a function_call without a name")
        calls = []
        for raw, call in zip(_elements(text) if several else [text], named, strict=True):
            if "arguments" not in call or set(call) - {"name", "arguments"}:
                self.lost.append("function_call layout")
            given = call.get("arguments")
            arguments = given if isinstance(given, str) else _members(raw).get("arguments", "{}")
            calls.append(self._call(call["name"], arguments))
        return calls

    def _call(self, name: str, arguments: Any) -> dict[str, Any]:
        self._calls += 1
        return {"id": f"call_{self._calls}", "type": "function", "function": {"name": name, "arguments": arguments}}

    def _declare(self, value: Any, where: str) -> None:
        if not isinstance(value, str):
            raise Misfit(f"{where} is a tools turn without text")
        load_json(value, where)
        if self.tools is not None:
            self.lost.append("tools")
        self.tools = value

    def _weight(self, item: dict[str, Any]) -> int | None:
        given = item.get("weight") if item.get("weight") is not None else item.get("loss_weight")
        if given in (0, 1) and not isinstance(given, bool):
            return int(given)
        if given is not None:
            self.lost.append("weight")
        return None

    def _note_rest(self, item: dict[str, Any]) -> None:
        self.lost += [
            key
            for key, value in item.items()
            if key not in _KNOWN and value is not None and value != [] and value != {}
        ]


def calls_text(calls: list[dict[str, Any]]) -> str:
    """Calls as a `function_call` turn writes them: one object, or a list of several."""
    written = []
    for call in calls:
        function = call.get("function") or {}
        arguments = function.get("arguments", "")
        body = (
            arguments
            if isinstance(arguments, str) and _is_object(arguments)
            else json.dumps(arguments, ensure_ascii=False)
        )
        written.append(f'{{"name": {json.dumps(function.get("name"), ensure_ascii=False)}, "arguments": {body}}}')
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


_decoder = json.JSONDecoder()


def _skip(text: str, k: int) -> int:
    while k < len(text) and text[k] in " \t\r\n":
        k += 1
    return k


def _elements(text: str) -> list[str]:
    """The elements of a JSON list, each as it is written."""
    found = []
    k = _skip(text, _skip(text, 0) + 1)
    while text[k] != "]":
        _, end = _decoder.raw_decode(text, k)
        found.append(text[k:end])
        k = _skip(text, end)
        k = _skip(text, k + 1) if text[k] == "," else k
    return found


def _members(text: str) -> dict[str, str]:
    """The values of a JSON object, each as it is written."""
    found = {}
    k = _skip(text, _skip(text, 0) + 1)
    while text[k] != "}":
        key, k = scanstring(text, k + 1, True)
        k = _skip(text, _skip(text, k) + 1)
        _, end = _decoder.raw_decode(text, k)
        found[key] = text[k:end]
        k = _skip(text, end)
        k = _skip(text, k + 1) if text[k] == "," else k
    return found
