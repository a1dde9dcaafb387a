"""Tasks on a Ray cluster: the same ones, in the same order, over a workspace that every node sees.

A task is retried where a worker or its node dies: what it writes is committed by rename under a fingerprint, so that
doing it twice changes nothing. An error of the task's own is not retried, and comes back as it was raised.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from tamis.core.errors import ClusterError

from .executor import Kind, default_workers
from .ray_cluster import connected
from .ray_task import LIBRARIES, Failed, Passport, Refused, code_hash, greet, serve, sign, versions
from .remote import bring, forget, share

A = TypeVar("A")
R = TypeVar("R")

#: how often a task is begun again after its worker or node died
RETRIES = 4
#: seconds between two looks at signals while results are awaited
LOOK = 0.5
#: seconds that a node has to answer at the start
GREETING = 120
#: a start checks this many input files on every node; more are met when they are read
GREETED_FILES = 10_000


class RayExecutor:
    """Runs tasks on the nodes of a Ray cluster, one core each.

    on: `ray` for this machine, else an address; workers: how many tasks at once, by default as many as there are cores.
    """

    shares_memory = False

    def __init__(self, on: str, workers: int | None = None) -> None:
        self.kind: Kind = "processes"
        self._limit = workers
        self._stack = contextlib.ExitStack()
        self._ray = self._stack.enter_context(connected(on, workers or default_workers()))
        self._serve = self._ray.remote(serve)
        self._passport: Passport | None = None

    @property
    def workers(self) -> int:
        """Tasks that can run at once now; nodes may come and go."""
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        return max(1, cores if self._limit is None else min(cores, self._limit))

    # -- before the first task ----------------------------------------------------------------

    def meet(self, workspace: Path, files: Sequence[tuple[str, int]] = (), libraries: Sequence[str] = ()) -> None:
        """Ask every node whether it sees the workspace and these files, and runs the same versions.

        ClusterError names the first node that does not. Nodes that join later are asked before their first task.
        """
        folder = workspace / "cluster"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        self._stack.callback(forget, folder)
        path, text = folder / f"token-{secrets.token_hex(8)}", secrets.token_hex(16)
        path.write_text(text, encoding="utf-8")
        share(path)
        passport = self._passport = Passport(
            (str(path), text), versions(["Python", "tamis", *LIBRARIES, *libraries]), code_hash(), _environment()
        )
        nodes = [n for n in self._ray.nodes() if n["Alive"] and n["Resources"].get("CPU")]
        for task, argument in ((sign, str(path)), (greet, list(files[:GREETED_FILES]))):
            asked = [(one, self._ask(one, passport, task, argument)) for one in nodes]
            for one, reply in asked:
                self._answer(one, reply)
        for one in nodes:
            self._signed(path.with_name(f"{path.name}.{one['NodeID']}"), text, one)

    def _ask(self, node: dict[str, Any], passport: Passport, task: Callable[[Any], Any], argument: Any) -> Any:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        place = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        options = self._serve.options(num_cpus=0, scheduling_strategy=place, max_retries=1)
        return options.remote(passport, self._ray.cloudpickle.dumps((task, argument)))

    def _answer(self, node: dict[str, Any], reply: Any) -> None:
        """What a node said; a node that left meanwhile is nobody's trouble."""
        name = f"{node['NodeManagerAddress']} ({node['NodeManagerHostname']})"
        ready, _ = self._ray.wait([reply], timeout=GREETING)
        if not ready:
            raise ClusterError(f"node {name} did not answer within {GREETING} s", hint="`ray status` there tells why")
        try:
            refused = self._open(reply)
        except ClusterError:
            alive = {n["NodeID"] for n in self._ray.nodes() if n["Alive"]}
            if node["NodeID"] in alive:
                raise
            return
        if isinstance(refused, Refused):
            raise _refusal(refused)

    def _signed(self, path: Path, text: str, node: dict[str, Any]) -> None:
        """Whether what a node wrote arrived here."""
        try:
            bring(path)
            same = path.read_text(encoding="utf-8") == text
        except OSError:
            same = False
        if not same and node["NodeID"] in {n["NodeID"] for n in self._ray.nodes() if n["Alive"]}:
            raise ClusterError(
                f"what node {node['NodeManagerAddress']} writes into {path.parent} is not seen here",
                hint="mount the same file system on every node, so that what one writes the others read at once",
            )

    # -- tasks --------------------------------------------------------------------------------

    def map(self, task: Callable[[A], R], arguments: Sequence[A]) -> Iterator[R]:
        """The task's results, in order. Twice as many as there are cores are under way, or `workers`."""
        waiting: deque[Any] = deque()
        most = 1
        try:
            for number, argument in enumerate(arguments):
                if number % 32 == 0:
                    most = self.workers if self._limit else 2 * self.workers
                waiting.append(self._submit(task, argument))
                if len(waiting) >= most:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            self._cancel(list(waiting))

    def _submit(self, task: Callable[[A], R], argument: A) -> Any:
        assert self._passport is not None, "meet() comes first"
        options = self._serve.options(max_retries=RETRIES, retry_exceptions=False, num_cpus=1)
        return options.remote(self._passport, self._ray.cloudpickle.dumps((task, argument)))

    def _result(self, reply: Any) -> Any:
        while not self._ray.wait([reply], timeout=LOOK)[0]:
            pass
        found = self._open(reply)
        if isinstance(found, Refused):
            raise _refusal(found)
        return found

    def _open(self, reply: Any) -> Any:
        """A reply's value; raises what the task raised, or the error of this tree for one of Ray's."""
        problem: ClusterError | None = None
        try:
            found = self._ray.cloudpickle.loads(self._ray.get(reply))
        except self._ray.exceptions.RayError as error:
            problem = told(error)
        if problem is not None:
            raise problem
        if isinstance(found, Failed):
            raise found.error
        return found

    def _cancel(self, replies: list[Any]) -> None:
        """Stop tasks that nobody waits for any more, at work or not."""
        for reply in replies:
            with contextlib.suppress(Exception):
                self._ray.cancel(reply, force=True)
        if replies:
            with contextlib.suppress(Exception):
                self._ray.wait(replies, num_returns=len(replies), timeout=5)

    def close(self, *, at_once: bool = False) -> None:
        """Leave the cluster; one that was started here ends."""
        self._stack.close()

    def __enter__(self) -> RayExecutor:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()


def _environment() -> dict[str, str]:
    """Variables that tasks see as this process does. Polars gets one thread: a task has one core."""
    known = ("TAMIS_", "_RJEM_MALLOC_CONF")
    mine = {name: value for name, value in os.environ.items() if name.startswith(known)}
    return {**mine, "POLARS_MAX_THREADS": "1"}


def _refusal(refused: Refused) -> ClusterError:
    return ClusterError(f"node {refused.node} of the Ray cluster {refused.problem}", hint=refused.hint)


def told(error: Exception) -> ClusterError:
    """The error of this tree for one of Ray's."""
    name, words = type(error).__name__, " ".join(str(error).split())
    again = "run the same command again to go on"
    if "No module named 'tamis" in words or "No module named 'numba" in words:
        where = words.partition("ip=")[2].split(",")[0].split(")")[0]
        told = f"node {where} of the Ray cluster" if where else "a node of the Ray cluster"
        wanted = versions(["tamis"])["tamis"]
        return ClusterError(f"{told} has no Tamis", hint=f'there: pip install "tamis[ray]=={wanted}", then restart Ray')
    if name == "OutOfMemoryError":
        return ClusterError(
            "tasks were ended because a node ran out of memory", hint=f"{again}; fewer --workers need less"
        )
    if name in ("WorkerCrashedError", "NodeDiedError", "LocalRayletDiedError", "RaySystemError"):
        return ClusterError(
            f"a worker process was killed, and so were those that took over ({RETRIES + 1} in all); "
            "a node may be out of memory",
            hint=f"{again}; fewer --workers need less memory",
        )
    if name == "TaskCancelledError":
        return ClusterError("a task was cancelled by someone else", hint=again)
    return ClusterError(f"the Ray cluster failed a task: {name}: {words[:300]}", hint=again)
