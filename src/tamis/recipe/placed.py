"""Steps whose paths are seen from the recipe's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tamis.core.step import Step


def placed_step(step: Step, base: Path) -> Step:
    """The step with relative paths in its fields seen from `base`."""
    placed = {name: _placed(value, base) for name, value in step}
    changed = any(value is not getattr(step, name) for name, value in placed.items())
    return step.model_copy(update=placed) if changed else step


def _placed(value: Any, base: Path) -> Any:
    """A field's value with relative paths in it seen from `base`; the value itself where it holds none."""
    if isinstance(value, Path):
        return value if value.is_absolute() else base / value
    if isinstance(value, tuple) and any(isinstance(one, Path) and not one.is_absolute() for one in value):
        return tuple(_placed(one, base) for one in value)
    return value
