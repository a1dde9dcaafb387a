"""A prompt's evaluations as one HTML page, drawn from its file of decisions alone."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from tamis.core.errors import UsageError
from tamis.engine.store import writing

from .prompts import prompt_file, read


def prompt_data(root: Path, prompt: str) -> dict[str, Any]:
    """What the page is drawn from: the evaluations and comparisons of a prompt, oldest first."""
    path = prompt_file(root, prompt)
    records = read(path)
    evaluations = [asdict(one) for one in records if one.kind == "evaluation"]
    if not evaluations:
        raise UsageError(
            f"prompt {prompt!r} was never measured: {path} has no evaluation", hint=f"tamis prompt eval {prompt}"
        )
    return {
        "prompt": prompt,
        "evaluations": evaluations,
        "comparisons": [asdict(one) for one in records if one.kind == "comparison"],
    }


def write_prompt_report(root: Path, prompt: str) -> Path:
    """Draw the page beside the decisions; returns where it is."""
    from ._report.evaluations import prompt_page

    data = prompt_data(root, prompt)
    path = prompt_file(root, prompt).with_suffix(".html")
    with writing(path) as temporary:
        temporary.write_text(prompt_page(prompt, data["evaluations"], data["comparisons"]), encoding="utf-8")
    return path
