"""Near-duplicates, side by side: Tamis and other tools on the same planted rows, each in an environment of its own.

    python benchmarks/peers.py [--rows 20000] [--peers tamis,rensa,…] [--folder /tmp/tamis-peers] [--limit 120]
                               [--minutes 10] [--python 3.12=/path/to/python] [--json] [--check]

Makes rows with planted copies whose truth is known (`planted.py`), installs each peer with pip into an environment of its
own under --folder, runs `peer_drivers/run_NAME.py ROWS KEPT`, and prints one table: wall and CPU seconds, the peak memory of
the whole process tree, the size of the installation, and what it got right. A peer that cannot be installed, fails, or
takes longer than --limit seconds is told so, with its last line, and the next one has its turn; so is one that has no time
left of --minutes. Environments stay under --folder: a second call installs nothing. Tamis runs as a whole command: read,
judge, deliver; to read the delivered rows' ids is left to this program. Linux only (/proc). --check tests the judging itself, and runs no peer.

What the columns mean. ready in: seconds of installing, or of finding that it is installed (Tamis: of compiling its kernels
by a run over 50 rows, if that is not done yet); removed: rows that left; exact … edit_10: the share of the planted copies of a kind that left, or that stand for their
original, which left (one copy a group may, the nearest); lost: groups of copies of which no row is left; alone: rows that left although no planted relative of theirs exists, parted by the exact
truth: each is compared with every other row, and is "like" when one of them has a Jaccard similarity of at least 0.7 in
character 5-grams or in word 5-grams, "unlike" when none has.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import planted
import polars as pl
from processes import Measured, adopt_orphans, below, end_all, last_word, measure

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "peer_drivers"))

import _rows  # noqa: E402 (what the drivers read with, so that the truth is about the same texts)

SIMILAR = 0.7
INSTALL_LIMIT = 480.0  # seconds
#: this repository, with nothing but what it needs
TAMIS = ("-e", str(HERE.parent))
DELIVERY = "dist/peers/data.jsonl"


@dataclass(frozen=True)
class Peer:
    """What pip installs, and what it is asked to do. pythons: versions that it runs on, the first that is found wins;
    driver: whose driver and environment it uses, its own by default; asked: what the driver is told after the paths;
    delivers: JSON Lines with the ids of the kept rows, which this program reads, beside its clock."""

    packages: tuple[str, ...]
    unit: str
    pythons: tuple[str, ...] = ("3.11", "3.12", "3.13")
    driver: str = ""
    asked: tuple[str, ...] = ()
    delivers: str = ""


PEERS = {
    "tamis": Peer(TAMIS, "character 5-grams, 0.65, verified", delivers=DELIVERY),
    "tamis_words": Peer(
        TAMIS,
        "word 5-grams, 0.7, verified: what most peers are asked for",
        (),
        "tamis",
        ("unit: words, n: 5, threshold: 0.7",),
        DELIVERY,
    ),
    "exact": Peer((), "Python dict of lower-cased, squeezed text"),
    "rensa": Peer(("rensa==0.5.0",), "word 5-grams, 128 permutations, 0.7, keep first"),
    "rensa_letters": Peer(
        ("rensa==0.5.0",),
        "character 5-grams, 125 permutations, 0.65, keep first: what Tamis does by default",
        driver="rensa",
        asked=("letters",),
    ),
    "datasketch": Peer(("datasketch==2.0.0",), "word 5-grams, 128 permutations, 0.7, keep first"),
    "semhash": Peer(("semhash==0.5.0", "wordllama==0.4.0.post1"), "static embeddings, cosine 0.9"),
    "datatrove": Peer(
        ("datatrove[io,processing]==0.10.1", "spacy", "orjson"), "word 5-grams, 14 bands of 8, two workers"
    ),
    # alone, it takes a NumPy below 2 and a pyarrow that needs NumPy 2, and does not start
    "data_prep_kit": Peer(
        ("data-prep-toolkit-transforms[fdedup]==1.1.8", "pyarrow<21"), "word 5-grams, 112 permutations, 0.75"
    ),
    "text_dedup": Peer(("text-dedup==0.4.1",), "word 5-grams, 0.7, two processes", ("3.12", "3.13")),
    # it needs aiohttp without saying so, and would install the others in the middle of the run
    "data_juicer": Peer(
        ("py-data-juicer==1.6.1", "aiohttp", "scipy", "ray"), "word 5-grams, 256 permutations, 0.7, two processes"
    ),
}


def interpreter(versions: tuple[str, ...], given: dict[str, str]) -> str | None:
    """A Python of one of these versions: one that was given, this one, one on the PATH, one that stands beside this one
    (as version managers put them), or one that uv knows of. None: there is none.

    What answers with another version, or only with a word about how to switch it on, is passed over.
    """
    beside = Path(sys.base_prefix).resolve().parent
    for version in versions:
        name = f"python{version}"
        tried = [given.get(version), sys.executable, shutil.which(name)]
        tried += [str(path) for path in sorted(beside.glob(f"*/bin/{name}"))]
        if uv := shutil.which("uv"):
            answer = subprocess.run(
                [uv, "python", "find", "--offline", version], capture_output=True, text=True, check=False
            )
            tried.append(answer.stdout.strip())
        for path in tried:
            if path and _version(path) == version:
                return path
    return None


def _version(python: str) -> str:
    ask = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    with contextlib.suppress(OSError):
        return subprocess.run([python, "-c", ask], capture_output=True, text=True, check=False).stdout.strip()
    return ""


def environment(name: str, peer: Peer, folder: Path, limit: float, given: dict[str, str]) -> tuple[Path | None, str]:
    """The interpreter of the peer's own environment, made when it is not there; or what went wrong."""
    if not peer.packages:
        return Path(sys.executable), ""
    home = folder / "environments" / name
    python, done = home / "bin/python", home / "done"
    wanted = "\n".join(peer.packages)
    if done.exists() and done.read_text() == wanted:
        return python, ""
    base = interpreter(peer.pythons, given)
    if base is None:
        return None, f"not installed: needs Python {' or '.join(peer.pythons)} (--python VERSION=PATH)"
    home.mkdir(parents=True, exist_ok=True)
    for command in (
        [base, "-m", "venv", "--clear", str(home)],
        [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", *peer.packages],
    ):
        made = measure(command, folder, limit, folder / f"install-{name}.txt")
        if made.problem:
            return None, f"not installed: {made.problem}"
    done.write_text(wanted)
    return python, ""


def groups(original: np.ndarray) -> np.ndarray:
    """(n,) int64: the first row of each row's group of planted copies.

    >>> groups(np.array([-1, 0, -1, 1, 2])).tolist()
    [0, 0, 2, 0, 2]
    """
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
    # where the original left, the kept copy that is nearest to it stands for it; any other kept copy was not found
    order = {kind: k for k, kind in enumerate(("", *planted.KINDS))}
    stands: dict[int, int] = {}
    for row in np.flatnonzero(kept).tolist():
        best = stands.setdefault(int(root[row]), row)
        if order[kinds[row]] < order[kinds[best]]:
            stands[int(root[row])] = row
    found = ~kept
    found[list(stands.values())] = True
    return {
        "removed": int((~kept).sum()),
        "lost": int(((size > 1) & (left == 0)).sum()),
        "alone_rows": np.flatnonzero(~kept & (size[root] == 1)).tolist(),
        "found": {k: float(found[copies & (kinds == k)].mean()) for k in planted.KINDS if (kinds == k).any()},
    }


def nearest(asked: Iterable[int], sets: Callable[[], Iterable[set[str]]]) -> dict[int, float]:
    """Row → the highest Jaccard similarity to any other row, exactly, for the rows asked for. sets: all rows, in order.

    >>> nearest([0, 3], lambda: [{"a", "b"}, {"a"}, {"a", "b", "c"}, {"x"}])
    {0: 0.6666666666666666, 3: 0.0}
    """
    wanted = sorted(set(asked))
    place = {row: k for k, row in enumerate(wanted)}
    posted: dict[str, list[int]] = defaultdict(list)
    sizes = np.ones(len(wanted))
    for row, one in enumerate(sets()):
        if (k := place.get(row)) is not None:
            sizes[k] = len(one)
            for item in one:
                posted[item].append(k)
    postings = {item: np.array(held, np.int32) for item, held in posted.items()}
    best = np.zeros(len(wanted))
    for row, one in enumerate(sets()):
        hits = [postings[item] for item in one if item in postings]
        if not hits:
            continue
        shared = np.bincount(np.concatenate(hits), minlength=len(wanted))
        similarity = shared / (sizes + len(one) - shared)
        if (k := place.get(row)) is not None:
            similarity[k] = 0.0
        np.maximum(best, similarity, out=best)
    return {row: float(best[k]) for row, k in place.items()}


def part_alone(found: list[dict[str, Any]], rows: Path) -> None:
    """Say of each tool's rows that left alone how many have a true relative all the same."""
    asked = {row for one in found for row in one.get("alone_rows", ())}
    texts = list(_rows.texts(rows)) if asked else []
    by_letters = nearest(asked, lambda: map(_rows.characters, texts))
    by_words = nearest(asked, lambda: map(_rows.shingles, texts))
    for one in found:
        if "alone_rows" in one:
            alone = one.pop("alone_rows")
            one["like"] = sum(max(by_letters[row], by_words[row]) >= SIMILAR for row in alone)
            one["unlike"] = len(alone) - one["like"]


def run(
    name: str, rows: Path, truth: pl.DataFrame, folder: Path, limit: float, install_limit: float, given: dict[str, str]
) -> dict[str, Any]:
    """One peer: installed, run, judged."""
    peer = PEERS[name]
    driver = peer.driver or name
    answer: dict[str, Any] = {"name": name, "unit": peer.unit}
    started = time.perf_counter()
    python, problem = environment(driver, peer, folder, install_limit, given)
    if python is None:
        return answer | {"problem": problem}
    work = folder / "work" / name
    kept_path = work / "kept.txt"

    def go(source: Path) -> Measured:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        command = [str(python), str(HERE / f"peer_drivers/run_{driver}.py"), str(source), str(kept_path), *peer.asked]
        return measure(command, work, limit, work / "log.txt")

    if driver == "tamis":  # its kernels are compiled once after an installation, and here belong to that
        few = folder / "few.jsonl"
        with open(rows, encoding="utf-8") as file:
            few.write_text("".join(islice(file, 50)), encoding="utf-8")
        go(few)
    answer["install_s"] = time.perf_counter() - started
    told = go(rows)
    home = folder / "environments" / driver
    size = sum(p.lstat().st_size for p in home.rglob("*") if p.is_file() and not p.is_symlink()) / 1e6
    answer |= {"wall": told.wall, "cpu": told.cpu, "peak_mb": told.peak_mb}
    answer |= {"installed_mb": size if peer.packages else None, "problem": told.problem}
    if not told.problem:
        if peer.delivers:
            with open(work / peer.delivers, encoding="utf-8") as file:
                _rows.write_kept(kept_path, (int(json.loads(line)["id"].rpartition("-")[2]) for line in file))
        numbers = np.array(kept_path.read_text().split(), np.int64)
        if len(np.unique(numbers)) != len(numbers) or not len(numbers):
            return answer | {"problem": "failed: it kept no rows, or one of them twice"}
        kept = np.zeros(truth.height, np.bool_)
        kept[numbers] = True
        answer |= judged(kept, truth)
    return answer


def check() -> None:
    """Test the judging on rows whose answer is known."""
    import doctest

    failures, tried = doctest.testmod(sys.modules[__name__])
    assert tried
    assert not failures
    # 0 ← 1 ← 3, 2 ← 4, 5 alone
    truth = pl.DataFrame({"original": [-1, 0, -1, 1, 2, -1], "kind": ["", "exact", "", "case", "exact", ""]})
    keeps = {
        "the hard copy and another": ([0, 0, 1, 1, 1, 1], 2, 0, [], {"exact": 0.5, "case": 1.0}),
        "two copies, no original": ([0, 1, 1, 1, 0, 1], 2, 0, [], {"exact": 1.0, "case": 0.0}),
        "the first of each": ([1, 0, 1, 0, 0, 1], 3, 0, [], {"exact": 1.0, "case": 1.0}),
        "the last of each": ([0, 0, 0, 1, 1, 1], 3, 0, [], {"exact": 1.0, "case": 1.0}),
        "everything": ([1, 1, 1, 1, 1, 1], 0, 0, [], {"exact": 0.0, "case": 0.0}),
        "a group lost, one alone": ([1, 1, 0, 0, 0, 0], 4, 1, [5], {"exact": 0.5, "case": 1.0}),
    }
    for told, (kept, removed, lost, alone, shares) in keeps.items():
        answer = judged(np.array(kept, np.bool_), truth)
        expected = {"removed": removed, "lost": lost, "alone_rows": alone, "found": shares}
        assert answer == expected, (told, answer)
    rng = np.random.default_rng(1)
    sets = [{chr(97 + k) for k in rng.integers(0, 12, 5)} for _ in range(60)]
    slow = {a: max(len(sets[a] & b) / len(sets[a] | b) for j, b in enumerate(sets) if j != a) for a in range(0, 60, 3)}
    assert nearest(slow, lambda: sets) == slow
    assert interpreter(("1.0",), {"1.0": sys.executable}) is None
    assert interpreter((f"{sys.version_info[0]}.{sys.version_info[1]}",), {})
    adopt_orphans()
    sleep = "import time; time.sleep(60)"
    # a worker in a session of its own, whose parent has ended, is ended with its peer
    orphan = f"import subprocess, sys; w = subprocess.Popen([sys.executable, '-c', '{sleep}'], start_new_session=True)"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log.txt"
        assert not measure([sys.executable, "-c", orphan + "; print(w.pid)"], Path(folder), 20, log).problem
        assert not Path(f"/proc/{int(log.read_text())}").exists()
        held = "b = b'x' * 300_000_000; import time; time.sleep(0.3)"
        assert 300 < measure([sys.executable, "-S", "-c", held], Path(folder), 20, log).peak_mb < 340
        idle = measure([sys.executable, "-S", "-c", "import time; time.sleep(0.3)"], Path(folder), 20, log)
        assert idle.peak_mb < 30  # and not this process's own
        assert "not done" in measure([sys.executable, "-c", sleep], Path(folder), 0.3, log).problem
        assert "ValueError: 3" in measure([sys.executable, "-c", "raise ValueError(3)"], Path(folder), 20, log).problem
    assert not below(os.getpid())
    print("the judging is right")


def table(found: list[dict[str, Any]], count: int, mb: float) -> str:
    """The figures as Markdown."""
    kinds = list(planted.KINDS)
    lines = [f"{count:,} rows, {mb:.0f} MB.", ""]
    heads = [
        "tool",
        "wall s",
        "CPU s",
        "peak MB",
        "MB installed",
        "ready in s",
        "removed",
        "lost",
        "alone, like",
        "alone, unlike",
    ]
    lines += [f"| {' | '.join([*heads, *kinds])} |", "|---|" + "---:|" * (len(heads) - 1 + len(kinds))]
    for one in found:
        if one["problem"]:
            lines.append(f"| {one['name']} | {one['problem']} |" + " |" * (len(heads) - 2 + len(kinds)))
            continue
        installed = "" if one["installed_mb"] is None else f"{one['installed_mb']:.0f}"
        shares = " | ".join(f"{one['found'].get(kind, 0):.1%}" for kind in kinds)
        lines.append(
            f"| {one['name']} | {one['wall']:.1f} | {one['cpu']:.1f} | {one['peak_mb']:.0f} | {installed} "
            f"| {one['install_s']:.1f} | {one['removed']} | {one['lost']} | {one['like']} | {one['unlike']} | {shares} |"
        )
    lines += ["", *(f"- {one['name']}: {one['unit']}" for one in found)]
    return "\n".join(lines)


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--peers", default=",".join(PEERS), help="names, by comma")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tamis-peers"))
    parser.add_argument("--limit", type=float, default=120, help="seconds that each peer may take")
    parser.add_argument("--minutes", type=float, default=10, help="for all peers together, installations included")
    parser.add_argument("--python", action="append", default=[], metavar="VERSION=PATH", help="an interpreter to use")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check", action="store_true", help="test the judging itself")
    options = parser.parse_args()
    if options.check:
        check()
        return
    names = [name for name in options.peers.split(",") if name]
    if unknown := [name for name in names if name not in PEERS]:
        raise SystemExit(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    given = dict(one.split("=", 1) for one in options.python)
    signal.signal(signal.SIGTERM, _stop)
    adopt_orphans()
    folder = options.folder.resolve()
    ends = time.perf_counter() + 60 * options.minutes - 20  # the last seconds are for the exact truth
    rows = planted.write(folder / f"planted-{options.rows}.jsonl", options.rows)
    truth = pl.read_parquet(rows.with_name(rows.name + ".truth.parquet"))
    found: list[dict[str, Any]] = []
    try:
        for name in names:
            left = ends - time.perf_counter()
            if left < 5:
                found.append({"name": name, "unit": PEERS[name].unit, "problem": "not tried: no time left (--minutes)"})
            else:
                try:
                    limits = min(left, options.limit), min(left, INSTALL_LIMIT)
                    found.append(run(name, rows, truth, folder, *limits, given))
                except Exception as error:  # whatever it is, the next peer has its turn
                    problem = f"failed: {type(error).__name__}: {last_word(str(error))}"
                    found.append({"name": name, "unit": PEERS[name].unit, "problem": problem})
            print(f"{name}: {found[-1].get('problem') or 'done'}", file=sys.stderr)
        part_alone(found, rows)
    except KeyboardInterrupt:
        end_all()
        raise SystemExit(130) from None
    print(json.dumps(found, indent=1) if options.json else table(found, options.rows, rows.stat().st_size / 1e6))


if __name__ == "__main__":
    main()
