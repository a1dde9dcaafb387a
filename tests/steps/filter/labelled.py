"""Hand-labelled samples in `samples/`, and how well a judgement agrees with them.

A line is {"text", "label", "held"} (and what else a step needs). `held` rows were labelled before the rules were tuned;
docs/figures/quality.md says what the rules scored on them when they first saw them, and what was mended since.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent / "samples"


def sample(name: str, *, held: bool | None = None) -> list[dict[str, Any]]:
    """The rows of one sample; all, or only those held out or not."""
    lines = (SAMPLES / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    return [row for row in rows if held is None or row["held"] == held]


def precision_recall(rows: Iterable[dict[str, Any]], judged: Callable[[dict[str, Any]], bool]) -> tuple[float, float]:
    """How many of those found are right, how many of those to find are found."""
    pairs = [(bool(judged(row)), bool(row["label"])) for row in rows]
    hits = sum(found and label for found, label in pairs)
    return hits / max(1, sum(found for found, _ in pairs)), hits / max(1, sum(label for _, label in pairs))
