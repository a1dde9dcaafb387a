"""Executors: who runs a task per partition. A task is a top-level function of one picklable argument."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor as BrokenExecutor
from concurrent.futures import Executor as Pool
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar

A = TypeVar("A")
R = TypeVar("R")

Kind = Literal["inline", "threads", "processes"]


#: how many workers a run was asked to use
_asked: ContextVar[int | None] = ContextVar("workers", default=None)


@contextmanager
def workers_at_most(count: int | None) -> Iterator[None]:
    """What this thread spreads by itself, for a decision over all rows, is spread over so many threads. None: no limit."""
    token = _asked.set(count)
    try:
        yield
    finally:
        _asked.reset(token)


def default_workers() -> int:
    """The cores this process may use, at most as many as the run was asked to use."""
    cores = _cores()
    asked = _asked.get()
    return cores if asked is None else max(1, min(asked, cores))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Executor(Protocol):
    """Who runs tasks. Whoever it is, results are the same and come in the order of the arguments.

    kind: how tasks run; shares_memory: whether they run in this process; workers: how many at once.
    """

    kind: Kind

    @property
    def workers(self) -> int: ...

    @property
    def shares_memory(self) -> bool: ...

    def meet(self, workspace: Path, files: Sequence[tuple[str, int]] = (), libraries: Sequence[str] = ()) -> None:
        """Called before the first task: workspace: the private folder that tasks write to; files: (path, size) of what
        they read, -1 for a folder; libraries: distributions their outcome depends on."""

    def map(self, task: Callable[[A], R], arguments: Sequence[A]) -> Iterator[R]: ...

    def close(self, *, at_once: bool = False) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: Any) -> None: ...


def executor_for(on: str, workers: int | None, kind: Kind) -> Executor:
    """on: `local`, `ray`, or the address of a Ray cluster; kind: how tasks run where it is `local`."""
    if on == "local":
        return LocalExecutor(workers, kind)
    from .ray_executor import RayExecutor

    return RayExecutor(on, workers)


class LocalExecutor:
    """Runs tasks on this machine: in this thread, on threads (kernels release the GIL) or in processes.

    Results come in the order of the arguments; at most `2 × workers` are in flight, so that memory is
    bounded by workers and not by how many partitions there are.
    """

    def __init__(self, workers: int | None = None, kind: Kind = "threads") -> None:
        self.workers = max(1, workers or default_workers())
        self.kind: Kind = "inline" if self.workers == 1 and kind == "threads" else kind
        self._pool: Pool | None = None

    @property
    def shares_memory(self) -> bool:
        """Whether tasks run in this process."""
        return self.kind != "processes"

    def meet(self, workspace: Path, files: Sequence[tuple[str, int]] = (), libraries: Sequence[str] = ()) -> None:
        """This machine sees what it sees."""

    def map(self, task: Callable[[A], R], arguments: Sequence[A]) -> Iterator[R]:
        """The task's results, in order."""
        if self.kind == "inline" or (self.kind == "threads" and len(arguments) < 2):
            for argument in arguments:
                yield task(argument)
            return
        pool = self._start()
        waiting: deque[Future[R]] = deque()
        pending = iter(arguments)
        try:
            for argument in pending:
                with _deaf() if self.kind == "processes" else nullcontext():  # a pool starts processes as tasks come
                    waiting.append(pool.submit(task, argument))
                if len(waiting) >= self.workers + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _start(self) -> Pool:
        if self._pool is None:
            if self.kind == "processes":
                import multiprocessing
                from concurrent.futures import ProcessPoolExecutor

                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(self.workers, mp_context=context, initializer=_begin)
            else:
                self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="tamis")
        return self._pool

    def close(self, *, at_once: bool = False) -> None:
        """Stop the pool; tasks not begun are given up, and with `at_once` those at work too."""
        if self._pool is not None:
            if at_once:  # threads cannot be killed
                for process in list(getattr(self._pool, "_processes", {}).values()):
                    process.kill()
            self._pool.shutdown(wait=not at_once, cancel_futures=True)
            self._pool = None

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close(at_once=exception[0] is KeyboardInterrupt)


def side_by_side(task: Callable[[A], R], arguments: Sequence[A]) -> list[R]:
    """The task's results, in order, from threads of this process: for the few files that one decision reads and writes."""
    if len(arguments) < 2 or default_workers() == 1:
        return [task(argument) for argument in arguments]
    with ThreadPoolExecutor(default_workers(), thread_name_prefix="tamis-files") as pool:
        return list(pool.map(task, arguments))


def _begin() -> None:
    """A worker process: Polars' own pool is one thread (set before Polars is imported), and it ends with its parent."""
    os.environ["POLARS_MAX_THREADS"] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started here do not hear Ctrl-C, which a terminal sends to all: their parent ends them in order."""
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # it would unblock the signals when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
