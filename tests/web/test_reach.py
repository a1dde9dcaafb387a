"""From where the server is reached: this machine alone, or others over TLS; looked at from a second network namespace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.core.errors import UsageError
from tamis.web.guard import Doors
from tamis.web.server import Reach, checked

from .conftest import Start
from .serving import Client

NAME = f"tamis{os.getpid() % 100_000}"
HERE, THERE = "10.213.77.1", "10.213.77.2"
ASK = """
import http.cookiejar, ssl, sys, urllib.error, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1]) if sys.argv[1] else None
handlers = [urllib.request.HTTPCookieProcessor(), urllib.request.ProxyHandler({})]
browser = urllib.request.build_opener(*handlers, *([urllib.request.HTTPSHandler(context=context)] if context else []))
for address in sys.argv[2:]:
    try:
        print(browser.open(address, timeout=20).status)
    except urllib.error.HTTPError as error:
        print(error.code)
    except OSError as error:
        print("refused", type(getattr(error, "reason", error)).__name__)
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Another network namespace, with a wire to this one."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("a network namespace needs root and ip")
    try:
        ip("netns", "add", NAME)
        ip("link", "add", "tamisr0", "type", "veth", "peer", "name", "tamisr1", "netns", NAME)
        ip("addr", "add", f"{HERE}/30", "dev", "tamisr0")
        ip("link", "set", "tamisr0", "up")
        ip("-n", NAME, "addr", "add", f"{THERE}/30", "dev", "tamisr1")
        ip("-n", NAME, "link", "set", "tamisr1", "up")
    except subprocess.CalledProcessError as error:
        subprocess.run(["ip", "netns", "del", NAME], check=False, capture_output=True)
        pytest.skip(f"no network namespace can be made here: {error.stderr.decode().strip()}")
    yield NAME
    subprocess.run(["ip", "link", "del", "tamisr0"], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", NAME], check=False, capture_output=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of this end of the wire, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=review", "-addext", f"subjectAltName=IP:{HERE}"]
    where = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*made, *names, *where], check=True, capture_output=True)
    return folder / "cert.pem", folder / "key.pem"


def from_there(namespace: str, trusted: Path | None, *addresses: str) -> list[str]:
    command = ["ip", "netns", "exec", namespace, sys.executable, "-c", ASK, str(trusted or ""), *addresses]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.split("\n")[:-1]


def test_others_enter_over_tls_and_not_without(
    start: Start, delivered: Path, elsewhere: str, certificate: tuple[Path, Path]
) -> None:
    told = {"host": HERE, "certificate": str(certificate[0]), "key": str(certificate[1])}
    served = start(delivered, reach=told)
    assert served.address.startswith(f"https://{HERE}:")
    link = served.links[0][2]
    session = f"{served.address}/api/session"
    plain = session.replace("https://", "http://")
    assert from_there(elsewhere, None, plain)[0].startswith("refused")
    assert from_there(elsewhere, None, session)[0].startswith("refused")  # nobody vouches for the certificate
    assert from_there(elsewhere, certificate[0], session, link, session) == ["401", "200", "200"]


def test_alone_it_is_not_reached_from_elsewhere(start: Start, delivered: Path, elsewhere: str) -> None:
    served = start(delivered)
    assert from_there(elsewhere, None, f"http://{HERE}:{served.port}/api/session") == ["refused ConnectionRefusedError"]


def test_behind_a_proxy_only_the_proxys_name_is_answered(start: Start, delivered: Path, elsewhere: str) -> None:
    served = start(delivered, reach={"host": HERE, "url": "https://review.example.org"})
    assert served.address == "https://review.example.org"
    assert served.links[0][2].startswith("https://review.example.org/enter?token=")
    assert from_there(elsewhere, None, f"http://{HERE}:{served.port}/api/session") == ["403"]
    served = start(delivered, reach={"url": "https://review.example.org"})
    through = Client(served.port)
    assert through.get("/api/session").status == 403
    told = {"Host": "review.example.org"}
    entered = through.ask("GET", served.links[0][2].removeprefix(served.address), None, told)
    assert "secure" in entered.headers["set-cookie"].lower()
    assert entered.headers["set-cookie"].startswith("__Host-")
    assert through.ask("GET", "/api/session", None, told).status == 200


@pytest.mark.parametrize(
    ("reach", "part"),
    [
        (Reach("192.168.1.7"), "plain HTTP"),
        (Reach("review.example.org"), "plain HTTP"),
        (Reach("0.0.0.0"), "plain HTTP"),
        (Reach("0.0.0.0", Path("c"), Path("k")), "names no address"),
        (Reach("::", Path("c"), Path("k")), "names no address"),
        (Reach(certificate=Path("c")), "belong together"),
        (Reach(certificate=Path("c"), key=Path("k"), url="https://a.org"), "exclude each other"),
        (Reach(url="http://a.org"), "speaks TLS"),
        (Reach(url="https://a.org/path"), "speaks TLS"),
        (Reach(url="https://me@a.org"), "speaks TLS"),
    ],
)
def test_nobody_is_let_in_over_plain_http(reach: Reach, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        checked(reach)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])
def test_this_machine_needs_no_tls(host: str) -> None:
    assert checked(Reach(host)).host == host


def test_the_doors_of_each_way() -> None:
    alone = Doors.of(4826)
    assert alone.hosts == {"127.0.0.1:4826", "localhost:4826", "[::1]:4826"}
    assert (alone.secure, alone.cookie) == (False, "tamis-4826")
    proxied = Doors.of(4826, url="https://a.org")
    assert proxied.hosts == {"a.org"}
    assert proxied.origins == {"https://a.org"}
    assert proxied.cookie == "__Host-tamis-4826"
    tls = Doors.of(443, names=["a.org"], tls=True)
    assert {"a.org", "a.org:443"} <= tls.hosts
    assert "https://a.org" in tls.origins
    assert not [origin for origin in tls.origins if origin.startswith("http://")]
