"""Rows that filters made for web pages delete (no full stop, few words, braces, digits, brackets, other scripts) stay."""

from __future__ import annotations

import pytest

from tamis.core.step import RowStep
from tamis.steps.filter.injection import Injection
from tamis.steps.filter.markup import Markup
from tamis.steps.filter.model_identity import ModelIdentity
from tamis.steps.filter.newsletter import Newsletter
from tamis.steps.filter.noise import Noise
from tamis.steps.filter.refusal import Refusal
from tamis.steps.filter.repetition import Repetition
from tamis.steps.filter.special_tokens import SpecialTokens
from tamis.steps.filter.toxicity import Toxicity
from tamis.steps.filter.truncated import Truncated
from tamis.testing import run_step

ROWS = [
    {"prompt": "What is 17+25?", "response": "42"},
    {"prompt": "Capital of France?", "response": "Paris"},
    {"prompt": "Write a C program that prints hello.", "response": '```c\n#include <stdio.h>\nint main() { puts("hello"); }\n```'},
    {"prompt": "Give me the user as JSON.", "response": '{"user": {"id": 7, "tags": ["a", "b"]}}'},
    {"prompt": "Expand (a+b)(a-b)(a^2+b^2).", "response": "((a+b)(a-b))(a^2+b^2) = (a^2-b^2)(a^2+b^2) = a^4-b^4"},
    {"prompt": "Name three primes.", "response": "- 2\n- 3\n- 5"},
    {"prompt": "日本の首都はどこですか。", "response": "東京です。"},
    {"prompt": "Translate: thank you", "response": "danke"},
    {"prompt": "A sign for degrees?", "response": "°"},
    {"prompt": "Which of them use javascript and lorem ipsum?", "response": "The second page uses javascript, and its text is lorem ipsum."},
    {"prompt": "Is 1 < 2?", "response": "Yes."},
    {"prompt": "Multiply 12 by 1, 2, 3 and 4.", "response": "12 x 1 = 12\n12 x 2 = 24\n12 x 3 = 36\n12 x 4 = 48"},
]  # fmt: skip
STEPS: tuple[type[RowStep], ...] = (
    Refusal, Repetition, Noise, Injection, Newsletter, Markup, Truncated, SpecialTokens, ModelIdentity, Toxicity,
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_good_short_rows_stay(step: type[RowStep]) -> None:
    assert run_step(step(), ROWS).outcomes == ["kept"] * len(ROWS)
