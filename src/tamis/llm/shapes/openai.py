"""OpenAI's chat API, as OpenAI and most others speak it: vLLM, Ollama, llama.cpp, routers and clouds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from tamis.core.calls import Ask, CallFailed, Token
from tamis.llm.spec import Model

from .said import Said, count, finish_of, mapping, text_of, unreadable, word

#: OpenAI's models that think first: they take `max_completion_tokens`, and neither sampling settings nor log-probabilities
_THINKS = re.compile(r"(?:^|/|:)(?:o[1-9]\d*|gpt-(?:[5-9]|\d\d))(?!-chat)(?:[-.:@].*)?$")
#: most alternatives per token that the API takes
MOST_ALTERNATIVES = 20


def thinks(name: str) -> bool:
    """Whether the model is one of OpenAI's reasoning models, by its name."""
    return bool(_THINKS.search(name)) and "-chat" not in name


def left_out(name: str, ask: Ask, model: Model) -> tuple[str, ...]:
    """Settings that were asked for and that the model does not take: they are not sent, and worth a warning."""
    if not thinks(name):
        return ()
    asked = {
        "temperature": model.temperature if ask.temperature is None else ask.temperature,
        "top_p": model.top_p if ask.top_p is None else ask.top_p,
        "stop": ask.stop or None,
        "logprobs": ask.logprobs or None,
    }
    return tuple(name for name, value in asked.items() if value is not None)


def chat_request(name: str, ask: Ask, model: Model, *, enforce: bool = True) -> tuple[str, dict[str, Any]]:
    """Path and body. enforce: whether the schema is sent for the endpoint to enforce."""
    body: dict[str, Any] = {"model": name, "messages": [dict(message) for message in ask.messages]}
    dropped = left_out(name, ask, model)

    def put(key: str, value: Any) -> None:
        if value is not None and key not in dropped:
            body[key] = value

    put("temperature", model.temperature if ask.temperature is None else ask.temperature)
    put("top_p", model.top_p if ask.top_p is None else ask.top_p)
    put("max_completion_tokens" if thinks(name) else "max_tokens", ask.max_tokens or model.max_tokens)
    put("stop", list(ask.stop) or None)
    # the same seed would give the same reply for every sample
    put("seed", None if model.seed is None else model.seed + ask.sample)
    if ask.logprobs and "logprobs" not in dropped:
        body |= {"logprobs": True, "top_logprobs": min(ask.logprobs, MOST_ALTERNATIVES)}
    if ask.tools:
        body["tools"] = [dict(tool) for tool in ask.tools]
    if ask.schema is not None and enforce:
        told = {"name": "answer", "schema": dict(ask.schema), "strict": closed(ask.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": told}
    return "/chat/completions", body


def closed(schema: Any) -> bool:
    """Whether every object of a schema requires all its properties and allows no others: what `strict` demands."""
    if isinstance(schema, list):
        return all(closed(one) for one in schema)
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, Mapping):
        named = set(properties or {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != named:
            return False
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and isinstance(value, Mapping):
            value = list(value.values())  # the keys are names, not words of the schema
        if key not in ("enum", "const", "default", "examples") and not closed(value):
            return False
    return True


def read_chat(data: Any, ask: Ask) -> Said:
    """What the reply says. CallFailed("unreadable") where it is not what the API promises."""
    whole = mapping(data, "its body")
    choice = _first(whole.get("choices"), "choices")
    if choice.get("error"):  # a router tells its upstream's failure so
        raise CallFailed("server", "the endpoint failed while the model was answering")
    message = mapping(choice.get("message"), "message")
    text = text_of(message.get("content"), "content")
    refusal = message.get("refusal")
    finish = finish_of(choice.get("finish_reason"))
    if isinstance(refusal, str) and refusal and not text:
        text, finish = refusal, "refusal"
    calls = message.get("tool_calls") or ()
    if not isinstance(calls, list | tuple) or not all(isinstance(call, dict) for call in calls):
        raise unreadable("has tool_calls that are no list of objects")
    tokens_in, tokens_out, cached = read_usage(whole.get("usage"))
    return Said(
        text,
        word(whole.get("model"), ""),
        finish,
        tokens_in,
        tokens_out,
        cached,
        _tokens(choice.get("logprobs")) if ask.logprobs else (),
        tuple(calls),
    )


def read_usage(usage: Any) -> tuple[int | None, int | None, int | None]:
    """Tokens in, out, and of those in, the cached ones; None for what is not told."""
    if not isinstance(usage, dict):
        return None, None, None
    details = usage.get("prompt_tokens_details")
    cached = count(details.get("cached_tokens")) if isinstance(details, dict) else None
    if cached is None:
        cached = count(usage.get("prompt_cache_hit_tokens"))
    return count(usage.get("prompt_tokens")), count(usage.get("completion_tokens")), cached


def _first(choices: Any, what: str) -> dict[str, Any]:
    """The choice with index 0, wherever it stands."""
    if not isinstance(choices, list) or not choices:
        raise unreadable(f"has no {what}")
    found = [mapping(choice, f"one of {what}") for choice in choices]
    return next((choice for choice in found if choice.get("index", 0) == 0), found[0])


def _tokens(logprobs: Any) -> tuple[Token, ...]:
    """Log-probabilities, token by token; none where the endpoint does not give any."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not content:
        return ()
    if not isinstance(content, list):
        raise unreadable("has logprobs that are no list")
    return tuple(_token(one, top=True) for one in content)


def _token(told: Any, *, top: bool = False) -> Token:
    one = mapping(told, "a token")
    text, logprob = one.get("token"), one.get("logprob")
    if (
        not isinstance(text, str)
        or isinstance(logprob, bool)
        or not isinstance(logprob, int | float)
        or math.isnan(logprob)
    ):
        raise unreadable("has a token without its log-probability")
    others = one.get("top_logprobs") if top else None
    if others is not None and not isinstance(others, list):
        raise unreadable("has top_logprobs that are no list")
    return Token(text, float(logprob), tuple(_token(other)[:2] for other in others or ()))
