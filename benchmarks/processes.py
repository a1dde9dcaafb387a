"""A command with all its processes: how long it takes, how much memory, and that none of them is left. Linux only (/proc)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

ERROR = re.compile(r"(\w+\.)*\w*(error|exception)\b\W", re.IGNORECASE)


@dataclass
class Measured:
    """One run of one peer."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0
    problem: str = ""


def last_word(text: str) -> str:
    """The last line that says what went wrong, without the driver's own word that its peer ended."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [one for one in lines if ERROR.match(one) and "CalledProcessError" not in one]
    return (errors or lines or ["no word why"])[-1][:160].replace("|", "/")


HIGHEST = re.compile(r"^VmHWM:\s+(\d+)", re.MULTILINE)
TICK, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


class Figures(NamedTuple):
    """Of one process: resident bytes now and at their highest, and CPU seconds."""

    resident: int
    highest: int
    seconds: float


def below(root: int) -> dict[int, Figures]:
    """Process → its figures, of all processes below one."""
    parents: dict[int, int] = {}
    figures: dict[int, Figures] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            number = int(entry.name)
            parents[number] = int(fields[1])
            figures[number] = Figures(int(fields[21]) * PAGE, 0, (int(fields[11]) + int(fields[12])) / TICK)
    found = {}
    for process in figures:
        above = parents[process]
        while above not in (0, root):
            above = parents.get(above, 0)
        if above == root:
            found[process] = figures[process]
            with contextlib.suppress(OSError):
                if told := HIGHEST.search((Path("/proc") / str(process) / "status").read_text()):  # a zombie has none
                    found[process] = figures[process]._replace(highest=int(told[1]) * 1024)
    return found


def adopt_orphans() -> None:
    """From now on a process whose parent ends is ours, also one that left its group: none outlives its peer's turn."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def end_all() -> None:
    """End every process below this one, and take leave of it."""
    for _ in range(100):
        running = below(os.getpid())
        if not running:
            return
        for process in running:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def measure(command: list[str], cwd: Path, limit: float, log: Path) -> Measured:
    """Run a command to its end, or to the limit (in seconds); nothing of it runs on after that, or after Ctrl-C."""
    told = Measured()
    seen: dict[int, float] = {}  # workers that somebody else waits for are in nobody's account
    # what the calling shell says of Python is for Tamis, not for a peer
    environ = {key: value for key, value in os.environ.items() if command[0] == sys.executable or key != "PYTHONPATH"}
    started = time.perf_counter()
    ends: list[tuple[float, int, Any]] = []
    ended = threading.Event()

    def wait(number: int) -> None:
        """When it ended, to the millisecond, however long a look at all processes takes."""
        with contextlib.suppress(ChildProcessError):  # it was ended, and taken leave of
            _, status, usage = os.wait4(number, 0)
            ends.append((time.perf_counter(), status, usage))
            ended.set()

    try:
        with open(log, "wb") as out:
            process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=out, env=environ, start_new_session=True)
        threading.Thread(target=wait, args=(process.pid,), daemon=True).start()
        while True:
            running = below(os.getpid())
            together = sum(one.resident for one in running.values())
            # not what wait4 tells: that begins with the size of this process
            told.peak_mb = max(told.peak_mb, together / 1e6, *(one.highest / 1e6 for one in running.values()))
            seen |= {number: one.seconds for number, one in running.items()}
            if time.perf_counter() - started > limit:
                return Measured(problem=f"not done in {limit:.0f} s")
            if ended.wait(0.05):
                break
        end, status, usage = ends[0]
        process.returncode = status  # waited for already
    finally:
        end_all()
    told.wall = end - started
    told.cpu = max(usage.ru_utime + usage.ru_stime, sum(seen.values()))
    if status:
        told.problem = "failed: " + last_word(log.read_text(errors="replace"))
    return told
