"""Checks of messages and tools, as the OpenAI shape has them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from itertools import pairwise
from typing import Any, Literal

from ._rules import Finds, blank

OPENAI_ROLES = ("system", "developer", "user", "assistant", "tool")
MESSAGE_KEYS = frozenset(
    ("role", "content", "name", "weight", "tool_calls", "tool_call_id", "refusal", "function_call", "reasoning_content")
)
_CALL_ID = re.compile(r"[A-Za-z0-9]{9}")


def unknown_keys(row: dict[str, Any], known: Collection[str]) -> Finds:
    """Keys the target does not know."""
    for key in row:
        if key not in known:
            yield "unknown_key", key, row[key]


def as_messages(value: Any, where: str) -> Finds:
    """Whether a value is a list of objects at all; the other checks take that for granted."""
    if not isinstance(value, list) or not value:
        yield "no_messages", where, value
        return
    for i, message in enumerate(value):
        if not isinstance(message, dict):
            yield "message_not_object", f"{where}[{i}]", message


def keys_and_roles(messages: list[dict[str, Any]], where: str, roles: Collection[str]) -> Finds:
    for i, message in enumerate(messages):
        for key in message:
            if key not in MESSAGE_KEYS:
                yield "unknown_message_key", f"{where}[{i}].{key}", message[key]
        if message.get("role") not in roles:
            yield "unknown_role", f"{where}[{i}].role", message.get("role")


def contents(messages: list[dict[str, Any]], where: str, *, parts: bool = True) -> Finds:
    """Each message says something. `parts`: a list of typed parts will do as content."""
    for i, message in enumerate(messages):
        place, content = f"{where}[{i}].content", message.get("content")
        calls = message.get("role") == "assistant" and (message.get("tool_calls") or message.get("function_call"))
        if content is None:
            if not calls:
                yield "no_content", place, content
        elif not isinstance(content, str):
            if not (parts and isinstance(content, list) and content and all(_is_part(part) for part in content)):
                yield "content_type", place, content
        elif not content.strip() and not calls:
            yield "empty_content", place, content


def _is_part(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("type"), str)


def last_is(messages: list[dict[str, Any]], where: str, role: Literal["assistant", "user"]) -> Finds:
    if messages[-1].get("role") != role:
        yield f"last_not_{role}", f"{where}[{len(messages) - 1}].role", messages[-1].get("role")


def someone_answers(messages: list[dict[str, Any]], where: str) -> Finds:
    if all(message.get("role") != "assistant" for message in messages):
        yield "no_assistant", where, [message.get("role") for message in messages]


def weights(messages: list[dict[str, Any]], where: str) -> Finds:
    """Weights are 0 or 1, on the assistant's messages, and not all 0."""
    trained = answers = 0
    for i, message in enumerate(messages):
        weight, place = message.get("weight"), f"{where}[{i}].weight"
        if weight is not None:
            if isinstance(weight, bool) or weight not in (0, 1):
                yield "bad_weight", place, weight
            if message.get("role") != "assistant":
                yield "weight_elsewhere", place, weight
        if message.get("role") == "assistant":
            answers += 1
            trained += weight is None or weight != 0
    if answers and not trained:
        yield "nothing_trained", where, [message.get("weight") for message in messages]


def takes_turns(messages: list[dict[str, Any]], where: str) -> Finds:
    """An optional system message, then user and assistant in turns."""
    if messages[0].get("role") not in ("system", "user"):
        yield "first_role", f"{where}[0].role", messages[0].get("role")
    yield from system_first(messages, where)
    turns = [(i, m.get("role")) for i, m in enumerate(messages) if m.get("role") in ("user", "assistant")]
    for (_, before), (i, role) in pairwise(turns):
        if role == before and not any(m.get("role") == "tool" for m in messages):
            yield "not_alternating", f"{where}[{i}].role", role


def system_first(messages: list[dict[str, Any]], where: str) -> Finds:
    for i, message in enumerate(messages[1:], 1):
        if message.get("role") == "system":
            yield "system_not_first", f"{where}[{i}].role", "system"


def tools(row: dict[str, Any], where: str = "tools") -> Finds:
    """The declared tools are functions with a name."""
    declared = row.get("tools")
    if declared is not None and not (isinstance(declared, list) and all(_is_tool(tool) for tool in declared)):
        yield "bad_tools", where, declared


def _is_tool(tool: Any) -> bool:
    return (
        isinstance(tool, dict)
        and tool.get("type") == "function"
        and isinstance(tool.get("function"), dict)
        and isinstance(tool["function"].get("name"), str)
    )


def tool_calls(messages: list[dict[str, Any]], where: str, declared: Any = None, *, nine: bool = False) -> Finds:
    """Calls are well made, answered, and answers belong to calls. `nine`: ids are nine letters and digits."""
    names = {tool["function"]["name"] for tool in declared if _is_tool(tool)} if isinstance(declared, list) else None
    waiting: dict[str, str] = {}
    for i, message in enumerate(messages):
        place = f"{where}[{i}]"
        if message.get("role") == "tool":
            ident = message.get("tool_call_id")
            if not isinstance(ident, str) or waiting.pop(ident, None) is None:
                yield "reply_unmatched", f"{place}.tool_call_id", ident
            continue
        for ident, unanswered in waiting.items():
            yield "call_unanswered", unanswered, ident
        waiting = {}
        calls = message.get("tool_calls")
        if calls is None:
            continue
        if not isinstance(calls, list) or not calls:
            yield "bad_tool_calls", f"{place}.tool_calls", calls
            continue
        for k, call in enumerate(calls):
            at = f"{place}.tool_calls[{k}]"
            function = call.get("function") if isinstance(call, dict) else None
            if not (
                isinstance(function, dict) and isinstance(call.get("id"), str) and isinstance(function.get("name"), str)
            ) or (call.get("type", "function") != "function"):
                yield "bad_tool_calls", at, call
                continue
            if nine and not _CALL_ID.fullmatch(call["id"]):
                yield "bad_call_id", f"{at}.id", call["id"]
            if not _holds_object(function.get("arguments")):
                yield "arguments_not_json", f"{at}.function.arguments", function.get("arguments")
            if names is not None and function["name"] not in names:
                yield "undeclared_tool", f"{at}.function.name", function["name"]
            waiting[call["id"]] = at
    if messages[-1].get("role") == "tool":  # calls of the last message itself are the answer learnt
        for ident, unanswered in waiting.items():
            yield "call_unanswered", unanswered, ident


def _holds_object(text: Any) -> bool:
    if not isinstance(text, str):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def one_answer(value: Any, where: str, missing: str) -> Finds:
    """Exactly one assistant message, text only."""
    if blank(value):
        yield missing, where, value
    elif not (
        isinstance(value, list)
        and len(value) == 1
        and isinstance(value[0], dict)
        and value[0].get("role") == "assistant"
    ):
        yield "one_answer", where, value
    elif not isinstance(value[0].get("content"), str):
        yield "text_only", f"{where}[0].content", value[0].get("content")
    elif blank(value[0]["content"]):
        yield "empty_content", f"{where}[0].content", value[0]["content"]


def said(value: Any) -> str:
    """What an answer says, white space evened out: to see whether two are the same."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return "\x1e".join(said(one) for one in value)
    if isinstance(value, dict) and ("content" in value or "value" in value):
        return said(value.get("content", value.get("value"))) + said(value.get("tool_calls"))
    return "" if value is None else json.dumps(value, sort_keys=True, default=str)
