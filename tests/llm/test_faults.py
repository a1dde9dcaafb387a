"""Everything that goes wrong at an endpoint, through `open_models`: every row ends or waits, counts add up, nothing is
bought twice, and kill -9 loses at most what is in flight."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tamis.core.calls import CALL_REASONS, Ask, CallFailed, Reply
from tamis.core.errors import BudgetReached
from tamis.core.events import Event, Warned
from tamis.llm import endpoints
from tamis.llm.client import Endpoint as Client
from tamis.llm.journal import NAME, Journal
from tamis.llm.models import open_models
from tamis.llm.spec import Budget, Connection, Model
from tests import endpoint as served
from tests.endpoint import Endpoint, Said, Seen, Status

LONG = bool(os.environ.get("TAMIS_LONG"))
SCHEMA = {"type": "object", "properties": {"echo": {"type": "string"}}, "required": ["echo"]}


def digest(*words: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(words).encode(), digest_size=4).digest(), "big")


class Chaos:
    """A script that does something else to a request each time it comes, the same things in every run of the test.

    good: how often a request was answered well, in full.
    """

    FAULTS = (
        Status(429),
        Status(429, headers={"Retry-After": "0"}),
        Status(429, headers={"Retry-After": "0.02"}),
        Status(429, headers={"Retry-After": "soon"}),
        Status(429, headers={"Retry-After": "-3"}),
        Status(429, headers={"Retry-After": formatdate(0, usegmt=True)}),
        Status(429, headers={"retry-after-ms": "10"}),
        Status(500),
        Status(502, "<html>"),
        Status(503, headers={"Retry-After": "0"}),
        Status(529),
        served.reset(),
        served.reset(40),
        served.html(),
        served.truncated(),
        served.Raw(b""),
        served.Raw(b'{"error": {"message": "upstream", "code": 502}}'),
        served.drip(0.0002, Said("never")),  # replaced below: in time, byte by byte
        served.redirect("http://127.0.0.1:9/elsewhere"),
        Status(400, {"error": {"message": "context length exceeded"}}),
        Status(422),
    )

    def __init__(self) -> None:
        self.tries: Counter[str] = Counter()
        self.good: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Any:
        row = seen.body["messages"][-1]["content"] if len(seen.body["messages"]) == 1 else f"repair of {seen.raw!r}"
        with self._lock:
            self.tries[row] += 1
            chance = digest(row, self.tries[row])
            if chance % 10 < 4:
                fault = self.FAULTS[digest("fault", row, self.tries[row]) % len(self.FAULTS)]
                if isinstance(fault, served.Raw) and fault.drip:
                    self.good[row] += 1
                    return served.drip(fault.drip, Said(f"echo {row}"))
                return fault
            self.good[row] += 1
        kind = chance // 10 % 20
        if kind == 0:
            return Said(f"echo {row}", finish="length")
        if kind == 1:
            return Said("", finish="content_filter")
        if kind == 2:
            return Said(f"echo {row}", model="another-7b")
        if kind == 3:
            return Status(200, {"id": "1", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 3}})
        if kind == 4:
            return Said(f"echo {row}", usage=False)
        return Said(f"echo {row}")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "Endpoint", partial(Client, first_pause=0.002))


def run(folder: Path, url: str, rows: list[str], events: list[Event], budget: Budget | None = None) -> Any:
    async def go() -> Any:
        models = {"a": Model.model_validate({"model": "lab/m", "max_tokens": 20, "price": {"input": 0, "output": 1}})}
        connections = {"lab": Connection(url=url, slots=24, retries=6, deadline=20.0)}
        async with open_models(models, connections, budget, folder, emit=events.append, environ={}) as opened:
            asks = [Ask(messages=({"role": "user", "content": row},)) for row in rows]
            found = await asyncio.gather(*(opened.chat("a", ask) for ask in asks), return_exceptions=True)
            return found, opened.stats()

    return asyncio.run(go())


def test_every_request_ends_and_nothing_is_bought_twice(tmp_path: Path, endpoint: Endpoint) -> None:
    chaos = Chaos()
    endpoint.script = chaos
    endpoint.latency = lambda seen: random.Random(digest("late", seen.raw)).uniform(0, 0.01)
    rows = [f"row {n}" for n in range(400)]
    events: list[Event] = []
    found, stats = run(tmp_path, endpoint.url, rows * 2, events)

    replies = {row: one for row, one in zip(rows, found, strict=False) if isinstance(one, Reply)}
    failed = {row: one for row, one in zip(rows, found, strict=False) if isinstance(one, CallFailed)}
    assert len(replies) + len(failed) == len(rows)
    assert len(failed) > 20
    assert {one.reason for one in failed.values()} <= CALL_REASONS.keys()
    assert {"refused", "content_filter", "unreadable"} <= {one.reason for one in failed.values()}
    # each row has its own reply, whatever order they came in, and its twin the same one
    assert all(one.text == f"echo {row}" for row, one in replies.items())
    assert all(type(a) is type(b) and str(a) == str(b) for a, b in zip(found, found[len(rows) :], strict=False))
    assert any(one.finish == "length" for one in replies.values())
    # the counts add up
    assert stats["requests"] == stats["ok"] + stats["failed"] == len(rows)
    assert stats["shared"] == len(rows)
    assert (stats["stopped"], stats["in_flight"]) == (0, 0)
    assert stats["sent"] == len(endpoint.posts())
    assert stats["ok"] == sum(chaos.good.values())
    assert set(chaos.good.values()) == {1}
    # a model that changes its name is told once
    assert [one.message for one in events if isinstance(one, Warned)] == [
        "asked for the model m, answered by another-7b"
    ]
    # what was bought is on record, and what it cost, where that is known
    with Journal(tmp_path / NAME) as journal:
        spent = journal.spent()
    assert spent.calls == stats["ok"]
    assert spent.unknown == sum(one.tokens_out is None for one in replies.values()) > 0
    assert stats["usd"] is None
    # a second run asks only for what failed without a reply
    before = len(endpoint.posts())
    endpoint.script = lambda seen: Said(f"echo {seen.last}")
    again, stats = run(tmp_path, endpoint.url, rows, events)
    unanswered = [row for row, one in failed.items() if not one.lasting]
    assert sorted(seen.last for seen in endpoint.posts()[before:]) == sorted(unanswered)
    assert stats["requests"] == len(unanswered)
    for row, one in zip(rows, again, strict=True):
        if row in replies:
            assert one.text == replies[row].text
        elif failed[row].lasting:
            assert str(one) == str(failed[row])
        else:
            assert one.text == f"echo {row}"
    before = len(endpoint.posts())
    run(tmp_path, endpoint.url, rows, events)
    assert len(endpoint.posts()) == before


def test_with_a_budget_rows_end_or_wait(tmp_path: Path, endpoint: Endpoint) -> None:
    chaos = Chaos()
    endpoint.script = chaos
    rows = [f"row {n}" for n in range(300)]
    ended: dict[str, Any] = {}
    for usd in (0.0005, 0.0009, 1.0):
        found, _ = run(tmp_path, endpoint.url, rows, [], Budget(usd=usd))
        for row, one in zip(rows, found, strict=True):
            assert isinstance(one, Reply | CallFailed | BudgetReached)
            if row in ended and isinstance(ended[row], Reply):
                assert one.text == ended[row].text
            ended[row] = one
        with Journal(tmp_path / NAME) as journal:
            assert journal.spent().held_usd <= usd
    assert not any(isinstance(one, BudgetReached) for one in ended.values())
    assert set(chaos.good.values()) == {1}


# -- kill -9 ----------------------------------------------------------------------------------

CHILD = """
import asyncio, os, sys
from pathlib import Path
from tamis.core.calls import Ask
from tamis.llm.models import open_models
from tamis.llm.spec import Connection, Model

async def go(folder, url, slots):
    models = {"a": Model(model="lab/m")}
    async with open_models(models, {"lab": Connection(url=url, slots=slots)}, None, Path(folder)) as opened:
        rows = iter(range(400))
        async def work():
            for n in rows:
                reply = await opened.chat("a", Ask(messages=({"role": "user", "content": f"row {n:04d}"},)))
                os.write(1, reply.text.encode())
        await asyncio.gather(*(work() for _ in range(2 * slots)))

asyncio.run(go(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""
SLOTS = 10


@pytest.mark.parametrize("moment", range(50 if LONG else 2))
def test_kill_9_loses_at_most_what_is_in_flight(moment: int, tmp_path: Path, endpoint: Endpoint) -> None:
    endpoint.latency, chance = 0.01, random.Random(moment)
    command = [sys.executable, "-c", CHILD, str(tmp_path), endpoint.url, str(SLOTS)]
    told: set[str] = set()
    for kill in (True, True, False):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            said = child.stdout.read(8)
            if kill:
                time.sleep(chance.uniform(0, 0.15))
                child.send_signal(signal.SIGKILL)
            said += child.stdout.read()
        seen = {said[at : at + 8].decode() for at in range(0, len(said) - 7, 8)}
        if kill:
            told |= seen
        else:
            assert child.returncode == 0
            assert seen == {f"row {n:04d}" for n in range(400)}
    bought = Counter(one.last for one in endpoint.posts())
    assert {bought[row] for row in told} == {1}
    # each kill lost at most what was in flight, or had come and was on its way to the disk
    assert sum(count - 1 for count in bought.values()) <= 2 * 2 * SLOTS
