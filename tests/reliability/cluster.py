"""A Ray cluster on this machine: each node is a `ray start` with an address of its own, in its own group of processes."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_READY = "Ray runtime started"


def free_port() -> int:
    """A port of loopback that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Node:
    """One node: loopback address 127.0.0.NUMBER."""

    def __init__(
        self, words: list[str], number: int, cores: int, environment: dict[str, str], log: Path, hidden: Path | None
    ) -> None:
        hide = (
            [] if hidden is None else ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs none "{hidden}"; exec "$@"', "-"]
        )
        command = [
            *hide,
            *(sys.executable, "-c", "import sys; from ray.scripts.scripts import main; sys.exit(main())", "start"),
            *("--block", f"--node-ip-address=127.0.0.{number}", f"--num-cpus={cores}"),
            *("--object-store-memory=80000000", "--disable-usage-stats", *words),
        ]
        with open(log, "wb") as out:
            self.inner = subprocess.Popen(
                command, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while _READY not in log.read_text(errors="replace"):
            assert self.inner.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut would."""
        if self.inner.poll() is None:
            os.killpg(self.inner.pid, signal.SIGKILL)
            self.inner.wait()


class Cluster:
    """A head and other nodes. `environment`: what a driver needs to be let in."""

    def __init__(self, cores: int = 1) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tr-", dir="/tmp"))  # sockets' paths must be short
        port, client = free_port(), free_port()
        self.address, self.client = f"127.0.0.2:{port}", f"ray://127.0.0.2:{client}"
        self.environment = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        self.nodes: list[Node] = []
        soon = {"period_ms": "500", "failure_threshold": "4", "initial_delay_ms": "0"}
        self._quick = {f"RAY_health_check_{name}": value for name, value in soon.items()}
        head = ["--head", f"--port={port}", f"--ray-client-server-port={client}", "--include-dashboard=false"]
        self.add(cores, head=[*head, f"--temp-dir={self.folder}"])

    def add(self, cores: int = 1, *, head: list[str] | None = None, hidden: Path | None = None, **env: str) -> Node:
        """Start a node; `env`: variables that its tasks see; `hidden`: a folder that it does not see."""
        number = len(self.nodes) + 2
        environment = {**os.environ, **self.environment, **self._quick, **env}
        words = head or [f"--address={self.address}"]
        log = self.folder / f"node-{number}.log"
        self.nodes.append(Node(words, number, cores, environment, log, hidden))
        return self.nodes[-1]

    def processes(self) -> list[int]:
        """What lives of the cluster: all its processes know its token."""
        mark = self.environment["RAY_AUTH_TOKEN"].encode()
        return [pid for pid in living() if mark in environment_of(pid)]

    def end(self) -> list[int]:
        """Kill every node; the processes that are left after some seconds, which are killed too."""
        for node in reversed(self.nodes):
            node.kill()
        deadline = time.monotonic() + 10
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
        return left


def living() -> list[int]:
    """The processes of this machine that are no zombies."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state = (path / "stat").read_text().rpartition(") ")[2].split()[0]
        except OSError:
            continue
        if state not in ("Z", "X") and int(path.name) != os.getpid():
            found.append(int(path.name))
    return found


def environment_of(pid: int) -> bytes:
    """The variables a process was started with."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
