"""Steps get ready while inputs are read: compiled kernels, tables and libraries are loaded before the first partition.

A kernel is loaded when it is first called, which takes about 10 ms each; where 1 % of the rows are new, that was more
than judging them. So steps judge two rows of ours, in a thread, whose outcome nobody sees.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Self

import polars as pl

from tamis.core.calls import Calling
from tamis.core.errors import TamisError
from tamis.core.row import RESERVED
from tamis.core.step import RowStep, Step, TableStep
from tamis.engine.bisect import judge_safely
from tamis.engine.frame import Frame
from tamis.recipe.model import Recipe

_FAMILIES = ("map", "clean", "filter", "dedup", "split")
_TURNS = (
    ("Where is my parcel? It was to come on Tuesday.", "It is on its way, and will arrive tomorrow before noon."),
    ("Où est mon colis\u2009? Il devait arriver mardi â€” déjà.", "Il est en route\u00a0: “demain” avant midi…"),
)


class Warming:
    """Loads what steps need, once, in a thread of its own, which ends with the block. Steps that read files or ask models,
    and code of the user's, are left out."""

    def __init__(self, recipe: Recipe | None) -> None:
        own = [] if recipe is None else [step for source in recipe.sources for step in source.map]
        self.steps = [step for step in [*own, *(recipe.steps if recipe else [])] if _ours(step)]
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._thread is None and self.steps:
            self._thread = threading.Thread(target=self._run, name="tamis-warming", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: Any) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        raw, mapped = _raw(), _mapped()
        for step in self.steps:
            with contextlib.suppress(Exception):
                frame = Frame.of(raw if step.address().startswith("map.") else mapped)
                if isinstance(step, RowStep):
                    judge_safely(step, frame)
                elif isinstance(step, TableStep):
                    step.gather(frame)


def _ours(step: Step) -> bool:
    if step.address().split(".")[0] not in _FAMILIES or step.secrets() or isinstance(step, Calling):
        return False
    try:
        return not step.files()
    except TamisError:  # it looks for files, which its paths do not tell before they are placed
        return False


def _raw() -> pl.DataFrame:
    asked, answered = zip(*_TURNS, strict=True)
    return pl.DataFrame({"source.prompt": asked, "source.completion": answered})


def _mapped() -> pl.DataFrame:
    chats: list[list[dict[str, Any]]] = [
        [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}] for asked, answered in _TURNS
    ]
    ids = [pl.Series(name, range(len(chats)), dtype=RESERVED.get(name, pl.UInt64())) for name in ("id.high", "id.low")]
    return pl.DataFrame([*ids, pl.Series("messages", chats, dtype=RESERVED["messages"], strict=False)])
