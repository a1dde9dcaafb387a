"""Joining a Ray cluster, or starting one on this machine that only this machine can reach, quietly."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import secrets
import shutil
import signal
import socket
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tamis.core.errors import ClusterError, MissingExtra, UsageError

from .store import process_lives

#: memory for what tasks send and get, in bytes: rows travel as files, so this is little
STORE_BYTES = 128 << 20
#: seconds to wait for an address to answer at all
PATIENCE = 10
#: a local instance listens on loopback, and asks for a token that only this process and its children have
_ONLY_HERE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's own switch for "the node's address is 127.0.0.1"
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
}

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is sent to anyone
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # would copy the current folder, data and all, to the cluster
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_task_oom_retries": "3",  # by default for ever
}
#: set by Ray when a driver connects
_RAYS_OWN = ("PYTHONBREAKPOINT",)
_LOG_LINE = re.compile(rb"\[\d{4}-\d\d-\d\d [\d:,]+ [A-Z] \d+ \d+\] ")


def load_ray() -> Any:
    """The library, told to be silent before it is first imported."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError:
        raise MissingExtra("--on ray", "ray") from None
    return ray


@contextlib.contextmanager
def connected(on: str, workers: int) -> Iterator[Any]:
    """Ray, connected: `ray` is this machine (or RAY_ADDRESS, where Ray's own job runner set it), anything else an address.

    A connection that is there already is used, and left.
    """
    with _variables_kept(), contextlib.ExitStack() as stack:
        address = os.environ.get("RAY_ADDRESS", "local") if on == "ray" else on
        _check(on, address)
        if address == "local":
            os.environ |= _ONLY_HERE
        ray = load_ray()
        if ray.is_initialized():
            if on != "ray":
                hint = "call ray.shutdown() first, or say `ray` to use that connection"
                raise UsageError(f"this process is connected to Ray already, so not to {on}", hint=hint)
            yield ray
            return
        settings: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        logging.getLogger("ray").setLevel(logging.CRITICAL)
        _read_again(ray)
        if address == "local":
            folder = stack.enter_context(_folder())
            stack.enter_context(_only_here(ray))
            settings |= {
                "address": "local",
                "num_cpus": workers,
                "include_dashboard": False,
                "object_store_memory": STORE_BYTES,
                "_node_ip_address": "127.0.0.1",
                "_temp_dir": str(folder),
            }
        else:
            _knock(address)
            settings["address"] = address
        stack.enter_context(_silent(ray))
        stack.callback(ray.shutdown)
        said: list[str] = []
        for left in reversed(range(JOINS)):
            try:
                with _signals_kept(), _heard(said), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    ray.init(**settings)
                break
            except Exception as error:
                # a busy head node may be too slow with the process that serves a client; it starts another
                if left and "client server failed" in str(error):
                    ray.shutdown()
                    time.sleep(2)
                    continue
                raise _not_joined(on, address, str(error), "".join(said)) from None
        yield ray


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself: it is put back."""
    main = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if main else {}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def _heard(said: list[str]) -> Iterator[None]:
    """What Ray's own code says on stderr while it connects is kept from there; everything else goes on."""
    try:
        real = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    with tempfile.TemporaryFile() as heard:
        os.dup2(heard.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            heard.seek(0)
            for line in heard:
                if _LOG_LINE.match(line):
                    said.append(line.decode(errors="replace"))
                else:
                    os.write(real, line)
            os.close(real)


@contextlib.contextmanager
def _variables_kept() -> Iterator[None]:
    """Variables that are set for Ray, or by it, are put back."""

    def of_ray() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name.startswith("RAY_") or name in _RAYS_OWN}

    before = of_ray()
    try:
        yield
    finally:
        for name in of_ray():
            del os.environ[name]
        os.environ.update(before)


@contextlib.contextmanager
def _only_here(ray: Any) -> Iterator[None]:
    """Ray listens on loopback only."""
    constants = ray._private.ray_constants
    before = getattr(constants, "ENABLE_RAY_CLUSTER", None)
    constants.ENABLE_RAY_CLUSTER = False  # where it was imported before the variable was set
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


def _read_again(ray: Any) -> None:
    """Let Ray look at its variables once more: it read them when it was first imported, maybe for another run."""
    with contextlib.suppress(AttributeError):
        ray._raylet.Config.initialize("")
        ray._raylet.AuthenticationTokenLoader.instance().reset_cache()


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Where a local instance keeps sockets and logs. Sockets' paths must be short, so not below a long TMPDIR."""
    home = Path(tempfile.gettempdir())
    home = home if len(str(home)) < 24 else Path("/tmp")
    for path in home.glob("tamis-ray-*-*"):  # left by processes that were killed
        number = path.name.split("-")[2]
        if number.isdigit() and not process_lives(int(number)):
            shutil.rmtree(path, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"tamis-ray-{os.getpid()}-", dir=home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check(on: str, address: str) -> None:
    """Whether something is an address at all."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address not in ("local", "auto") and ("/" in host or not host or not port.isdigit()):
        raise UsageError(
            f"--on {on!r} is no address of a Ray cluster" + (f" (RAY_ADDRESS is {address!r})" if on == "ray" else ""),
            hint="possible: local, ray (here), ray://HOST:10001 (a Ray client server), HOST:6379 (from a node of it), auto",
        )


def _knock(address: str) -> None:
    """See whether anything listens there: Ray itself would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE).close()
    except OSError as error:
        raise ClusterError(
            f"nothing answers at {address}: {error.strerror or error}",
            hint="on the head node, `ray status` tells whether the cluster runs; see docs/cluster.md",
        ) from None


#: how often a Ray client server that failed to start is asked again
JOINS = 3


@contextlib.contextmanager
def _silent(ray: Any) -> Iterator[None]:
    """Ray prints on stdout that a worker died, whatever its settings say; stdout is for the answer."""
    worker = ray._private.worker
    before = getattr(worker, "print_to_stdstream", None)
    worker.print_to_stdstream = lambda *words, **more: None
    try:
        yield
    finally:
        worker.print_to_stdstream = before


def _not_joined(on: str, address: str, told: str, logged: str) -> Exception:
    """The error of this tree for what Ray said while joining."""
    words = " ".join(told.split())
    if "ray[client]" in words or "No module named 'grpc'" in words:
        return MissingExtra(f"--on {on}", "ray")
    if "InvalidAuthToken" in logged + words or "authentication token" in words:
        hint = "set RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to the file that holds it"
        return ClusterError(f"the Ray cluster at {address} asks for its token", hint=hint)
    if "ersion mismatch" in words:
        told = words[words.lower().index("version mismatch") :][:300]
        return ClusterError(
            f"the Ray cluster at {address} differs from here: {told}", hint="use the same Ray and Python"
        )
    if address == "auto":
        return ClusterError("this machine is no node of a Ray cluster", hint="--on ray starts one here, for this run")
    if address == "local":
        return ClusterError(f"Ray does not start here: {words[:300]}", hint="tamis run without --on needs no Ray")
    if address.startswith("ray://"):
        hint = "is it a Ray client server (often port 10001)? Where the cluster asks for a token, set RAY_AUTH_TOKEN"
    else:
        hint = "HOST:6379 works on a node of the cluster only; from elsewhere it is ray://HOST:10001"
    return ClusterError(f"cannot join the Ray cluster at {address}: {words[:300]}", hint=hint)
