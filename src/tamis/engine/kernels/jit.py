"""`njit` for kernels: Numba's, with a place for compiled code that outlives kills, damage, company and upgrades.

Numba numbers an overload's file and names it in an index, which it writes first. So two processes that compile at once
can give one number to two signatures, and one killed between the two writes leaves a new index beside old code: what is
loaded then is another signature's code (a TypeError), or an earlier version's (wrong results). It also looks at a
kernel's own file only: a kernel whose callee was changed, by an upgrade say, goes on with the callee's old code inside.

Here a file's name is made of all that its code depends on, and there is no index. Each holds its key, and ends in a hash.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import caching
from numba.core.runtime import rtsys

F = TypeVar("F", bound=Callable[..., Any])
_IMPORT = re.compile(rb"^from (?:\.|tamis\.engine\.kernels\.)(\w+) import\b", re.MULTILINE)
#: seconds after which a temporary file is nobody's
_ABANDONED = 3600
_DIGEST = 32


def njit(**options: Any) -> Callable[[F], F]:
    """`numba.njit(**options)`, whose compiled code is kept by all that it depends on."""

    def decorate(function: F) -> F:
        dispatcher: Any = numba.njit(**options)(function)
        if options.get("cache"):
            cache = dispatcher._cache
            source = Path(function.__code__.co_filename)
            cache._cache_file = Compiled(cache.cache_path, cache._impl.filename_base, source_stamp(source))
            cache.load_overload = functools.partial(_load, cache)
        return cast("F", dispatcher)

    return decorate


def _load(cache: Any, signature: Any, context: Any) -> Any:
    """Compiled code that is kept. Numba would make itself ready to compile before it looks, which takes a fifth of a second
    and imports SciPy where that is installed; it does so again, by itself, where there is something to compile."""
    rtsys.initialize(context)
    codegen = context.codegen()
    if "magic_tuple" not in vars(codegen):  # what the processor is; asked for each overload, it took a millisecond
        told = codegen.magic_tuple()
        codegen.magic_tuple = lambda: told
    with cache._guard_against_spurious_io_errors():
        return cache._load_overload(signature, context)


def plain(function: F) -> F:
    """A kernel that makes no arrays and takes none apart: arrays stay uncounted while it works on them.

    Otherwise Numba counts all arrays of a tuple whenever the tuple is handed on, by a locked instruction each; threads
    that look things up in the same tables then wait for each other at every row.
    """
    return njit(nogil=True, cache=True, _nrt=False)(function)


def inlined(function: F) -> F:
    """A `plain` kernel whose code stands where it is called: its tables' many numbers are not handed on, call by call."""
    return njit(nogil=True, cache=True, _nrt=False, forceinline=True)(function)


_Files: Any = caching.IndexDataCacheFile


class Compiled(_Files):
    """The compiled overloads of one kernel, each a file of its own, without an index.

    folder: where they lie; base: how their names begin; stamp: what all of them depend on.
    """

    def __init__(self, folder: str, base: str, stamp: str) -> None:
        super().__init__(folder, base, stamp)
        self.folder, self.base, self.stamp = Path(folder), base, stamp

    def name(self, key: Any) -> str:
        """The file of an overload."""
        return f"{self.base}.{self.stamp}.{_short(repr(key).encode())}.nbc"

    def load(self, key: Any) -> Any:
        """What `save` was given; None where nothing is kept, or not as it was written."""
        name = self.name(key)
        try:
            whole = (self.folder / name).read_bytes()
            if hashlib.sha256(whole[:-_DIGEST]).digest() != whole[-_DIGEST:]:
                return None
            found, value = self._load_data(name)
        except OSError:
            return None
        return value if found == key else None

    def save(self, key: Any, data: Any) -> None:
        """Keep an overload. Where the disk takes nothing, it is compiled again next time."""
        with contextlib.suppress(OSError):
            self._save_data(self.name(key), (key, data))
            self._sweep()

    def flush(self) -> None:
        """Forget all overloads."""
        for path in self.folder.glob(f"{self.base}.*.nbc"):
            path.unlink(missing_ok=True)

    def _dump(self, obj: Any) -> bytes:
        data = bytes(super()._dump(obj))
        return data + hashlib.sha256(data).digest()

    def _sweep(self) -> None:
        """Remove what was compiled from earlier source, and what killed processes left."""
        now = time.time()
        for entry in list(os.scandir(self.folder)):
            if not entry.name.startswith(f"{self.base}."):
                continue
            if ".tmp." in entry.name:
                old = now - entry.stat().st_mtime > _ABANDONED
            else:
                old = not entry.name.startswith(f"{self.base}.{self.stamp}.")
            if old:
                Path(entry.path).unlink(missing_ok=True)


@functools.cache
def source_stamp(source: Path) -> str:
    """The hash of a kernel's file, of the kernels' files it imports from, directly or not, and of the compiler's version."""
    read: dict[Path, bytes] = {}
    todo = [source]
    while todo:
        path = todo.pop()
        if path not in read and path.exists():
            read[path] = _read(path)
            todo += [path.with_name(f"{name.decode()}.py") for name in _IMPORT.findall(read[path])]
    parts = [f"{path.name}:{hashlib.sha256(text).hexdigest()}" for path, text in sorted(read.items())]
    return _short("\n".join([numba.__version__, version("llvmlite"), *parts]).encode())


@functools.cache
def _read(path: Path) -> bytes:
    return path.read_bytes()


def _short(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:20]
