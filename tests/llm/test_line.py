"""Replies of HTTP/1.1 in every form and cut anywhere, read as Python's own (slow) client reads them."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import io
import itertools
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis.llm.line import LONGEST_HEAD, Talk
from tamis.llm.retry import Faltering, Transient, Unreached
from tamis.llm.wire import HTTPReply


class Pipe(asyncio.Transport):
    """A transport that goes nowhere."""

    closing = False

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0


def read(pieces: list[bytes], *, ends: bool = True, error: Exception | None = None) -> tuple[Any, bool]:
    """What the pieces say when they come one after the other, and whether the connection may be used again."""

    async def work() -> tuple[Any, bool]:
        talk, waiter = Talk(), asyncio.get_running_loop().create_future()
        talk.connection_made(Pipe())
        talk.send(b"", waiter, 0)
        for piece in pieces:
            if not waiter.done():
                talk.data_received(piece)
        reusable = talk.reusable
        if ends:
            talk.connection_lost(error)
        return (waiter.result() if waiter.done() else None), reusable

    return asyncio.run(work())


class _Bytes:
    """What `http.client` wants for a socket."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._raw)


def slow(raw: bytes) -> tuple[int, bytes]:
    """The same by Python's library."""
    reply = http.client.HTTPResponse(_Bytes(raw))  # type: ignore[arg-type]
    reply.begin()
    return reply.status, reply.read()


def chunked(body: bytes, sizes: list[int], ending: bytes = b"\r\n") -> bytes:
    """A body in chunks of these sizes, the rest in one."""
    out, at = [], 0
    for size in [*sizes, len(body)]:
        piece = body[at : at + size]
        if piece:
            out.append(b"%x;why=not\r\n%b\r\n" % (len(piece), piece))
        at += size
    return b"".join(out) + b"0\r\n" + ending


@st.composite
def replies(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A reply and its body."""
    body = draw(st.binary(max_size=300) | st.sampled_from([b"", b"\r\n\r\n", b"0\r\n\r\n", b'{"a": 1}']))
    form = draw(st.sampled_from(["length", "chunked", "trailers", "close"]))
    status = draw(st.sampled_from([200, 201, 400, 429, 503]))
    head = b"HTTP/1.1 %d Whatever\r\nServer: x\r\nX-Empty:\r\n" % status
    if draw(st.booleans()):
        head = b"HTTP/1.1 100 Continue\r\n\r\n" + head
    if form == "length":
        return head + b"content-LENGTH:  %d \r\n\r\n%b" % (len(body), body), body
    if form == "close":
        return head + b"\r\n" + body, body
    sizes = draw(st.lists(st.integers(1, 40), max_size=5))
    ending = b"X-Trailer: 1\r\n\r\n" if form == "trailers" else b"\r\n"
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(body, sizes, ending), body


@given(replies(), st.lists(st.integers(0, 600), max_size=8))
def test_cut_anywhere_it_reads_as_whole(reply: tuple[bytes, bytes], cuts: list[int]) -> None:
    raw, body = reply
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    found, _ = read([raw[a:b] for a, b in itertools.pairwise(edges) if b > a])
    assert isinstance(found, HTTPReply)
    assert (found.status, found.body) == slow(raw)
    assert found.body == body


@given(replies(), st.integers(0, 600))
def test_what_is_cut_off_is_no_reply(reply: tuple[bytes, bytes], cut: int) -> None:
    raw, body = reply
    cut = min(cut, len(raw) - 1)
    found, reusable = read([raw[:cut]] if cut else [])
    delimited = b"length" in raw[: len(raw) - len(body)].lower() or b"chunked" in raw
    if delimited or b"\r\n\r\n" not in raw[:cut].removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"):
        assert isinstance(found, Transient)
        assert not reusable
        assert isinstance(found, Unreached | Faltering)


GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize(
    ("raw", "reusable"),
    [
        (GOOD, True),
        (GOOD.replace(b"1.1", b"1.0"), False),
        (GOOD.replace(b"1.1 200 OK", b"1.0 200 OK\r\nConnection: Keep-Alive"), True),
        (GOOD.replace(b"OK", b"OK\r\nConnection: close"), False),
        (GOOD + b"HTTP/1.1 200 OK", False),  # more than was asked for: the next reply could be this one's
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n2\r\n{}\r\n0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", False),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", True),
    ],
)
def test_a_connection_is_used_again_only_when_its_reply_ended(raw: bytes, reusable: bool) -> None:
    found, again = read([raw])
    assert isinstance(found, HTTPReply)
    assert again is reusable


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * (LONGEST_HEAD + 1),
    ],
)
def test_what_is_not_http(raw: bytes) -> None:
    found, reusable = read([raw])
    assert isinstance(found, Faltering)
    assert found.reason == "unreadable"
    assert not reusable


@pytest.mark.parametrize(
    ("name", "packed"), [("gzip", gzip.compress(b"{}", mtime=0)), ("deflate", zlib.compress(b"{}"))]
)
def test_a_reply_that_was_compressed_all_the_same(name: str, packed: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nContent-Length: {len(packed)}\r\n\r\n"
    assert read([head.encode() + packed])[0].body == b"{}"
    cut = f"HTTP/1.1 200 OK\r\nContent-Encoding: {name}\r\nContent-Length: {len(packed) - 3}\r\n\r\n"
    assert isinstance(read([cut.encode() + packed[:-3]])[0], Faltering)


def test_bytes_that_nobody_asked_for_end_the_connection() -> None:
    talk, pipe = Talk(), Pipe()
    talk.connection_made(pipe)
    talk.data_received(GOOD)
    assert pipe.closing


def test_a_connection_that_breaks_says_why() -> None:
    found, _ = read([], error=ConnectionResetError(104, "Connection reset by peer"))
    assert isinstance(found, Unreached)
    assert "reset by peer" in found.message
