"""What asking would cost is told from what is recorded, and only then from what is stated."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tamis.core.calls import Ask
from tamis.llm.estimate import estimate, fence_of
from tamis.llm.fence import Fence
from tamis.llm.journal import NAME, Journal
from tamis.llm.models import open_models
from tamis.llm.spec import Connection, Model, Price
from tests.endpoint import Endpoint, Said


def asks(system: str, first: int, count: int, **fields: Any) -> list[tuple[str, Ask]]:
    return [
        (
            "a",
            Ask(
                messages=(
                    {"role": "system", "content": system},
                    {"role": "user", "content": f"{n:04d}".ljust(400, ".")},
                ),
                **fields,
            ),
        )
        for n in range(first, first + count)
    ]


def test_from_what_is_stated_then_from_what_is_recorded(tmp_path: Path, endpoint: Endpoint) -> None:
    models = {"a": Model(model="lab/m", price=Price(input=1.0, output=10.0))}
    connections = {"lab": Connection(url=endpoint.url)}
    endpoint.script = lambda seen: Said("ok", tokens_in=150, tokens_out=5 + seen.number % 11)
    new = asks("Label it.", 0, 40, max_tokens=30)
    before = estimate(new, models, connections, tmp_path)
    assert not (tmp_path / NAME).exists()
    assert (before.recorded, before.tokens_in, before.tokens_out, before.measured) == (0, 102.25, 30.0, False)
    assert before.usd == before.most_usd == pytest.approx((102 + 300) / 1e6)

    async def buy() -> None:
        async with open_models(models, connections, None, tmp_path, environ={}) as opened:
            await asyncio.gather(*(opened.chat(role, ask) for role, ask in new[:33]))

    asyncio.run(buy())
    after = estimate(asks("Label it.", 0, 66, max_tokens=30), models, connections, tmp_path)
    assert (after.asked, after.recorded, after.recorded_share) == (66, 33, 0.5)
    assert (after.tokens_in, after.tokens_out, after.measured) == (150.0, 10.0, True)
    assert after.usd == pytest.approx((150 + 100) / 1e6)
    assert after.most_usd == pytest.approx((150 + 150) / 1e6)
    # another prompt was never measured
    other = estimate(asks("Rate it.", 0, 5, max_tokens=30), models, connections, tmp_path)
    assert (other.tokens_out, other.measured) == (30.0, False)
    # all is recorded: nothing is to be paid
    done = estimate(new[:33], models, connections, tmp_path)
    assert (done.recorded_share, done.usd) == (1.0, 0.0)


def test_an_unknown_price_is_unknown(tmp_path: Path) -> None:
    connections = {"lab": Connection(url="https://lab.example/v1")}
    assert estimate(asks("x", 0, 2), {"a": Model(model="lab/m")}, connections, tmp_path).usd is None
    local = {"lab": Connection(url="http://127.0.0.1/v1")}
    assert estimate(asks("x", 0, 2), {"a": Model(model="lab/m")}, local, tmp_path).usd == 0.0


def test_output_is_counted_too(tmp_path: Path) -> None:
    """A peer's plan counts the prompts and leaves the replies out."""
    models = {"a": Model(model="lab/m", price=Price(input=0.0, output=1.0))}
    found = estimate(asks("x", 0, 2), models, {"lab": Connection(url="https://lab.example/v1")}, tmp_path)
    assert found.usd is not None
    assert found.usd > 0


def test_fences_are_those_of_the_run(tmp_path: Path) -> None:
    fence_of(tmp_path)  # nothing is made
    assert not (tmp_path / NAME).exists()
    with Journal(tmp_path / NAME) as journal:
        assert fence_of(tmp_path)("text") == Fence(journal.secret)("text")
