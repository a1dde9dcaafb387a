"""Judges by a script, for the tests of the judging steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tamis._scripted import ScriptedModels
from tamis.core.calls import Ask
from tamis.core.step import Step
from tamis.testing import StepResult, run_step

Script = Callable[[str, Ask], Any]
#: what the shipped bad answers have in common
RUDE = re.compile("silly things|Whatever, who|idiot|care less")


def shown(ask: Ask, name: str) -> str:
    """What a request shows under a name, without its fence."""
    match = re.search(
        rf"(?:^|\n){name}:\n<data [0-9a-f]+>\n(.*?)\n</data [0-9a-f]+>", ask.messages[-1]["content"], re.S
    )
    return "" if match is None else match[1]


def judged(
    step: Step, rows: list[dict[str, Any]], script: Script, **families: str
) -> tuple[StepResult, ScriptedModels]:
    """What becomes of the rows, and the models with what they were asked."""
    models = ScriptedModels(script, families=families)
    return run_step(step, rows, replies=models), models
