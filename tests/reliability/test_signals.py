"""Ctrl-C, SIGTERM, a worker that dies, two runs at once: one clear message, nothing lost."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tamis.core.errors import WorkspaceBusy
from tamis.runs.workspace import read_state

from .workshop import Process, delivered, fresh, run, write_lines

RECIPE = """
tamis: 1
name: slow
sources: [{use: files, path: "rows-*.jsonl"}]
steps:
  - {use: map.auto}
  - {use: python, file: mine.py, function: slow, columns: [prompt]}
  - {use: filter.length, min: 2}
deliver: [{use: jsonl, path: dist/slow}]
"""

#: says that it is at work, and sleeps as long as the environment says: that is no part of its fingerprint
MINE = """
import os, time
from pathlib import Path

def slow(row):
    if seconds := float(os.environ.get("SLEEP", "0")):
        Path(os.environ["AT_WORK"]).touch()
        time.sleep(seconds)
    return True
"""


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A workspace whose rows take long, in twelve partitions."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    for number in range(12):
        rows = [{"prompt": f"{number} {k}", "completion": f"answer number {k}"} for k in range(5)]
        write_lines(folder / f"rows-{number:02}.jsonl", rows)
    return folder


def start(folder: Path, sleep: float, *words: str) -> Process:
    """A run that is at work on rows."""
    process = Process(folder, *words, SLEEP=str(sleep), AT_WORK=str(folder / "at-work"))
    process.wait_for("at-work")
    return process


def goes_on_as_if_nothing_happened(folder: Path) -> None:
    assert read_state(folder / "runs/slow/1")["status"] == "interrupted"
    assert not (folder / "dist").exists()
    assert run(folder).folder.name == "1"
    other = fresh(folder)
    run(other)
    assert delivered(folder) == delivered(other)
    assert "dist/slow/data.jsonl" in delivered(folder)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_the_run_at_the_next_partition(number: int, slow: Path) -> None:
    process = start(slow, 0.1, "--workers", "2")
    process.signal(number)
    said = process.end()
    assert (said.code, said.out) == (130, "")
    assert said.err == "tamis: interrupted; run the same command again to go on\n"
    events = [
        json.loads(line) for line in (slow / "runs/slow/1/events.jsonl").read_text(encoding="utf-8").split("\n") if line
    ]
    passed = [event for event in events if event["event"] == "PartitionDone" and "python" in event["stage"]]
    assert len(passed) < 12
    goes_on_as_if_nothing_happened(slow)


@pytest.mark.parametrize(
    "words", [("--workers", "2"), ("--workers", "1"), ("--executor", "processes", "--workers", "2")]
)
def test_a_second_ctrl_c_does_not_wait_for_rows_at_work(words: tuple[str, ...], slow: Path) -> None:
    process = start(slow, 600, *words)
    process.signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.inner.poll() is None, "the first waits for the rows at work"
    process.signal(signal.SIGINT)
    said = process.end(timeout=60)
    assert said.code == 130
    assert said.err == "tamis: interrupted; run the same command again to go on\n"
    goes_on_as_if_nothing_happened(slow)


def group(process: Process) -> list[int]:
    """The living processes of a run's group."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            state, _, pgrp = (path / "stat").read_text().rpartition(") ")[2].split()[:3]
        except OSError:
            continue
        if int(pgrp) == process.inner.pid and state not in ("Z", "X"):
            found.append(int(path.name))
    return found


def gone(process: Process, seconds: float = 30) -> list[int]:
    """What is left of a run's group after a while: a helper that frees shared memory ends when it notices."""
    deadline = time.monotonic() + seconds
    while (left := group(process)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")


@needs_proc
def test_a_terminal_sends_ctrl_c_to_worker_processes_too(slow: Path) -> None:
    process = start(slow, 0.1, "--executor", "processes", "--workers", "2")
    os.killpg(process.inner.pid, signal.SIGINT)
    said = process.end()
    assert said.code == 130
    assert said.err == "tamis: interrupted; run the same command again to go on\n"
    assert gone(process) == []
    goes_on_as_if_nothing_happened(slow)


@needs_proc
def test_worker_processes_end_with_a_run_that_was_killed(slow: Path) -> None:
    process = start(slow, 600, "--executor", "processes", "--workers", "2")
    assert len(group(process)) >= 3
    os.kill(process.inner.pid, signal.SIGKILL)
    left = gone(process)
    process.kill() if left else None
    process.end()
    assert left == []


def test_a_worker_that_is_killed_is_told_and_the_run_can_go_on(slow: Path) -> None:
    said = Process(slow, "--executor", "processes", "--workers", "2", TAMIS_FAILPOINT="cache.put:3").end()
    assert said.code == 1
    assert said.err == (
        "tamis: a worker process was killed; the system may be out of memory\n"
        "Hint: run the same command again to go on; fewer --workers need less memory\n"
    )
    assert read_state(slow / "runs/slow/1")["status"] == "failed"
    assert run(slow).outcomes["kept"] == 60


def test_a_second_run_in_the_workspace_is_refused_and_one_elsewhere_is_not(slow: Path) -> None:
    other = fresh(slow)
    process = start(slow, 600, "--workers", "2")
    try:
        with pytest.raises(WorkspaceBusy) as caught:
            run(slow)
        assert f"process {process.inner.pid} on " in str(caught.value)
        assert caught.value.exit_code == 1
        assert run(other).outcomes["kept"] == 60
    finally:
        process.kill()
        process.end()
    assert run(slow).outcomes["kept"] == 60, "a dead run's lock holds nobody up"
    assert delivered(slow) == delivered(other)
