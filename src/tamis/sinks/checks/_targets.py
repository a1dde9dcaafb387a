"""The targets: what a row of each must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from . import _other_rows as other
from . import _rows as rows
from ._rules import Finds, Severity

#: Checks of the lines themselves, the same for every target.
LINE_RULES: Final = (
    "no_rows", "not_utf8", "byte_order_mark", "not_json", "not_an_object", "repeated_key", "not_a_number",
    "half_surrogate", "blank_line",
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """A trainer or service, and how its rows are checked.

    rules: every slug `row` can yield; severities: where this target is stricter or laxer than RULES;
    shape: names the shape of a row where all rows of a file must have one; min_rows, max_rows, max_bytes: of a file.
    """

    title: str
    row: Callable[[dict[str, Any]], Finds]
    rules: tuple[str, ...]
    severities: dict[str, Severity] = field(default_factory=dict)
    shape: Callable[[dict[str, Any]], str] | None = None
    min_rows: int = 1
    max_rows: int | None = None
    max_bytes: int | None = None
    lower_case_name: bool = False
    labelled: bool = False


_MESSAGES = (
    "no_messages",
    "message_not_object",
    "unknown_message_key",
    "unknown_role",
    "no_content",
    "empty_content",
    "content_type",
)
_WEIGHTS = ("bad_weight", "weight_elsewhere", "nothing_trained")
_TOOLS = ("bad_tools", "bad_tool_calls", "arguments_not_json", "reply_unmatched", "call_unanswered", "undeclared_tool")
_CHAT = ("unknown_key", *_MESSAGES, "no_assistant", "last_not_assistant", *_WEIGHTS, *_TOOLS)
_PAIRS = (
    "unknown_key",
    *_MESSAGES,
    "last_not_user",
    "no_chosen",
    "no_rejected",
    "one_answer",
    "text_only",
    "same_answers",
)
_CONVERSATION = ("message_not_object", "unknown_role", "no_content", "empty_content", "content_type", "weight_ignored")
_RENDERED_EMPTY: dict[str, Severity] = {"no_content": "warning", "empty_content": "warning"}

TARGETS: Final[dict[str, Target]] = {
    "openai_chat": Target(
        "OpenAI and Azure fine-tuning",
        rows.openai_chat,
        _CHAT,
        {"unknown_key": "warning"},
        min_rows=10,
        max_bytes=512 << 20,
    ),
    "openai_dpo": Target(
        "OpenAI and Azure preferences",
        rows.openai_pairs,
        (*_PAIRS, *_TOOLS),
        {"unknown_key": "warning"},
        min_rows=10,
        max_bytes=512 << 20,
    ),
    "alpaca": Target(
        "LLaMA-Factory, formatting alpaca",
        other.alpaca,
        (
            "unknown_key",
            "no_instruction",
            "no_output",
            "not_text",
            "bad_history",
            "no_chosen",
            "no_rejected",
            "same_answers",
            "tag_not_boolean",
        ),
        {"no_output": "ignored_by_trainer", "same_answers": "warning"},
    ),
    "sharegpt": Target(
        "LLaMA-Factory, formatting sharegpt",
        other.sharegpt,
        (
            "unknown_key",
            "no_conversations",
            "unknown_role",
            "wrong_turn",
            "odd_turns",
            "empty_content",
            "no_chosen",
            "no_rejected",
            "same_answers",
            "tools_not_text",
            "tag_not_boolean",
        ),
        {
            "unknown_role": "ignored_by_trainer",
            "empty_content": "warning",
            "same_answers": "warning",
            "no_chosen": "ignored_by_trainer",
            "no_rejected": "ignored_by_trainer",
        },
    ),
    "trl_sft": Target(
        "TRL SFTTrainer",
        rows.trl_sft,
        (
            *_CONVERSATION,
            "no_messages",
            "no_training_text",
            "last_not_assistant",
            "no_prompt",
            "no_completion",
            "mixed_types",
            "not_text",
        ),
        {**_RENDERED_EMPTY, "last_not_assistant": "warning", "no_completion": "ignored_by_trainer"},
        shape=rows.trl_shape,
    ),
    "trl_dpo": Target(
        "TRL DPOTrainer",
        rows.trl_dpo,
        (*_CONVERSATION, "no_chosen", "no_rejected", "last_not_assistant", "mixed_types", "same_answers"),
        {**_RENDERED_EMPTY, "last_not_assistant": "warning", "same_answers": "warning"},
    ),
    "trl_preference": Target(
        "TRL preferences, conversational, with the prompt apart",
        rows.trl_preference,
        (
            *_CONVERSATION,
            "no_prompt",
            "no_chosen",
            "no_rejected",
            "answer_not_first",
            "last_not_assistant",
            "mixed_types",
            "same_answers",
            "margin_not_number",
            "bad_tools",
        ),
    ),
    "trl_kto": Target(
        "TRL KTOTrainer",
        rows.trl_kto,
        (
            *_CONVERSATION,
            "no_prompt",
            "no_completion",
            "answer_not_first",
            "last_not_assistant",
            "mixed_types",
            "no_label",
            "label_not_boolean",
        ),
        {**_RENDERED_EMPTY, "answer_not_first": "warning", "last_not_assistant": "warning"},
        labelled=True,
    ),
    "prompt_completion": Target(
        "prompt and completion texts", rows.prompt_completion, ("unknown_key", "no_prompt", "no_completion", "not_text")
    ),
    "mistral": Target(
        "Mistral",
        rows.mistral,
        ("unknown_key", *_MESSAGES, "content_and_calls", "last_not_assistant", *_WEIGHTS, *_TOOLS, "bad_call_id"),
    ),
    "together": Target(
        "Together",
        rows.together,
        (
            *_CHAT[: -len(_TOOLS) - len(_WEIGHTS) - 1],
            *_WEIGHTS,
            *_TOOLS,
            "first_role",
            "system_not_first",
            "not_alternating",
            "no_training_text",
            "no_prompt",
            "no_completion",
            "not_text",
            *_PAIRS[-6:],
        ),
        {"unknown_key": "warning"},
        shape=rows.together_shape,
    ),
    "fireworks": Target(
        "Fireworks",
        rows.fireworks,
        ("unknown_key", *_MESSAGES, "system_not_first", "no_assistant", *_WEIGHTS, *_TOOLS),
        {"too_few_rows": "error"},
        min_rows=3,
        max_rows=3_000_000,
        lower_case_name=True,
    ),
    "gemini": Target(
        "Vertex AI, Gemini",
        other.gemini,
        ("unknown_key", "bad_system", "no_contents", "unknown_role", "bad_parts", "empty_content", "last_not_model"),
        max_bytes=1 << 30,
    ),
}
