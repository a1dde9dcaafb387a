"""HTTP to one connection: every call ends as a reply or as an error with a reason, and is answered once.

    async with Endpoint(connection, key=key) as endpoint:
        reply = await endpoint.post("/chat/completions", body, model="gpt-5-mini")

It knows bytes, JSON and statuses, no vendor's fields; `shapes` know those. A call holds a slot of its model's window
while it is under way, waits for it in a bounded queue, and is tried again within its deadline. Tries cut off on the way
close their connection, so that no late reply can be taken for another call's.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

from tamis.core.calls import CallFailed
from tamis.core.errors import EndpointDown, MissingExtra, TamisError, UsageError

from .retry import FIRST_PAUSE, LONGEST_PAUSE, Faltering, Overloaded, Transient, Unreached, judge, pause, shorten
from .spec import Connection
from .window import START, Window

if TYPE_CHECKING:
    import aiohttp

#: seconds to open a connection
CONNECT = 20.0
#: tries before an endpoint that never answered anything is given up
TRIES_UNHEARD = 4
#: bytes: the longest reply read
LONGEST_REPLY = 1 << 30
#: 404s in a row, with no reply before, after which the model or the path is taken to be wrong
LOST = 8


class RawReply(NamedTuple):
    """A good reply. body: as received; data: parsed, None where no JSON was asked for; seconds: of the whole call."""

    status: int
    body: bytes
    data: Any
    seconds: float
    attempts: int


@dataclass
class Traffic:
    """What happened so far to one model's calls (`ok` + `failed` = those that ended) and requests (`sent`).

    refused: requests refused for the load; broken: other tries that failed; longest window and time are of the run.
    """

    sent: int = 0
    ok: int = 0
    failed: int = 0
    refused: int = 0
    broken: int = 0
    seconds: float = 0.0


class _Lane:
    """A model of the endpoint."""

    __slots__ = ("lost", "traffic", "window")

    def __init__(self, slots: int, start: int) -> None:
        self.window, self.traffic, self.lost = Window(slots, start=start), Traffic(), 0


class Endpoint:
    """One connection. Open it in the event loop it is used in; open one for all its models."""

    def __init__(
        self,
        connection: Connection,
        *,
        key: str | None = None,
        name: str = "",
        start: int = START,
        seed: int = 0,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        parts = urlsplit(connection.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"connection {name or 'url'}: {shorten(connection.url)!r} is not a http(s) URL")
        if parts.username or parts.password:
            raise UsageError(f"connection {name or parts.hostname}: its URL holds a user or password; use `key_env`")
        self.connection = connection
        self.place = name or parts.netloc
        self._base, self._query = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.query
        self._key = key or None
        self._start, self._first_pause, self._chance = start, first_pause, random.Random(seed)
        self._lanes: dict[str, _Lane] = {}
        self._urls: dict[str, Any] = {}
        self._resting: set[asyncio.Future[None]] = set()
        self._down: EndpointDown | None = None
        self._heard = -1.0  # when the last HTTP reply came
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.place!r})"

    def __reduce__(self) -> Any:
        raise TypeError("an endpoint holds a key and stays in its process")

    async def __aenter__(self) -> Self:
        try:
            import aiohttp
        except ImportError:
            raise MissingExtra("asking a model over HTTP", "llm") from None
        self._loop = asyncio.get_running_loop()
        self._http = aiohttp
        self._proxy = _proxy(self._base)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=30, socket_factory=_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            skip_auto_headers=("User-Agent",),
            read_bufsize=1 << 18,
        )
        self._request = self._session.request
        return self

    async def __aexit__(self, *_: object) -> None:
        for lane in self._lanes.values():
            lane.window.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    # -- what is known of it --------------------------------------------------------------------

    def traffic(self, model: str) -> Traffic:
        """What happened so far to a model's calls."""
        return self._lane(model).traffic

    def window(self, model: str) -> Window:
        """A model's window: its size, and what is under way and waiting."""
        return self._lane(model).window

    # -- asking ---------------------------------------------------------------------------------

    async def post(self, path: str, body: Mapping[str, Any], *, model: str) -> RawReply:
        """Send JSON and get JSON. CallFailed where this call fails for good; EndpointDown where all will."""
        return await self.send("POST", path, _encoded(body), model=model)

    async def get(self, path: str, *, model: str = "", parse: bool = True) -> RawReply:
        """Fetch; `parse` says whether JSON is expected (else the reply may be anything)."""
        return await self.send("GET", path, None, model=model, parse=parse)

    async def send(
        self, method: str, path: str, content: Any, *, model: str, parse: bool = True, kind: str | None = None
    ) -> RawReply:
        """Any request. content: bytes, or what makes a fresh body for each try; kind: its content type, if not JSON."""
        lane = self._lanes.get(model) or self._lane(model)
        traffic = lane.traffic
        try:
            reply = await self._call(lane, method, self._url(path), content, parse, kind)
        except TamisError:
            traffic.failed += 1
            raise
        traffic.ok += 1
        traffic.seconds += reply.seconds
        return reply

    async def _call(self, lane: _Lane, method: str, url: Any, content: Any, parse: bool, kind: str | None) -> RawReply:
        if self._down is not None:
            raise self._down
        loop, window, traffic = self._loop, lane.window, lane.traffic
        number = await window.acquire()
        began = loop.time()
        due = began + self.connection.deadline
        attempts = failures = 0
        while True:
            attempts += 1
            traffic.sent += 1
            found: RawReply | Transient | TamisError | None = None
            try:
                found = await self._try(method, url, content, parse, kind, due, lane, attempts, began)
            finally:
                if found is None:  # cancelled: somebody stops the run
                    window.release()
            if isinstance(found, RawReply):
                window.succeeded(number, counts=attempts == 1)
                return found
            if isinstance(found, Overloaded):
                traffic.refused += 1
                window.refused(number, found.wait)
            else:
                traffic.broken += 1
                failures += 1
                window.faltered()
            now = loop.time()
            if isinstance(found, EndpointDown):
                raise self._give_up(found)
            if not isinstance(found, Transient):
                raise found
            if isinstance(found, Unreached) and self._heard < began and failures > self._tries_unheard():
                hint = "is it running, and is `url` right? Run again when it is: nothing is bought twice"
                raise self._give_up(EndpointDown(f"{self.place} cannot be reached: {found.message}", hint=hint))
            if failures > self.connection.retries or found.reason == "timeout":
                raise CallFailed(found.reason, f"{found.message} (tried {attempts} times in {now - began:.1f} s)")
            wait = found.wait or pause(attempts, self._chance, first=self._first_pause, longest=LONGEST_PAUSE)
            if now + wait >= due:
                seconds = f"{self.connection.deadline:g} s"
                raise CallFailed("timeout", f"no reply within {seconds}, tried {attempts} times; last: {found.message}")
            if not (isinstance(found, Overloaded) and found.wait):  # the window waits for all of them
                await self._rest(wait)
            try:
                async with asyncio.timeout_at(due):
                    number = await window.acquire(again=True)
            except TimeoutError:
                raise CallFailed(
                    "timeout", f"no reply in time, tried {attempts} times; last: {found.message}"
                ) from None

    async def _try(
        self,
        method: str,
        url: Any,
        content: Any,
        parse: bool,
        kind: str | None,
        due: float,
        lane: _Lane,
        attempts: int,
        began: float,
    ) -> RawReply | Transient | TamisError:
        """One request. Errors are returned, so that none carries what it came from (a request with its key)."""
        http, loop = self._http, self._loop
        sent = content() if callable(content) else content
        more = None if kind is None else {"Content-Type": kind}
        try:
            async with asyncio.timeout_at(due):
                async with self._request(
                    method, url, data=sent, headers=more, allow_redirects=False, proxy=self._proxy
                ) as response:
                    raw = await _read(response)
                status, headers = response.status, response.headers
        except (http.ClientConnectorCertificateError, http.ClientSSLError) as error:
            told = self._scrub(f"{self.place}: its certificate is not accepted: {error}")
            return EndpointDown(
                told, hint="https with a valid certificate, or http for an endpoint in your own network"
            )
        except http.ConnectionTimeoutError:
            return Unreached("connection", f"{self.place}: no connection within {CONNECT:g} s")
        except TimeoutError:
            return Transient("timeout", f"{self.place}: no reply within {self.connection.deadline:g} s")
        except http.ClientConnectorError as error:
            return Unreached("connection", self._scrub(f"{self.place}: {error.os_error or error}"))
        except http.ClientPayloadError:
            return Faltering("connection", f"{self.place}: the reply was cut off")
        except http.ServerDisconnectedError:
            return Unreached("connection", f"{self.place}: the connection was closed without a reply")
        except (http.ClientOSError, OSError) as error:
            return Unreached("connection", f"{self.place}: {error.strerror or type(error).__name__}")
        except http.ClientResponseError as error:
            return Faltering("unreadable", self._scrub(f"{self.place}: not HTTP: {error.message}"))
        except (http.ClientError, ValueError) as error:
            return Faltering("connection", f"{self.place}: {type(error).__name__}")
        self._heard = loop.time()
        data = None
        if parse or status >= 300:
            try:
                data = json.loads(raw)
            except (ValueError, RecursionError):
                data = None
        elif 200 <= status < 300:
            return RawReply(status, raw, None, self._heard - began, attempts)
        problem = judge(status, headers, raw, data, place=self.place)
        if problem is None:
            lane.lost = -1
            return RawReply(status, raw, data, self._heard - began, attempts)
        return self._weighed(problem, status, lane)

    def _weighed(self, problem: Transient | TamisError, status: int, lane: _Lane) -> Transient | TamisError:
        """The problem without secrets, and as large as it is: what fails for one call, or for all."""
        if isinstance(problem, Transient):
            return type(problem)(problem.reason, self._scrub(problem.message), problem.wait)
        problem.message = self._scrub(problem.message)
        problem.args = (problem.message,)
        if status == 403 and lane.lost < 0 and isinstance(problem, EndpointDown):
            return CallFailed("refused", problem.message)  # the model was allowed: it is about this request
        if status == 404 and lane.lost >= 0:
            lane.lost += 1
            if lane.lost >= LOST:
                return EndpointDown(problem.message, hint="check the model's name and the connection's `url`")
        return problem

    # -- waiting and giving up ------------------------------------------------------------------

    def _tries_unheard(self) -> int:
        return min(self.connection.retries, TRIES_UNHEARD - 1) if self._heard < 0 else self.connection.retries

    def _give_up(self, error: EndpointDown) -> EndpointDown:
        """Nobody is to wait for this endpoint any more."""
        if self._down is None:
            self._down = error
            for lane in self._lanes.values():
                lane.window.fail(error)
            for future in self._resting:
                if not future.done():
                    future.set_exception(error)
        return self._down

    async def _rest(self, seconds: float) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        timer = self._loop.call_later(seconds, _wake, future)
        self._resting.add(future)
        try:
            await future
        finally:
            timer.cancel()
            self._resting.discard(future)

    # -- small things ---------------------------------------------------------------------------

    def _lane(self, model: str) -> _Lane:
        lane = self._lanes.get(model)
        if lane is None:
            lane = self._lanes[model] = _Lane(self.connection.slots, self._start)
        return lane

    def _url(self, path: str) -> Any:
        url = self._urls.get(path)
        if url is None:
            from yarl import URL

            query = f"?{self._query}" if self._query else ""
            url = URL(f"{self._base}/{path.lstrip('/')}{query}", encoded=True)
            if len(self._urls) < 64:
                self._urls[path] = url
        return url

    def _headers(self) -> dict[str, str]:
        from tamis import __version__

        headers = {"Accept": "application/json", "User-Agent": f"tamis/{__version__}"}
        headers |= {"Content-Type": "application/json"}
        if self.connection.shape == "anthropic":
            headers["anthropic-version"] = "2023-06-01"
        if self._key is not None:
            anthropic = self.connection.shape == "anthropic"
            headers |= {"x-api-key": self._key} if anthropic else {"Authorization": f"Bearer {self._key}"}
        return {**headers, **self.connection.headers}

    def _scrub(self, text: str) -> str:
        """An endpoint's words without the key, should they quote it."""
        return shorten(text.replace(self._key, "[key]") if self._key else text)


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair: as an escape it can travel
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, unless it is longer than any reply."""
    length = response.content_length
    if length is not None and length <= LONGEST_REPLY and "Content-Encoding" not in response.headers:
        return await response.read()
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > LONGEST_REPLY:
            raise ValueError("too long")
        pieces.append(piece)
    return b"".join(pieces)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _proxy(url: str) -> str | None:
    """The proxy the environment names for the endpoint."""
    import urllib.request

    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy is None or parts.hostname is None or urllib.request.proxy_bypass(parts.netloc):
        return None
    return None if parts.hostname in ("localhost", "127.0.0.1", "::1") else proxy


def _socket(address: Any) -> Any:
    """A socket that notices when the other side is gone without a word."""
    import socket

    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return made
