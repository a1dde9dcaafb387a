"""The models of a recipe against a loopback endpoint: looked up, bought once, kept, counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tamis.core.calls import Ask
from tamis.core.events import Event, Warned
from tamis.llm.models import OpenModels, open_models
from tamis.llm.spec import Budget, Connection, Model
from tests.endpoint import Endpoint, Seen

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}},
    "required": ["label"],
    "additionalProperties": False,
}


class Lab:
    """A workspace, an endpoint and what a recipe says of it."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self.folder, self.endpoint = folder, endpoint
        self.model: dict[str, Any] = {"model": "lab/m"}
        self.connection: dict[str, Any] = {"url": endpoint.url, "retries": 3}
        self.budget: Budget | None = None
        self.events: list[Event] = []
        self.stats: dict[str, Any] = {}

    def run(self, work: Callable[[OpenModels], Awaitable[Any]], **fields: Any) -> Any:
        async def go() -> Any:
            models = {"annotator": Model.model_validate(self.model)}
            connections = {"lab": Connection.model_validate(self.connection)}
            async with open_models(
                models, connections, self.budget, self.folder, emit=self.events.append, environ={}, **fields
            ) as opened:
                try:
                    return await work(opened)
                finally:
                    self.stats = opened.stats()

        return asyncio.run(go())

    def asks(self, *asks: Ask) -> list[Any]:
        """What came of each, errors too."""

        async def work(models: OpenModels) -> list[Any]:
            return await asyncio.gather(*(models.chat("annotator", ask) for ask in asks), return_exceptions=True)

        found: list[Any] = self.run(work)
        return found

    @property
    def posts(self) -> int:
        return len(self.endpoint.posts())

    @property
    def warnings(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Warned)]


@pytest.fixture
def lab(tmp_path: Path, endpoint: Endpoint) -> Lab:
    return Lab(tmp_path / "recorded", endpoint)


def ask(text: str, **fields: Any) -> Ask:
    return Ask(messages=({"role": "user", "content": text},), **fields)


def probing(script: Callable[[Seen], Any], enforced: bool = True) -> Callable[[Seen], Any]:
    """A script that answers the probe too."""

    def answer(seen: Seen) -> Any:
        if "capital of France" in seen.last:
            return {"answer": "k7-ochre" if enforced and "response_format" in seen.body else "Paris"}
        return script(seen)

    return answer


def test_a_second_run_buys_nothing(lab: Lab) -> None:
    asks = [ask(f"say {n}") for n in range(50)]
    first = lab.asks(*asks)
    assert [reply.text for reply in first] == [f"say {n}" for n in range(50)]
    assert (lab.posts, lab.stats["requests"], lab.stats["ok"], lab.stats["cached"]) == (50, 50, 50, 0)
    again = lab.asks(*asks)
    assert lab.posts == 50
    assert (lab.stats["requests"], lab.stats["cached"], lab.stats["tokens_in"], lab.stats["usd"]) == (0, 50, 0, 0.0)
    assert [reply.text for reply in again] == [reply.text for reply in first]
    assert [reply.key for reply in again] == [reply.key for reply in first]
    assert all(reply.cached for reply in again)
    assert not any(reply.cached for reply in first)
