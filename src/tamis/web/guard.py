"""What every request passes before anything else: it comes from here, by somebody known, and is not too large.

Default-deny, at the door of the application: a route that is forgotten elsewhere is still behind it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .people import People
from .problems import Refused

log = logging.getLogger("tamis.web")

ENTER = "/enter"
SAFE = ("GET", "HEAD")
#: bytes of a request's body
MOST = 32 << 20

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Doors(NamedTuple):
    """Where the server is reached. hosts: values of `Host` it answers to; origins: values of `Origin`;
    secure: only over TLS; cookie: the cookie's name."""

    hosts: frozenset[str]
    origins: frozenset[str]
    secure: bool
    cookie: str

    @classmethod
    def of(cls, port: int, *, names: Iterable[str] = (), tls: bool = False, url: str | None = None) -> Doors:
        """On this machine under a port; `names`: further host names; `url`: how it is reached through a proxy."""
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]", *names)}
        origins = {f"{'https' if tls else 'http'}://{host}" for host in hosts}
        if tls and port == 443:
            origins |= {f"https://{name}" for name in names}
            hosts |= set(names)
        if url is not None:  # who comes past the proxy, in plain text, is not answered
            hosts, origins = {url.removeprefix("https://")}, {url}
        secure = tls or url is not None
        return cls(
            frozenset(host.lower() for host in hosts),
            frozenset(origin.lower() for origin in origins),
            secure,
            f"{'__Host-' if secure else ''}tamis-{port}",
        )


class Guard:
    """Wraps an application. It finds who asks in `scope["person"]`."""

    def __init__(self, app: ASGIApp, people: People, doors: Doors) -> None:
        self.app, self.people, self.doors = app, people, doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":  # there are no sockets here
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
                if self.doors.secure:
                    headers["strict-transport-security"] = "max-age=31536000"
            await send(message)

        try:
            self._check(scope)
            await self.app(scope, _limited(receive), guarded)
        except Refused as refused:
            if not begun:
                await problem(scope, guarded, refused)
        except Exception:
            log.exception("%s %s", scope["method"], scope["path"])
            if not begun:
                await problem(scope, guarded, Refused(500, "the server failed on this; its log says how"))

    def _check(self, scope: Scope) -> None:
        """Refused (401, 403, 413) unless the request may go on."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self.doors.hosts:
            raise Refused(
                403, "this server does not answer to that host", hint="open the link that tamis review printed"
            )
        cookies = _cookies(headers.getlist("cookie"), self.doors.cookie)
        person = next((found for cookie in cookies if (found := self.people.person(cookie)) is not None), None)
        if person is None and scope["path"] != ENTER:
            raise Refused(401, "no session", hint="open the link that tamis review printed")
        scope["person"] = person
        _from_here(scope, headers, self.doors.origins)
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > MOST:
            raise Refused(413, f"the request has {length[:20]} bytes; at most {MOST} are possible")


def _from_here(scope: Scope, headers: Headers, origins: frozenset[str]) -> None:
    """Refused where another site, or another server on this machine, sends the browser here."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    entering = scope["path"] in ("/", ENTER) and headers.get("sec-fetch-mode") == "navigate"
    if scope["method"] in SAFE:
        if site not in (None, "same-origin", "none") and not entering:
            raise Refused(403, "not from another site")
        return
    # a form of a page that sends no referrer has the origin "null"; the browser's own word stands then
    known = origin is not None and origin.lower() in origins
    if not (known and site in (None, "same-origin")) and not (origin in (None, "null") and site == "same-origin"):
        raise Refused(403, "not from another site")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and scope["path"] != ENTER:
        raise Refused(403, f"the content type is {kind or 'not told'}; only application/json is possible")


def _cookies(lines: Iterable[str], name: str) -> list[str]:
    """Every value of a cookie: another server on this machine may have set one of the same name."""
    pairs = [pair.strip().partition("=") for line in lines for pair in line.split(";")]
    return [value for key, _, value in pairs if key == name and value]


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MOST:
            raise Refused(413, f"the request has more than {MOST} bytes")
        return message

    return limited


async def problem(scope: Scope, send: Send, refused: Refused) -> None:
    """Answer with a problem: JSON, or one sentence to a person who opens an address."""
    headers: Mapping[str, str] = Headers(scope=scope)
    if refused.status == 401 and "text/html" in headers.get("accept", ""):
        told: Any = refused.problem
        body = f"Tamis: {told.error}. {told.hint or ''}\n".encode()
        kind = b"text/plain; charset=utf-8"
    else:
        body = json.dumps(refused.problem.model_dump(), ensure_ascii=False).encode()
        kind = b"application/json"
    head = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": head})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
