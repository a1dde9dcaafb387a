"""Every rule: what is wrong, and how bad that is unless a target says otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

Severity = Literal["error", "warning", "ignored_by_trainer"]


class Rule(NamedTuple):
    """What is wrong, as a sentence. error: refused, or the training fails; ignored_by_trainer: the row or
    the field is silently left out; warning: accepted, and rarely what was meant."""

    severity: Severity
    sentence: str


class Problem(NamedTuple):
    """One finding. `line` counts from 1, 0 means the whole file; `value` is an excerpt of what was found."""

    line: int
    rule: str
    severity: Severity
    message: str
    value: str


#: What a check yields: the rule, where in the row, and the value found.
Found = tuple[str, str, Any]
Finds = Iterator[Found]

RULES: Final[dict[str, Rule]] = {
    # the file and its lines
    "no_rows": Rule("error", "the file holds no row"),
    "too_few_rows": Rule("warning", "fewer rows than the target asks for"),
    "too_many_rows": Rule("error", "more rows than the target takes"),
    "too_large": Rule("error", "the file is larger than the target takes"),
    "file_name": Rule("error", "the name must end in .jsonl, in lower case"),
    "not_utf8": Rule("error", "the line is not UTF-8"),
    "byte_order_mark": Rule("error", "the file begins with a byte order mark, which JSON parsers refuse"),
    "not_json": Rule("error", "the line is no JSON"),
    "not_an_object": Rule("error", "a row must be a JSON object"),
    "repeated_key": Rule("error", "a key stands twice in one object; parsers disagree on which one counts"),
    "not_a_number": Rule("error", "NaN and Infinity are no JSON"),
    "half_surrogate": Rule("error", "an escape is half of a surrogate pair and stands for no character"),
    "blank_line": Rule("warning", "a blank line between rows"),
    "mixed_shapes": Rule("error", "rows of one file must have one shape"),
    "unknown_key": Rule("ignored_by_trainer", "the target knows no such key"),
    # messages
    "no_messages": Rule("error", "must be a list of at least one message"),
    "message_not_object": Rule("error", "a message must be an object"),
    "unknown_message_key": Rule("error", "a message has no such key"),
    "unknown_role": Rule("error", "no role of this target"),
    "no_content": Rule("error", "content is missing or null, and there are no tool calls"),
    "empty_content": Rule("error", "content is empty"),
    "content_type": Rule("error", "content must be text"),
    "content_and_calls": Rule("error", "an assistant message has either content or tool calls"),
    "no_assistant": Rule("error", "no assistant message: there is nothing to learn"),
    "last_not_assistant": Rule("error", "the last message must be the assistant's"),
    "last_not_user": Rule("error", "the last message must be the user's"),
    "system_not_first": Rule("error", "the system message must come first"),
    "first_role": Rule("error", "a conversation begins with the system or the user"),
    "not_alternating": Rule("error", "user and assistant must take turns"),
    "bad_weight": Rule("error", "weight must be 0 or 1"),
    "weight_elsewhere": Rule("error", "only assistant messages have a weight"),
    "nothing_trained": Rule("error", "every assistant message has weight 0: there is nothing to learn"),
    "answer_not_first": Rule("error", "an answer must begin with an assistant message, and follow one prompt"),
    "margin_not_number": Rule("error", "margin must be a number"),
    "weight_ignored": Rule("ignored_by_trainer", "this trainer trains on the message whatever its weight"),
    # tools
    "bad_tools": Rule("error", "tools must be a list of {type: function, function: {name, …}}"),
    "bad_tool_calls": Rule("error", "tool_calls must be a list of {id, type: function, function: {name, arguments}}"),
    "arguments_not_json": Rule("error", "the arguments of a call must be a string that holds a JSON object"),
    "bad_call_id": Rule("error", "the id of a call must be nine letters and digits"),
    "reply_unmatched": Rule("error", "a tool message must answer an earlier call by its id"),
    "call_unanswered": Rule("error", "a tool call has no tool message that answers it"),
    "undeclared_tool": Rule("warning", "the function called is not among the tools"),
    # prompts, pairs and labels
    "no_prompt": Rule("error", "the prompt is missing or empty"),
    "no_completion": Rule("error", "the completion is missing or empty"),
    "no_chosen": Rule("error", "the preferred answer is missing or empty"),
    "no_rejected": Rule("error", "the rejected answer is missing or empty"),
    "one_answer": Rule("error", "must be exactly one assistant message"),
    "text_only": Rule("error", "only text can be compared"),
    "same_answers": Rule("error", "both answers are the same: there is nothing to prefer"),
    "mixed_types": Rule("error", "prompt and answers must all be texts or all be lists of messages"),
    "no_label": Rule("error", "label is missing"),
    "label_not_boolean": Rule("error", "label must be true or false, not text or a number"),
    "one_sided_labels": Rule("warning", "every label is the same: there is nothing to tell apart"),
    # instructions, ShareGPT, contents
    "no_instruction": Rule("error", "instruction is missing or empty"),
    "no_output": Rule("error", "output is missing or empty"),
    "not_text": Rule("error", "must be text"),
    "bad_history": Rule("error", "history must be a list of [question, answer] pairs"),
    "tag_not_boolean": Rule(
        "ignored_by_trainer", "kto_tag must be true or false; anything else becomes plain fine-tuning"
    ),
    "no_conversations": Rule("error", "conversations must be a list of {from, value}"),
    "odd_turns": Rule("ignored_by_trainer", "turns must come in pairs; the trainer skips the row"),
    "wrong_turn": Rule(
        "ignored_by_trainer",
        "human and observation stand at odd places, gpt and function_call at even ones; the trainer skips the row",
    ),
    "tools_not_text": Rule("error", "tools must be a string that holds JSON"),
    "no_contents": Rule("error", "contents must be a list of at least one {role, parts}"),
    "bad_parts": Rule("error", "parts must be a list of {text} or {fileData: {mimeType, fileUri}}"),
    "last_not_model": Rule("error", "the last turn must be the model's"),
    "bad_system": Rule("error", "systemInstruction must be {parts: [{text}]}"),
    "no_training_text": Rule("error", "none of the shapes this trainer knows"),
}


def excerpt(value: Any) -> str:
    """A value in at most 60 characters, on one line."""
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(c if c.isprintable() else " " for c in text[:200])
    return text if len(text) <= 60 else text[:59] + "…"


def blank(value: Any) -> bool:
    """Whether a value says nothing: missing, null, or no visible text."""
    return value is None or (isinstance(value, str) and not value.strip()) or value == []
