"""On Ray the same tasks give the same bytes, whatever dies on the way; and what cannot work is said at the start."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tamis.runs.workspace import read_state

from .cluster import Cluster, environment_of, living
from .workshop import LONG, RECIPE, Outcome, Process, leftovers, outcome, run, set_up, small_slices, write_lines

pytest.importorskip("ray", reason='Ray is not installed: pip install "tamis[ray]"')
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")

#: the mill, with trees that rows are born of and with a function of the user's
MORE = RECIPE.replace(
    "steps:\n",
    """  - {use: files, name: trees, path: trees.jsonl, map: [{use: map.threads, column: tree}]}
steps:
  - {use: python, file: mine.py, function: judge, columns: [prompt]}
""",
    1,
)

#: what `judge` does is told by files that stand beside it, which are no part of its fingerprint
MINE = """
import os, signal, time
from pathlib import Path

HERE = Path(__file__).parent
PATIENCE = time.monotonic() + 40

def take(name):
    try:
        (HERE / name).unlink()
    except FileNotFoundError:
        return False
    return True

def judge(row):
    if not row["prompt"]:
        return True
    if (HERE / "slow").exists():
        (HERE / "at-work").touch()
        time.sleep(float((HERE / "slow").read_text()))
    if "12" in row["prompt"]:
        if take("die-now"):
            os.kill(os.getpid(), signal.SIGKILL)
        if take("die-writing"):
            from tamis.engine import cache
            cache.failpoint = lambda name: os.kill(os.getpid(), signal.SIGKILL)
    if (HERE / "seen").exists():
        import ray
        (HERE / "seen" / ray.util.get_node_ip_address()).touch()
        while len(list((HERE / "seen").iterdir())) < 2 and time.monotonic() < PATIENCE:
            time.sleep(0.01)  # the other node may be slow to start its first worker
    if (HERE / "doom").exists():
        if os.environ.get("MILL_NODE") == "doomed":
            (HERE / "at-work").touch()
            time.sleep(600)
        while not (HERE / "at-work").exists():
            time.sleep(0.05)
    if "13 " in row["prompt"]:
        raise LookupError("thirteen")
    return "14 " not in row["prompt"] or "fourteen"
"""


def tree(number: int) -> str:
    replies = [
        {"role": "assistant", "text": f"{answer} of {number}", "rank": k} for k, answer in enumerate(("no", "yes"))
    ]
    return json.dumps({"role": "prompter", "text": f"where is order {number}", "replies": replies})


def prepare(folder: Path) -> Path:
    """The workspace that has not run."""
    set_up(folder, MORE.replace("max_quarantined: 0.02", "max_quarantined: 0.5"), rows=300)
    write_lines(folder / "trees.jsonl", [{"tree": tree(n), "topic": "orders"} for n in range(40)])
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def on_threads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of a run on threads."""
    folder = prepare(tmp_path_factory.mktemp("threads") / "mill")
    with small_slices():
        result = run(folder)
    assert result.outcomes["born"] == 80
    assert result.outcomes["quarantined"] > 5, "lines, and rows that the function fails on"
    return folder


@pytest.fixture(scope="module")
def expected(on_threads: Path) -> Outcome:
    """What it says."""
    return outcome(on_threads)


def progress(folder: Path) -> list[tuple[str, int]]:
    """The stage and rows of every partition that was told done, as it was told."""
    lines = (folder / "runs/mill/1/events.jsonl").read_text(encoding="utf-8").splitlines()
    events = [event for line in lines if (event := json.loads(line))["event"] == "PartitionDone"]
    return [(event["stage"], event["rows"]) for event in events]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes of one core each."""
    made = Cluster()
    try:
        made.add()
        yield made
    finally:
        left = made.end()
    assert left == [], "processes outlive their cluster"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepare(tmp_path / "mill")


def on(cluster: Cluster, folder: Path, *words: str, **env: str) -> Process:
    """A run on the cluster, on its way."""
    return Process(folder, "--on", cluster.address, *words, **cluster.environment, **env)


# -- the same bytes ---------------------------------------------------------------------------


def test_two_nodes_share_the_work_and_give_the_bytes_of_threads(
    cluster: Cluster, folder: Path, on_threads: Path, expected: Outcome
) -> None:
    (folder / "seen").mkdir()
    said = on(cluster, folder).end()
    assert (said.code, said.err) == (0, "")
    assert {path.name for path in (folder / "seen").iterdir()} == {"127.0.0.2", "127.0.0.3"}
    assert outcome(folder) == expected
    assert progress(folder) == progress(on_threads)
    assert len(progress(folder)) > 20
    assert leftovers(folder) == []
    assert not (folder / ".tamis/cluster").exists()


@pytest.mark.parametrize("words", [("--on", "ray"), ("--executor", "processes")] if LONG else [("--on", "ray")])
def test_this_machine_alone_gives_the_same(words: tuple[str, ...], folder: Path, expected: Outcome) -> None:
    process = Process(folder, *words, "--workers", "2")
    said = process.end()
    assert (said.code, said.err) == (0, "")
    assert outcome(folder) == expected
    assert ours(process) == []
    assert folders_of(process) == []


# -- what dies on the way ---------------------------------------------------------------------


def test_workers_killed_at_work_and_while_they_write_change_nothing_not_even_from_afar(
    cluster: Cluster, folder: Path, expected: Outcome
) -> None:
    pytest.importorskip("grpc", reason="ray:// needs ray[client]")
    (folder / "die-now").touch()
    (folder / "die-writing").touch()
    said = Process(folder, "--on", cluster.client, **cluster.environment).end()
    assert said.err == ""  # first: where it cannot join, this says why
    assert said.code == 0
    assert list(folder.glob("die-*")) == [], "two workers died"
    assert outcome(folder) == expected
    assert leftovers(folder) == []


def test_a_node_killed_at_work_changes_nothing(cluster: Cluster, folder: Path, expected: Outcome) -> None:
    doomed = cluster.add(MILL_NODE="doomed")
    try:
        (folder / "doom").touch()
        process = on(cluster, folder)
        process.wait_for("at-work")
        (folder / "doom").unlink()
    finally:
        doomed.kill()
    said = process.end()
    assert (folder / "at-work").exists()
    assert (said.code, said.err) == (0, "")
    assert outcome(folder) == expected


def test_a_run_killed_with_its_driver_goes_on_without_ray(folder: Path, expected: Outcome) -> None:
    (folder / "slow").write_text("0.02")
    process = Process(folder, "--on", "ray", "--workers", "2")
    process.wait_for("at-work")
    time.sleep(0.3)
    os.kill(process.inner.pid, signal.SIGKILL)
    process.end()
    deadline = time.monotonic() + 20
    while ours(process) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert ours(process) == [], "a local instance ends with its driver"
    (folder / "slow").unlink()
    with small_slices():
        result = run(folder)
    assert result.folder.name == "1"
    assert outcome(folder) == expected
    assert leftovers(folder) == []
    for path in folders_of(process):  # the next local instance would
        shutil.rmtree(path)


@pytest.mark.parametrize("times", [1, 2] if LONG else [2])
def test_ctrl_c(times: int, cluster: Cluster, folder: Path, expected: Outcome) -> None:
    """Once: at the next partition. Twice: at once. A terminal sends it to the whole group."""
    (folder / "slow").write_text("0.01" if times == 1 else "600")
    process = on(cluster, folder)
    process.wait_for("at-work")
    for _ in range(times):
        os.killpg(process.inner.pid, signal.SIGINT)
        time.sleep(0.5)
    said = process.end(timeout=60)
    assert (said.code, said.out) == (130, "")
    assert said.err == "tamis: interrupted; run the same command again to go on\n"
    assert read_state(folder / "runs/mill/1")["status"] == "interrupted"
    (folder / "slow").unlink()
    with small_slices():
        run(folder)
    assert outcome(folder) == expected


# -- what cannot work -------------------------------------------------------------------------


def test_a_node_that_does_not_see_the_workspace_is_named(cluster: Cluster, folder: Path) -> None:
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody hide a folder from a process")
    blind = cluster.add(1, hidden=folder)
    try:
        said = on(cluster, folder).end()
        assert (said.code, said.out) == (1, "")
        assert said.err == (
            f"tamis: node 127.0.0.{len(cluster.nodes) + 1} ({socket.gethostname()}) of the Ray cluster does not see the "
            f"workspace {folder / '.tamis'}: No such file or directory\n"
            "Hint: put the workspace on a path that every node mounts: tamis run … -w PATH\n"
        )
        assert not (folder / "dist").exists()
    finally:
        blind.kill()


def ours(process: Process) -> list[int]:
    """The living processes of a driver's local instance: their session's folder bears its number."""
    mark = f"tamis-ray-{process.inner.pid}-".encode()
    return [pid for pid in living() if mark in command_of(pid)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() + environment_of(pid)
    except OSError:
        return b""


def folders_of(process: Process) -> list[Path]:
    return list(Path("/tmp").glob(f"tamis-ray-{process.inner.pid}-*"))
