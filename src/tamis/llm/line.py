"""Plain HTTP/1.1 to one host, for endpoints in one's own network, where thousands of replies a second come.

It does what `wire.Wire` does, in a third of its time, and no more than that: no TLS, no proxies, no redirects, no cookies.
A connection carries one request at a time and is used again only when its reply ended where it should.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .retry import Faltering, Transient, Unreached
from .wire import CONNECT, KEEP, LONGEST_REPLY, HTTPReply, keep_alive

#: seconds that a looked-up address is used
ADDRESS = 300.0
#: bytes: the longest head of a reply
LONGEST_HEAD = 1 << 16

_STATUS = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: |$)")
_LENGTH = re.compile(r"\d{1,15}")
_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,15}")


class _Broken(Exception):
    """What came is not HTTP."""


class _Connection(asyncio.Protocol):
    """One connection. `waiter` gets the reply, or what went wrong; None while nothing is asked."""

    __slots__ = (
        "_chunked",
        "_close",
        "_got",
        "_have",
        "_head",
        "_length",
        "_size",
        "due",
        "reusable",
        "since",
        "transport",
        "waiter",
    )

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiter: asyncio.Future[HTTPReply | Transient] | None = None
        self.due = self.since = 0.0
        self.reusable = False
        self._have = b""  # what came and is not read yet
        self._head: tuple[int, dict[str, str]] | None = None
        self._length = -1  # of the body; -1: to the end of the connection
        self._chunked: _Chunks | None = None
        self._got: list[bytes] = []
        self._size = 0
        self._close = False

    def send(self, request: bytes, waiter: asyncio.Future[HTTPReply | Transient], due: float) -> None:
        """Send a request; its waiter hears by itself."""
        assert self.transport is not None
        self._have, self._head, self._chunked = b"", None, None
        self.waiter, self.due, self.reusable = waiter, due, False
        self.transport.write(request)

    def fail(self, trouble: Transient) -> None:
        """End it here, with this word."""
        self._tell(trouble)
        self.drop()

    def drop(self) -> None:
        """Close at once; what still comes is nobody's."""
        self.waiter, self.reusable = None, False
        if self.transport is not None:
            self.transport.abort()

    def _tell(self, what: HTTPReply | Transient) -> None:
        waiter, self.waiter = self.waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(what)

    # -- what the loop calls --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.waiter is None:  # nobody asked: whose it is cannot be known
            self.drop()
            return
        try:
            self._read(data)
        except _Broken as broken:
            self.fail(Faltering("unreadable", f"not HTTP: {broken}"))

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiter is None:
            return
        if self._head is None and not self._have:
            told = f": {getattr(error, 'strerror', None) or type(error).__name__}" if error else ""
            self._tell(Unreached("connection", f"the connection was closed without a reply{told}"))
        elif self._head is not None and self._length < 0 and self._chunked is None and error is None:
            self._end(b"".join(self._got))
        else:
            self._tell(Faltering("connection", "the reply was cut off"))

    # -- reading --------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        if self._head is None:
            have = self._have + data if self._have else data
            end = have.find(b"\r\n\r\n")
            if end < 0:
                if len(have) > LONGEST_HEAD:
                    raise _Broken("its head does not end")
                self._have = have
                return
            self._read_head(have[:end])
            data = have[end + 4 :]
            if self._head is None:  # 100 Continue, and the like
                self._have = b""
                if data:
                    self._read(data)
                return
        if self._chunked is not None:
            if (rest := self._chunked.feed(data)) is not None:
                self._close |= bool(rest)
                self._end(b"".join(self._chunked.pieces))
            return
        self._got.append(data)
        self._size += len(data)
        if self._size > LONGEST_REPLY:
            raise _Broken("too long")
        if 0 <= self._length <= self._size:
            body = data if len(self._got) == 1 else b"".join(self._got)
            if self._size > self._length:  # more than was said: not to be used again
                body, self._close = body[: self._length], True
            self._end(body)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(b"\r\n")
        status = _STATUS.match(first)
        if status is None:
            raise _Broken("it does not begin like it")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or not name or name[0] in " \t" or name[-1] in " \t":
                raise _Broken("a header line")
            name, value = name.lower(), value.strip(" \t")
            if name == "content-length" and headers.get(name, value) != value:
                raise _Broken("two lengths")
            headers[name] = value
        code = int(status[2])
        if 100 <= code < 200:
            return
        self._head, self._got, self._size, self._length = (code, headers), [], 0, -1
        told = headers.get("connection", "").lower()
        self._close = "close" in told or (status[1] == b"0" and "keep-alive" not in told)
        coding = headers.get("transfer-encoding")
        if code in (204, 304):
            self._length = 0
        elif coding is not None:
            if coding.lower() != "chunked":
                raise _Broken(f"transfer-encoding {coding[:40]!r}")
            self._chunked = _Chunks()
        elif (length := headers.get("content-length")) is not None:
            if not _LENGTH.fullmatch(length):
                raise _Broken("its length")
            self._length = int(length)
        else:
            self._close = True

    def _end(self, body: bytes) -> None:
        """The reply is whole."""
        assert self._head is not None
        assert self.transport is not None
        status, headers = self._head
        coding = headers.get("content-encoding", "identity").lower()
        if coding in ("gzip", "x-gzip", "deflate"):
            body = _inflated(body)
        elif coding != "identity":
            raise _Broken(f"content-encoding {coding[:40]!r}, which was not asked for")
        # a server that answers before it has heard all is not listening for the next request
        self.reusable = (
            not self._close and not self.transport.is_closing() and not self.transport.get_write_buffer_size()
        )
        self._got = []
        self._tell(HTTPReply(status, headers, body))


class _Chunks:
    """A body in chunks."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._have = b""
        self._left = 0  # bytes of this chunk, with the line end after it
        self._size = 0
        self._trailer = False

    def feed(self, data: bytes) -> bytes | None:
        """More of it. What comes after its end; None before that."""
        have = self._have + data if self._have else data
        at = 0
        while True:
            if self._left > 2:
                piece = have[at : at + self._left - 2]
                self.pieces.append(piece)
                at, self._left, self._size = at + len(piece), self._left - len(piece), self._size + len(piece)
                if self._size > LONGEST_REPLY:
                    raise _Broken("too long")
            if self._left > 2 or (self._left and len(have) < at + 2):
                break
            if self._left:
                if have[at : at + 2] != b"\r\n":
                    raise _Broken("a chunk's end")
                at, self._left = at + 2, 0
            end = have.find(b"\r\n", at)
            if end < 0:
                if len(have) - at > LONGEST_HEAD:
                    raise _Broken("a chunk's size")
                break
            line, at = have[at:end], end + 2
            if self._trailer:
                if not line:
                    return have[at:]
                continue
            told = line.partition(b";")[0].strip()
            if not _CHUNK.fullmatch(told):
                raise _Broken("a chunk's size")
            size = int(told, 16)
            self._trailer, self._left = size == 0, size + 2 if size else 0
        self._have = have[at:]
        return None


def _inflated(body: bytes) -> bytes:
    try:
        reader = zlib.decompressobj(47)  # gzip or zlib, as its first bytes say
        whole = reader.decompress(body, LONGEST_REPLY)
    except zlib.error:
        raise _Broken("its compression") from None
    if not reader.eof:
        raise _Broken("its compression")
    return whole


class Line:
    """Connections to one host, as `Wire`."""

    def __init__(
        self, place: str, origin: str, headers: Mapping[str, str], scrub: Callable[[str], str], deadline: float
    ) -> None:
        self._place, self._scrub = place, scrub
        parts = urlsplit(origin)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._headers = {"Host": parts.netloc, "Accept-Encoding": "identity", **headers}
        self._late = f"no reply within {deadline:g} s"
        self._every = min(0.25, deadline / 20)
        self._idle: deque[_Connection] = deque()
        self._busy: set[_Connection] = set()
        self._heads: dict[tuple[str, str, str | None], bytes] = {}
        self._addresses: list[str] = []
        self._looked_up = 0.0
        self._looking = asyncio.Lock()
        self._ticker: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Make ready; nothing is sent yet."""
        self._loop = asyncio.get_running_loop()

    async def close(self) -> None:
        """Close all connections."""
        for connection in (*self._idle, *self._busy):
            connection.drop()
        self._idle.clear()
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None
        await asyncio.sleep(0)  # aborted transports close in the loop's next round

    async def exchange(
        self, method: str, target: str, content: Any, kind: str | None, due: float
    ) -> HTTPReply | Transient:
        """One request and its reply, before the loop's time is `due`."""
        loop, idle = self._loop, self._idle
        connection: _Connection | None = None
        while idle and connection is None:
            kept = idle.pop()
            if kept.reusable and kept.since > loop.time() - KEEP:
                connection = kept
            else:
                kept.drop()
        if connection is None:
            made = await self._connect(due)
            if isinstance(made, Transient):
                return made
            connection = made
        body = content() if callable(content) else content
        head = self._heads.get((method, target, kind)) or self._head(method, target, kind)
        waiter: asyncio.Future[HTTPReply | Transient] = loop.create_future()
        if body is None:
            connection.send(head + b"\r\n", waiter, due)
        else:
            connection.send(b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body), waiter, due)
        self._busy.add(connection)
        if self._ticker is None:
            self._ticker = loop.call_later(self._every, self._tick)
        try:
            found = await waiter
        finally:
            self._busy.discard(connection)
            if connection.reusable:
                connection.since = loop.time()
                idle.append(connection)
                while idle[0].since < connection.since - KEEP:
                    idle.popleft().drop()
            else:
                connection.drop()
        if isinstance(found, Transient):
            return type(found)(found.reason, self._scrub(f"{self._place}: {found.message}"))
        return found

    def _head(self, method: str, target: str, kind: str | None) -> bytes:
        headers = self._headers if kind is None else {**self._headers, "Content-Type": kind}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), ""]
        head = "\r\n".join(lines).encode("latin-1")
        if len(self._heads) < 64:
            self._heads[method, target, kind] = head
        return head

    def _tick(self) -> None:
        """Look for replies that are too late. One timer for all: a timer a request costs a tenth of its time."""
        now = self._loop.time()
        for connection in [one for one in self._busy if one.due <= now]:
            connection.fail(Transient("timeout", self._late))
        self._ticker = self._loop.call_later(self._every, self._tick) if self._busy else None

    async def _connect(self, due: float) -> _Connection | Transient:
        """A new connection."""
        loop, place = self._loop, self._place
        limit = min(due, loop.time() + CONNECT)
        trouble = "nobody is there"
        try:
            async with asyncio.timeout_at(limit):
                for address in await self._look_up():
                    try:
                        transport, connection = await loop.create_connection(_Connection, address, self._port)
                    except OSError as error:
                        trouble = error.strerror or str(error)
                        continue
                    keep_alive(transport.get_extra_info("socket"))
                    if self._addresses[0] != address:  # the next connection tries first what worked
                        self._addresses = [address, *(one for one in self._addresses if one != address)]
                    return connection
        except TimeoutError:
            if limit == due:
                return Transient("timeout", f"{place}: {self._late}")
            return Unreached("connection", f"{place}: no connection within {CONNECT:g} s")
        except OSError as error:
            trouble = error.strerror or str(error)
        self._looked_up = 0.0
        return Unreached("connection", self._scrub(f"{place}: {trouble}"))

    async def _look_up(self) -> list[str]:
        """The host's addresses."""
        import socket

        async with self._looking:
            now = self._loop.time()
            if not self._addresses or not self._looked_up or now - self._looked_up > ADDRESS:
                found = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                self._addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
                self._looked_up = max(now, 1e-9)
        return list(self._addresses)
