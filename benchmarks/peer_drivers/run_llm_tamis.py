"""Tamis asks the endpoint: run_llm_tamis.py URL COUNT SLOTS FIGURES [client].

With the journal: `open_models`, every reply recorded before it is read, as a run does it. `client`: the HTTP client alone.
As many rows are in the air as a run keeps there: two for each slot.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from _llm_rows import SYSTEM, prompt, right

from tamis.llm.spec import Connection, Model


async def asker(
    stack: AsyncExitStack, url: str, slots: int, folder: Path, alone: bool
) -> Callable[[int], Awaitable[str]]:
    """What asks about a row."""
    connection = Connection(url=url, slots=slots)

    def messages(number: int) -> tuple[dict[str, Any], ...]:
        return {"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt(number)}

    if alone:
        from tamis.llm.client import Endpoint

        endpoint = await stack.enter_async_context(Endpoint(connection))

        async def raw(number: int) -> str:
            body = {"model": "bench", "messages": messages(number)}
            reply = await endpoint.post("/chat/completions", body, model="bench")
            return str(reply.data["choices"][0]["message"]["content"])

        return raw
    from tamis.core.calls import Ask
    from tamis.llm.models import open_models

    roles = {"annotator": Model(model="bench", connection="here")}
    models = await stack.enter_async_context(open_models(roles, {"here": connection}, None, folder))

    async def recorded(number: int) -> str:
        return (await models.chat("annotator", Ask(messages(number)))).text

    return recorded


async def work(url: str, count: int, slots: int, alone: bool, folder: Path) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        ask = await asker(stack, url, slots, folder, alone)
        numbers = iter(range(count))
        good = 0

        async def worker() -> None:
            nonlocal good
            for number in numbers:
                answer = await ask(number)
                good += right(number, answer)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker() for _ in range(2 * slots)))
    # the journal is closed, so all is on the disk
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "good": good}


def main() -> None:
    url, count, slots, figures = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    with tempfile.TemporaryDirectory(dir=figures.parent) as folder:
        told = asyncio.run(work(url, count, slots, "client" in sys.argv[5:], Path(folder)))
    figures.write_text(json.dumps(told))


if __name__ == "__main__":
    main()
