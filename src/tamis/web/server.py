"""The process: a socket, the application on it, and an end by Ctrl-C."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from tamis.core.errors import MissingExtra, UsageError
from tamis.runs.workspace import Workspace

#: the port first tried; further ones where it is taken
PORT = 4826
TRIED = 20


class Reach(NamedTuple):
    """From where the server is reached. host: a name or an address of this machine; certificate, key: files in PEM;
    url: of the proxy in front of it."""

    host: str = "127.0.0.1"
    certificate: Path | None = None
    key: Path | None = None
    url: str | None = None

    @property
    def tls(self) -> bool:
        return self.certificate is not None


def checked(reach: Reach) -> Reach:
    """The reach, or UsageError where others would be let in without TLS."""
    if (reach.certificate is None) != (reach.key is None):
        raise UsageError("--tls-cert and --tls-key belong together")
    if reach.certificate is not None and reach.url is not None:
        raise UsageError("--tls-cert and --behind-proxy exclude each other", hint="let one of the two speak TLS")
    if reach.url is not None:
        rest = reach.url.removeprefix("https://").rstrip("/")
        if not reach.url.startswith("https://") or not rest or "/" in rest or "@" in rest:
            raise UsageError(
                f"--behind-proxy {reach.url!r} is no address of a proxy that speaks TLS",
                hint="as in https://review.example.org",
            )
        reach = reach._replace(url=f"https://{rest.lower()}")
    if not _loopback(reach.host) and not reach.tls and reach.url is None:
        raise UsageError(
            f"--host {reach.host} would let others in over plain HTTP",
            hint="give --tls-cert and --tls-key, or --behind-proxy https://… where a proxy speaks TLS",
        )
    if reach.host in ("0.0.0.0", "::", ""):
        raise UsageError(
            f"--host {reach.host} names no address that links could lead to",
            hint="name the address or the host name by which others reach this machine",
        )
    return reach


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int | None) -> socket.socket:
    """A listening socket; without a port, the usual one or one of the next. UsageError where there is none."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise UsageError(f"--host {host}: {error.strerror or error}") from None
    tried = range(PORT, PORT + TRIED) if port is None else (port,)
    for one in tried:
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((str(address[0]), one, *address[2:]))
            listening.listen(128)
            return listening
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRINUSE and port is None:
                continue
            raise UsageError(f"cannot listen at {host}:{one}: {error.strerror}", hint="choose another --port") from None
    raise UsageError(f"ports {PORT} to {PORT + TRIED - 1} are taken", hint="choose one with --port")


class Ready(NamedTuple):
    """A server as it begins to serve: its address as people type it, the port, and the links (name, role, link)."""

    address: str
    port: int
    links: Sequence[tuple[str, str, str]]


def serve(
    root: Path,
    *,
    recipe: str | None = None,
    recipe_file: Path | None = None,
    team: Any = None,
    reach: Reach | None = None,
    port: int | None = None,
    version: str = "",
    static: Path | None = None,
    ready: Callable[[Ready], None] = lambda _: None,
) -> None:
    """Serve a workspace until Ctrl-C. `ready` is called once connections are taken; `static`: the pages, by default the built ones.

    Raises UsageError where it cannot listen, MissingExtra without the extra [web].
    """
    try:
        import uvicorn

        from .app import application
    except ImportError as error:
        raise MissingExtra("tamis review", "web") from error
    from .asked import Site
    from .events import Ending
    from .guard import ENTER, Doors
    from .people import People
    from .static import FOLDER

    reach = checked(reach or Reach())
    workspace = Workspace(root)
    people = People(workspace.hidden / "review.json", team)
    listening = bind(reach.host, port)
    number = listening.getsockname()[1]
    doors = Doors.of(number, names=() if _loopback(reach.host) else (reach.host,), tls=reach.tls, url=reach.url)
    site = Site(workspace, people, recipe, recipe_file, version)
    address = reach.url or f"{'https' if reach.tls else 'http'}://{reach.host}:{number}"
    config = uvicorn.Config(
        application(site, doors, static or FOLDER),
        ws="none",
        lifespan="off",
        http="h11",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ssl_certfile=None if reach.certificate is None else str(reach.certificate),
        ssl_keyfile=None if reach.key is None else str(reach.key),
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            links = [(link.name, link.role, f"{address}{ENTER}?token={link.token}") for link in people.invite()]
            ready(Ready(address, number, links))

        def handle_exit(self, sig: int, frame: Any) -> None:
            Ending.now = True
            super().handle_exit(sig, frame)

    Ending.now = False
    try:
        with suppress(KeyboardInterrupt):  # told again once all is closed
            Server(config).run(sockets=[listening])
    finally:
        listening.close()
