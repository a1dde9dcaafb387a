"""Anthropic's Messages API: the system prompt stands apart, content is blocks, the longest reply must be stated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tamis.core.calls import Ask
from tamis.llm.spec import Model

from .said import Said, count, finish_of, mapping, unreadable, word

#: tokens of a reply where nobody states them: the API demands a number
MAX_TOKENS = 4096


def left_out(name: str, ask: Ask, model: Model) -> tuple[str, ...]:
    """Settings that were asked for and that the API does not take."""
    return (*(("logprobs",) if ask.logprobs else ()), *(("seed",) if model.seed is not None else ()))


def chat_request(name: str, ask: Ask, model: Model, *, enforce: bool = True) -> tuple[str, dict[str, Any]]:
    """Path and body. enforce: whether the schema is sent for the endpoint to enforce."""
    system = [
        str(message.get("content") or "") for message in ask.messages if message["role"] in ("system", "developer")
    ]
    body: dict[str, Any] = {
        "model": name,
        "max_tokens": ask.max_tokens or model.max_tokens or MAX_TOKENS,
        "messages": [_message(message) for message in ask.messages if message["role"] not in ("system", "developer")],
    }
    if system:
        body["system"] = "\n\n".join(system)
    temperature = model.temperature if ask.temperature is None else ask.temperature
    top_p = model.top_p if ask.top_p is None else ask.top_p
    if temperature is not None:
        body["temperature"] = temperature
    if top_p is not None:
        body["top_p"] = top_p
    if ask.stop:
        body["stop_sequences"] = list(ask.stop)
    if ask.tools:
        body["tools"] = [_tool(tool) for tool in ask.tools]
    if ask.schema is not None and enforce:
        body["output_config"] = {"format": {"type": "json_schema", "schema": dict(ask.schema)}}
    return "/messages", body


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message in blocks where it needs them: tool calls and their results."""
    role, content = message["role"], message.get("content")
    if role == "tool":
        result = {"type": "tool_result", "tool_use_id": message.get("tool_call_id", ""), "content": content or ""}
        return {"role": "user", "content": [result]}
    calls = message.get("tool_calls")
    if isinstance(calls, str):
        calls = json.loads(calls)
    if not calls:
        return {"role": role, "content": content or ""}
    blocks: list[dict[str, Any]] = [{"type": "text", "text": content}] if content else []
    for call in calls:
        function = call.get("function", call)
        given = function.get("arguments") or "{}"
        given = json.loads(given) if isinstance(given, str) else given
        blocks.append({"type": "tool_use", "id": call.get("id", ""), "name": function.get("name", ""), "input": given})
    return {"role": role, "content": blocks}


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as Anthropic has it, from OpenAI's form or its own."""
    function = tool.get("function")
    if not isinstance(function, Mapping):
        return dict(tool)
    described = {"description": function["description"]} if function.get("description") else {}
    return {"name": function["name"], **described, "input_schema": function.get("parameters") or {"type": "object"}}


def read_chat(data: Any, ask: Ask) -> Said:
    """What the reply says. CallFailed("unreadable") where it is not what the API promises."""
    whole = mapping(data, "its body")
    content = whole.get("content")
    if not isinstance(content, list):
        raise unreadable("has no content")
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    for told in content:
        block = mapping(told, "a block of content")
        if block.get("type") == "text":
            if not isinstance(block.get("text"), str):
                raise unreadable("has a text block without text")
            texts.append(block["text"])
        elif block.get("type") == "tool_use":
            function = {
                "name": block.get("name", ""),
                "arguments": json.dumps(block.get("input", {}), ensure_ascii=False),
            }
            calls.append({"id": block.get("id", ""), "type": "function", "function": function})
    tokens_in, tokens_out, cached = read_usage(whole.get("usage"))
    finish = finish_of(whole.get("stop_reason"))
    return Said("".join(texts), word(whole.get("model"), ""), finish, tokens_in, tokens_out, cached, (), tuple(calls))


def read_usage(usage: Any) -> tuple[int | None, int | None, int | None]:
    """Tokens in (cached ones included, as OpenAI counts them), out, and read from the cache; None for what is not told."""
    if not isinstance(usage, dict):
        return None, None, None
    fresh, cached = count(usage.get("input_tokens")), count(usage.get("cache_read_input_tokens"))
    written = count(usage.get("cache_creation_input_tokens"))
    tokens_in = None if fresh is None else fresh + (cached or 0) + (written or 0)
    return tokens_in, count(usage.get("output_tokens")), cached
