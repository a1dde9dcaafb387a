"""What asking would cost, before anything is asked: the first requests of a few rows are made, measured, and not sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, NoReturn

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import Ask, CallFailed, Calling
from tamis.engine.asking import Part
from tamis.llm.spec import Model, is_local
from tamis.recipe.model import Recipe

#: rows whose requests are measured
SAMPLE = 40
#: characters of a token, about, in English; other languages have fewer
CHARACTERS_A_TOKEN = 4
#: tokens of a reply, where neither the step nor the recipe bounds it
REPLY_TOKENS = 400


class _Unsent(Exception):
    """A request was made; it is not sent."""


class _Measuring:
    """Models that note what they would be asked."""

    def __init__(self) -> None:
        self.asks: list[tuple[str, Ask]] = []
        self.texts = 0

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
        return text

    def family(self, role: str) -> str | None:
        return None

    def name(self, role: str) -> str:
        return role


def estimate(recipe: Recipe, step: Calling, parts: Sequence[Part], pooled: Mapping[str, pl.Series]) -> dict[str, Any]:
    """Calls, tokens and USD for the rows that have no answer yet. A step that asks several times costs more than told.

    usd is None where a price is not stated, and 0 for models of this machine.
    """
    missing = sum(len(part.missing) for part in parts)
    nothing = {"rows": 0, "calls": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0.0}
    if not missing:
        return nothing
    measured = _Measuring()
    asyncio.run(_measure(step, parts, pooled, measured))
    if not measured.asks:
        return nothing | {"rows": missing, "usd": None}
    role = measured.asks[0][0]
    model = recipe.models[role]
    sent = fmean(sum(len(str(message.get("content") or "")) for message in ask.messages) for _, ask in measured.asks)
    received = fmean(ask.max_tokens or model.max_tokens or REPLY_TOKENS for _, ask in measured.asks)
    tokens_in, tokens_out = round(missing * sent / CHARACTERS_A_TOKEN), round(missing * received)
    usd = _price(model, tokens_in, tokens_out, local=is_local(model, recipe.connections))
    return {"rows": missing, "calls": missing, "tokens_in": tokens_in, "tokens_out": tokens_out, "usd": usd}


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


def _price(model: Model, tokens_in: int, tokens_out: int, *, local: bool) -> float | None:
    if model.price is None:
        return 0.0 if local else None
    return (tokens_in * model.price.input + tokens_out * model.price.output) / 1e6
