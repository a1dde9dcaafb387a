"""Near rows by meaning: python benchmarks/semantic.py FILE.csv [--column text] [--rows 200000] [--peer PYTHON] [--sick FILE...]

Rows are made of the file's texts, three words of one exchanged for those of others; a tenth are planted paraphrases of earlier
rows: words put in another order at one place, contracted, and with a courtesy around them. `local/default` embeds. Seconds of
the clock and of the processors, as Markdown tables.

--peer: a Python with semhash 0.5.0 installed (python -m venv V; V/bin/pip install semhash==0.5.0): it gets the same vectors, and
its removals are judged by the exact cosines. "Lost" are rows that left and have no row that stays as near as the threshold.
--sick: files of neardup-sick (JSON Lines, .gz): which pairs would be merged, by what people said of them.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from embeddings import mixed

from tamis.engine.contrary import kinds
from tamis.engine.quantised import quantise
from tamis.engine.semantic import Points, around_kept, nearest_to
from tamis.llm.local_embed import local_embedder

PEER = """
import resource, sys, time
import numpy as np
from semhash import SemHash

vectors = np.load(sys.argv[1])

class Known:
    def encode(self, inputs, **options):
        return vectors[[int(text) for text in inputs]]

wall, cpu = time.perf_counter(), time.process_time()
records = [{"text": str(n)} for n in range(len(vectors))]
made = SemHash.from_records(records, columns=["text"], model=Known())
found = made.self_deduplicate(threshold=float(sys.argv[2]))
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
np.save(sys.argv[3], np.array(sorted(int(record["text"]) for record in found.selected)))
print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
CONTRACTED = {
    "i am": "i'm",
    "it is": "it's",
    "do not": "don't",
    "can not": "can't",
    "what is": "what's",
    "where is": "where's",
}
AROUND = ("please, {}", "hello, {}", "{} thanks", "hi! {}", "{} please help")


def paraphrased(text: str, chance: np.random.Generator) -> str:
    """The same said a little differently."""
    low = text.lower()
    for long, short in CONTRACTED.items():
        low = low.replace(long, short)
    words = low.split()
    if len(words) > 3:
        at = int(chance.integers(0, len(words) - 1))
        words[at], words[at + 1] = words[at + 1], words[at]
    return AROUND[int(chance.integers(len(AROUND)))].format(" ".join(words))


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--column", default="text")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--thresholds", type=float, nargs="+", default=[0.9])
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--sick", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    if given.sick:
        contradictions(given.sick)
    if given.rows:
        speed(given)


def speed(given: argparse.Namespace) -> None:
    chance = np.random.default_rng(5)
    source = pl.read_csv(given.file, infer_schema_length=0)[given.column].drop_nulls().to_list()
    planted = given.rows // 10
    texts = mixed(source, given.rows - planted).to_list()
    parents = chance.choice(len(texts), planted, replace=False)
    texts += [paraphrased(texts[parent], chance) for parent in parents.tolist()]
    vectors = local_embedder("default").embed(pl.Series(texts))[0]
    warm, _ = quantise(vectors[:300])
    around_kept(Points(warm), np.arange(300), 0.9, 0.85)
    print(f"\n{len(texts):,} rows, {planted:,} of them planted, {vectors.shape[1]} dimensions\n")
    print(
        "| what | threshold | seconds | processor seconds | peak MB | stay | lost | planted found |\n"
        + "|---" * 8
        + "|"
    )
    for threshold in given.thresholds:
        wall, cpu = time.perf_counter(), time.process_time()
        whole, valid = quantise(vectors)
        points = Points(whole)
        found = around_kept(points, np.flatnonzero(valid), threshold, min(0.85, threshold))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        tell("dedup.semantic, no guard", threshold, wall, cpu, peak(), points, found.stays, planted)
        if given.peer:
            tell_peer(given.peer, vectors, threshold, points, planted)


def tell_peer(python: Path, vectors: Any, threshold: float, points: Points, planted: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "vectors.npy", vectors.astype(np.float32))
        command = [str(python), "-c", PEER, str(folder / "vectors.npy"), str(threshold), str(folder / "kept.npy")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr[-2000:], file=sys.stderr)
            return
        wall, cpu, memory = (float(x) for x in done.stdout.split())
        stays = np.zeros(len(vectors), np.bool_)
        stays[np.load(folder / "kept.npy")] = True
    tell("semhash", threshold, wall, cpu, int(memory), points, stays, planted)


def tell(
    name: str, threshold: float, wall: float, cpu: float, memory: int, points: Points, stays: Any, planted: int
) -> None:
    gone = np.flatnonzero(~stays)
    # rounding to whole numbers moves a cosine by some 0.0002: no removal at the threshold itself is held against anyone
    nearest, _ = nearest_to(Points(points.whole[gone]), Points(points.whole[stays]), threshold - 0.001)
    found = (~stays[-planted:]).mean() if planted else 0.0
    lost = int((nearest < 0).sum())
    print(
        f"| {name} | {threshold} | {wall:.1f} | {cpu:.1f} | {memory:,} | {stays.sum():,} | {lost:,} | {found:.1%} |",
        flush=True,
    )


def contradictions(files: list[Path]) -> None:
    for file in files:
        with (gzip.open if file.suffix == ".gz" else open)(file, "rt", encoding="utf-8") as lines:
            pairs = pl.DataFrame([json.loads(line) for line in lines])
        said, close = pairs["entailment_judgment"], pairs["relatedness_score"].cast(pl.Float64)
        a, b = (local_embedder("default").embed(pairs[f"sentence_{x}"])[0].astype(np.float64) for x in "AB")
        cosine = (a * b).sum(axis=1) / np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
        same = {
            guard or "none": np.asarray(
                (kinds(pairs["sentence_A"], guard.split()) == kinds(pairs["sentence_B"], guard.split())).to_numpy()
            )
            for guard in ("", "numbers", "negation", "numbers negation")
        }
        groups = {
            "contradiction": (said == "CONTRADICTION").to_numpy(),
            "neutral": (said == "NEUTRAL").to_numpy(),
            "entailment": (said == "ENTAILMENT").to_numpy(),
            "entailment, relatedness 4.8 or more": ((said == "ENTAILMENT") & (close >= 4.8)).to_numpy(),
        }
        print(f"\n{file.name}: " + ", ".join(f"{int(mine.sum()):,} {name}" for name, mine in groups.items()) + "\n")
        print("| threshold | guard | " + " | ".join(groups) + " |\n" + "|---" * (len(groups) + 2) + "|")
        for threshold in (0.8, 0.85, 0.9, 0.95, 0.98):
            for guard, alike in same.items():
                shares = [f"{(alike & (cosine >= threshold))[mine].mean():.1%}" for mine in groups.values()]
                print(f"| {threshold} | {guard} | " + " | ".join(shares) + " |")


if __name__ == "__main__":
    main()
