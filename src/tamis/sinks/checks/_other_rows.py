"""What a row of LLaMA-Factory and of Gemini must be."""

from __future__ import annotations

import json
from typing import Any

from . import _chat as chat
from ._rows import optional_texts, same, text
from ._rules import Finds, blank


def alpaca(row: dict[str, Any]) -> Finds:
    known = (
        "instruction",
        "input",
        "output",
        "system",
        "history",
        "chosen",
        "rejected",
        "kto_tag",
        "images",
        "videos",
        "audios",
        "tools",
    )
    yield from chat.unknown_keys(row, known)
    yield from text(row, "instruction", "no_instruction")
    yield from optional_texts(row, "input", "system")
    if "chosen" in row or "rejected" in row:
        yield from text(row, "chosen", "no_chosen")
        yield from text(row, "rejected", "no_rejected")
        yield from same(row.get("chosen"), row.get("rejected"), "rejected")
    else:
        yield from text(row, "output", "no_output")
    history = row.get("history")
    if history is not None and not (
        isinstance(history, list)
        and all(isinstance(pair, list) and len(pair) == 2 and all(isinstance(p, str) for p in pair) for pair in history)
    ):
        yield "bad_history", "history", history
    yield from _tag(row)


def _tag(row: dict[str, Any]) -> Finds:
    if row.get("kto_tag") is not None and not isinstance(row["kto_tag"], bool):
        yield "tag_not_boolean", "kto_tag", row["kto_tag"]


_ODD, _EVEN = ("human", "observation"), ("gpt", "function_call")


def sharegpt(row: dict[str, Any]) -> Finds:
    known = ("conversations", "id", "system", "tools", "chosen", "rejected", "kto_tag", "images", "videos", "audios")
    yield from chat.unknown_keys(row, known)
    turns = row.get("conversations")
    if (
        not isinstance(turns, list)
        or not turns
        or not all(isinstance(t, dict) and isinstance(t.get("value"), str) for t in turns)
    ):
        yield "no_conversations", "conversations", turns
        return
    pair = "chosen" in row or "rejected" in row
    begin = int(turns[0].get("from") == "system")
    for i, turn in enumerate(turns[begin:]):
        place = f"conversations[{i + begin}]"
        if turn.get("from") not in (*_ODD, *_EVEN):
            yield "unknown_role", f"{place}.from", turn.get("from")
        elif turn["from"] not in (_EVEN if i % 2 else _ODD):
            yield "wrong_turn", f"{place}.from", turn["from"]
        if blank(turn["value"]):
            yield "empty_content", f"{place}.value", turn["value"]
    if (len(turns) - begin) % 2 != int(pair):
        yield "odd_turns", "conversations", len(turns) - begin
    if pair:
        for key, missing in (("chosen", "no_chosen"), ("rejected", "no_rejected")):
            answer = row.get(key)
            if not (isinstance(answer, dict) and isinstance(answer.get("value"), str) and answer["value"].strip()):
                yield missing, key, answer
        yield from same([row.get("chosen")], [row.get("rejected")], "rejected")
    if row.get("tools") is not None and not _is_json_text(row["tools"]):
        yield "tools_not_text", "tools", row["tools"]
    yield from _tag(row)


def _is_json_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        json.loads(value or "[]")
    except (ValueError, RecursionError):
        return False
    return True


def gemini(row: dict[str, Any]) -> Finds:
    yield from chat.unknown_keys(
        row, ("contents", "systemInstruction", "system_instruction", "tools", "generationConfig", "labels")
    )
    system = row.get("systemInstruction", row.get("system_instruction"))
    if system is not None and not (isinstance(system, dict) and _are_parts(system.get("parts"), text_only=True)):
        yield "bad_system", "systemInstruction", system
    turns = row.get("contents")
    if not isinstance(turns, list) or not turns or not all(isinstance(turn, dict) for turn in turns):
        yield "no_contents", "contents", turns
        return
    for i, turn in enumerate(turns):
        if turn.get("role") not in ("user", "model"):
            yield "unknown_role", f"contents[{i}].role", turn.get("role")
        parts = turn.get("parts")
        if not _are_parts(parts):
            yield "bad_parts", f"contents[{i}].parts", parts
        elif all("text" in part and blank(part["text"]) for part in parts):
            yield "empty_content", f"contents[{i}].parts", parts
    if turns[-1].get("role") != "model":
        yield "last_not_model", f"contents[{len(turns) - 1}].role", turns[-1].get("role")


def _are_parts(parts: Any, *, text_only: bool = False) -> bool:
    return (
        isinstance(parts, list)
        and bool(parts)
        and all(
            isinstance(part, dict)
            and (
                isinstance(part.get("text"), str)
                or (not text_only and any(isinstance(part.get(k), dict) for k in _PART_KINDS))
            )
            for part in parts
        )
    )


_PART_KINDS = ("fileData", "inlineData", "functionCall", "functionResponse")
