"""What Ray costs: the recipe of pipeline.py on threads, on processes and on Ray, and the overhead of one task.

    python benchmarks/cluster.py [--rows 200000] [--folder /tmp/tamis-bench] [--tasks 400]

Everything runs on this machine, so Ray cannot win: the figure is what it costs to have it. `nodes` starts a cluster of
two `ray start` on loopback addresses. CPU is that of every process a run started, Ray's own included; each is found by
a variable in its environment, and looked at four times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline import RECIPE, digest
from rows import write

MARK = "TAMIS_BENCH_MARK"
TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """Adds up the processor time of all processes that bear a mark, and finds their largest memory together."""

    def __init__(self, mark: str) -> None:
        self.mark = mark.encode()
        self.cpu: dict[int, float] = {}
        self.before: dict[int, float] = {}
        self.peak = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        known: set[int] = set()
        first = True
        while not self._done.wait(0 if first else 0.25):
            memory = 0.0
            for path in Path("/proc").glob("[0-9]*"):
                pid = int(path.name)
                try:
                    if pid not in known and self.mark in (path / "environ").read_bytes():
                        known.add(pid)
                    if pid in known:
                        words = (path / "stat").read_text().rpartition(") ")[2].split()
                        self.cpu[pid] = (int(words[11]) + int(words[12])) / TICKS
                        rollup = (path / "smaps_rollup").read_text()
                        memory += next(int(line.split()[1]) for line in rollup.split("\n") if line.startswith("Pss:"))
                except (OSError, StopIteration):
                    continue
            if first:  # what stood before the run began
                self.before, first = dict(self.cpu), False
            self.peak = max(self.peak, memory / 1000)

    def end(self) -> tuple[float, float]:
        """Seconds of processor time, and megabytes."""
        self._done.set()
        self._thread.join()
        return sum(self.cpu.values()) - sum(self.before.values()), self.peak


def run(folder: Path, recipe: str, *words: str, **env: str) -> dict[str, Any]:
    """One run from nothing: wall and CPU seconds, megabytes, and the hash of what it delivered."""
    env = {MARK: secrets.token_hex(8), **env}
    variable = "RAY_AUTH_TOKEN" if "RAY_AUTH_TOKEN" in env else MARK  # nodes that stand bear their cluster's token
    for name in (".tamis", "dist", "runs"):
        shutil.rmtree(folder / name, ignore_errors=True)
    (folder / "recipe.yaml").write_text(recipe)
    command = [
        sys.executable,
        "-m",
        "tamis",
        "run",
        str(folder / "recipe.yaml"),
        "--json",
        "--progress",
        "none",
        *words,
    ]
    watch = Watch(f"{variable}={env[variable]}")
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env={**os.environ, **env})
    wall = time.perf_counter() - started
    cpu, peak = watch.end()
    return {**json.loads(done.stdout), "wall": wall, "cpu": cpu, "peak": peak, "bytes": digest(folder)}


@contextmanager
def nodes(cores: int) -> Iterator[tuple[str, dict[str, str]]]:
    """A cluster of two nodes on loopback; its address, and the variables that let a driver in."""
    folder = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    start = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block"]
    start += [f"--num-cpus={cores}", "--object-store-memory=100000000"]
    head = [
        "--head",
        "--port=26379",
        "--include-dashboard=false",
        f"--temp-dir={folder}",
        "--ray-client-server-port=26380",
    ]
    begun = []
    try:
        for number, words in ((2, head), (3, ["--address=127.0.0.2:26379"])):
            log = folder / f"{number}.log"
            with open(log, "wb") as out:
                command = [*start, *words, f"--node-ip-address=127.0.0.{number}"]
                begun.append(subprocess.Popen(command, env={**os.environ, **env}, stdout=out, stderr=out))
            while "Ray runtime started" not in log.read_text():
                if begun[-1].poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.1)
        yield "127.0.0.2:26379", env
    finally:
        for process in reversed(begun):
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def nothing(number: int) -> int:
    """A task that does nothing."""
    return number


def overhead(count: int) -> dict[str, float]:
    """Milliseconds that a task costs beyond its work, by executor, once it is warm."""
    from tamis.engine.executor import executor_for

    found = {}
    for name, on, kind in (
        ("threads", "local", "threads"),
        ("processes", "local", "processes"),
        ("ray", "ray", "threads"),
    ):
        with tempfile.TemporaryDirectory() as folder, executor_for(on, 2, kind) as executor:
            executor.meet(Path(folder))
            task = nothing if on == "local" else (lambda number: number)  # this file is not installed on workers
            list(executor.map(task, range(20)))
            started = time.perf_counter()
            list(executor.map(task, range(count)))
            found[name] = (time.perf_counter() - started) * 1000 / count
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tamis-bench"))
    parser.add_argument("--tasks", type=int, default=400)
    given = parser.parse_args()
    folder = given.folder / f"cluster-{given.rows}"
    folder.mkdir(parents=True, exist_ok=True)
    data = write(folder / "rows.jsonl", given.rows)
    recipe = RECIPE.format(data="rows.jsonl", shares="{train: 0.9, validation: 0.1}")
    slices = {"TAMIS_SLICE_BYTES": str(8 << 20)}  # so that there are some partitions
    run(folder, recipe, **slices)  # compile
    found = {
        "threads": run(folder, recipe, "--workers", "2", **slices),
        "processes": run(folder, recipe, "--workers", "2", "--executor", "processes", **slices),
        "ray, an instance for the run": run(folder, recipe, "--workers", "2", "--on", "ray", **slices),
    }
    with nodes(1) as (address, env):
        found["ray, two nodes that stand"] = run(folder, recipe, "--on", address, **slices, **env)
    size = data.stat().st_size
    print(f"{given.rows:,} rows, {size / 1e6:.0f} MB, {-(-size // (8 << 20))} partitions; {os.cpu_count()} cores.\n")
    print(
        "| run | wall s | CPU s | memory MB | read s | steps s | deliver s | same bytes |\n|---|---|---|---|---|---|---|---|"
    )
    for name, one in found.items():
        s, same = one["seconds"], one["bytes"] == found["threads"]["bytes"]
        print(
            f"| {name} | {one['wall']:.1f} | {one['cpu']:.1f} | {one['peak']:.0f} | {s['read']:.2f} | "
            f"{s['steps']:.2f} | {s['deliver']:.2f} | {same} |"
        )
    print("\n| executor | ms a task that does nothing |\n|---|---|")
    for name, cost in overhead(given.tasks).items():
        print(f"| {name} | {cost:.2f} |")


if __name__ == "__main__":
    main()
