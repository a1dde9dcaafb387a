"""A server of the review app as a process of its own, and a client that speaks to it as a browser would."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

SERVE = """
import sys, json
from pathlib import Path
from tamis.web.server import Reach, serve
told = json.loads(sys.argv[1])
reach = Reach(**{k: Path(v) if k in ("certificate", "key") else v for k, v in told.pop("reach", {}).items()})
def ready(what):
    print(json.dumps(what._asdict()), flush=True)
serve(Path(told.pop("root")), static=Path(told.pop("static")), reach=reach, ready=ready, port=0, **told)
"""


class Answer(NamedTuple):
    """What the server answered."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Client:
    """One browser: keeps the cookie, sends what browsers send."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port, self.host = port, host
        self.cookie = ""

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """A request with these headers and no others but Host and the cookie."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        sent = {"Cookie": self.cookie} if self.cookie else {}
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        told = {name.lower(): value for name, value in response.getheaders()}
        if "set-cookie" in told:
            self.cookie = told["set-cookie"].split(";")[0]
        return Answer(response.status, told, data)

    def get(self, path: str, **query: Any) -> Answer:
        return self.ask("GET", quote(path, safe="/%?=&") + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        sent = {
            "Content-Type": "application/json",
            "Origin": f"http://127.0.0.1:{self.port}",
            "Sec-Fetch-Site": "same-origin",
        }
        return self.ask("POST", path, json.dumps(body).encode(), {**sent, **headers})


class Served:
    """The process. `links`: (name, role, link) of each person."""

    def __init__(self, root: Path, static: Path, **more: Any) -> None:
        command = [sys.executable, "-c", SERVE, json.dumps({"root": str(root), "static": str(static), **more})]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the server did not start"
        told = json.loads(line)
        self.address, self.links, self.port = told["address"], told["links"], told["port"]

    def enter(self, who: str = "") -> Client:
        """A browser that opened the link of a person."""
        client = Client(self.port)
        (link,) = [link for name, _, link in self.links if name == who]
        path = link[len(self.address) :]
        entered = (
            client.get(path)
            if not who
            else client.post(path, None, **{"Content-Type": "application/x-www-form-urlencoded"})
        )
        assert entered.status == 200, entered
        return client

    def kill(self) -> None:
        """As a power failure would."""
        self.process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> int:
        """Ctrl-C; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self._end()

    def _end(self) -> int:
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(timeout=30)
