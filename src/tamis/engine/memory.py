"""How this process holds memory between partitions."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
#: blocks up to this size are kept for the next partition instead of being given back to the system
KEPT_BYTES = 256 << 20


def keep_freed_memory() -> bool:
    """Ask the C library to keep freed blocks. True where it agreed.

    Each partition needs the same few large buffers. Given back and asked for again they cost a page fault every
    4 KB: a third of a run's processor time on two cores.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL(None)
        # one arena: those of other threads cannot hold blocks of this size, and would map and unmap each
        libc.mallopt(_M_ARENA_MAX, 1)
        return bool(libc.mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)) and bool(libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES))
    except (OSError, AttributeError):
        return False


def give_back_memory() -> None:
    """Give freed blocks back to the system: what comes next needs few of them."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


#: seconds after which a thread that waits for the interpreter may have it
_TURN = 0.0005


@contextmanager
def short_turns() -> Iterator[None]:
    """Threads that come back from a kernel wait for the interpreter a tenth as long while another holds it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, _TURN))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def collect_seldom() -> None:
    """Look for cycles of garbage seldom, from now on."""
    gc.set_threshold(200_000, 50, 1000)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for cycles of garbage seldom: a run makes hardly any, and looking took 6 % of its processor time."""
    before = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)


def keep_polars_memory() -> None:
    """The same for Polars' own allocator, which reads this variable when Polars is first imported."""
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:5000,muzzy_decay_ms:5000")


def give_memory_back() -> None:
    """The opposite, for a process that waits more than it works: what is freed goes back to the system soon.

    To be called before Polars is first imported; later it holds for the C library alone.
    """
    os.environ["_RJEM_MALLOC_CONF"] = "dirty_decay_ms:100,muzzy_decay_ms:0"
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_ARENA_MAX, 2)
            libc.mallopt(_M_MMAP_THRESHOLD, 16 << 20)
            libc.mallopt(_M_TRIM_THRESHOLD, 16 << 20)
