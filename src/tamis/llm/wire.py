"""One HTTP exchange: bytes there, bytes back, or what went wrong. The only place that knows the HTTP library.

TLS and proxies go through here; plain HTTP without a proxy goes through `line`, which costs less.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tamis.core.errors import EndpointDown, MissingExtra

from .retry import Faltering, Transient, Unreached

if TYPE_CHECKING:
    import aiohttp

#: seconds to open a connection
CONNECT = 20.0
#: seconds that an idle connection is kept
KEEP = 15.0
#: bytes: the longest reply read
LONGEST_REPLY = 1 << 30


class HTTPReply(NamedTuple):
    """An HTTP reply, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """Connections to one host. Errors are returned, not raised: none carries the request, and its key, as its cause."""

    def __init__(
        self, place: str, origin: str, headers: Mapping[str, str], scrub: Callable[[str], str], deadline: float
    ) -> None:
        self._place, self._origin, self._headers, self._scrub = place, origin, headers, scrub
        self._urls: dict[str, Any] = {}
        self._late = f"{place}: no reply within {deadline:g} s"
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Make ready; nothing is sent yet."""
        try:
            import aiohttp
        except ImportError:
            raise MissingExtra("asking a model over HTTP", "llm") from None
        self._http = aiohttp
        self._proxy = proxy_of(self._origin)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=KEEP, socket_factory=_socket),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            read_bufsize=1 << 18,
        )
        self._request = self._session.request

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def exchange(
        self, method: str, target: str, content: Any, kind: str | None, due: float
    ) -> HTTPReply | Transient | EndpointDown:
        """One request and its reply, before the loop's time is `due`."""
        http, place = self._http, self._place
        sent = content() if callable(content) else content
        more = None if kind is None else {"Content-Type": kind}
        url = self._urls.get(target)
        if url is None:
            from yarl import URL

            url = URL(self._origin + target, encoded=True)
            if len(self._urls) < 64:
                self._urls[target] = url
        try:
            async with (
                asyncio.timeout_at(due),
                self._request(
                    method, url, data=sent, headers=more, allow_redirects=False, proxy=self._proxy
                ) as response,
            ):
                return HTTPReply(response.status, response.headers, await _read(response))
        except (http.ClientConnectorCertificateError, http.ClientSSLError) as error:
            hint = "https with a valid certificate, or http for an endpoint in a network of yours"
            return EndpointDown(self._scrub(f"{place}: its certificate is not accepted: {error}"), hint=hint)
        except http.ConnectionTimeoutError:
            return Unreached("connection", f"{place}: no connection within {CONNECT:g} s")
        except TimeoutError:
            return Transient("timeout", self._late)
        except http.ClientConnectorError as error:
            return Unreached("connection", self._scrub(f"{place}: {error.os_error or error}"))
        except http.ClientPayloadError:
            return Faltering("connection", f"{place}: the reply was cut off")
        except http.ServerDisconnectedError:
            return Unreached("connection", f"{place}: the connection was closed without a reply")
        except (http.ClientOSError, OSError) as error:
            return Unreached("connection", self._scrub(f"{place}: {error.strerror or type(error).__name__}"))
        except http.ClientResponseError as error:
            return Faltering("unreadable", self._scrub(f"{place}: not HTTP: {error.message}"))
        except (http.ClientError, ValueError) as error:
            return Faltering("connection", f"{place}: {type(error).__name__}")


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


def proxy_of(url: str) -> str | None:
    """The proxy the environment names for the endpoint."""
    import urllib.request

    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy is None or parts.hostname is None or urllib.request.proxy_bypass(parts.netloc):
        return None
    return None if parts.hostname in ("localhost", "127.0.0.1", "::1") else proxy


def _socket(address: Any) -> Any:
    import socket

    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    keep_alive(made)
    return made


def keep_alive(connected: Any) -> None:
    """A socket that notices when the other side is gone without a word."""
    import socket

    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
