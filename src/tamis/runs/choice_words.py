"""What people chose at gates, in sentences: for the report and the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def sentence(choice: Mapping[str, Any]) -> str:
    """What was chosen, out of what, by whom and why.

    >>> sentence({
    ...     "gate": "review.clusters", "chosen": "fine", "candidates": {"fine": "f", "coarse": "c"}, "who": "ann",
    ...     "at": "2026-11-02T10:00:00+00:00", "why": "two things", "clusters": 6, "looked": 6,
    ... })
    'At review.clusters ann chose fine out of fine, coarse on 2026-11-02: two things. 6 of 6 clusters were looked at.'
    """
    candidates = ", ".join(choice["candidates"])
    seen = f"{choice['looked']:,} of {choice['clusters']:,} clusters were looked at."
    if choice.get("chosen") is None:
        return f"At {choice['gate']} nothing is chosen yet out of {candidates}. {seen}"
    day = f" on {str(choice['at'])[:10]}" if choice.get("at") else ""
    why = str(choice.get("why") or "no reason given").rstrip(".")
    return f"At {choice['gate']} {choice['who']} chose {choice['chosen']} out of {candidates}{day}: {why}. {seen}"
