"""What runs on a node of a Ray cluster. Imports nothing heavy: its process is made ready before Polars is loaded."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import os
import platform
import socket
import stat
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tamis.core.errors import TamisError

from .remote import VARIABLE, be_node, bring, share

#: distributions whose version every node must share with the machine that runs the recipe
LIBRARIES = ("polars", "numpy", "numba", "pydantic", "xxhash", "nanoarrow")

_ready: set[str] = set()


@dataclass(frozen=True)
class Passport:
    """What a node must agree with before it works on a run.

    token: a file of the workspace and what is written in it; versions: of Python, Tamis and libraries; code: hash of
    Tamis' source; environment: variables of the run, set before a task begins.
    """

    token: tuple[str, str]
    versions: dict[str, str]
    code: str
    environment: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Refused:
    """A node that cannot work on the run: who it is, what is wrong, and what to do."""

    node: str
    problem: str
    hint: str


@dataclass(frozen=True)
class Failed:
    """A task that raised. Its error is data, so that no traceback of Ray's is wrapped around it."""

    error: BaseException


def serve(passport: Passport, call: bytes) -> bytes:
    """Run one task in a worker process; what comes back is its result, a `Failed` or a `Refused`, pickled."""
    ray: Any = importlib.import_module("ray")
    cloudpickle = ray.cloudpickle  # the format Ray itself moves tasks with

    def packed(value: Any) -> bytes:
        return bytes(cloudpickle.dumps(value))

    try:
        if passport.token[0] not in _ready:
            refused = make_ready(passport)
            if refused is not None:
                return packed(refused)
            _ready.add(passport.token[0])
        task, argument = cloudpickle.loads(call)
        return packed(task(argument))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        with contextlib.suppress(Exception):
            told = packed(Failed(error))
            cloudpickle.loads(told)
            return told
        return packed(Failed(RuntimeError(f"{type(error).__name__}: {error}")))


def greet(files: list[tuple[str, int]]) -> Refused | None:
    """Whether this node may write into the workspace, and sees the same inputs: (path, size), a folder's size is -1."""
    for path, size in files:
        try:
            status = os.stat(path)
        except OSError as error:
            hint = "put inputs and recipe on a path that every node mounts"
            return Refused(node(), f"does not see {path}: {error.strerror}", hint)
        if size >= 0 and status.st_size != size:
            problem = f"sees another file at {path}: {status.st_size} bytes there, {size} here"
            return Refused(node(), problem, "put inputs on a path that every node mounts")
    return None


def sign(token: str) -> Refused | None:
    """Write beside the token, for the driver to read."""
    path = Path(token)
    signed = path.with_name(f"{path.name}.{node_id()}")
    try:
        signed.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        share(signed)
    except OSError as error:
        hint = f"start Ray there as the user that owns the workspace (it runs as uid {os.getuid()})"
        return Refused(node(), f"cannot write into the workspace at {path.parent}: {error.strerror}", hint)
    return None


def node() -> str:
    """This node, as people know it."""
    ray: Any = importlib.import_module("ray")
    return f"{ray.util.get_node_ip_address()} ({socket.gethostname()})"


def node_id() -> str:
    ray: Any = importlib.import_module("ray")
    return str(ray.get_runtime_context().get_node_id())


def make_ready(passport: Passport) -> Refused | None:
    """Set up this process for a run, once; or say why this node cannot take part."""
    os.environ.update(passport.environment)
    place_for_kernels()
    here = versions(passport.versions)
    for name, wanted in passport.versions.items():
        if here[name] != wanted:
            problem = f"has {name} {here[name] or 'not installed'}; the machine that runs the recipe has {wanted}"
            what = f"Python {wanted}" if name == "Python" else f'pip install "{name}=={wanted}"'
            return Refused(node(), problem, f"use the same versions everywhere; there: {what}")
    if code_hash() != passport.code:
        problem = f"has Tamis {here['tamis']} too, but other source files"
        return Refused(node(), problem, "install the same build of Tamis on every node, and restart Ray there")
    path, text = passport.token
    try:
        if VARIABLE in os.environ:
            be_node(Path(path).parents[1])
        bring(path)
    except (OSError, TamisError) as error:
        hint = (
            'there: pip install "tamis[store]", a place that Ray may write to (-w PATH), and the right to use the store'
        )
        return Refused(node(), f"cannot use the store: {error}", hint)
    try:
        found = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        problem = f"does not see the workspace {Path(path).parents[1]}: {error.strerror}"
        return Refused(node(), problem, "put the workspace on a path that every node mounts: tamis run … -w PATH")
    if found != text:
        problem = f"sees another workspace at {Path(path).parents[1]}"
        return Refused(node(), problem, "put the workspace on a path that every node mounts: tamis run … -w PATH")
    return None


def versions(names: Any) -> dict[str, str]:
    """The versions of Python and of distributions; '' where one is missing."""
    found = {}
    for name in names:
        if name == "Python":
            found[name] = platform.python_version()
            continue
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


@functools.cache
def code_hash() -> str:
    """The hash of Tamis' own source files: two builds may bear the same version."""
    root = Path(__file__).parents[1]
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def place_for_kernels() -> None:
    """Where compiled kernels are kept if neither beside their source nor at home there is a place that takes them."""
    kernels = Path(__file__).with_name("kernels")
    beside = kernels / "__pycache__"
    if "NUMBA_CACHE_DIR" in os.environ or os.access(beside if beside.is_dir() else kernels, os.W_OK):
        return
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numba"
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        if os.access(home, os.W_OK):
            return
    os.environ["NUMBA_CACHE_DIR"] = str(private_folder(f"tamis-numba-{os.getuid()}"))


def private_folder(name: str) -> Path:
    """A folder below the system's temporary one that nobody else could have made: compiled code is loaded from it."""
    path = Path(tempfile.gettempdir()) / name
    with contextlib.suppress(OSError):
        path.mkdir(mode=0o700, exist_ok=True)
        status = path.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022:
            return path
    return Path(tempfile.mkdtemp(prefix=f"{name}-"))
