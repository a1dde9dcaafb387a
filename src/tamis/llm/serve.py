"""`tamis llm serve`: llama.cpp's own server, behind a door that adds what it lacks.

llama.cpp answers chats, completions and schemas. It does not tell the log-probabilities of a text it is given (`echo`):
here the text is forced upon it token by token, by a grammar that allows nothing else, and what it thought of each token is
read. Requests from web pages are refused, since there is no key to protect a server that every page could reach.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tamis.core.errors import MissingExtra, TamisError

from .local import model_file

#: tokens of context for each request at once
CONTEXT = 4096
#: longest request, in bytes
MOST_BYTES = 16 << 20

Handler = Callable[[Any], Awaitable[Any]]


def start_model(path: Path, name: str, *, slots: int, threads: int | None = None) -> Any:
    """llama.cpp's server on a port of its own; keeps running as long as the object lives."""
    try:
        import xllamacpp
    except ImportError:
        raise MissingExtra(f"serving local/{name}", "local-llm") from None
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {name}
    parameters.n_ctx = CONTEXT * slots
    parameters.n_parallel = slots
    # llama.cpp's threads wait for each other by spinning: one more than there are idle cores makes it ten times slower
    parameters.cpuparams.n_threads = threads or max(1, len(os.sched_getaffinity(0)) // 2)
    parameters.cpuparams_batch.n_threads = parameters.cpuparams.n_threads
    parameters.port = 0
    parameters.use_jinja = True
    parameters.ui = False
    parameters.verbosity = 0
    try:
        return xllamacpp.Server(parameters)
    except RuntimeError as error:
        raise TamisError(f"{path} cannot be loaded: {error}") from None


class Door:
    """The HTTP server in front of the model."""

    def __init__(self, inner: str, name: str) -> None:
        self.inner, self.name = inner, name

    async def open(self, host: str, port: int) -> str:
        """Listen; returns the base URL of the API."""
        import aiohttp
        from aiohttp import web

        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/v1/completions", self._completions)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise TamisError(f"cannot listen on {host}:{port}: {error.strerror or error}") from None
        listening = site._server.sockets[0].getsockname()  # type: ignore[union-attr]
        return f"http://{host}:{listening[1]}/v1"

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
        await self.session.close()

    async def _pass_on(self, request: Any) -> Any:
        """Whatever llama.cpp answers itself."""
        from aiohttp import web

        if request.headers.get("Origin"):
            return web.json_response({"error": {"message": "requests of web pages are not answered"}}, status=403)
        content = await request.read()
        path = request.path_qs
        async with self.session.request(
            request.method, self.inner + path, data=content or None, headers={"Content-Type": "application/json"}
        ) as said:
            body = await said.read()
            return web.Response(body=body, status=said.status, content_type=said.content_type)

    async def _completions(self, request: Any) -> Any:
        """Completions; with `echo`, the log-probabilities of the prompt itself, from character `echo_from` on."""
        from aiohttp import web

        try:
            asked = json.loads(await request.read())
        except ValueError:
            asked = None
        if not isinstance(asked, dict) or not asked.get("echo"):
            return await self._pass_on(request)
        if request.headers.get("Origin"):
            return web.json_response({"error": {"message": "requests of web pages are not answered"}}, status=403)
        text, start = asked.get("prompt"), asked.get("echo_from", 0)
        if not isinstance(text, str) or not isinstance(start, int):
            return web.json_response({"error": {"message": "`prompt` must be one text"}}, status=400)
        try:
            return web.json_response(await self._echo(text, start))
        except _Refused as refused:
            return web.json_response({"error": {"message": str(refused)}}, status=400)

    async def _echo(self, text: str, start: int) -> dict[str, Any]:
        pieces = (await self._post("/tokenize", {"content": text, "with_pieces": True}))["tokens"]
        tokens = [piece["id"] for piece in pieces]
        if len(tokens) >= CONTEXT:
            raise _Refused(f"the text has {len(tokens)} tokens; the model's context holds {CONTEXT}")
        ends, offsets, data = [], [], b""
        for piece in pieces:
            offsets.append(len(data.decode("utf-8", "ignore")))
            data += _bytes(piece)
            ends.append(len(data.decode("utf-8", "ignore")))
        first = next((k for k, end in enumerate(ends) if end > start), len(tokens))
        before = tokens[:first]
        if not before and tokens:  # nothing stands before: the model's own beginning of a text, where it has one
            opened = (await self._post("/tokenize", {"content": text, "add_special": True}))["tokens"]
            before = opened[: len(opened) - len(tokens)]
        if not before:
            first, before = min(1, len(tokens)), tokens[:1]
        figures: list[float | None] = [None] * len(tokens)
        opening = len(before) - first  # a beginning of the model's own, where nothing stands before
        for begin, end in _whole(pieces, first):
            known = before[:opening] + tokens[:begin] if opening > 0 else tokens[:begin]
            figures[begin:end] = await self._thought(known, tokens[begin:end])
        told = {
            "tokens": [text[a:b] for a, b in zip(offsets, ends, strict=True)],
            "text_offset": offsets,
            "token_logprobs": figures,
            "top_logprobs": None,
        }
        usage = {"prompt_tokens": len(tokens), "completion_tokens": 0, "total_tokens": len(tokens)}
        choice = {"index": 0, "text": text, "finish_reason": "length", "logprobs": told}
        return {"object": "text_completion", "model": self.name, "choices": [choice], "usage": usage}

    async def _thought(self, before: list[int], forced: list[int]) -> list[float]:
        """What the model thinks of each forced token behind `before`."""
        said = await self._post(
            "/completion",
            {
                "prompt": before,
                "n_predict": len(forced),
                "temperature": 0,
                "n_probs": 1,
                "grammar": "root ::= " + " ".join(f"<[{token}]>" for token in forced),
            },
        )
        thought = said.get("completion_probabilities") or []
        if [one["id"] for one in thought] != forced:
            raise _Refused("the text is too long for the model's context")
        return [one["logprob"] for one in thought]

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self.session.post(self.inner + path, json=body) as said:
            data = await said.json(content_type=None)
            if said.status != 200:
                error = data.get("error") if isinstance(data, dict) else None
                raise _Refused(str(error.get("message") if isinstance(error, dict) else data)[:300])
            found: dict[str, Any] = data
            return found


def _bytes(piece: dict[str, Any]) -> bytes:
    """A token's bytes: the server tells text, or numbers where they are no text."""
    raw = piece["piece"]
    return raw.encode() if isinstance(raw, str) else bytes(raw)


def _whole(pieces: list[dict[str, Any]], first: int) -> list[tuple[int, int]]:
    """Runs of tokens that are whole characters, from `first` on. Of the others (parts of an emoji, of a rare sign)
    llama.cpp tells nothing."""
    runs: list[tuple[int, int]] = []
    for place in range(first, len(pieces)):
        try:
            _bytes(pieces[place]).decode()
        except UnicodeDecodeError:
            continue
        if runs and runs[-1][1] == place:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


class _Refused(Exception):
    """llama.cpp does not take it."""


async def serve(
    name: str,
    *,
    host: str,
    port: int,
    slots: int,
    threads: int | None = None,
    ready: Callable[[str], None],
    ended: Callable[[], Awaitable[None]],
) -> None:
    """Serve until `ended` returns. `ready` is called with the URL once the model is loaded."""
    inner = await asyncio.to_thread(start_model, model_file(name), name, slots=slots, threads=threads)
    door = Door(inner.listening_address, name)
    ready(await door.open(host, port))
    try:
        await ended()
    finally:
        await door.close()


async def parent_gone() -> None:
    """Returns when whoever started this process closes its standard input, or dies."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(4096):
        pass
