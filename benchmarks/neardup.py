"""Near-duplicates on planted rows: wall, CPU, memory, and right or wrong against the truth.

    python benchmarks/neardup.py [--rows 62000 200000] [--folder /tmp/tamis-neardup] [--threshold 0.65] [--json]
    python benchmarks/neardup.py --rows 62000 200000 1000000 5000000
    python benchmarks/neardup.py --oracle 6000
    python benchmarks/neardup.py --real

Rows come from benchmarks/planted.py: 62,000 with 17 % of them planted copies, 200,000 with 35 %, larger sets with 60 %. Each
run is a process of its own (`tamis run`: map.auto → dedup.minhash over the whole row), timed from start to exit; memory is
its largest resident set. "Without" is the same run without dedup.minhash: what reading, mapping and the report cost.

found: of the planted copies of a kind, those that are not left beside the row they copy. false: rows removed into a row that is
no relative (neither is a copy of the other, nor both of a third). lost: rows of which neither they nor a copy is left.
--oracle N: N planted rows against every pair of them, compared exactly. --real: copies planted among the distinct rows of real
sets as they are, and GPTeacher's tool rows by threshold, with and without the rule for templates.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from planted import KINDS, copied, write
from rows import data_folder

RECIPE = """
tamis: 1
name: near
sources:
  - use: files
    path: {data}
    id: [id]
steps:
  - use: map.auto
"""
STEP = """  - use: dedup.minhash
    threshold: {threshold}
"""


def run(folder: Path, recipe: str) -> dict[str, Any]:
    """One run: its answer, with `wall` and `cpu` seconds and `peak_mb`."""
    (folder / "recipe.yaml").write_text(recipe)
    command = [sys.executable, "-m", "tamis", "run", str(folder / "recipe.yaml"), "--json", "--progress", "none"]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"the run failed: {status}")
    told: dict[str, Any] = json.loads(out)
    cpu = usage.ru_utime + usage.ru_stime
    return {**told, "wall": wall, "cpu": cpu, "peak_mb": usage.ru_maxrss / 1000}


def decided(run_folder: Path, data: Path) -> np.ndarray:
    """(rows,) int64: the line that each line was merged into, -1 where it was kept."""
    from tamis.runs.ledger import Ledger

    ledger = Ledger(run_folder)
    high, low, line = [], [], []
    for index in range(len(ledger.partitions())):
        rows = ledger.rows(index)
        high.append(rows["id.high"])
        low.append(rows["id.low"])
        line.append(rows["at.line"].cast(pl.Int64) - 1)
    from tamis.engine.ids import hex_ids

    ids = hex_ids(pl.concat(high).to_numpy(), pl.concat(low).to_numpy()).alias("id")
    places = pl.DataFrame([ids, pl.concat(line).alias("line")])
    left = [frame.select("id", "into") for _, frame in ledger.left("dedup.minhash")]
    into = np.full(places.height, -1, np.int64)
    if left:
        pairs = pl.concat(left).join(places, on="id").join(places.rename({"id": "into", "line": "to"}), on="into")
        into[pairs["line"].to_numpy()] = pairs["to"].to_numpy()
        assert pairs.height == sum(frame.height for frame in left), "a row was merged into one that is not there"
    return into


def right_or_wrong(into: np.ndarray, truth: pl.DataFrame) -> dict[str, Any]:
    """Figures against the truth."""
    original, kind = truth["original"].to_numpy(), truth["kind"].to_numpy()
    root = np.arange(len(original))
    for i in np.flatnonzero(original >= 0):
        root[i] = root[original[i]]
    gone = into >= 0
    false = int((gone & (root != root[np.maximum(into, 0)])).sum())
    kept = np.zeros(len(root), np.bool_)
    kept[root[~gone]] = True
    found = {}
    for one in KINDS:
        some = np.flatnonzero(kind == one)
        apart = ~gone[some] & ~gone[original[some]]
        found[one] = 1 - float(apart.mean()) if len(some) else None
    groups = np.unique(root)
    return {
        "removed": int(gone.sum()), "planted": int((original >= 0).sum()), "found": found, "false": false,
        "lost": int((~kept[groups]).sum()), "into_removed": int((into[into[gone]] >= 0).sum()),
    }  # fmt: skip


def share(rows: int) -> float:
    """Share of planted copies."""
    return 0.17 if rows <= 62_000 else 0.35 if rows <= 200_000 else 0.6


def measure(rows: int, root: Path, threshold: float) -> dict[str, Any]:
    """Every figure for a number of rows."""
    data = write(root / f"planted-{rows}.jsonl", rows, share(rows))
    truth = pl.read_parquet(f"{data}.truth.parquet")
    folder = root / f"run-{rows}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    small = write(root / "warm.jsonl", 500)
    run(folder, RECIPE.format(data=small) + STEP.format(threshold=threshold))  # compiles what is not compiled yet
    shutil.rmtree(folder / ".tamis")
    bare = RECIPE.format(data=data)
    found: dict[str, Any] = {"rows": rows, "mb": data.stat().st_size / 1e6, "without": run(folder, bare)}
    shutil.rmtree(folder / ".tamis")
    full = found["with"] = run(folder, bare + STEP.format(threshold=threshold))
    found["truth"] = right_or_wrong(decided(Path(full["run"]), data), truth)
    found["moved"] = run(folder, bare + STEP.format(threshold=0.8))
    shutil.rmtree(folder / ".tamis")
    return found


def table(measured: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    lines = [
        "| rows | MB | | wall s | CPU s | peak MB | gather s | decide s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in measured:
        for name, title in (
            ("without", "without dedup"),
            ("with", "dedup.minhash"),
            ("moved", "threshold moved to 0.8"),
        ):
            s = one[name]["seconds"]
            gather = sum(v for k, v in s.items() if k.endswith("(gather)"))
            decide = sum(v for k, v in s.items() if k.endswith("(decide)"))
            lines.append(
                f"| {one['rows']:,} | {one['mb']:.0f} | {title} | {one[name]['wall']:.1f} | {one[name]['cpu']:.1f} | "
                f"{one[name]['peak_mb']:.0f} | {gather:.2f} | {decide:.2f} |"
            )
    lines += [
        "",
        "| rows | planted | removed | false | lost | " + " | ".join(KINDS) + " |",
        "|---" * (5 + len(KINDS)) + "|",
    ]
    for one in measured:
        t = one["truth"]
        found = " | ".join("" if v is None else f"{100 * v:.2f} %" for v in t["found"].values())
        lines.append(
            f"| {one['rows']:,} | {t['planted']:,} | {t['removed']:,} | {t['false']} | {t['lost']} | {found} |"
        )
    return "\n".join(lines)


def oracle(rows: int, root: Path) -> str:
    """The step on planted rows against every pair, compared exactly: how many pairs are found, by similarity."""
    from tamis.engine.copies import find
    from tamis.engine.frame import Frame
    from tamis.engine.hashing import LOOSE
    from tamis.engine.neardup import plain
    from tamis.engine.text import to_series, to_text
    from tamis.steps.dedup.minhash import Minhash
    from tamis.testing import MemoryTable

    data = write(root / f"planted-{rows}.jsonl", rows, 0.35)
    frame = pl.read_ndjson(data).select(text=pl.col("prompt") + "\x1e" + pl.col("completion"))
    step = Minhash(on="text", templates=0)
    view = Frame.of(frame)
    copies = find(MemoryTable(view, step.gather(view)), step.wanted())
    exact = {(int(a), int(b)): float(s) for a, b, s in zip(copies.a, copies.b, copies.similarity[:, 0], strict=True)}
    texts = to_series("", plain(to_text(frame["text"]), LOOSE)).to_list()
    grams = [{text[k : k + 5] for k in range(len(text) - 4)} or {text} for text in texts]
    numbers: dict[str, int] = {}
    sets = [np.array(sorted(numbers.setdefault(gram, len(numbers)) for gram in one)) for one in grams]
    starts: dict[int, list[int]] = {}
    heads = sorted({int(b) for b in copies.best})
    shared = np.zeros(rows, np.int32)
    edges, hit, total, wrong = (0.6, 0.65, 0.7, 0.8, 0.9, 1.0001), {}, {}, 0
    for i in heads:
        shared[:] = 0
        for gram in sets[i].tolist():
            other = starts.setdefault(gram, [])
            shared[other] += 1
            other.append(i)
        near = np.flatnonzero(shared >= 0.3 * len(sets[i]))
        for j in near.tolist():
            similarity = shared[j] / (len(sets[i]) + len(sets[j]) - shared[j])
            if similarity >= step.floor:
                bucket = next(low for low, high in pairwise(edges) if similarity < high)
                total[bucket] = total.get(bucket, 0) + 1
                hit[bucket] = hit.get(bucket, 0) + ((j, i) in exact)
                wrong += (j, i) in exact and exact[j, i] != similarity
    lines = [f"{rows:,} rows, {len(heads):,} distinct: similar pairs found, of all that there are.", ""]
    lines += ["| similarity from | pairs | found | chance stated at that similarity |", "|---|---|---|---|"]
    lines += [f"| {b} | {total[b]} | {hit[b] / total[b]:.4f} | {step.chance(b):.4f} |" for b in sorted(total)]
    lines += ["", f"Found but not similar: {len(exact) - sum(hit.values())}. With another similarity: {wrong}."]
    return "\n".join(lines)


SETS = {
    "GPTeacher code": "gpteacher/codegen-instruct.json.gz",
    "GPTeacher role play": "gpteacher/roleplay-simple-deduped-roleplay-instruct.json.gz",
    "Alpaca, English": "llama-factory-demo/alpaca_en_demo.json.gz",
    "GPTeacher tools, filtered": "gpteacher/toolformer-similarity-0.6-dataset.json.gz",
}


def pairs_of(name: str) -> list[tuple[str, str]]:
    """The distinct (prompt, answer) pairs of a set."""
    with gzip.open(data_folder() / name, "rt", encoding="utf-8") as file:
        rows = json.load(file)
    both = (
        (f"{r['instruction']}\n{r.get('input') or ''}".strip(), r.get("response") or r.get("output") or "")
        for r in rows
    )
    return list(dict.fromkeys(both))


def real() -> str:
    """Copies among real rows, and tool rows by threshold."""
    from tamis.steps.dedup.minhash import Minhash
    from tamis.testing import run_step

    lines = ["| set | rows | characters a row | natural | " + " | ".join(KINDS) + " |", "|---" * (4 + len(KINDS)) + "|"]
    for title, name in SETS.items():
        rng = random.Random(3)
        rows = pairs_of(name)
        words = sorted({w for _, answer in rows[:1000] for w in answer.split() if w.isalpha()})
        whole = [{"prompt": prompt, "response": answer} for prompt, answer in rows]
        natural = sum(into is not None for into in run_step(Minhash(), whole).into)
        planted = [(KINDS[k % len(KINDS)], rng.randrange(len(rows))) for k in range(min(len(rows), 2100))]
        copies = [copied(rows[place], kind, rng, words) for kind, place in planted]
        found = run_step(Minhash(), [*whole, *({"prompt": p, "response": r} for p, r in copies)]).into
        hit: dict[str, list[bool]] = {kind: [] for kind in KINDS}
        for k, (kind, place) in enumerate(planted):
            hit[kind].append(found[len(rows) + k] is not None or found[place] is not None)
        length = sum(len(p) + len(r) for p, r in rows) // len(rows)
        shares = " | ".join(f"{100 * sum(one) / len(one):.1f} %" for one in hit.values())
        lines.append(f"| {title} | {len(rows):,} | {length} | {natural} | {shares} |")
    rows = pairs_of("gpteacher/toolformer-dedupe-only-dataset.json.gz")
    whole = [{"prompt": prompt, "response": answer} for prompt, answer in rows]
    lines += [
        "",
        "| threshold | tool rows that stay | of the rows their makers kept | without the rule for templates |",
        "|---|---|---|---|",
    ]
    for threshold in (0.9, 0.8, 0.7, 0.65):
        into = [run_step(Minhash(threshold=threshold, templates=t), whole).into for t in (20, 0)]
        stay = [sum(one is None for one in some) for some in into]
        name = f"gpteacher/toolformer-similarity-{threshold:g}-dataset.json.gz"
        theirs = set(pairs_of(name)) if (data_folder() / name).exists() else set()
        both = sum(row in theirs for row, one in zip(rows, into[0], strict=True) if one is None)
        share = f"{100 * both / len(theirs):.1f} % of {len(theirs):,}" if theirs else ""
        lines.append(f"| {threshold:g} | {stay[0]:,} | {share} | {stay[1]:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[62_000, 200_000])
    parser.add_argument("--folder", type=Path, default=Path("/tmp/tamis-neardup"))
    parser.add_argument("--threshold", type=float, default=0.65)
    parser.add_argument("--oracle", type=int)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.oracle:
        print(oracle(options.oracle, options.folder))
    elif options.real:
        print(real())
    else:
        results = [measure(rows, options.folder, options.threshold) for rows in options.rows]
        print(json.dumps(results, indent=1) if options.json else table(results))
