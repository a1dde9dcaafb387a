"""A model endpoint on this machine, for tests: speaks four APIs from a Python script, slowly, narrowly, or wrongly.

    with Endpoint(lambda asked: "yes") as endpoint:       # or the fixture `endpoint`
        endpoint.url                                      # http://127.0.0.1:PORT/v1
        endpoint.latency, endpoint.limit = 0.05, 50       # above 50 at once it answers 429
        endpoint.next(Status(429, headers={"Retry-After": "1"}), None, reset())   # what happens to the next requests
        endpoint.seen, endpoint.bought(), endpoint.peak   # what it saw, what it delivered, most at once

It serves POST …/chat/completions, …/completions, …/embeddings (OpenAI), …/messages (Anthropic) and GET …/models in a
thread of its own. A script gets `Seen` and returns a text, a JSON value (sent as text), `Said` for all there is to say,
vectors (embeddings), `Raw` bytes, or a fault. `endpoint.other` answers any other path, such as a Batch API's.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Seen:
    """A request as it came. `status` is what it was answered with (0: nothing); `delivered`: a good reply, all sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    body: Any
    number: int
    at: float
    status: int = 0
    delivered: bool = False

    @property
    def last(self) -> str:
        """What the last message says, or the prompt, or the input."""
        body = self.body if isinstance(self.body, dict) else {}
        if "messages" in body:
            content = body["messages"][-1]["content"]
            return content if isinstance(content, str) else json.dumps(content)
        told = body.get("prompt", body.get("input", ""))
        return told if isinstance(told, str) else json.dumps(told)


@dataclass(frozen=True)
class Said:
    """A reply in full. logprobs: (token, natural log-probability, its alternatives) each; usage: False tells none."""

    text: str | None = ""
    finish: str = "stop"
    model: str | None = None
    tokens_in: int = 10
    tokens_out: int = 5
    tokens_cached: int = 0
    usage: bool = True
    refusal: str | None = None
    logprobs: Sequence[tuple[str, float, Sequence[tuple[str, float]]]] = ()
    late: float = 0.0


@dataclass(frozen=True)
class Raw:
    """Bytes as they are. drip: seconds between two bytes; cut: bytes sent before the connection is torn, -1: it is not;
    good: a reply somebody pays for."""

    content: bytes = b""
    status: int = 200
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    drip: float = 0.0
    cut: int = -1
    late: float = 0.0
    good: bool = False


def Status(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Raw:
    """An error as the APIs tell it."""
    told = {"error": {"message": f"told {status}", "type": "test", "code": None}} if body is None else body
    return Raw(json.dumps(told).encode(), status, headers=headers or {})


def quota() -> Raw:
    """The account is empty: a 429 that no waiting mends."""
    return Status(
        429,
        {"error": {"message": "You exceeded your quota", "type": "insufficient_quota", "code": "insufficient_quota"}},
    )


def reset(cut: int = 0) -> Raw:
    """The connection is torn after `cut` bytes of the reply."""
    return Raw(json.dumps(chat(Said("never seen whole"), "m")).encode(), cut=cut)


def truncated() -> Raw:
    """200, a length that fits, and half a JSON object."""
    whole = json.dumps(chat(Said("cut in the middle"), "m")).encode()
    return Raw(whole[: len(whole) // 2])


def html() -> Raw:
    """200 and a page, as proxies and portals answer."""
    return Raw(b"<!doctype html><title>Sign in</title>", kind="text/html")


def hang(seconds: float = 3600.0) -> Raw:
    """No answer for as long as the client waits."""
    return Raw(b"{}", late=seconds)


def drip(seconds: float, said: Said | None = None) -> Raw:
    """A good answer, byte by byte."""
    return Raw(json.dumps(chat(said or Said("slow"), "m")).encode(), drip=seconds, good=True)


def redirect(to: str, status: int = 307) -> Raw:
    """Look elsewhere."""
    return Raw(b"", status, headers={"Location": to})


def chat(said: Said, model: str) -> dict[str, Any]:
    """A reply of OpenAI's chat API."""
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": said.refusal}
    told = [
        {"token": t, "logprob": p, "top_logprobs": [{"token": o, "logprob": q} for o, q in top]}
        for t, p, top in said.logprobs
    ]
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": said.finish,
        "logprobs": {"content": told} if told else None,
    }
    usage = {
        "prompt_tokens": said.tokens_in,
        "completion_tokens": said.tokens_out,
        "total_tokens": said.tokens_in + said.tokens_out,
        "prompt_tokens_details": {"cached_tokens": said.tokens_cached},
    }
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": said.model or model}
    return {**whole, "choices": [choice], **({"usage": usage} if said.usage else {})}


def messages(said: Said, model: str) -> dict[str, Any]:
    """A reply of Anthropic's Messages API."""
    usage = {
        "input_tokens": said.tokens_in,
        "output_tokens": said.tokens_out,
        "cache_read_input_tokens": said.tokens_cached,
        "cache_creation_input_tokens": 0,
    }
    content = [] if said.text is None else [{"type": "text", "text": said.text}]
    finish = {"stop": "end_turn", "length": "max_tokens"}.get(said.finish, said.finish)
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": said.model or model, "content": content}
    return {**whole, "stop_reason": finish, "stop_sequence": None, **({"usage": usage} if said.usage else {})}


def completion(said: Said, model: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A reply of OpenAI's completions API; with `echo`, the prompt's words are its tokens too."""
    prompt = body.get("prompt", "")
    prompts = prompt if isinstance(prompt, list) and not all(isinstance(t, int) for t in prompt) else [prompt]
    choices = []
    for index, one in enumerate(prompts):
        text = (str(one) if body.get("echo") else "") + (said.text or "")
        choice: dict[str, Any] = {"index": index, "text": text, "finish_reason": said.finish, "logprobs": None}
        if body.get("logprobs") is not None:
            pieces = said.logprobs or [(piece, -1.0, ()) for piece in _words(text)]
            offsets, at = [], 0
            for piece, _, _ in pieces:
                offsets.append(at)
                at += len(piece)
            choice["logprobs"] = {
                "tokens": [t for t, _, _ in pieces],
                "token_logprobs": [None if body.get("echo") and n == 0 else p for n, (_, p, _) in enumerate(pieces)],
                "top_logprobs": [dict(top) for _, _, top in pieces],
                "text_offset": offsets,
            }
        choices.append(choice)
    usage = {
        "prompt_tokens": said.tokens_in,
        "completion_tokens": said.tokens_out,
        "total_tokens": said.tokens_in + said.tokens_out,
    }
    whole = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1,
        "model": said.model or model,
        "choices": choices,
    }
    return {**whole, **({"usage": usage} if said.usage else {})}


def _words(text: str) -> list[str]:
    """Words with the space before them."""
    pieces, start = [], 0
    for at in range(1, len(text) + 1):
        if at == len(text) or (text[at] == " " and at > start):
            pieces.append(text[start:at])
            start = at
    return pieces


def vector(text: str, dimensions: int = 8) -> list[float]:
    """A vector that depends on the text alone."""
    raw = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=2 * dimensions).digest()
    return [int.from_bytes(raw[2 * n : 2 * n + 2], "big") / 65535 - 0.5 for n in range(dimensions)]


def echo(asked: Seen) -> Any:
    """The default script: the last message, said again."""
    return asked.last


class Endpoint:
    """The server. See the module. `disorder` sends embeddings and completions in reverse order, each with its index."""

    def __init__(
        self,
        script: Callable[[Seen], Any] = echo,
        *,
        latency: float | Callable[[Seen], float] = 0.0,
        limit: int | None = None,
        retry_after: str | None = None,
    ) -> None:
        self.script, self.latency, self.limit, self.retry_after = script, latency, limit, retry_after
        self.disorder = False
        self.seen: list[Seen] = []
        self.other: Callable[[Seen], Any] = lambda asked: Status(404)
        self.now = self.peak = self.refused = 0
        self._planned: deque[Any] = deque()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """The base URL a connection names."""
        return f"http://127.0.0.1:{self.port}/v1"

    def next(self, *planned: Any) -> None:
        """What happens to the next requests, in order: a fault, a reply, or None for what the script says."""
        self._planned.extend(planned)

    def posts(self) -> list[Seen]:
        """The POST requests it saw."""
        return [one for one in self.seen if one.method == "POST"]

    def bought(self) -> Counter[bytes]:
        """How often each request (by its body) was given a good reply in full."""
        return Counter(one.raw for one in self.posts() if one.delivered)

    # -- the server -----------------------------------------------------------------------------

    def __enter__(self) -> Endpoint:
        self._thread = threading.Thread(target=self._live, name="endpoint", daemon=True)
        self._thread.start()
        assert self._ready.wait(10), "the endpoint did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Be gone, connections and all. Another endpoint may take its `port`."""
        thread, self._thread = self._thread, None
        if thread is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            thread.join(10)

    def _live(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, backlog=4096)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.now += 1
        self.peak = max(self.peak, self.now)
        try:
            raw = await request.read()
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                body = None
            seen = Seen(
                request.method, request.path, dict(request.headers), raw, body, len(self.seen), time.monotonic()
            )
            self.seen.append(seen)
            if self.limit is not None and self.now > self.limit:
                self.refused += 1
                headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
                return await self._send(request, seen, Status(429, headers=headers))
            wait = self.latency(seen) if callable(self.latency) else self.latency
            if wait:
                await asyncio.sleep(wait)
            planned = self._planned.popleft() if self._planned and seen.method == "POST" else None
            return await self._send(request, seen, self._answer(seen) if planned is None else planned)
        finally:
            self.now -= 1

    def _answer(self, seen: Seen) -> Any:
        if seen.method == "GET" and seen.path.endswith("/models"):
            return Raw(json.dumps({"object": "list", "data": [{"id": "m", "object": "model"}]}).encode())
        kinds = ("/chat/completions", "/completions", "/embeddings", "/messages")
        return (self.script if seen.method == "POST" and seen.path.endswith(kinds) else self.other)(seen)

    def _raw(self, seen: Seen, said: Any) -> Raw:
        """What is sent for what was said."""
        if isinstance(said, Raw):
            return said
        body = seen.body if isinstance(seen.body, dict) else {}
        model = str(body.get("model", "m"))
        if seen.path.endswith("/embeddings"):
            told = body.get("input", [])
            texts = [told] if isinstance(told, str) else list(told)
            vectors = said if isinstance(said, list) else [vector(str(text)) for text in texts]
            data = [{"object": "embedding", "index": n, "embedding": one} for n, one in enumerate(vectors)]
            usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
            reply: Any = {
                "object": "list",
                "data": data[::-1] if self.disorder else data,
                "model": model,
                "usage": usage,
            }
            return Raw(json.dumps(reply).encode(), good=True)
        if not isinstance(said, Said):
            said = Said(said if isinstance(said, str) else json.dumps(said))
        if seen.path.endswith("/messages"):
            reply = messages(said, model)
        elif seen.path.endswith("/chat/completions"):
            reply = chat(said, model)
        elif seen.path.endswith("/completions"):
            reply = completion(said, model, body)
            if self.disorder:
                reply["choices"].reverse()
        else:
            reply = json.loads(said.text or "null")
        return Raw(json.dumps(reply).encode(), late=said.late, good=True)

    async def _send(self, request: web.Request, seen: Seen, said: Any) -> web.StreamResponse:
        raw = self._raw(seen, said)
        if raw.late:
            await asyncio.sleep(raw.late)
        seen.status = raw.status if raw.cut else 0
        headers = {**raw.headers, "Content-Type": raw.kind}
        if raw.cut < 0 and not raw.drip:
            seen.delivered = raw.good
            return web.Response(body=raw.content, status=raw.status, headers=headers)
        transport = request.transport
        assert transport is not None
        if raw.cut == 0:
            transport.abort()
            return web.Response()
        response = web.StreamResponse(status=raw.status, headers={**headers, "Content-Length": str(len(raw.content))})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            if raw.cut > 0:
                await response.write(raw.content[: raw.cut])
                await asyncio.sleep(0.02)
                transport.abort()
                return response
            for at in range(len(raw.content)):
                await response.write(raw.content[at : at + 1])
                await asyncio.sleep(raw.drip)
            seen.delivered = raw.good
        return response
