"""The guard of conftest.py: tests stay on this machine."""

from __future__ import annotations

import socket
import urllib.request

import pytest


def test_another_machine_cannot_be_reached() -> None:
    with socket.socket() as one, pytest.raises(AssertionError, match="tests do not use the network"):
        one.connect(("192.0.2.1", 80))
    with socket.socket() as one, pytest.raises(AssertionError, match="tests do not use the network"):
        one.connect_ex(("192.0.2.1", 80))


def test_names_are_not_looked_up() -> None:
    with pytest.raises(AssertionError, match=r"looked up 'example\.com'"):
        urllib.request.urlopen("http://example.com/")


def test_this_machine_can_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
