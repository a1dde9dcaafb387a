"""Every address is behind the guard: nobody without a cookie, nothing from elsewhere, no tricks with paths."""

from __future__ import annotations

import re
import socket
import stat
from pathlib import Path

import anyio
import pytest

from tamis.web.contract import ROUTES
from tamis.web.guard import MOST, Doors, Guard
from tamis.web.people import People

from .conftest import Start
from .serving import Client, Served

PATHS = sorted({re.sub(r"{\w+}", "x", route.path) for route in ROUTES})
OTHERS = ["/", "/index.html", "/assets/index-1a2b.js", "/api/openapi.json", "/nothing", "/api/nothing", "/enter"]


@pytest.mark.parametrize("path", [*PATHS, *OTHERS])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_nobody_enters_without_a_cookie(server: Served, method: str, path: str) -> None:
    for cookie in ("", f"tamis-{server.port}=", f"tamis-{server.port}={'A' * 43}", "tamis=x"):
        headers = {"Cookie": cookie, "Origin": server.address, "Content-Type": "application/json"}
        answer = Client(server.port).ask(method, path, None, headers)
        assert answer.status == (405 if path == "/enter" and method in ("DELETE", "OPTIONS") else 401), answer
        assert set(answer.json) == {"error", "hint", "now"}
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", "evil.example:{port}"]
)
def test_a_foreign_host_is_refused(server: Served, client: Client, host: str) -> None:
    told = {"Host": host.format(port=server.port)}
    for path in ("/", "/api/session", "/enter", "/api/events"):
        assert client.ask("GET", path, None, told).status == 403


def test_two_hosts_are_refused(server: Served, client: Client) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        lines = f"GET /api/session HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nHost: evil.example\r\nCookie: {client.cookie}\r\n\r\n"
        raw.sendall(lines.encode())
        assert raw.recv(100).split()[1] in (b"400", b"403")


def test_localhost_is_answered_too(server: Served, client: Client) -> None:
    assert client.ask("GET", "/api/session", None, {"Host": f"localhost:{server.port}"}).status == 200


POSTS = [route.path for route in ROUTES if route.method == "POST"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:{port}", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://127.0.0.1:{port}"},
        {},
        {"Origin": "http://127.0.0.1:{port}", "Content-Type": "text/plain"},
        {"Origin": "http://127.0.0.1:{port}", "Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": "http://127.0.0.1:{port}", "Content-Type": "multipart/form-data; boundary=x"},
        {"Origin": "http://127.0.0.1:{port}", "Content-Type": ""},
    ],
)
def test_what_other_sites_send_is_refused(server: Served, client: Client, path: str, headers: dict[str, str]) -> None:
    sent = {"Content-Type": "application/json"} | {k: v.format(port=server.port) for k, v in headers.items()}
    assert client.ask("POST", path, b"{}", sent).status == 403


def test_another_site_may_lead_to_the_pages_but_reads_nothing(server: Served, client: Client) -> None:
    led = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.ask("GET", "/", None, led).status == 200
    assert client.ask("GET", "/api/rows", None, led).status == 403
    assert (
        client.ask(
            "GET", "/assets/index-1a2b.js", None, {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}
        ).status
        == 403
    )


@pytest.mark.parametrize("path", ["/", "/assets/index-1a2b.js", "/api/session", "/api/nothing", "/api/events"])
def test_every_answer_says_what_a_page_may_do(server: Served, client: Client, path: str) -> None:
    if path == "/api/events":
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            raw.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nCookie: {client.cookie}\r\n\r\n".encode()
            )
            head = raw.recv(4000).decode().split("\r\n\r\n")[0].split("\r\n")[1:]
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head)}
    else:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert not [name for name in headers if name.startswith("access-control-")]
    assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../etc/passwd", "/assets/../../recipe.yaml", "/%2e%2e/%2e%2e/etc/passwd", "/assets/%2e%2e/index.html",
        "/assets/..%2f..%2findex.html", "//etc/passwd", "/assets//index-1a2b.js", "/etc/passwd%00.js", "/link.js",
        "/notes.exe", "/assets/", "/assets\\index-1a2b.js", "/.hidden", "/index.html/", "/INDEX.HTML",
    ],
)  # fmt: skip
def test_tricks_with_paths_find_no_page(client: Client, path: str) -> None:
    assert client.ask("GET", path).status == 404


@pytest.mark.parametrize(
    "name", ["..%2f..%2frecipe.yaml", "%2e%2e", "manifest.json", "README.md", "%00", "..%5c..", "train.jsonl%00"]
)
def test_tricks_with_names_download_nothing(client: Client, name: str) -> None:
    assert client.ask("GET", f"/api/delivery/{name}").status == 404


@pytest.mark.parametrize(
    "run",
    ["../..", "customer-intents/../1", "/etc/1", "customer-intents/99", "nothing/1", "a/b/1", "customer-intents/1/"],
)
def test_tricks_with_runs_open_nothing(client: Client, run: str) -> None:
    assert client.get("/api/overview", run=run).status in (400, 404)


def test_a_large_body_is_refused_before_it_is_read(server: Served, client: Client) -> None:
    headers = {"Content-Type": "application/json", "Origin": server.address, "Content-Length": str(MOST + 1)}
    assert client.ask("POST", "/api/undo", b"", headers).status == 413


def test_a_body_without_a_length_is_counted(server: Served, client: Client) -> None:
    def parts() -> object:
        for _ in range(MOST // (1 << 20) + 2):
            yield b" " * (1 << 20)

    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/json", "Origin": server.address, "Cookie": client.cookie}
    try:
        connection.request("POST", "/api/undo", parts(), headers, encode_chunked=True)  # type: ignore[arg-type]
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # it hung up while we were still sending
    finally:
        connection.close()


def test_sockets_are_refused(tmp_path: Path) -> None:
    sent: list[str] = []

    async def never(*_: object) -> None:
        raise AssertionError("a socket came through")

    async def receive() -> dict[str, str]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, object]) -> None:
        sent.append(str(message["type"]))

    guard = Guard(never, People(tmp_path / "review.json"), Doors.of(1))  # type: ignore[arg-type]
    anyio.run(guard, {"type": "websocket", "path": "/api/events", "headers": []}, receive, send)
    assert sent == ["websocket.close"]


def test_a_link_works_once_and_the_cookie_is_kept_from_scripts(start: Start, delivered: Path) -> None:
    served = start(delivered)
    (link,) = [link for _, _, link in served.links]
    token = link.rpartition("=")[2]
    assert len(token) >= 43  # 256 bits
    client = Client(served.port)
    first = client.get("/enter", token=token)
    cookie = first.headers["set-cookie"].lower()
    assert first.status == 200
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert b'http-equiv="refresh"' in first.data
    assert client.get("/api/session").status == 200
    assert Client(served.port).get("/enter", token=token).status == 401
    kept = (delivered / ".tamis/review.json").read_text()
    assert token not in kept
    assert client.cookie.partition("=")[2] not in kept
    assert stat.S_IMODE((delivered / ".tamis/review.json").stat().st_mode) == 0o600


def test_a_session_outlives_the_server(start: Start, workspace: Path) -> None:
    first = start(workspace)
    client = first.enter()
    assert client.post("/api/session", {"name": "Ann"}).json["name"] == "Ann"
    assert first.stop() == 0
    second = start(workspace)
    again = Client(second.port)
    again.cookie = f"tamis-{second.port}={client.cookie.partition('=')[2]}"
    assert again.get("/api/session").json["name"] == "Ann"


def test_a_teams_link_is_used_up_by_a_button_and_names_its_person(start: Start, delivered: Path) -> None:
    served = start(delivered, team={"Ann <b>": "reviewer", "bob": "lead"})
    names = [(name, role) for name, role, _ in served.links]
    assert names == [("Ann <b>", "reviewer"), ("bob", "lead")]
    path = served.links[0][2][len(served.address) :]
    for _ in range(2):  # a chat that shows a preview opens it
        shown = Client(served.port).get(path)
        assert shown.status == 200
        assert "set-cookie" not in shown.headers
        assert b"Ann &lt;b&gt;" in shown.data
    ann = served.enter("Ann <b>")
    told = ann.get("/api/session").json
    assert (told["name"], told["role"], told["team"]) == ("Ann <b>", "reviewer", True)
    assert ann.post("/api/session", {"name": "bob"}).status == 400
    assert ann.get("/api/queue/review.gate/disagreements").status == 403
    assert served.enter("bob").get("/api/queue/review.gate/disagreements").status == 200


def test_a_link_of_one_alone_opens_nothing_once_there_is_a_team(start: Start, delivered: Path) -> None:
    alone = start(delivered)
    client = alone.enter()
    alone.stop()
    team = start(delivered, team={"ann": "reviewer"})
    again = Client(team.port)
    again.cookie = f"tamis-{team.port}={client.cookie.partition('=')[2]}"
    assert again.get("/api/session").status == 401


def test_a_failure_tells_no_more_than_that_it_failed(start: Start, workspace: Path) -> None:
    client = start(workspace).enter()
    (workspace / "runs/customer-intents/1/ledger/partitions.json").write_text('{"partitions": "secret-place"}')
    answer = client.get("/api/overview")
    assert answer.status >= 400
    assert b"Traceback" not in answer.data
    assert b"secret-place" not in answer.data
