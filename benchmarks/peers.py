"""Near-duplicates, side by side: Tamis and other tools on the same planted rows, each in an environment of its own.

    python benchmarks/peers.py [--rows 20000] [--peers tamis,rensa,…] [--folder /tmp/tamis-peers] [--limit 300] [--json]

Makes rows with planted copies whose truth is known (`planted.py`), installs each peer with pip into an environment of its
own under --folder, runs `peer_drivers/run_NAME.py ROWS KEPT`, and prints one table: wall and CPU seconds, the peak memory of
the whole process tree, the size of the installation, and what it got right. A peer that cannot be installed, fails, or
takes longer than --limit seconds is told so, with its last line. Tamis runs as a whole command: read, judge, deliver.

What the columns mean. found: share of the planted copies of a kind that left, or whose original did; lost: groups of
copies of which no row is left; alone: rows that left although no planted relative of theirs exists.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import planted
import polars as pl

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Peer:
    """What pip installs, and what it is asked to do. python: commands tried for the interpreter, first found wins."""

    packages: tuple[str, ...]
    unit: str
    python: tuple[str, ...] = ("python3.11", "python3.12", "python3")


PEERS = {
    "tamis": Peer((), "character 5-grams, 0.65, verified"),
    "exact": Peer((), "Python dict of lower-cased, squeezed text"),
    "rensa": Peer(("rensa==0.5.0",), "word 5-grams, 128 permutations, 0.7, keep first"),
    "datasketch": Peer(("datasketch==2.0.0",), "word 5-grams, 128 permutations, 0.7, keep first"),
    "semhash": Peer(("semhash==0.5.0", "wordllama==0.4.0.post1"), "static embeddings, cosine 0.9"),
    "datatrove": Peer(
        ("datatrove[io,processing]==0.10.1", "spacy", "orjson"), "word 5-grams, 14 bands of 8, two workers"
    ),
    "data_prep_kit": Peer(("data-prep-toolkit-transforms[fdedup]==1.1.8",), "word 5-grams, 112 permutations, 0.75"),
    "text_dedup": Peer(("text-dedup==0.4.0",), "word 5-grams, 0.7, two processes", ("python3.12", "python3")),
    "data_juicer": Peer(("py-data-juicer==1.6.1",), "word 5-grams, 256 permutations, 0.7, two processes"),
}


@dataclass
class Measured:
    """One run of one peer."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0
    problem: str = ""


def environment(name: str, peer: Peer, folder: Path, limit: float) -> tuple[Path | None, str]:
    """The interpreter of the peer's own environment, made when it is not there; or what went wrong."""
    if not peer.packages:
        return Path(sys.executable), ""
    home = folder / "environments" / name
    python, done = home / "bin/python", home / "done"
    if done.exists():
        return python, ""
    base = next((p for p in peer.python if _runs(p)), sys.executable)
    for command in (
        [base, "-m", "venv", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.packages],
    ):
        try:
            made = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return None, f"not installed in {limit:.0f} s"
        if made.returncode:
            return None, "not installed: " + _last(made.stderr or made.stdout)
    done.touch()
    return python, ""


def _runs(python: str) -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0
    return False


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "no word why"


TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int, cpu: dict[int, float]) -> int:
    """Resident bytes of a process and all below it; cpu: takes in the seconds of each of them."""
    parents: dict[int, int] = {}
    sizes: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(") ")[2].split()
            number = int(entry.name)
            parents[number], sizes[number] = int(fields[1]), int(fields[21]) * 4096
            seconds[number] = (int(fields[11]) + int(fields[12])) / TICK
    total = 0
    for process, size in sizes.items():
        above = process
        while above not in (0, root):
            above = parents.get(above, 0)
        if above == root:
            total += size
            cpu[process] = seconds[process]
    return total


def measure(command: list[str], cwd: Path, limit: float) -> Measured:
    """Run a command to its end, or to the limit."""
    told = Measured()
    seen: dict[int, float] = {}  # workers that somebody else waits for are in nobody's account
    started = time.perf_counter()
    log = cwd / "log.txt"
    with open(log, "wb") as out:
        process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=out, start_new_session=True)
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.1):
                told.peak_mb = max(told.peak_mb, tree(process.pid, seen) / 1e6)
                if time.perf_counter() - started > limit:
                    os.killpg(process.pid, 9)
                    told.problem = f"not done in {limit:.0f} s"

        thread = threading.Thread(target=watch)
        thread.start()
        _, status, usage = os.wait4(process.pid, 0)
        told.wall = time.perf_counter() - started
        ended.set()
        thread.join()
    told.cpu = max(usage.ru_utime + usage.ru_stime, sum(seen.values()))
    told.peak_mb = max(told.peak_mb, usage.ru_maxrss / 1000)
    if status and not told.problem:
        told.problem = "failed: " + _last(log.read_text(errors="replace"))
    return told


def groups(original: np.ndarray) -> np.ndarray:
    """(n,) int64: the first row of each row's group of planted copies."""
    root = np.arange(len(original))
    for row, source in enumerate(original.tolist()):  # a copy stands after what it was copied from
        if source >= 0:
            root[row] = root[source]
    return root


def judged(kept: np.ndarray, truth: pl.DataFrame) -> dict[str, Any]:
    """What a tool got right. kept: (n,) bool."""
    original, kinds = truth["original"].to_numpy(), truth["kind"].to_numpy()
    root = groups(original)
    size, left = np.bincount(root, minlength=len(root)), np.bincount(root, weights=kept, minlength=len(root))
    copies = original >= 0
    found = ~kept | ~kept[np.maximum(original, 0)]
    return {
        "removed": int((~kept).sum()),
        "lost": int(((size > 1) & (left == 0)).sum()),
        "alone": int((~kept & (size[root] == 1)).sum()),
        "found": {k: float(found[copies & (kinds == k)].mean()) for k in planted.KINDS if (kinds == k).any()},
    }


def run(name: str, rows: Path, truth: pl.DataFrame, folder: Path, limit: float) -> dict[str, Any]:
    """One peer: installed, run, judged."""
    peer = PEERS[name]
    python, problem = environment(name, peer, folder, max(limit, 600))
    if python is None:
        return {"name": name, "unit": peer.unit, "problem": problem}
    work = folder / "work" / name
    subprocess.run(["rm", "-rf", str(work)], check=True)
    work.mkdir(parents=True)
    kept_path = work / "kept.txt"
    told = measure([str(python), str(HERE / f"peer_drivers/run_{name}.py"), str(rows), str(kept_path)], work, limit)
    size = sum(p.stat().st_size for p in (folder / "environments" / name).rglob("*") if p.is_file()) / 1e6
    answer = {"name": name, "unit": peer.unit, "wall": told.wall, "cpu": told.cpu, "peak_mb": told.peak_mb}
    answer |= {"installed_mb": size if peer.packages else None, "problem": told.problem}
    if not told.problem:
        kept = np.zeros(truth.height, np.bool_)
        kept[np.loadtxt(kept_path, dtype=np.int64, ndmin=1)] = True
        answer |= judged(kept, truth)
    return answer


def table(found: list[dict[str, Any]], count: int, mb: float) -> str:
    """The figures as Markdown."""
    kinds = list(planted.KINDS)
    lines = [f"{count:,} rows, {mb:.0f} MB.", ""]
    lines.append(f"| tool | wall s | CPU s | peak MB | MB installed | lost | alone | {' | '.join(kinds)} |")
    lines.append("|---|" + "---:|" * (6 + len(kinds)))
    for one in found:
        if one["problem"]:
            lines.append(f"| {one['name']} | {one['problem']} |" + " |" * (5 + len(kinds)))
            continue
        installed = "" if one["installed_mb"] is None else f"{one['installed_mb']:.0f}"
        shares = " | ".join(f"{one['found'].get(kind, 0):.1%}" for kind in kinds)
        lines.append(
            f"| {one['name']} | {one['wall']:.1f} | {one['cpu']:.1f} | {one['peak_mb']:.0f} | {installed} "
            f"| {one['lost']} | {one['alone']} | {shares} |"
        )
    lines += ["", *(f"- {one['name']}: {one['unit']}" for one in found)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--peers", default=",".join(PEERS), help="names, by comma")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tamis-peers"))
    parser.add_argument("--limit", type=float, default=300, help="seconds that each peer may take")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    names = [name for name in options.peers.split(",") if name]
    if unknown := [name for name in names if name not in PEERS]:
        raise SystemExit(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    rows = planted.write(options.folder.resolve() / f"planted-{options.rows}.jsonl", options.rows)
    truth = pl.read_parquet(rows.with_name(rows.name + ".truth.parquet"))
    found = []
    for name in names:
        found.append(run(name, rows, truth, options.folder.resolve(), options.limit))
        print(f"{name}: {found[-1].get('problem') or 'done'}", file=sys.stderr)
    print(json.dumps(found, indent=1) if options.json else table(found, options.rows, rows.stat().st_size / 1e6))


if __name__ == "__main__":
    main()
