"""What asking would cost, before anything is asked: the first requests of a few rows are made, measured, and not sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import Ask, CallFailed, Calling, CallTableStep
from tamis.core.columns import Table
from tamis.engine.asking import Part
from tamis.llm.estimate import estimate as foreseen
from tamis.llm.estimate import fence_of
from tamis.llm.fence import Fence
from tamis.recipe.model import Recipe

#: rows whose requests are measured
SAMPLE = 40
#: tokens of a reply, where neither the step nor the recipe bounds it
REPLY_TOKENS = 400


#: what costs nothing
NOTHING: dict[str, Any] = {"rows": 0, "calls": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}


class _Unsent(Exception):
    """A request was made; it is not sent."""


class _Measuring:
    """Models that note what they would be asked."""

    def __init__(self, fence: Fence) -> None:
        self.asks: list[tuple[str, Ask]] = []
        self._fence = fence

    async def chat(self, role: str, ask: Ask) -> NoReturn:
        self.asks.append((role, ask))
        raise _Unsent

    async def answer_logprobs(self, role: str, messages: Sequence[Mapping[str, Any]], answer: str) -> NoReturn:
        spoken = (*messages, {"role": "assistant", "content": answer})
        await self.chat(role, Ask(messages=spoken, max_tokens=1))

    async def reward(self, role: str, messages: Sequence[Mapping[str, Any]]) -> NoReturn:
        await self.chat(role, Ask(messages=tuple(messages), max_tokens=1))

    async def embed(self, role: str, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), 8), np.float32)

    def fence(self, text: str, *, salt: str = "") -> str:
        return self._fence(text, salt=salt)

    def family(self, role: str) -> str | None:
        return None

    def name(self, role: str) -> str:
        return role


def estimate(
    recipe: Recipe, step: Calling, parts: Sequence[Part], pooled: Mapping[str, pl.Series], recorded: Path
) -> dict[str, Any]:
    """Calls, tokens and USD for the rows that have no answer yet. A step that asks several times costs more than told.

    recorded: the journal's folder; what is in it costs nothing, and tells how long replies to a prompt are. usd is None
    where a price is not stated, and 0 for models of this machine. measured: False (else absent) where no request could be
    made, since the rows lack what steps before this one have yet to make.
    """
    missing = sum(len(part.missing) for part in parts)
    if not missing:
        return dict(NOTHING)
    measured = _Measuring(fence_of(recorded))
    asyncio.run(_measure(step, parts, pooled, measured))
    if not measured.asks:
        return NOTHING | {"rows": missing, "calls": missing, "usd": None, "measured": False}
    one = foreseen(measured.asks, recipe.models, recipe.connections, recorded, reply_tokens=REPLY_TOKENS)
    calls = round(missing * (1 - one.recorded_share))
    return {
        "rows": missing,
        "calls": calls,
        "tokens_in": round(calls * one.tokens_in),
        "tokens_out": round(calls * one.tokens_out),
        "usd": None if one.usd is None else calls * one.usd,
    }


def estimate_table(recipe: Recipe, step: CallTableStep, table: Table, recorded: Path) -> dict[str, Any]:
    """Calls, tokens and USD of a step that asks about all rows together. Later requests are taken to be like the first."""
    first, later = step.asks(table, fence_of(recorded))
    if not first:
        return NOTHING | {"rows": table.height}
    asks = [(step.roles()[0], ask) for ask in first]
    one = foreseen(asks, recipe.models, recipe.connections, recorded, reply_tokens=REPLY_TOKENS)
    calls = round((len(first) + later) * (1 - one.recorded_share))
    return {
        "rows": table.height,
        "calls": calls,
        "tokens_in": round(calls * one.tokens_in),
        "tokens_out": round(calls * one.tokens_out),
        "usd": None if one.usd is None else calls * one.usd,
    }


async def _measure(step: Calling, parts: Sequence[Part], pooled: Mapping[str, pl.Series], measured: _Measuring) -> None:
    seen = 0
    for part in parts:
        if seen >= SAMPLE or not len(part.missing):
            continue
        some = part.missing[:: max(1, len(part.missing) // SAMPLE)][:SAMPLE]
        rows = Part(part.state, "", part.selected, {}, some, part.seed).rows(pooled)
        for index in range(len(some)):
            seen += 1
            try:
                await step.ask(rows[index], measured)
            except (_Unsent, CallFailed):
                continue
