"""What every chat API says, whichever way it says it, and the checks its reply must pass."""

from __future__ import annotations

from typing import Any, NamedTuple

from tamis.core.calls import CallFailed, Token


class Said(NamedTuple):
    """A chat model's reply as its endpoint tells it.

    text: empty where there is none; model: the name the endpoint gave; finish: `stop`, `length`, `content_filter`,
    `tool_calls`, `refusal` (the text is the model's words of refusal), or the endpoint's own word; tokens_in,
    tokens_out, tokens_cached (of those in, what the endpoint had cached): None where it does not tell.
    """

    text: str
    model: str = ""
    finish: str = "stop"
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int | None = None
    tokens: tuple[Token, ...] = ()
    tool_calls: tuple[dict[str, Any], ...] = ()


#: words for the end of a reply, in one language
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}


def unreadable(what: str) -> CallFailed:
    """The reply breaks its API's promise."""
    return CallFailed("unreadable", f"the reply {what}")


def mapping(value: Any, what: str) -> dict[str, Any]:
    """A JSON object, or the reply is unreadable."""
    if not isinstance(value, dict):
        raise unreadable(f"has {_kind(value)} as {what}, not an object")
    return value


def text_of(content: Any, what: str) -> str:
    """Text that is a string, null, or a list of parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise unreadable(f"has {_kind(content)} as {what}")
    texts = []
    for part in content:
        told = part if isinstance(part, str) else mapping(part, f"a part of {what}").get("text", "")
        if not isinstance(told, str):
            raise unreadable(f"has {_kind(told)} as text in {what}")
        if isinstance(part, str) or part.get("type", "text") in ("text", "output_text"):
            texts.append(told)
    return "".join(texts)


def count(value: Any) -> int | None:
    """A number of tokens; None where it is not one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def word(value: Any, otherwise: str) -> str:
    """A string that says something."""
    return value if isinstance(value, str) and value else otherwise


def finish_of(value: Any) -> str:
    """Why the reply ended."""
    told = word(value, "stop").lower()
    return FINISH.get(told, told)


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names.get(type(value), "an object")
