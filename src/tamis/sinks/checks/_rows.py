"""What a row of each service and of TRL must be."""

from __future__ import annotations

from typing import Any

from . import _chat as chat
from ._rules import Finds, blank


def openai_chat(row: dict[str, Any]) -> Finds:
    yield from chat.unknown_keys(row, ("messages", "tools", "parallel_tool_calls", "functions"))
    messages, where = row.get("messages"), "messages"
    broken = list(chat.as_messages(messages, where))
    yield from broken
    if broken or not isinstance(messages, list):
        return
    yield from chat.keys_and_roles(messages, where, chat.OPENAI_ROLES)
    yield from chat.contents(messages, where)
    yield from chat.someone_answers(messages, where)
    yield from chat.last_is(messages, where, "assistant")
    yield from chat.weights(messages, where)
    yield from chat.tools(row)
    yield from chat.tool_calls(messages, where, row.get("tools"))


def openai_pairs(row: dict[str, Any]) -> Finds:
    yield from chat.unknown_keys(row, ("input", "preferred_output", "non_preferred_output"))
    given = row.get("input")
    messages = given.get("messages") if isinstance(given, dict) else None
    broken = list(chat.as_messages(messages, "input.messages"))
    yield from broken
    if not broken and isinstance(messages, list):
        yield from chat.keys_and_roles(messages, "input.messages", chat.OPENAI_ROLES)
        yield from chat.contents(messages, "input.messages")
        yield from chat.last_is(messages, "input.messages", "user")
    if isinstance(given, dict):
        yield from chat.unknown_keys(given, ("messages", "tools", "parallel_tool_calls"))
        yield from chat.tools(given, "input.tools")
        if not broken and isinstance(messages, list):
            yield from chat.tool_calls(messages, "input.messages", given.get("tools"))
    yield from chat.one_answer(row.get("preferred_output"), "preferred_output", "no_chosen")
    yield from chat.one_answer(row.get("non_preferred_output"), "non_preferred_output", "no_rejected")
    yield from same(row.get("preferred_output"), row.get("non_preferred_output"), "non_preferred_output")


def same(chosen: Any, rejected: Any, where: str) -> Finds:
    if not blank(chosen) and chat.said(chosen) == chat.said(rejected):
        yield "same_answers", where, rejected


def text(row: dict[str, Any], key: str, missing: str) -> Finds:
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        yield "not_text", key, value
    elif blank(value):
        yield missing, key, value


def optional_texts(row: dict[str, Any], *keys: str) -> Finds:
    for key in keys:
        if row.get(key) is not None and not isinstance(row[key], str):
            yield "not_text", key, row[key]


def prompt_completion(row: dict[str, Any]) -> Finds:
    yield from chat.unknown_keys(row, ("prompt", "completion"))
    yield from text(row, "prompt", "no_prompt")
    yield from text(row, "completion", "no_completion")


def _conversation(value: Any, where: str) -> Finds:
    """Messages for trainers that render whatever they get."""
    broken = list(chat.as_messages(value, where))
    yield from broken
    if not broken:
        for i, message in enumerate(value):
            if not isinstance(message.get("role"), str):
                yield "unknown_role", f"{where}[{i}].role", message.get("role")
            if message.get("weight") is not None:
                yield "weight_ignored", f"{where}[{i}].weight", message["weight"]
        yield from chat.contents(value, where)


def trl_sft(row: dict[str, Any]) -> Finds:
    shape = trl_shape(row)
    if shape == "messages":
        key = "messages" if "messages" in row else "conversations"
        value = row[key]
        if key == "conversations" and isinstance(value, list):  # ShareGPT turns are turned into messages
            value = [_as_message(turn) for turn in value]
        yield from _conversation(value, key)
        if isinstance(value, list) and value and isinstance(value[-1], dict):
            yield from chat.last_is(value, key, "assistant")
    elif shape == "prompt-completion":
        yield from _two_sides(row, "completion", "no_completion")
    elif shape == "text":
        if not isinstance(row["text"], str):
            yield "not_text", "text", row["text"]
        elif blank(row["text"]):
            yield "empty_content", "text", row["text"]
    else:
        yield "no_training_text", "row", sorted(row)


def _as_message(turn: Any) -> Any:
    """A ShareGPT turn as TRL reads it."""
    if not (isinstance(turn, dict) and isinstance(turn.get("from"), str)):
        return turn
    role = {"human": "user", "gpt": "assistant"}.get(turn["from"], turn["from"])
    return {"role": role, "content": turn.get("value")}


def trl_shape(row: dict[str, Any]) -> str:
    """Which of TRL's shapes a row has."""
    if "messages" in row or "conversations" in row:
        return "messages"
    if "prompt" in row and "completion" in row:
        return "prompt-completion"
    return "text" if "text" in row else "unknown"


def _two_sides(row: dict[str, Any], key: str, missing: str) -> Finds:
    """A prompt and an answer, both texts or both messages."""
    prompt, answer = row.get("prompt"), row.get(key)
    if blank(prompt):
        yield "no_prompt", "prompt", prompt
    if blank(answer):
        yield missing, key, answer
    if blank(prompt) or blank(answer):
        return
    if type(prompt) is not type(answer) or not isinstance(prompt, str | list):
        yield "mixed_types", key, answer
    elif isinstance(prompt, list):
        yield from _conversation(prompt, "prompt")
        yield from _conversation(answer, key)


def trl_dpo(row: dict[str, Any]) -> Finds:
    chosen, rejected = row.get("chosen"), row.get("rejected")
    for key, value, missing in (("chosen", chosen, "no_chosen"), ("rejected", rejected, "no_rejected")):
        if blank(value):
            yield missing, key, value
        elif isinstance(value, list):
            yield from _conversation(value, key)
            if all(isinstance(m, dict) for m in value):
                yield from chat.last_is(value, key, "assistant")
    present = [v for v in (row.get("prompt"), chosen, rejected) if not blank(v)]
    if any(type(v) is not type(present[0]) or not isinstance(v, str | list) for v in present):
        yield "mixed_types", "chosen", chosen
    yield from same(chosen, rejected, "rejected")


def trl_preference(row: dict[str, Any]) -> Finds:
    """Conversational, with the prompt apart: what leaves nothing to the trainer's guess."""
    parts = {key: row.get(key) for key in ("prompt", "chosen", "rejected")}
    for key, value in parts.items():
        if blank(value):
            yield f"no_{key}", key, value
        elif not isinstance(value, list):
            yield "mixed_types", key, value
        else:
            yield from _conversation(value, key)
            if key != "prompt":
                yield from _assistants(value, key)
    yield from same(parts["chosen"], parts["rejected"], "rejected")
    margin = row.get("margin", 0)
    if isinstance(margin, bool) or not isinstance(margin, int | float):
        yield "margin_not_number", "margin", margin
    if isinstance(row.get("tools"), list):
        yield from chat.tools(row)


def _assistants(answer: list[Any], where: str) -> Finds:
    """Whether an answer begins and ends with the assistant."""
    if all(isinstance(message, dict) for message in answer):
        if answer[0].get("role") != "assistant":
            yield "answer_not_first", f"{where}[0].role", answer[0].get("role")
        yield from chat.last_is(answer, where, "assistant")


def trl_kto(row: dict[str, Any]) -> Finds:
    yield from _two_sides(row, "completion", "no_completion")
    if isinstance(row.get("completion"), list) and row["completion"]:
        yield from _assistants(row["completion"], "completion")
    if row.get("label") is None:
        yield "no_label", "label", None
    elif not isinstance(row["label"], bool):
        yield "label_not_boolean", "label", row["label"]


def mistral(row: dict[str, Any]) -> Finds:
    yield from chat.unknown_keys(row, ("messages", "tools"))
    messages, where = row.get("messages"), "messages"
    broken = list(chat.as_messages(messages, where))
    yield from broken
    if broken or not isinstance(messages, list):
        return
    yield from chat.keys_and_roles(messages, where, ("system", "user", "assistant", "tool"))
    yield from chat.contents(messages, where)
    for i, message in enumerate(messages):
        if message.get("role") == "assistant" and message.get("tool_calls") and not blank(message.get("content")):
            yield "content_and_calls", f"{where}[{i}]", message["content"]
    yield from chat.last_is(messages, where, "assistant")
    yield from chat.weights(messages, where)
    yield from chat.tools(row)
    yield from chat.tool_calls(messages, where, row.get("tools"), nine=True)


def together(row: dict[str, Any]) -> Finds:
    shape = together_shape(row)
    if shape == "conversational":
        yield from chat.unknown_keys(row, ("messages", "tools"))
        messages = row["messages"]
        broken = list(chat.as_messages(messages, "messages"))
        yield from broken
        if not broken:
            yield from chat.keys_and_roles(messages, "messages", ("system", "user", "assistant", "tool"))
            yield from chat.contents(messages, "messages")
            yield from chat.takes_turns(messages, "messages")
            yield from chat.someone_answers(messages, "messages")
            yield from chat.weights(messages, "messages")
            yield from chat.tools(row)
            yield from chat.tool_calls(messages, "messages", row.get("tools"))
    elif shape == "instruction":
        yield from prompt_completion(row)
    elif shape == "preference":
        yield from openai_pairs(row)
    elif shape == "text":
        yield from chat.unknown_keys(row, ("text",))
        yield from text(row, "text", "empty_content")
    else:
        yield "no_training_text", "row", sorted(row)


def together_shape(row: dict[str, Any]) -> str:
    """Which one of Together's shapes a row has; 'unknown' where it has none, or several."""
    marks = {
        "conversational": {"messages"},
        "instruction": {"prompt", "completion"},
        "preference": {"preferred_output", "non_preferred_output"},
        "text": {"text"},
    }
    found = [shape for shape, keys in marks.items() if not keys.isdisjoint(row)]
    return found[0] if len(found) == 1 else "unknown"


def fireworks(row: dict[str, Any]) -> Finds:
    yield from chat.unknown_keys(row, ("messages", "tools"))
    messages, where = row.get("messages"), "messages"
    broken = list(chat.as_messages(messages, where))
    yield from broken
    if broken or not isinstance(messages, list):
        return
    yield from chat.keys_and_roles(messages, where, ("system", "user", "assistant", "tool"))
    yield from chat.contents(messages, where)
    yield from chat.system_first(messages, where)
    yield from chat.someone_answers(messages, where)
    yield from chat.weights(messages, where)
    yield from chat.tools(row)
    yield from chat.tool_calls(messages, where, row.get("tools"))
