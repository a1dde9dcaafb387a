"""For every test: no network, no deadlines, and the real data where it is there."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.endpoint import Endpoint

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile(
    "tamis",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not os.environ.get("TAMIS_LONG"),  # the long run looks elsewhere each time
)
settings.load_profile("tamis")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets, named by TAMIS_DATA. They are not part of the project."""
    folder = Path(os.environ.get("TAMIS_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real data sets are not here: no folder {folder} (TAMIS_DATA names it)")
    return folder


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """A model endpoint on this machine, which does as it is told."""
    from tests.endpoint import Endpoint

    with Endpoint() as served:
        yield served


class NetworkUsed(AssertionError):
    """A test tried to reach another machine."""


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    return host in ("", "localhost", "::1", "0.0.0.0", "::") or host.startswith("127.")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine never; names are not looked up either."""
    connect, connect_ex, look_up = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guard(real: Any, what: str) -> Any:
        def guarded(self: socket.socket, address: Any) -> Any:
            if not _is_here(address):
                raise NetworkUsed(f"{what} to {address!r}: tests do not use the network")
            return real(self, address)

        return guarded

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if not _is_here((host if host is not None else "",)):
            raise NetworkUsed(f"looked up {host!r}: tests do not use the network")
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket.socket, "connect", guard(connect, "connected"))
    monkeypatch.setattr(socket.socket, "connect_ex", guard(connect_ex, "connected"))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
