"""The Ray executor, on an instance of this machine's own: order, errors, retries, and what it leaves as it was."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tamis.core.errors import ClusterError, MissingExtra, StepError, TamisError, UsageError
from tamis.engine import ray_cluster, ray_executor, ray_task
from tamis.engine.executor import Executor, executor_for
from tamis.engine.ray_task import Passport, Refused

from ..reliability.workshop import set_up, tamis

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason='Ray is not installed: pip install "tamis[ray]"'
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """A local instance with two cores."""
    before = {**os.environ, "PYTEST_CURRENT_TEST": ""}
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    os.environ["TAMIS_OF_THE_RUN"] = "forwarded"
    with executor_for("ray", 2, "threads") as executor:
        executor.meet(tmp_path_factory.mktemp("workspace"))
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
        yield executor
    del os.environ["TAMIS_OF_THE_RUN"]
    assert {**os.environ, "PYTEST_CURRENT_TEST": ""} == before
    assert list(Path("/tmp").glob(f"tamis-ray-{os.getpid()}-*")) == []


@needs_ray
def test_results_come_in_order_and_arrays_may_be_written_to(here: Executor) -> None:
    def task(number: int) -> Any:
        time.sleep(0.02 if number % 3 == 0 else 0)
        return np.full(50_000, number)

    for number, array in enumerate(here.map(task, range(12))):
        assert array[0] == number
        array[0] = -1
    assert here.workers == 2
    assert not here.shares_memory


@needs_ray
def test_a_few_tasks_are_under_way_and_no_more(here: Executor, tmp_path: Path) -> None:
    def task(number: int) -> int:
        (tmp_path / str(number)).touch()
        return number

    results = here.map(task, range(200))
    assert next(results) == 0
    assert len(list(tmp_path.iterdir())) <= 2
    results.close()  # type: ignore[attr-defined]
    assert list(here.map(task, [7])) == [7], "tasks given up do not hold up others"


@needs_ray
def test_a_task_has_one_thread_and_the_variables_of_the_run(here: Executor) -> None:
    def task(_: int) -> tuple[int, str, str]:
        import polars as pl

        return pl.thread_pool_size(), os.environ["TAMIS_OF_THE_RUN"], os.environ.get("NUMBA_CACHE_DIR", "")

    assert list(here.map(task, [0])) == [(1, "forwarded", os.environ.get("NUMBA_CACHE_DIR", ""))]


@needs_ray
@pytest.mark.parametrize(
    "error", [StepError("no", hint="so"), MissingExtra("x", "tokens"), FileNotFoundError(2, "gone", "/x")]
)
def test_an_error_of_a_task_comes_back_as_it_was_raised_without_a_word_of_ray(here: Executor, error: Exception) -> None:
    def task(_: int) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        list(here.map(task, [0]))
    assert str(caught.value) == str(error)
    assert getattr(caught.value, "hint", None) == getattr(error, "hint", None)
    assert caught.value.__cause__ is None
    assert "RayTaskError" not in "".join(traceback.format_exception(caught.value))


@needs_ray
def test_an_error_that_cannot_travel_is_told_in_words(here: Executor) -> None:
    def task(_: int) -> None:
        error = ValueError("seven")
        error.lock = threading.Lock()  # type: ignore[attr-defined]
        raise error

    with pytest.raises(RuntimeError, match="ValueError: seven"):
        list(here.map(task, [0]))


@needs_ray
def test_a_task_that_kills_every_worker_ends_the_run_with_a_message(
    here: Executor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ray_executor, "RETRIES", 1)

    def task(_: int) -> None:
        (tmp_path / str(os.getpid())).touch()
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ClusterError) as caught:
        list(here.map(task, [0]))
    assert len(list(tmp_path.iterdir())) == 2
    assert str(caught.value) == (
        "a worker process was killed, and so were those that took over (2 in all); a node may be out of memory\n"
        "Hint: run the same command again to go on; fewer --workers need less memory"
    )
    assert caught.value.__cause__ is None
    time.sleep(1)  # Ray tells of it some time later
    assert capfd.readouterr() == ("", "")


@needs_ray
@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="looks for sockets in /proc")
def test_the_local_instance_listens_to_this_machine_only(here: Executor) -> None:
    mark = f"tamis-ray-{os.getpid()}-".encode()
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "cmdline").read_bytes() + (process / "environ").read_bytes():
                sockets |= {os.readlink(fd) for fd in (process / "fd").iterdir()}  # noqa: PTH115
        except OSError:
            continue
    heard = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and f"socket:[{words[9]}]" in sockets:
                heard.append(words[1].partition(":")[0])
    assert len(heard) > 2
    assert {address[-8:] for address in heard} == {"0100007F"}


@needs_ray
def test_nobody_else_connects_while_it_runs(here: Executor) -> None:
    with pytest.raises(UsageError, match="connected to Ray already"):
        executor_for("127.0.0.1:6379", None, "threads")


# -- before it begins -------------------------------------------------------------------------


def test_without_ray_the_message_is_the_command_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra) as caught:
        executor_for("ray", None, "threads")
    assert str(caught.value) == '--on ray needs the extra [ray]\nHint: pip install "tamis[ray]"'


@pytest.mark.parametrize("address", ["cluster", "host:", "ray://host", "http://x"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of a Ray cluster"):
        executor_for(address, None, "threads")


@pytest.mark.parametrize(
    ("address", "words", "logged", "told"),
    [
        ("h:1", "Failed to connect", "InvalidAuthToken: missing", "the Ray cluster at h:1 asks for its token"),
        (
            "h:1",
            "Version mismatch: the cluster has\n Ray 2.9",
            "",
            "differs from here: Version mismatch: the cluster has Ray 2.9",
        ),
        ("ray://h:1", "connection timeout", "", "cannot join the Ray cluster at ray://h:1: connection timeout"),
        (
            "h:1",
            "Failed",
            "[2026] noise",
            "cannot join the Ray cluster at h:1: Failed\nHint: HOST:6379 works on a node",
        ),
        ("auto", "Could not find any running Ray instance", "", "this machine is no node of a Ray cluster"),
        ("local", "no room", "", "Ray does not start here: no room"),
        ("ray://h:1", "Ray Client requires pip package `ray[client]`", "", 'pip install "tamis[ray]"'),
    ],
)
def test_why_a_cluster_cannot_be_joined(address: str, words: str, logged: str, told: str) -> None:
    error = ray_cluster._not_joined(address, address, words, logged)
    assert isinstance(error, TamisError)
    assert told in str(error)
    assert error.hint


@needs_ray
def test_where_nothing_listens(tmp_path: Path) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))  # and does not listen
        port = one.getsockname()[1]
        said = tamis(set_up(tmp_path / "mill", rows=10), "--on", f"127.0.0.1:{port}")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        f"tamis: nothing answers at 127.0.0.1:{port}: Connection refused\n"
        "Hint: on the head node, `ray status` tells whether the cluster runs; see docs/cluster.md\n"
    )


# -- what a node is asked ---------------------------------------------------------------------


@pytest.fixture
def passport(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Passport:
    monkeypatch.setattr(ray_task, "node", lambda: "10.0.0.7 (far)")
    (tmp_path / ".tamis" / "cluster").mkdir(parents=True)
    token = tmp_path / ".tamis" / "cluster" / "token"
    token.write_text("mine", encoding="utf-8")
    return Passport((str(token), "mine"), ray_task.versions(["Python", "tamis", "polars"]), ray_task.code_hash(), {})


def refused(passport: Passport) -> str:
    found = ray_task.make_ready(passport)
    return "" if found is None else f"{found.node} {found.problem} → {found.hint}"


def test_a_node_like_this_one_is_welcome(passport: Passport) -> None:
    assert refused(passport) == ""


def test_other_versions_are_told(passport: Passport) -> None:
    other = replace(passport, versions={**passport.versions, "polars": "1.0.0"})
    here = passport.versions["polars"]
    assert refused(other) == (
        f"10.0.0.7 (far) has polars {here}; the machine that runs the recipe has 1.0.0 → "
        'use the same versions everywhere; there: pip install "polars==1.0.0"'
    )
    assert "there: Python 3.99.1" in refused(replace(passport, versions={"Python": "3.99.1"}))
    assert "has no-such-thing not installed" in refused(replace(passport, versions={"no-such-thing": "1"}))
    assert "but other source files" in refused(replace(passport, code="0"))


def test_a_workspace_that_is_not_seen_or_is_another_is_told(passport: Passport, tmp_path: Path) -> None:
    assert "sees another workspace at" in refused(replace(passport, token=(passport.token[0], "theirs")))
    gone = replace(passport, token=(str(tmp_path / "elsewhere/.tamis/cluster/token"), "mine"))
    assert f"does not see the workspace {tmp_path / 'elsewhere/.tamis'}: No such file" in refused(gone)


def test_inputs_that_are_not_seen_or_differ_are_told(passport: Passport, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("12345", encoding="utf-8")
    assert ray_task.greet([(str(tmp_path), -1), (str(file), 5)]) is None
    other = ray_task.greet([(str(file), 6)])
    assert isinstance(other, Refused)
    assert other.problem == f"sees another file at {file}: 5 bytes there, 6 here"
    gone = ray_task.greet([(str(tmp_path / "x"), 5)])
    assert isinstance(gone, Refused)
    assert gone.problem == f"does not see {tmp_path / 'x'}: No such file or directory"


def test_kernels_find_a_place_where_nothing_else_may_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", "given")
    ray_task.place_for_kernels()
    assert os.environ["NUMBA_CACHE_DIR"] == "given"
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(ray_task.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ray_task.os, "access", lambda path, mode: str(path).startswith(str(tmp_path)))
    ray_task.place_for_kernels()
    assert "NUMBA_CACHE_DIR" not in os.environ, "home takes them"
    monkeypatch.setattr(ray_task.os, "access", lambda path, mode: False)
    ray_task.place_for_kernels()
    place = Path(os.environ["NUMBA_CACHE_DIR"])
    assert place.parent == tmp_path
    assert place.stat().st_mode & 0o077 == 0
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    place.chmod(0o777)
    ray_task.place_for_kernels()
    assert Path(os.environ["NUMBA_CACHE_DIR"]) != place, "compiled code is not read from a folder that others write to"


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        (
            "RayTaskError",
            "serve() (pid=1, ip=10.0.0.7) ModuleNotFoundError: No module named 'tamis'",
            "node 10.0.0.7 of the Ray cluster has no Tamis",
        ),
        ("OutOfMemoryError", "Task was killed", "tasks were ended because a node ran out of memory"),
        ("NodeDiedError", "x", "a worker process was killed, and so were those that took over (5 in all)"),
        ("ObjectLostError", "a\n b", "the Ray cluster failed a task: ObjectLostError: a b"),
    ],
)
def test_errors_of_ray_are_told_in_our_words(name: str, words: str, told: str) -> None:
    error = ray_executor.told(type(name, (Exception,), {})(words))
    assert error.message.startswith(told)
    assert error.hint
    assert error.exit_code == 1
