"""An endpoint that costs as little as possible, so that the client is what is measured.

    python benchmarks/llm_server.py [--latency 0.2] [--processes 2] [--limit N] [--tokens 40]

Answers POST …/chat/completions after the latency with a reply of fixed length that quotes the last message's first
word, above --limit at once (of each process) with 429 at once. Prints its port on the first line; GET /figures tells what the
process that answers has seen. Processes share the port (SO_REUSEPORT); it ends when its standard input does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections import deque

REPLY = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "@"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100},
    }
)
REFUSED = b'{"error": {"message": "too many requests", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}'


class Shared:
    """What all connections of a process share: requests wait in one queue, as all wait equally long."""

    def __init__(self, latency: float, limit: int, tokens: int) -> None:
        self.latency, self.limit = latency, limit
        self.head, _, self.tail = REPLY.replace("@", "@" + " word" * tokens).partition("@")
        self.now = self.peak = self.answered = self.refused = 0
        self.queue: deque[tuple[float, Connection, bytes]] = deque()
        self.loop = asyncio.get_running_loop()
        self.ticking = False

    def later(self, connection: Connection, body: bytes) -> None:
        self.now += 1
        self.peak = max(self.peak, self.now)
        self.queue.append((self.loop.time() + self.latency, connection, body))
        if not self.ticking:
            self.ticking = True
            self.loop.call_at(self.queue[0][0], self.tick)

    def tick(self) -> None:
        now, queue = self.loop.time() + 0.0005, self.queue
        while queue and queue[0][0] <= now:
            _, connection, body = queue.popleft()
            self.now -= 1
            if connection.transport is not None and not connection.transport.is_closing():
                self.answered += 1
                connection.answer(body)
        self.ticking = bool(queue)
        if queue:
            self.loop.call_at(queue[0][0], self.tick)


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, shared: Shared) -> None:
        self.shared, self.have, self.transport = shared, b"", None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.have += data
        end = self.have.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.have[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if b"expect: 100-continue" in head and len(self.have) == end + 4 and length:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(self.have) < end + 4 + length:
            return
        body, self.have = self.have[end + 4 : end + 4 + length], self.have[end + 4 + length :]
        shared = self.shared
        if head.startswith(b"get"):
            told = {"answered": shared.answered, "refused": shared.refused, "peak": shared.peak}
            self.send(200, json.dumps(told).encode())
        elif shared.limit and shared.now >= shared.limit:
            shared.refused += 1
            self.send(429, REFUSED)
        else:
            shared.later(self, body)

    def answer(self, body: bytes) -> None:
        at = body.rfind(b'"content":')
        word = body[at + 10 :].lstrip(b' "').split(b" ", 1)[0].strip(b'"}]').decode("ascii", "ignore")
        self.send(200, f"{self.shared.head}{word}{self.shared.tail}".encode())

    def send(self, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def serve(options: argparse.Namespace) -> None:
    shared = Shared(options.latency, options.limit, options.tokens)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", options.port))
    server = await shared.loop.create_server(lambda: Connection(shared), sock=listening, backlog=4096)
    port = listening.getsockname()[1]
    others = []
    if options.processes > 1 and not options.port:
        told = ["--latency", options.latency, "--limit", options.limit, "--tokens", options.tokens, "--port", port]
        for _ in range(options.processes - 1):
            command = [sys.executable, __file__, *map(str, told)]
            others.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
    print(port, os.getpid(), *(other.pid for other in others), flush=True)
    ended = asyncio.Event()

    def watch() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):
            shared.loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    await ended.wait()
    for other in others:
        other.stdin.close()
        other.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--detach", action="store_true")
    options = parser.parse_args()
    if options.detach and os.fork():
        os._exit(0)
    asyncio.run(serve(options))


if __name__ == "__main__":
    main()
