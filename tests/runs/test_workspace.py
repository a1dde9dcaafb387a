"""One run at a time; a dead run's lock is free."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tamis.core.errors import WorkspaceBusy
from tamis.engine.store import write_json
from tamis.runs.workspace import Workspace

HOLD = """
import sys, time
from pathlib import Path
from tamis.runs.workspace import Workspace
workspace = Workspace(Path(sys.argv[1])); workspace.prepare()
with workspace.lock():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_by_name_until_the_first_is_dead(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.prepare()
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceBusy, match=f"process {holder.pid}"), workspace.lock():
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        for _ in range(100):
            try:
                with workspace.lock():
                    break
            except WorkspaceBusy:
                time.sleep(0.05)
        else:
            pytest.fail("a dead run's lock was not freed")
    finally:
        holder.kill()
        holder.stdout.close()
        holder.wait()


def test_the_workspace_is_private(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.prepare()
    assert workspace.hidden.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("status", "number", "resumed"),
    [("done", 2, False), ("failed", 1, True), ("interrupted", 1, True), ("waiting", 1, True)],
)
def test_a_run_that_did_not_end_is_resumed(tmp_path: Path, status: str, number: int, resumed: bool) -> None:
    workspace = Workspace(tmp_path)
    write_json(workspace.runs("r") / "1" / "state.json", {"status": status})
    assert workspace.open_run("r") == (number, resumed)
