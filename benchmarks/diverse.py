"""What a selection is worth: python benchmarks/diverse.py banking77/train.csv banking77/test.csv [--label category] [--rows 385]

A linear classifier (scikit-learn's logistic regression on vectors of `local/default`) is trained on the rows chosen from four
fifths of the training rows, drawn by seed, and judged by the test rows: for each way of choosing the mean accuracy over the seeds
and how much it is above rows chosen by chance from the same four fifths, with an interval of 95% over the seeds (t, paired).
Files: CSV, or JSON of lists of [text, label] pairs by split (`train`, `test`), as clinc150 has it: one file then.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression

from tamis.engine.kmeans import kmeans
from tamis.engine.quantised import LENGTH, nearest, quantise
from tamis.engine.spread import best_servers, farthest_first, strided
from tamis.llm.local_embed import local_embedder


def read(paths: list[Path], label: str) -> list[tuple[list[str], list[str]]]:
    """(texts, labels) of the training and of the test rows."""
    if len(paths) == 1:
        raw = gzip.decompress(paths[0].read_bytes()) if paths[0].suffix == ".gz" else paths[0].read_bytes()
        whole = json.loads(raw)
        return [tuple(map(list, zip(*whole[split], strict=True))) for split in ("train", "test")]  # type: ignore[misc]
    frames = [pl.read_csv(path, infer_schema_length=0) for path in paths]
    return [(frame["text"].to_list(), frame[label].to_list()) for frame in frames]


def ways(vectors: Any, count: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """The rows that each way of choosing takes."""
    chance = np.random.default_rng(seed)
    n = len(vectors)
    label = nearest(vectors, kmeans(vectors, min(count // 5, n), seed))[0]
    order = chance.permutation(n)
    rank = np.empty(n, np.int64)
    by = order[np.argsort(label[order], kind="stable")]
    _, first, size = np.unique(label[by], return_index=True, return_counts=True)
    rank[by] = np.arange(n) - np.repeat(first, size)
    return {
        "chance": order[:count],
        "per_cluster": np.lexsort((order, rank))[:count],
        "diverse, facility": best_servers(vectors, count, np.fromiter(strided(n, 2000), np.int64)).order,
        "diverse, k_centre": farthest_first(vectors, count).order,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--label", default="category")
    parser.add_argument("--rows", type=int, nargs="+", default=[385])
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    (texts, labels), (test, truth) = read(given.files, given.label)
    vectors, others = (quantise(local_embedder("default").embed(pl.Series(t))[0])[0] for t in (texts, test))
    names = np.array(labels)
    print(f"\n{given.files[0].parent.name}: {len(texts):,} rows, {len(set(labels))} labels, {given.seeds} seeds\n")
    print("| rows chosen | way | accuracy | above chance, points | labels reached |\n|---|---|---|---|---|")
    start = time.process_time()
    for count in given.rows:
        found: dict[str, list[tuple[float, int]]] = {}
        for seed in range(given.seeds):
            own = np.sort(np.random.default_rng(1000 + seed).permutation(len(texts))[: len(texts) * 4 // 5])
            for way, rows in ways(vectors[own], count, seed).items():
                mine = own[rows]
                model = LogisticRegression(C=10.0, max_iter=300)
                model.fit(vectors[mine] / LENGTH, names[mine])
                score = float((model.predict(others / LENGTH) == np.array(truth)).mean())
                found.setdefault(way, []).append((score, len(set(names[mine].tolist()))))
        base = np.array([score for score, _ in found["chance"]])
        for way, told in found.items():
            scores = np.array([score for score, _ in told])
            above = 100 * (scores - base)
            half = (
                stats.t.ppf(0.975, len(above) - 1) * above.std(ddof=1) / np.sqrt(len(above)) if len(above) > 1 else 0.0
            )
            shown = (
                ""
                if way == "chance"
                else f"{above.mean():+.1f} ({above.mean() - half:+.1f} to {above.mean() + half:+.1f})"
            )
            reached = np.mean([labels for _, labels in told])
            print(f"| {count:,} | {way} | {scores.mean():.1%} | {shown} | {reached:.1f} |", flush=True)
    print(f"\n{time.process_time() - start:.0f} processor seconds")


if __name__ == "__main__":
    main()
