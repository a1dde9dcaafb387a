"""What keeping every reply costs: replies a second put on the disk, read again, and calls answered from the journal.

    python benchmarks/llm_journal.py [--count 20000] [--at-once 1000] [--folder FOLDER]

Requests are of about 1,100 characters, half of them the same system prompt; replies of about 700 bytes. put: `at-once` callers
that each wait until their reply is on the disk (one fsync for a group of them); get: replies looked up by key; second run:
calls through `open_models`, all recorded, from opening to closing; vectors: of 384 float32, put in calls of 64 and read at
once. --folder says on which disk. Prints a Markdown table. CPU microseconds are of the whole process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np

from tamis.core.calls import Ask
from tamis.llm.canonical import chat_key, text_keys
from tamis.llm.journal import NAME, Journal
from tamis.llm.models import open_models
from tamis.llm.records import Record
from tamis.llm.spec import Connection, Model

MODEL = Model(model="lab/m")
PLACE = Connection(url="http://127.0.0.1:9/v1")
SYSTEM = "You are an annotator who labels what customers write. " * 10


def made(count: int) -> tuple[list[Ask], list[bytes]]:
    """Requests and their replies."""
    chance = random.Random(1)
    words = [f"word{n}" for n in range(3000)]
    asks, replies = [], []
    for _ in range(count):
        user = {"role": "user", "content": " ".join(chance.choices(words, k=70))}
        asks.append(Ask(messages=({"role": "system", "content": SYSTEM}, user)))
        said = {"role": "assistant", "content": " ".join(chance.choices(words, k=50))}
        reply = {
            "id": f"chatcmpl-{chance.getrandbits(64):x}",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "m",
            "choices": [{"index": 0, "message": said, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 250, "completion_tokens": 120, "total_tokens": 370},
        }
        replies.append(json.dumps(reply).encode())
    return asks, replies


async def put(journal: Journal, asks: list[Ask], replies: list[bytes], at_once: int) -> None:
    """Keep all replies."""
    left = iter(zip(asks, replies, strict=True))

    async def work() -> None:
        for ask, reply in left:
            request = chat_key(ask, MODEL, "m", PLACE)
            await journal.keep(
                Record(request.key, "chat", PLACE.url, "m", request.prompt, "", request.text, reply, 200,
                       tokens_in=250, tokens_out=120, usd=0.001)
            )  # fmt: skip

    await asyncio.gather(*(work() for _ in range(at_once)))


async def get(journal: Journal, asks: list[Ask]) -> None:
    """Look all up."""
    for ask in asks:
        assert journal.find(chat_key(ask, MODEL, "m", PLACE).key) is not None


async def second(folder: Path, asks: list[Ask], at_once: int) -> None:
    """A run that buys nothing."""
    async with open_models({"a": MODEL}, {"lab": PLACE}, None, folder, environ={}) as models:
        left = iter(asks)

        async def work() -> None:
            for ask in left:
                assert (await models.chat("a", ask)).cached

        await asyncio.gather(*(work() for _ in range(at_once)))
        assert models.stats()["requests"] == 0


async def put_vectors(journal: Journal, vectors: dict[bytes, Any]) -> None:
    """Keep vectors, 64 a call."""
    keys = list(vectors)
    record = Record(
        b"." * 16, "embed", PLACE.url, "m", b"embed", "", b"", b"", 200, tokens_in=100, tokens_out=0, usd=0.0
    )
    calls = (keys[at : at + 64] for at in range(0, len(keys), 64))
    await asyncio.gather(*(journal.keep_vectors(record, {key: vectors[key] for key in some}) for some in calls))


async def get_vectors(journal: Journal, vectors: dict[bytes, Any]) -> None:
    """Read all of them."""
    assert len(journal.vectors(list(vectors))) == len(vectors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--at-once", type=int, default=1000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    count = options.count
    asks, replies = made(count)
    keys = text_keys("m", PLACE, [f"text {n}" for n in range(count)])
    vectors = dict(zip(keys, np.random.default_rng(1).random((count, 384), np.float32), strict=True))
    print(f"{count:,} replies, {options.at_once:,} callers at once.\n")
    print("| what | s | per s | CPU µs |\n|---|---:|---:|---:|")

    def told(what: str, work: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            await work()

        wall, cpu = time.perf_counter(), time.process_time()
        asyncio.run(run())
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"| {what} | {wall:.2f} | {count / wall:,.0f} | {cpu / count * 1e6:.0f} |", flush=True)

    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / NAME
        with Journal(path) as journal:
            told("put", lambda: put(journal, asks, replies, options.at_once))
            told("get", lambda: get(journal, asks))
        size = path.stat().st_size
        told("second run", lambda: second(Path(folder), asks, options.at_once))
        with Journal(path) as journal:
            told("put vectors", lambda: put_vectors(journal, vectors))
            told("get vectors", lambda: get_vectors(journal, vectors))
    raw = sum(map(len, replies)) + sum(len(chat_key(ask, MODEL, "m", PLACE).text) for ask in asks)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"\nThe file: {size / 1e6:.1f} MB for {raw / 1e6:.1f} MB of requests and replies. Peak memory: {peak:.0f} MB."
    )


if __name__ == "__main__":
    main()
