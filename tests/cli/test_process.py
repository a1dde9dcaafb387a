"""How the command ends as a process: what it said has arrived, what others left to do is done, the code is the right one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ENDING = """
import atexit, os, sys, threading, time
from tamis.cli._process import as_process
import weakref

def main():
    atexit.register(lambda: print("left to do: done"))
    threading.Thread(target=lambda: (time.sleep(0.2), print("the thread ended"))).start()
    print("said")
    {how}

class Slow:
    def __del__(self):
        os.write(2, b"taken down")

kept = Slow()
as_process(main)
"""


def end(how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", ENDING.format(how=how)], capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("how", "code"),
    [("pass", 0), ("sys.exit(0)", 0), ("sys.exit()", 0), ("sys.exit(4)", 4), ("sys.exit('a word')", 1), ("1 / 0", 1)],
)
def test_a_process_ends_with_its_code_once_all_is_said_and_done(how: str, code: int) -> None:
    done = end(how)
    assert done.returncode == code
    assert sorted(done.stdout.splitlines()) == ["left to do: done", "said", "the thread ended"]
    assert ("ZeroDivisionError" in done.stderr) == (how == "1 / 0")
    assert ("a word" in done.stderr) == ("a word" in how)
    assert "taken down" not in done.stderr  # which is what took a third of a second after a run


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_words_that_reach_nobody_are_told_by_the_code() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from tamis.cli._process import as_process; as_process(lambda: print('said'))"],
            stdout=full,
            env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
            check=False,
            timeout=60,
        )
    assert done.returncode == 120


def test_what_a_command_prints_arrives_through_a_pipe_though_it_is_long() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tamis", "steps", "--json"], capture_output=True, text=True, check=True, timeout=120
    )
    assert "dedup.minhash" in str(json.loads(done.stdout))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_under_what_is_said_is_told_in_a_line() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "tamis", "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode != 0
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
