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
from importlib.metadata import version
from typing import Any, NamedTuple, Self, TypeAlias
from urllib.parse import quote, urlsplit

from tamis.core.calls import CallFailed
from tamis.core.errors import EndpointDown, TamisError, UsageError

from .line import Line
from .retry import FIRST_PAUSE, LONGEST_PAUSE, Overloaded, Transient, Unreached, judge, pause, shorten
from .spec import Connection
from .window import START, Window
from .wire import HTTPReply, Wire, proxy_of

#: tries before an endpoint that never answered anything is given up
TRIES_UNHEARD = 4
#: 404s in a row, with no reply before, after which the model or the path is taken to be wrong
LOST = 8


class RawReply(NamedTuple):
    """A good reply. body: as received; data: parsed, None where no JSON was asked for; seconds: of the whole call."""

    status: int
    body: bytes
    data: Any
    seconds: float
    attempts: int


_Found: TypeAlias = RawReply | Transient | TamisError


@dataclass
class Traffic:
    """What happened so far to one model's calls (`ok` + `failed` = those that ended) and requests (`sent`).

    refused: requests refused for the load; broken: other tries that failed; seconds: of all good calls, added up.
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
        self._path, self._query = parts.path.rstrip("/"), parts.query
        self._key = key or None
        self._start, self._first_pause, self._chance = start, first_pause, random.Random(seed)
        self._lanes: dict[str, _Lane] = {}
        self._targets: dict[str, str] = {}
        self._resting: set[asyncio.Future[None]] = set()
        self._down: EndpointDown | None = None
        self._heard = -1.0  # when the last HTTP reply came
        origin = f"{parts.scheme}://{parts.netloc}"
        kind = Line if parts.scheme == "http" and proxy_of(origin) is None else Wire
        self._wire = kind(self.place, origin, self._headers(), self._scrub, connection.deadline)

    def __repr__(self) -> str:
        return f"Endpoint({self.place!r})"

    def __reduce__(self) -> Any:
        raise TypeError("an endpoint holds a key and stays in its process")

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._wire.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for lane in self._lanes.values():
            lane.window.close()
        await self._wire.close()

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
            reply = await self._call(lane, method, self._target(path), content, parse, kind)
        except TamisError:
            traffic.failed += 1
            raise
        traffic.ok += 1
        traffic.seconds += reply.seconds
        return reply

    async def _call(
        self, lane: _Lane, method: str, target: str, content: Any, parse: bool, kind: str | None
    ) -> RawReply:
        loop, window, traffic = self._loop, lane.window, lane.traffic
        self._still_up()
        number = await window.acquire()
        self._still_up(window)
        began = loop.time()
        due = began + self.connection.deadline
        attempts = failures = 0
        while True:
            attempts += 1
            traffic.sent += 1
            found: HTTPReply | _Found | None = None
            try:
                found = await self._wire.exchange(method, target, content, kind, due)
                if isinstance(found, HTTPReply):
                    found = self._read(found, lane, began, attempts, parse)
            finally:
                if found is None:  # cancelled: somebody stops the run
                    window.release()
            if isinstance(found, RawReply):
                window.succeeded(number, counts=attempts == 1)
                return found
            if isinstance(found, EndpointDown):
                found = self._give_up(found)  # before the slot is free, so that nobody gets it
            if isinstance(found, Overloaded):
                traffic.refused += 1
                window.refused(number, found.wait)
            else:
                traffic.broken += 1
                failures += 1
                window.faltered(growth=not isinstance(found, Transient))
            if not isinstance(found, Transient):
                raise found
            now = loop.time()
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

    def _read(self, found: HTTPReply, lane: _Lane, began: float, attempts: int, parse: bool) -> _Found:
        """What an HTTP reply means for the call."""
        status, headers, raw = found
        self._heard = self._loop.time()
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

    def _still_up(self, window: Window | None = None) -> None:
        """Raise what made the endpoint be given up; a slot of `window` that came too late is free again."""
        if self._down is not None:
            if window is not None:
                window.release()
            raise self._down

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

    def _target(self, path: str) -> str:
        target = self._targets.get(path)
        if target is None:
            query = f"?{self._query}" if self._query else ""
            target = quote(f"{self._path}/{path.lstrip('/')}{query}", safe="/%?&=:+,;@!$'()*~")
            if len(self._targets) < 64:
                self._targets[path] = target
        return target

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": f"tamis/{version('tamis')}"}
        headers |= {"Content-Type": "application/json"}
        if self.connection.shape == "anthropic":
            headers["anthropic-version"] = "2023-06-01"
        if self._key is not None:
            anthropic = self.connection.shape == "anthropic"
            headers |= {"x-api-key": self._key} if anthropic else {"Authorization": f"Bearer {self._key}"}
        headers |= self.connection.headers
        for name, value in headers.items():
            if not (name + value).isprintable() or not (name + value).isascii():
                what = "the key" if self._key and self._key in value else f"the header {name!r}"
                raise UsageError(f"{self.place}: {what} holds a sign that cannot be sent, such as a line break")
        return headers

    def _scrub(self, text: str) -> str:
        """An endpoint's words without the key, should they quote it."""
        return shorten(text.replace(self._key, "[key]") if self._key else text)


def _encoded(body: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:  # half a surrogate pair: as an escape it can travel
        return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
