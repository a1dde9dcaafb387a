"""A figure as people are told it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure with its 95% interval, where it has one, and what it was counted on. None: not defined."""

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
