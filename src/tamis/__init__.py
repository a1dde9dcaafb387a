"""Tamis: raw data in, a fine-tuning set out that its owner can defend row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tamis.api import Recipe, Result, load, parse, run, sink, source, step

__version__ = "0.1.0"

__all__ = ["Recipe", "Result", "__version__", "load", "parse", "run", "sink", "source", "step"]


def __getattr__(name: str) -> Any:
    """The Python interface, loaded when it is first used, so that the command line starts fast."""
    if name in __all__:
        from tamis import api

        return getattr(api, name)
    raise AttributeError(f"module 'tamis' has no attribute {name!r}")
