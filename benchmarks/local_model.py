"""Tokens per second of the local model: python benchmarks/local_model.py [--model smollm2]

Short chats of 64 tokens each, one and four at once, and log-probabilities of given answers, as a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import time

import aiohttp

from tamis.llm.local import local_connection

SAY = "Write a short story about a lighthouse keeper, number {}."
ANSWER = "The keeper of the lighthouse climbed the stairs each evening, lit the lamp, and watched the ships go by. "


async def measured(name: str) -> None:
    print("| what | requests | tokens | seconds | tokens a second |\n|---|---|---|---|---|")
    async with local_connection(name) as connection, aiohttp.ClientSession() as session:

        async def post(path: str, body: dict[str, object]) -> dict[str, object]:
            async with session.post(f"{connection.url}/{path}", json={"model": name, **body}) as said:
                told: dict[str, object] = await said.json()
                return told

        async def chat(number: int) -> int:
            messages = [{"role": "user", "content": SAY.format(number)}]
            said = await post("chat/completions", {"messages": messages, "max_tokens": 64, "temperature": 0})
            return int(said["usage"]["completion_tokens"])  # type: ignore[index, call-overload]

        async def given(number: int) -> int:
            text = f"{SAY.format(number)}\n\n{ANSWER}"
            body = {"prompt": text, "echo": True, "logprobs": 1, "max_tokens": 1, "echo_from": len(text) - len(ANSWER)}
            figures = (await post("completions", body))["choices"][0]["logprobs"]["token_logprobs"]  # type: ignore[index]
            return sum(one is not None for one in figures)

        await chat(-1)
        for told, work, at_once in (
            ("chats, one at once", chat, 1),
            ("chats, four at once", chat, 4),
            ("given answers", given, 4),
        ):
            gate = asyncio.Semaphore(at_once)

            async def one(number: int, work: object = work, gate: asyncio.Semaphore = gate) -> int:
                async with gate:
                    return await work(number)  # type: ignore[operator, no-any-return]

            began = time.perf_counter()
            tokens = sum(await asyncio.gather(*map(one, range(12))))
            seconds = time.perf_counter() - began
            print(f"| {told} | 12 | {tokens:,} | {seconds:.1f} | {tokens / seconds:,.0f} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="smollm2")
    asyncio.run(measured(parser.parse_args().model))
