"""Rubrics as a field of a step, and the shape of a verdict by one."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from tamis.core.errors import UsageError
from tamis.engine.judging.scale import LEVELS, as_rubric


def _known(rubrics: tuple[str, ...]) -> tuple[str, ...]:
    try:
        names = [as_rubric(one).name for one in rubrics]
    except UsageError as error:
        raise ValueError(str(error)) from None
    if len(rubrics) > 1 and ("own" in names or len(set(names)) < len(names)):
        raise ValueError("several rubrics are several shipped ones; use a step of its own for a rubric in your words")
    return rubrics


Rubrics = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else tuple(value)),
    AfterValidator(_known),
]

#: the reasons stand before the level: written first, they are what the level is drawn from
SCHEMA = {
    "type": "object",
    "properties": {
        "why": {"type": "string", "description": "the reasons, in a few sentences"},
        "level": {"type": "string", "enum": list(LEVELS)},
    },
    "required": ["why", "level"],
    "additionalProperties": False,
}

CHOICE = {
    "type": "object",
    "properties": {
        "why": {"type": "string", "description": "the reasons, in a few sentences"},
        "better": {"type": "string", "enum": ["Answer 1", "Answer 2", "tie"]},
    },
    "required": ["why", "better"],
    "additionalProperties": False,
}
