"""Models that say what a script says, for trying call steps without any endpoint."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tamis.core.calls import ANSWERS, Answer, Ask, CallFailed, Calling, Reply
from tamis.engine.asked import FrameRows
from tamis.engine.frame import Frame
from tamis.llm.fence import fence

#: (role, what is asked) -> what is said: text, a JSON value where a schema is asked, a whole reply, or an error to raise
Script = Callable[[str, Ask], Any]


@dataclass
class ScriptedModels:
    """`core.calls.Models` by a script. `asked` lists every request in the order it came."""

    script: Script
    families: Mapping[str, str] = field(default_factory=dict)
    asked: list[tuple[str, Ask]] = field(default_factory=list)

    async def chat(self, role: str, ask: Ask) -> Reply:
        self.asked.append((role, ask))
        said = self.script(role, ask)
        if isinstance(said, Exception):
            raise said
        if isinstance(said, Reply):
            return said
        if isinstance(said, str):
            value = None
            if ask.schema is not None:
                try:
                    value = json.loads(said)
                except ValueError:
                    raise CallFailed("schema", "the scripted reply is no JSON", lasting=True) from None
            return Reply(said, value=value, model=role)
        return Reply(json.dumps(said, ensure_ascii=False), value=said, model=role)

    async def answer_logprobs(self, role: str, messages: Sequence[Mapping[str, Any]], answer: str) -> list[float]:
        said = self.script(role, Ask(messages=(*messages, {"role": "assistant", "content": answer}), logprobs=1))
        if isinstance(said, Exception):
            raise said
        return [float(one) for one in said]

    async def reward(self, role: str, messages: Sequence[Mapping[str, Any]]) -> float:
        said = self.script(role, Ask(messages=tuple(messages)))
        if isinstance(said, Exception):
            raise said
        return float(said)

    async def embed(self, role: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of hashed words: equal texts are equal, texts that share words are near."""
        vectors = np.zeros((len(texts), 64), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, hashlib.blake2b(word.encode(), digest_size=1).digest()[0] % 64] += 1
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.where(norms == 0, 1, norms)).astype(np.float32)

    def family(self, role: str) -> str | None:
        return self.families.get(role)

    def name(self, role: str) -> str:
        return f"scripted/{role}"

    def fence(self, text: str, *, salt: str = "") -> str:
        return fence(text, secret=b"scripted", salt=salt)


def answered(step: Calling, frame: Frame, models: ScriptedModels) -> Frame:
    """The frame with the step's answers in it, as after the asking phase of a run."""
    rows = FrameRows(frame, pool_of(step, frame))

    async def one(index: int) -> Answer:
        try:
            return Answer(await step.ask(rows[index], models))
        except CallFailed as error:
            return Answer(None, error.reason, error.message)

    async def every() -> list[Answer]:
        return [await one(index) for index in range(frame.height)]

    answers = step.settle(asyncio.run(every()))
    texts = [json.dumps(list(answer), ensure_ascii=False) for answer in answers]
    name = f"{ANSWERS}{step.name}"
    other = frame.take(np.arange(frame.height))
    other.set(name, pl.Series(name, texts, dtype=pl.String))
    return other


def pool_of(step: Calling, frame: Frame) -> dict[str, pl.Series]:
    """The step's pool over one frame."""
    columns = {
        name: frame.text(name.removeprefix("view:")) if name.startswith("view:") else frame[name]
        for name in step.pool()
    }
    return {"id": pl.Series("id", FrameRows(frame).ids), **columns} if columns else {}
